package cases

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Parse reads the text of one file; docs/reference/dialect-cases.md describes the format.
func Parse(stem, text string) ([]Case, error) {
	p := &parser{stem: stem, lines: strings.Split(text, "\n"), names: map[string]bool{}}
	if err := p.head(); err != nil {
		return nil, p.at(err)
	}

	var all []Case
	for p.skip(); p.next < len(p.lines); p.skip() {
		c, err := p.one()
		if err != nil {
			return nil, p.at(err)
		}
		all = append(all, c)
	}
	return all, nil
}

type parser struct {
	stem  string
	lines []string
	next  int
	file  Case // what the file says of all its cases
	names map[string]bool
}

func (p *parser) at(err error) error { return fmt.Errorf("line %d: %w", p.next, err) }

// skip goes to the next line that is neither empty nor a comment.
func (p *parser) skip() {
	for p.next < len(p.lines) && (strings.TrimSpace(p.lines[p.next]) == "" || strings.HasPrefix(p.lines[p.next], "#")) {
		p.next++
	}
}

// line takes a line: its first word, and the rest.
func (p *parser) line() (word, rest string) {
	if p.next == len(p.lines) {
		return "", ""
	}
	word, rest, _ = strings.Cut(p.lines[p.next], " ")
	p.next++
	return word, strings.TrimSpace(rest)
}

// head reads "construct RANK NAME", and the page and the dialects of all cases that have none of their own.
func (p *parser) head() error {
	p.file.Dialects = []string{Postgres, Redshift}
	for p.skip(); p.next < len(p.lines) && !strings.HasPrefix(p.lines[p.next], "case "); p.skip() {
		word, rest := p.line()
		if word != "construct" {
			if err := p.file.directive(word, rest); err != nil {
				return err
			}
			continue
		}
		rank, name, _ := strings.Cut(rest, " ")
		number, err := strconv.Atoi(rank)
		if err != nil || name == "" {
			return fmt.Errorf("construct needs a rank and a name, not %q", rest)
		}
		p.file.Rank, p.file.Construct = number, name
	}

	if p.file.Construct == "" {
		return fmt.Errorf("no line names the construct")
	}
	return nil
}

// directive reads a line before the query.
func (c *Case) directive(word, rest string) error {
	switch word {
	case "page":
		if !strings.HasPrefix(rest, "https://www.postgresql.org/docs/15/") && !strings.HasPrefix(rest, "https://docs.aws.amazon.com/redshift/latest/dg/") {
			return fmt.Errorf("%q is not a page of PostgreSQL 15's or Redshift's documentation", rest)
		}
		c.Pages = append(c.Pages, rest)
	case "only":
		if rest != Postgres && rest != Redshift {
			return fmt.Errorf("there is no dialect %q", rest)
		}
		c.Dialects = []string{rest}
	case "rule":
		c.Rule = strings.TrimSpace(c.Rule + " " + rest)
	case "target":
		target, err := parseTypes(rest)
		c.Target = target
		return err
	default:
		return fmt.Errorf("%q is not known before a query", word)
	}
	return nil
}

// one reads a case, from its name to the empty line after what is expected.
func (p *parser) one() (Case, error) {
	c := p.file
	c.Pages = nil
	word, rest := p.line()
	if word != "case" || rest == "" || strings.Contains(rest, " ") || p.names[rest] {
		return c, fmt.Errorf("%q is not a case with a name of its own", word+" "+rest)
	}
	p.names[rest] = true
	c.Name = p.stem + "/" + rest
	for {
		word, rest = p.line()
		if word == "query" {
			break
		}
		if err := c.directive(word, rest); err != nil {
			return c, err
		}
	}
	if len(c.Pages) == 0 {
		c.Pages = p.file.Pages
	}
	if rest != "" && rest != "ordered" {
		return c, fmt.Errorf("a query may be ordered, not %q", rest)
	}
	c.Ordered = rest == "ordered"

	var end string
	if c.Query, end = p.until("as", "----"); end == "as" {
		c.As, end = p.until("----")
	}
	if end != "----" || c.Query == "" {
		return c, fmt.Errorf("the query of %s is empty or does not end with ----", c.Name)
	}
	err := p.want(&c)
	return c, err
}

// until takes lines up to one that begins with one of the words.
func (p *parser) until(words ...string) (text, word string) {
	start := p.next
	for ; p.next < len(p.lines); p.next++ {
		first, _, _ := strings.Cut(p.lines[p.next], " ")
		if !slices.Contains(words, first) {
			continue
		}
		text = strings.TrimSpace(strings.Join(p.lines[start:p.next], "\n"))
		if first != "----" { // want reads that line
			p.next++
		}
		return text, first
	}
	return "", ""
}

// want reads "---- TYPES" with the rows, or "---- error CONDITION".
func (p *parser) want(c *Case) error {
	c.expected = p.next
	_, rest := p.line()
	condition, isError := strings.CutPrefix(rest, "error ")
	if isError {
		c.Want.Error = condition
	}

	var err error
	if !isError && rest != "" {
		if c.Want.Types, err = parseTypes(rest); err != nil {
			return err
		}
	}
	for ; p.next < len(p.lines) && p.lines[p.next] != ""; p.next++ {
		row, err := parseRow(p.lines[p.next])
		if err != nil {
			return err
		}
		if len(row) != len(c.Want.Types) {
			return fmt.Errorf("a row of %s has %d values, not %d", c.Name, len(row), len(c.Want.Types))
		}
		c.Want.Rows = append(c.Want.Rows, row)
	}

	c.end = p.next
	if c.Target != nil && !isError && len(c.Want.Types) != 0 && len(c.Target) != len(c.Want.Types) {
		return fmt.Errorf("the target of %s has %d columns, not %d", c.Name, len(c.Target), len(c.Want.Types))
	}
	return nil
}

// parseRow splits "1, 'a, b', NULL".
func parseRow(line string) ([]Value, error) {
	var row []Value
	for rest := line; ; {
		rest = strings.TrimLeft(rest, " ")
		var v Value
		if strings.HasPrefix(rest, "'") {
			text, after, ok := unquote(rest)
			if !ok {
				return nil, fmt.Errorf("a text has no end: %s", line)
			}
			v.Text, rest = text, after
		} else {
			end := strings.IndexByte(rest+",", ',')
			v.Text, rest = strings.TrimSpace(rest[:end]), rest[end:]
			v.Null = v.Text == "NULL"
		}
		row = append(row, v)

		rest = strings.TrimLeft(rest, " ")
		if rest == "" {
			return row, nil
		}
		if rest[0] != ',' {
			return nil, fmt.Errorf("values are separated by commas: %s", line)
		}
		rest = rest[1:]
	}
}

// unquote takes a quoted text, in which a quote is doubled, and returns what follows it.
func unquote(s string) (text, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), s[i+1:], true
	}
	return "", "", false
}
