package scaffold

import (
	"fmt"
	"strings"

	"github.com/hindcast/hindcast/internal/numbers"
)

// Text says in a few lines what was written and guessed, and what to do next.
func (found Found) Text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "wrote %s and %s\n", found.File, found.SQLFile)
	next := "fill them in, then: hindcast plan\n"
	switch {
	case len(found.Facts) > 0:
		found.guesses(&text)
		next = "look over what is marked \"guessed\", then: hindcast plan\n"
	case found.Looked && len(found.Unread) > 0:
		text.WriteString("  no table has a time column, or a time in its name that can be read: they hold an example\n")
	case found.Looked:
		fmt.Fprintf(&text, "  none of %s has a time in its name or a time column: they hold an example\n", numbers.Counted(found.Tables, "table"))
	}
	if len(found.Unused) > 0 {
		fmt.Fprintf(&text, "  not used   %s\n", some(found.Unused))
	}
	for _, u := range found.Unread {
		fmt.Fprintf(&text, "  not used   %s: %s\n", some(u.Tables), u.Why)
	}
	if len(found.Made) > 0 {
		fmt.Fprintf(&text, "  left out   %s: hindcast fills them\n", some(found.Made))
	}
	for _, hidden := range found.Hidden {
		fmt.Fprintf(&text, "  not seen   %s\n", hidden)
	}
	text.WriteString("\nNext: " + next)
	if len(found.Facts) > 0 {
		fmt.Fprintf(&text, "      one slice's rows: hindcast sql \"SELECT * FROM %s LIMIT 10\"\n", strings.ReplaceAll(inSQL(found.Facts[0].Name), `"`, `\"`))
	}
	return text.String()
}

func (found Found) guesses(text *strings.Builder) {
	idle := 0
	for _, f := range found.Facts {
		if f.Idle != "" {
			idle++
			if f.Idle != tooMany {
				fmt.Fprintf(text, "  left out   %s: %s%s; %s\n", f.Name, f.Table, f.summary(), f.Idle)
			}
			continue
		}
		fmt.Fprintf(text, "  fact       %s: %s%s\n", f.Name, f.Table, f.summary())
		if f.Either != "" {
			fmt.Fprintf(text, "             or its names are %s: correct it then\n", f.Either)
		}
		if len(f.Missing) > 0 {
			fmt.Fprintf(text, "             missing: %s\n", some(f.Missing))
		}
		if len(f.Stray) > 0 {
			fmt.Fprintf(text, "             left out: %s; their names begin no period of %s\n", some(f.Stray), f.Every)
		}
	}
	if idle > 0 {
		fmt.Fprintf(text, "  and %s in the file's comments\n", numbers.Counted(idle, "fact"))
	}
	for _, d := range found.Dimensions {
		fmt.Fprintf(text, "  dimension  %s, by %s\n", d.Name, d.FactKey)
	}
	if len(found.Unsummed) > 0 {
		fmt.Fprintf(text, "  not summed %s: no limit to their digits, so carried as text; uncomment their lines in %s\n", some(found.Unsummed), found.SQLFile)
	}
	if len(found.Uncarried) > 0 {
		fmt.Fprintf(text, "  left out   %s: their type cannot be carried; a view that casts them to a numeric with a precision can be the fact\n", some(found.Uncarried))
	}
	fmt.Fprintf(text, "  target     %s by %s\n", found.Target.Table, strings.Join(found.Target.Key, ", "))
}

// summary says how many tables, which time and how many rows a fact has.
func (f Fact) summary() string {
	s := ", by " + f.Time
	if f.Named {
		s = ", " + numbers.Counted(f.Tables, "table") + " of " + f.Every.String()
	}
	if !f.From.IsZero() {
		s += ", " + moment(f.From) + " to " + moment(f.To)
	}
	if f.Rows >= 0 {
		s += ", " + numbers.Counted(f.Rows, "row")
	}
	return s
}
