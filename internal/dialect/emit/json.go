package emit

import (
	"regexp"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// Why the text is changed, and why Spark refuses it.
const (
	jsonWhy   = "the engine takes other texts for JSON, and spells numbers otherwise"
	jsonSpark = "Spark takes other texts for JSON, the first of several values of a key, and spells numbers otherwise"
)

// ofPostgres reports whether an operation is one of PostgreSQL's types of JSON.
func ofPostgres(e *sem.Expr) bool { return e.N == sem.Verbatim || e.N == sem.Normal }

// normal reports whether the text is a column of jsonb: PostgreSQL has read it as JSON, and left each key once.
func normal(e *sem.Expr) bool {
	c := e.Args[0].Column
	return e.N == sem.Normal && c != nil && c.Type.IsDocument()
}

func duckJSON() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpJSONText:   {write: jsonText, why: jsonWhy},
		sem.OpJSONLength: {write: jsonLength, why: jsonWhy},
		sem.OpJSONType:   {write: jsonType, why: jsonWhy},
		sem.OpJSONValid:  {write: jsonValid, why: jsonWhy},
		sem.OpFNV:        {write: fnv},
	}
}

func sparkJSON() map[sem.Op]rule {
	all := map[sem.Op]rule{}
	for op := range duckJSON() {
		all[op] = rule{refusal: jsonSpark, instead: "run it on DuckDB, or load the field as a column of its own"}
	}
	all[sem.OpFNV] = rule{refusal: "Spark does not compute FNV-1a", instead: "use md5() or sha2(…, 256)"}
	return all
}

// Patterns of JSON that DuckDB takes for such. It also takes commas before an end, NaN and Infinity: these are not JSON.
const (
	jsonString = `"(?:[^"\\]|\\.)*"`
	jsonStrict = `(?s)(?:[^",A-Za-z]|` + jsonString + `|true|false|null|[eE][-+0-9]|,[ \t\r\n]*(?:` + jsonString + `|true|false|null|[-0-9\[{]))*`
	// jsonNumber is a number that nobody spells otherwise: of up to 15 digits if it has a point, without a zero at its end.
	jsonNumber  = `(?:0|-?(?:0\.0{0,3}[1-9](?:[0-9]{0,8}[1-9])?|[1-9][0-9]{0,17}|[1-9][0-9]{0,5}\.[0-9]{0,8}[1-9]|[1-9][0-9]{0,8}\.[0-9]{0,5}[1-9]))`
	jsonNumbers = `(?s)(?:` + jsonString + `|[^"0-9-]|` + jsonNumber + `(?:[\]},\s]|\z))*`
	jsonUnquote = `(?s)((?:` + jsonString + `|[^"0-9-])*)(-?[0-9][0-9.eE+-]*)?`
)

// What raises where the documents of the source do not say what it makes of a text.
const (
	jsonOdd      = "JSON whose meaning is not settled: "
	jsonInvalid  = "invalid input syntax for type json"
	jsonNested   = jsonOdd + "an object or array as a text"
	jsonDigits   = jsonOdd + "a number that may be spelled otherwise"
	jsonTwice    = jsonOdd + "an object has a key twice"
	jsonByNumber = jsonOdd + "an array's element by a key"
	jsonScalar   = jsonOdd + "a value that is neither an object nor an array"
)

// inDocument writes an expression over a text that is written only once.
func (p *printer) inDocument(e *sem.Expr, x text, body func(v string) string) text {
	if c := e.Args[0].Column; e.Args[0].Op == sem.OpColumn && c != nil && c.Type.IsDocument() { // of a type of JSON, which the lake has, too
		return text{text: body("CAST(" + x.text + " AS VARCHAR)")}
	}
	if op := e.Args[0].Op; op == sem.OpColumn || op == sem.OpText {
		return text{text: body(x.text)}
	}
	for _, a := range e.Args[1:] {
		if a.Op != sem.OpText && a.Op != sem.OpInt && a.Op != sem.OpColumn && a.Op != sem.OpWiden {
			p.refuse(a.At, "compute it in a query in FROM", "a position in a text that is computed, too, is only written if it is a number or a column")
		}
	}
	return text{text: named(alone(x.text), "hindcast_json", body("hindcast_json"))}
}

// cases are the WHENs of a CASE.
type cases struct{ strings.Builder }

func (c *cases) when(condition, out string) { c.WriteString(" WHEN " + condition + " THEN " + out) }

// document tells apart what is not JSON. An empty text, and half of a surrogate pair, are refused where a text that is not JSON does not raise.
func (p *printer) document(c *cases, e *sem.Expr, v, invalid string) {
	if normal(e) {
		return
	}
	raises := strings.HasPrefix(invalid, "error(")
	if ofPostgres(e) {
		c.when("contains("+v+`, '\u0000')`, p.raise(jsonOdd+"the character 0"))
	}
	if !raises {
		c.when("regexp_full_match("+v+`, '[ \t\r\n]*')`, p.raise(jsonOdd+"an empty text"))
	}
	if !raises || ofPostgres(e) {
		c.when("NOT json_valid("+v+") AND regexp_matches("+v+`, '\\u[dD][89a-fA-F]')`, p.raise(jsonOdd+"half of a surrogate pair"))
	}
	c.when("NOT (json_valid("+v+") AND regexp_full_match("+v+", "+p.literal(jsonStrict)+"))", invalid)
}

// invalid is what becomes of a text that is not JSON.
func (p *printer) invalid(e *sem.Expr) string {
	if e.Not {
		return "NULL"
	}
	return p.raise(jsonInvalid)
}

func jsonValid(p *printer, e *sem.Expr, args []text) text {
	return p.inDocument(e, args[0], func(v string) string {
		var c cases
		p.document(&c, e, v, "false")
		c.when("json_type("+v+") NOT IN ('OBJECT', 'ARRAY')", p.raise(jsonScalar))
		kind := "true"
		if e.Text != "" {
			kind = "json_type(" + v + ") = '" + strings.ToUpper(e.Text) + "'"
		}
		return "CASE" + c.String() + " ELSE " + nullWith(v, kind) + " END"
	})
}

// nullWith is a value, and NULL where another one is NULL.
func nullWith(v, value string) string {
	if value != "true" {
		return value
	}
	return v + " IS NOT NULL OR NULL"
}

func jsonLength(p *printer, e *sem.Expr, args []text) text {
	return p.inDocument(e, args[0], func(v string) string {
		var c cases
		p.document(&c, e, v, p.invalid(e))
		if !ofPostgres(e) {
			c.when("json_type("+v+") <> 'ARRAY'", p.invalid(e))
			return "CASE" + c.String() + " ELSE CAST(json_array_length(" + v + ") AS INTEGER) END"
		}
		found := p.steps(&c, e, v, args)
		c.when("json_type("+found+") <> 'ARRAY'", p.raise("cannot get array length of a non-array"))
		return "CASE" + c.String() + " ELSE CAST(json_array_length(" + found + ") AS INTEGER) END"
	})
}

func jsonType(p *printer, e *sem.Expr, args []text) text {
	return p.inDocument(e, args[0], func(v string) string {
		var c cases
		p.document(&c, e, v, p.invalid(e))
		found := "json_type(" + p.steps(&c, e, v, args) + ")"
		c.when(found+" IN ('OBJECT', 'ARRAY', 'BOOLEAN', 'NULL')", "lower("+found+")")
		c.when(found+" = 'VARCHAR'", "'string'")
		c.when(found+" IS NOT NULL", "'number'")
		return "CASE" + c.String() + " END"
	})
}

func jsonText(p *printer, e *sem.Expr, args []text) text {
	return p.inDocument(e, args[0], func(v string) string {
		var c cases
		if !ofPostgres(e) && varies(e.Args[1]) {
			c.when(operand(args[1])+" IS NULL", "NULL")
		}
		p.document(&c, e, v, p.invalid(e))
		switch {
		case ofPostgres(e):
		case e.Text == "array":
			c.when("json_type("+v+") <> 'ARRAY'", p.invalid(e))
		default:
			c.when("json_type("+v+") NOT IN ('OBJECT', 'ARRAY')", p.raise(jsonScalar))
		}
		if !ofPostgres(e) {
			c.when("contains("+v+`, '\u0000')`, p.raise(jsonOdd+"the character 0"))
		}
		found := p.steps(&c, e, v, args)

		return "CASE" + c.String() + p.spelled(e.N, v, found) + " END"
	})
}

// varies reports whether a step is a position that rows decide.
func varies(s *sem.Expr) bool { return s.Op != sem.OpText && s.Op != sem.OpInt }

var digits = regexp.MustCompile(`^[0-9]+$`)

// steps is a text and the path in it, with what raises, or is NULL, on its way.
func (p *printer) steps(c *cases, e *sem.Expr, v string, args []text) string {
	path, fixed := "", true // fixed: path is a text, not yet in quotes
	add := func(key, counted string) {
		switch {
		case counted == "" && fixed:
			path += "/" + key
		case counted == "":
			path += " || " + p.literal("/"+key)
		case fixed:
			path, fixed = p.literal(path+"/")+" || "+counted, false
		default:
			path += " || '/' || " + counted
		}
	}
	in := func() string {
		switch {
		case path == "":
			return v
		case fixed:
			return v + ", " + p.literal(path)
		}
		return v + ", " + path
	}
	for i, s := range e.Args[1:] {
		switch at := in(); {
		case s.Op == sem.OpText:
			p.key(c, e, s, at)
			add(strings.NewReplacer("~", "~0", "/", "~1").Replace(s.Text), "")
		case s.Op == sem.OpInt && !strings.HasPrefix(s.Text, "-"):
			p.element(c, e, at)
			add(s.Text, "")
		default:
			p.element(c, e, at)
			n := operand(args[i+1])
			if ofPostgres(e) { // it counts from the end
				n = "CASE WHEN " + n + " < 0 THEN " + n + " + CAST(json_array_length(" + at + ") AS BIGINT) ELSE " + n + " END"
			} else {
				c.when(n+" < 0", "NULL")
			}
			add("", "CAST("+n+" AS VARCHAR)")
		}
	}
	return in()
}

// key tells apart what is not an object with the key once.
func (p *printer) key(c *cases, e, s *sem.Expr, in string) {
	if !normal(e) {
		c.when("len(json_keys("+in+")) <> len(list_distinct(json_keys("+in+")))", p.raise(jsonTwice))
	}
	switch {
	case !digits.MatchString(s.Text) || s.N == sem.KeyOrPosition:
	case ofPostgres(e):
		c.when("json_type("+in+") = 'ARRAY'", "NULL")
	default:
		c.when("json_type("+in+") = 'ARRAY'", p.raise(jsonByNumber))
	}
}

// element tells apart what is not an array. PostgreSQL takes a jsonb that is neither an object nor an array for an array of that one value, and
// the text of a null is NULL in either case.
func (p *printer) element(c *cases, e *sem.Expr, in string) {
	if !ofPostgres(e) {
		return
	}
	if e.N == sem.Normal {
		kinds := "'OBJECT', 'ARRAY'"
		if e.Op == sem.OpJSONText {
			kinds += ", 'NULL'"
		}
		c.when("json_type("+in+") NOT IN ("+kinds+")", p.raise(jsonScalar))
	}
	c.when("json_type("+in+") <> 'ARRAY'", "NULL")
}

// spelled is the value's text; what the source may spell otherwise raises.
func (p *printer) spelled(as int, v, found string) string {
	kind, value := "json_type("+found+")", "json_extract_string("+found+")"
	if found == v {
		value = "json_extract_string(" + v + ", '$')"
	}
	nested := kind + " IN ('OBJECT', 'ARRAY')"
	// minified is whether the document is spelled as the engine spells it: so are its parts.
	minified := "CAST(json(" + v + ") AS VARCHAR) = " + v
	// written is the value with its number as it is written: all numbers are put in quotes before it is found.
	written := "json_extract_string(left(regexp_replace(" + v + " || ' ', " + p.literal(jsonUnquote) + `, '\1"\2"', 'g'), -2)` + strings.TrimPrefix(found, v) + ")"
	if found == v {
		written = "trim(" + v + `, ' ' || chr(9) || chr(10) || chr(13))`
	}
	odd := "(" + kind + " = 'DOUBLE' OR " + kind + " IN ('BIGINT', 'UBIGINT') AND " + value + " = '0')"
	var out cases
	switch as {
	case sem.Verbatim:
		if found == v { // PostgreSQL leaves the blanks before it
			out.when(kind+" NOT IN ('VARCHAR', 'NULL') AND regexp_matches("+v+`, '^[ \t\r\n]')`, p.raise(jsonOdd+"a value behind blanks"))
		}
		out.when(nested+" AND NOT "+minified, p.raise(jsonNested))
		out.when(odd, written)
		return out.String() + " ELSE " + value
	case sem.Normal:
		out.when(nested, p.raise(jsonNested))
		out.when(odd+" AND regexp_matches("+written+", '[eE]|^-0([.]0+)?$')", p.raise(jsonDigits))
		out.when(odd, written)
		return out.String() + " ELSE " + value
	case sem.AnySpelling:
		out.when(nested+" AND NOT regexp_full_match("+v+", "+p.literal(jsonNumbers)+")", p.raise(jsonDigits))
	case sem.NotNested:
		out.when(nested, p.raise(jsonNested))
	default:
		out.when(nested+" AND NOT ("+minified+" AND strlen("+v+") = length("+v+") AND NOT contains("+v+`, '\'))`, p.raise(jsonNested))
	}
	odd = "(" + kind + " = 'DOUBLE' OR " + kind + " IN ('BIGINT', 'UBIGINT') AND (" + value + " = '0' OR length(" + value + ") > 18))"
	out.when(odd+" AND NOT regexp_full_match("+written+", "+p.literal(jsonNumber)+")", p.raise(jsonDigits))
	return out.String() + " ELSE " + value
}
