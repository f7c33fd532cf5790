package catalog

import (
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

// condition is what an expression says of a partition's values.
type condition func(values []string) (bool, error)

// compile reads an expression over partition keys as GetPartitions takes them: comparisons, IN, BETWEEN, LIKE, IS NULL, AND, OR,
// NOT and parentheses.
func compile(expression string, keys []Column) (condition, error) {
	if strings.TrimSpace(expression) == "" {
		return func([]string) (bool, error) { return true, nil }, nil
	}
	p := &parser{keys: keys}
	for rest := strings.TrimSpace(expression); rest != ""; rest = strings.TrimSpace(rest) {
		word := token.FindString(rest)
		if word == "" {
			return nil, p.wrong("%q cannot be read", rest)
		}
		p.words, rest = append(p.words, word), rest[len(word):]
	}
	is, err := p.or()
	if err == nil && p.at < len(p.words) {
		err = p.wrong("%q is not expected there", p.words[p.at])
	}
	return is, err
}

var token = regexp.MustCompile(`^(?:'(?:[^']|'')*'|"[^"]*"|` + "`[^`]*`" + `|<=|>=|<>|!=|[=<>(),]|-?\d+(?:\.\d+)?|\w+)`)

type parser struct {
	keys  []Column
	words []string
	at    int
}

func (p *parser) wrong(format string, args ...any) error {
	return jobs.Faultf(jobs.InvalidInput, "Unsupported expression: "+format, args...)
}

// take goes on if the next word is that keyword or sign.
func (p *parser) take(word string) bool {
	if p.at < len(p.words) && strings.EqualFold(p.words[p.at], word) {
		p.at++
		return true
	}
	return false
}

func (p *parser) next() string {
	if p.at == len(p.words) {
		return ""
	}
	p.at++
	return p.words[p.at-1]
}

func (p *parser) expect(word string) error {
	if !p.take(word) {
		return p.wrong("%s is missing", word)
	}
	return nil
}

// list reads conditions that a keyword joins.
func (p *parser) list(word string, one func() (condition, error), enough bool) (condition, error) {
	first, err := one()
	if err != nil {
		return nil, err
	}
	all := []condition{first}
	for p.take(word) {
		more, err := one()
		if err != nil {
			return nil, err
		}
		all = append(all, more)
	}
	return func(values []string) (bool, error) {
		for _, is := range all {
			if holds, err := is(values); err != nil || holds == enough {
				return holds, err
			}
		}
		return !enough, nil
	}, nil
}

func (p *parser) or() (condition, error)  { return p.list("OR", p.and, true) }
func (p *parser) and() (condition, error) { return p.list("AND", p.not, false) }

func (p *parser) not() (condition, error) {
	if p.take("NOT") {
		is, err := p.not()
		return negated(is, true), err
	}
	if p.take("(") {
		is, err := p.or()
		if err != nil {
			return nil, err
		}
		return is, p.expect(")")
	}
	return p.comparison()
}

func negated(is condition, negate bool) condition {
	return func(values []string) (bool, error) {
		holds, err := is(values)
		return holds != negate, err
	}
}

// comparison reads what is said of one key.
func (p *parser) comparison() (condition, error) {
	name := strings.Trim(p.next(), "`\"")
	key := slices.IndexFunc(p.keys, func(k Column) bool { return strings.EqualFold(k.Name, name) })
	if key < 0 {
		return nil, p.wrong("%q is not a partition key", name)
	}
	kind := p.keys[key].Type
	if p.take("IS") {
		negate := p.take("NOT")
		null := func(values []string) (bool, error) { return values[key] == nullValue, nil }
		return negated(null, negate), p.expect("NULL")
	}

	negate := p.take("NOT")
	is, err := p.operator(kind)
	if err != nil {
		return nil, err
	}
	return func(values []string) (bool, error) {
		if values[key] == nullValue {
			return false, nil
		}
		holds, err := is(values[key])
		return holds != negate, err
	}, nil
}

// nullValue is how Hive writes NULL in a folder's name.
const nullValue = "__HIVE_DEFAULT_PARTITION__"

// operator reads an operator with what it compares to.
func (p *parser) operator(kind string) (func(value string) (bool, error), error) {
	switch word := strings.ToUpper(p.next()); word {
	case "=", "<>", "!=", "<", ">", "<=", ">=":
		to, err := p.literal(kind)
		return func(value string) (bool, error) {
			order, err := compare(kind, value, to)
			return holds(word, order), err
		}, err
	case "BETWEEN":
		low, err := p.literal(kind)
		if err != nil {
			return nil, err
		}
		if err := p.expect("AND"); err != nil {
			return nil, err
		}
		high, err := p.literal(kind)
		return func(value string) (bool, error) {
			above, err := compare(kind, value, low)
			if err != nil {
				return false, err
			}
			below, err := compare(kind, value, high)
			return above >= 0 && below <= 0, err
		}, err
	case "IN":
		return p.in(kind)
	case "LIKE":
		to, err := p.literal("string")
		pattern := regexp.MustCompile("(?s)^" + strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(to)) + "$")
		return func(value string) (bool, error) { return pattern.MatchString(value), nil }, err
	default:
		return nil, p.wrong("%q is not an operator", word)
	}
}

func holds(operator string, order int) bool {
	switch operator {
	case "=":
		return order == 0
	case "<":
		return order < 0
	case ">":
		return order > 0
	case "<=":
		return order <= 0
	case ">=":
		return order >= 0
	}
	return order != 0
}

func (p *parser) in(kind string) (func(string) (bool, error), error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var list []string
	for {
		to, err := p.literal(kind)
		if err != nil {
			return nil, err
		}
		list = append(list, to)
		if !p.take(",") {
			break
		}
	}
	return func(value string) (bool, error) {
		for _, to := range list {
			if order, err := compare(kind, value, to); err != nil || order == 0 {
				return err == nil, err
			}
		}
		return false, nil
	}, p.expect(")")
}

// literal reads a value, which must be a number where the key is one.
func (p *parser) literal(kind string) (string, error) {
	for _, word := range []string{"DATE", "TIMESTAMP"} { // DATE '2016-01-01' is '2016-01-01'
		if p.at+1 < len(p.words) && strings.HasPrefix(p.words[p.at+1], "'") && p.take(word) {
			break
		}
	}
	word := p.next()
	switch {
	case strings.HasPrefix(word, "'") && len(word) > 1:
		word = strings.ReplaceAll(word[1:len(word)-1], "''", "'")
	case word == "" || !strings.ContainsAny(word[:1], "-0123456789"):
		return "", p.wrong("%q is not a value", word)
	}
	if _, is := new(big.Rat).SetString(word); numeric(kind) && !is {
		return "", p.wrong("%q is not a number, and the partition key is %s", word, kind)
	}
	return word, nil
}

func numeric(kind string) bool {
	kind, _, _ = strings.Cut(strings.ToLower(kind), "(")
	return slices.Contains([]string{"tinyint", "smallint", "int", "integer", "bigint", "long", "decimal"}, kind)
}

// compare orders two values of a key's type. Dates and timestamps are ordered as text.
func compare(kind, a, b string) (int, error) {
	if !numeric(kind) {
		return strings.Compare(a, b), nil
	}
	x, isX := new(big.Rat).SetString(a)
	y, isY := new(big.Rat).SetString(b)
	if !isX || !isY {
		return 0, jobs.Faultf(jobs.InvalidInput, "the partition value %q is not of its key's type, %s", a, kind)
	}
	return x.Cmp(y), nil
}
