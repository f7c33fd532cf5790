package warehouse

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hindcast/hindcast"
)

// placeholders finds what stands for a piece of a time in the names of tables.
var placeholders = func() *regexp.Regexp {
	var texts []string
	for _, p := range hindcast.Placeholders {
		texts = append(texts, regexp.QuoteMeta(p.Text))
	}
	return regexp.MustCompile(strings.Join(texts, "|"))
}()

// digits is how many digits a placeholder stands for, at least and at most.
func digits(placeholder string) (least, most int) {
	for _, p := range hindcast.Placeholders {
		if p.Text == placeholder {
			return p.Digits[0], p.Digits[len(p.Digits)-1]
		}
	}
	return 0, 0
}

// Pattern is a time-named table as a pipeline has it ("sales.billing_{yyyy}_{mm}"), for drivers that list the tables that
// it could mean.
type Pattern struct {
	text  string
	like  string // of the last part
	parts []*regexp.Regexp
}

// NewPattern makes a Pattern of the text and its parts as the driver reads names: the table's own name, and what it says
// of schema and database before it. Fold makes letters alike whatever their case.
func NewPattern(text string, parts []string, fold bool) Pattern {
	p := Pattern{text: text}
	for _, part := range parts {
		expression, like, at := "", "", 0
		for _, found := range placeholders.FindAllStringIndex(part, -1) {
			literal := part[at:found[0]]
			least, most := digits(part[found[0]:found[1]])
			expression += regexp.QuoteMeta(literal) + fmt.Sprintf("([0-9]{%d,%d})", least, most)
			like += likeLiteral(literal) + strings.Repeat("_", least)
			if most > least {
				like += "%"
			}
			at = found[1]
		}
		expression += regexp.QuoteMeta(part[at:])
		if fold {
			expression = "(?i:" + expression + ")"
		}
		p.parts = append(p.parts, regexp.MustCompile("^"+expression+"$"))
		p.like = like + likeLiteral(part[at:])
	}
	return p
}

func likeLiteral(text string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text)
}

// Like is a LIKE pattern, escaped by \, that every name that Match takes for the table's own fits.
func (p Pattern) Like() string { return p.like }

// Match reports whether a name of these parts could be meant, and spells it as the pattern does.
func (p Pattern) Match(parts ...string) (name string, ok bool) {
	if len(parts) != len(p.parts) {
		return "", false
	}
	var values []string
	for i, part := range parts {
		found := p.parts[i].FindStringSubmatch(part)
		if found == nil {
			return "", false
		}
		values = append(values, found[1:]...)
	}
	if len(values) != len(placeholders.FindAllString(p.text, -1)) {
		return "", false
	}
	return placeholders.ReplaceAllStringFunc(p.text, func(string) string {
		value := values[0]
		values = values[1:]
		return value
	}), true
}

// Qualified is Match for a table and its schema, which counts where the pattern names one.
func (p Pattern) Qualified(schema, table string) (name string, ok bool) {
	if len(p.parts) == 1 {
		return p.Match(table)
	}
	return p.Match(schema, table)
}
