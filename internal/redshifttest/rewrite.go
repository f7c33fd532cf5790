package redshifttest

import (
	"strings"
)

// folded is an identifier as Redshift stores it: lower case, in quotes too, unless enable_case_sensitive_identifier is on.
func folded(t token, exact bool) string {
	if t.kind == quoted && !exact {
		return strings.ToLower(t.raw)
	}
	return t.raw
}

// rewrite turns a statement of Redshift into one of PostgreSQL.
func rewrite(tokens []token, exact bool) string {
	code := solid(tokens)
	first, second := at(code, 0), at(code, 1)
	table := (first.is("CREATE") || first.is("ALTER")) && (second.is("TABLE") || at(code, 2).is("TABLE") || at(code, 3).is("TABLE"))
	if table && first.is("ALTER") && alterStorage(code) {
		return "ALTER TABLE " + join(code[2:nameEnd(code, 2)]) + " OWNER TO CURRENT_USER" // nothing that PostgreSQL has
	}

	w := &writer{tokens: tokens, exact: exact, table: table, setting: first.is("SET") || first.is("SHOW") || first.is("RESET")}
	for w.at < len(w.tokens) {
		w.step()
	}

	return w.out.String()
}

// writer goes over the tokens of a statement and writes what PostgreSQL is to read.
type writer struct {
	tokens  []token
	at      int
	out     strings.Builder
	exact   bool // identifiers in quotes keep their case
	table   bool // CREATE TABLE or ALTER TABLE
	setting bool // SET, SHOW or RESET
	named   bool // its name has been seen
}

// ahead is the n-th token from here that is not space, and where it is; 0 is the current one.
func (w *writer) ahead(n int) (token, int) {
	for i := w.at; i < len(w.tokens); i++ {
		if w.tokens[i].kind == space {
			continue
		}
		if n == 0 {
			return w.tokens[i], i
		}
		n--
	}

	return token{kind: space}, len(w.tokens)
}

// leave leaves out the tokens up to the n-th from here.
func (w *writer) leave(n int) {
	_, i := w.ahead(n)
	w.at = min(i+1, len(w.tokens))
}

func (w *writer) put(s string) { w.out.WriteString(s) }

func (w *writer) step() {
	t := w.tokens[w.at]
	if t.kind == quoted {
		w.put(folded(t, w.exact))
		w.at++
		return
	}
	if t.kind == word && (w.table && w.storage(t) || w.setting && w.name(t) || w.word(t)) {
		return
	}

	w.put(t.raw)
	w.at++
}

// word rewrites what is different in any statement.
func (w *writer) word(t token) bool {
	second, _ := w.ahead(1)
	third, _ := w.ahead(2)
	switch {
	case t.is("VERSION") && second.is("(") && third.is(")"):
		w.put("redshift_version")
		w.at++
	case t.is("SYSDATE") && !second.is("("):
		w.put("getdate()")
		w.at++
	case t.is("ISOLATION") && second.is("LEVEL"): // all of them are serializable
		w.put("ISOLATION LEVEL REPEATABLE READ")
		w.leave(2)
		if next, _ := w.ahead(0); third.is("READ") || third.is("REPEATABLE") && next.is("READ") {
			w.leave(0)
		}
	case (t.is("CURRENT_SETTING") || t.is("SET_CONFIG")) && second.is("(") && third.kind == text:
		w.put(t.raw + "(" + literal(settingName(third.value())))
		w.leave(2)
	default:
		return false
	}

	return true
}

// name rewrites the name of a setting that PostgreSQL does not have.
func (w *writer) name(t token) bool {
	if _, known := settings[t.up]; !known || w.named {
		return false
	}
	w.named = true
	w.put(settingName(t.raw))
	w.at++
	return true
}

func settingName(name string) string {
	if same, known := settings[strings.ToUpper(name)]; known && !same {
		return "redshift." + strings.ToLower(name)
	}
	return name
}

var encodings = words(`raw az64 bytedict delta delta32k lzo mostly8 mostly16 mostly32 runlength text255 text32k zstd auto`)

// storage leaves out how a table is stored, which PostgreSQL has nothing of, and rewrites identities.
func (w *writer) storage(t token) bool {
	second, _ := w.ahead(1)
	switch {
	case t.is("DISTSTYLE"), t.is("BACKUP") && (second.is("YES") || second.is("NO")), t.is("ENCODE") && encodings[second.up]:
		w.leave(1)
	case (t.is("COMPOUND") || t.is("INTERLEAVED")) && second.is("SORTKEY"):
		w.leave(0)
	case t.is("DISTKEY"), t.is("SORTKEY"):
		w.leave(0)
		if next, _ := w.ahead(0); next.is("(") {
			w.group()
		} else if next.is("AUTO") || next.is("NONE") {
			w.leave(0)
		}
	case t.is("REFERENCES"): // of keys, which are not enforced
		w.leave(1)
		for next, _ := w.ahead(0); next.is("."); next, _ = w.ahead(0) {
			w.leave(1)
		}
		if next, _ := w.ahead(0); next.is("(") {
			w.group()
		}
	case t.is("FOREIGN") && second.is("KEY"): // another key that is dropped at once, and needs no other table
		w.put("UNIQUE")
		w.leave(1)
	case t.is("IDENTITY") && second.is("("):
		w.leave(0)
		numbers := solid(w.group())
		if !strings.HasSuffix(strings.ToUpper(strings.TrimSpace(w.out.String())), " AS") {
			w.put("GENERATED ALWAYS AS ")
		}
		seed, step := signed(numbers, ",")
		w.put("IDENTITY (START WITH " + seed + " INCREMENT BY " + step + " MINVALUE " + seed + ")")
	case t.is("MAX") && strings.HasSuffix(strings.TrimSpace(w.out.String()), "("):
		w.put("65535")
		w.at++
	default:
		return false
	}

	return true
}

// group leaves out what is in parentheses, and returns it.
func (w *writer) group() []token {
	_, begin := w.ahead(0)
	depth := 0
	for i := begin; i < len(w.tokens); i++ {
		switch {
		case w.tokens[i].is("("):
			depth++
		case w.tokens[i].is(")"):
			depth--
		}
		if depth == 0 {
			w.at = i + 1
			return w.tokens[begin+1 : i]
		}
	}

	w.at = len(w.tokens)
	return nil
}

// signed divides "0, 1" in two.
func signed(code []token, by string) (before, after string) {
	before, after, _ = strings.Cut(join(code), by)
	return before, after
}

// nameEnd is where the name of a table that begins at i ends.
func nameEnd(code []token, i int) int {
	i++
	for at(code, i).is(".") {
		i += 2
	}
	return i
}

// alterStorage reports whether an ALTER TABLE is only about how the table is stored.
func alterStorage(code []token) bool {
	i := nameEnd(code, 2)
	if !at(code, i).is("ALTER") {
		return false
	}

	for _, t := range code[i+1:] {
		if t.is("DISTSTYLE") || t.is("DISTKEY") || t.is("SORTKEY") || t.is("ENCODE") {
			return true
		}
	}

	return false
}
