package bind

import (
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// jsons are the functions of JSON: of texts in Redshift, of values in PostgreSQL.
func jsons() map[string]function {
	return map[string]function{
		"json_extract_path_text":          {least: 2, most: 100, raw: true, bind: perDialect(jsonPath, extractedText)},
		"json_extract_array_element_text": {least: 2, most: 3, who: onlyRedshift, bind: jsonElement},
		"json_array_length":               {least: 1, most: 2, raw: true, bind: perDialect(jsonLength, asked(sem.OpJSONLength, sem.Int4))},
		"jsonb_extract_path_text":         {least: 2, most: 100, who: onlyPostgres, raw: true, bind: extractedText},
		"jsonb_array_length":              {least: 1, most: 1, who: onlyPostgres, raw: true, bind: asked(sem.OpJSONLength, sem.Int4)},
		"json_typeof":                     {least: 1, most: 1, who: onlyPostgres, raw: true, bind: asked(sem.OpJSONType, sem.Text)},
		"jsonb_typeof":                    {least: 1, most: 1, who: onlyPostgres, raw: true, bind: asked(sem.OpJSONType, sem.Text)},
		"is_valid_json":                   {least: 1, most: 1, who: onlyRedshift, bind: validJSON("object")},
		"is_valid_json_array":             {least: 1, most: 1, who: onlyRedshift, bind: validJSON("array")},
		"can_json_parse":                  {least: 1, most: 1, who: onlyRedshift, bind: validJSON("")},
	}
}

// deepest is how many steps JSON_EXTRACT_PATH_TEXT takes.
const deepest = 5

// jsonPath is JSON_EXTRACT_PATH_TEXT: the keys have to be written.
func jsonPath(b *binder, c *call) *sem.Expr {
	keys, lenient, ok := b.nullIfInvalid(c, 1)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	if len(keys) == 0 || len(keys) > deepest {
		return b.refuse(sem.Mismatch, c.x.At, "", "a path of %d steps is not read by %s", len(keys), c.x.Name)
	}
	e := jsonOf(sem.OpJSONText, c)
	e.Not = lenient
	for _, k := range keys {
		switch {
		case k.Op == sem.OpNull:
			return b.coerce(&sem.Expr{Op: sem.OpNull, Type: sem.Of(sem.Unknown), At: c.x.At, Made: true}, sem.Of(sem.Text))
		case k.Op != sem.OpText:
			return b.refuse(sem.NotKnown, k.At, "write the key in quotes; an array's element is read by json_extract_array_element_text", "only a written key is read here")
		}
		e.Args = append(e.Args, b.coerce(k, sem.Of(sem.Text)))
	}

	return e
}

// jsonElement is JSON_EXTRACT_ARRAY_ELEMENT_TEXT.
func jsonElement(b *binder, c *call) *sem.Expr {
	rest, lenient, ok := b.nullIfInvalid(c, 1)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	if len(rest) != 1 {
		return b.refuse(sem.Mismatch, c.x.At, "", "%s takes one position", c.x.Name)
	}
	at, ok := b.integer(rest[0])
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	e := jsonOf(sem.OpJSONText, c)
	e.Not, e.Text = lenient, "array"
	e.Args = append(e.Args, at)

	return e
}

// jsonLength is JSON_ARRAY_LENGTH.
func jsonLength(b *binder, c *call) *sem.Expr {
	rest, lenient, ok := b.nullIfInvalid(c, 1)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	if len(rest) > 0 {
		return b.refuse(sem.Mismatch, rest[0].At, "write TRUE or FALSE", "whether an invalid text gives NULL is a boolean")
	}
	e := jsonOf(sem.OpJSONLength, c)
	e.Type, e.Not = sem.Of(sem.Int4), lenient

	return e
}

// validJSON is IS_VALID_JSON and its kind; kind is what the text is to be, "" for any value.
func validJSON(kind string) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		if !b.asTexts(c, 0) {
			return &sem.Expr{At: c.x.At}
		}
		e := jsonOf(sem.OpJSONValid, c)
		e.Type, e.Text = sem.Of(sem.Bool), kind

		return e
	}
}

// nullIfInvalid are the arguments from one on, without a boolean at their end that says whether an invalid text gives NULL.
func (b *binder) nullIfInvalid(c *call, from int) (rest []*sem.Expr, lenient, ok bool) {
	if !b.asTexts(c, 0) {
		return nil, false, false
	}
	rest = c.args[from:]
	if n := len(rest); n > 0 && rest[n-1].Type.Kind == sem.Bool {
		last := rest[n-1]
		if last.Op != sem.OpBool {
			b.refuse(sem.NotKnown, last.At, "write TRUE or FALSE", "whether an invalid text gives NULL is only read as it is written")
			return nil, false, false
		}
		return rest[:n-1], last.Value(), true
	}
	return rest, false, true
}

// jsonOf is a function of a text that is JSON. Where another such function gives that text, it may be an object or array in any spelling, since
// it is read again; how the warehouse spells what that gives is then not known.
func jsonOf(op sem.Op, c *call) *sem.Expr {
	document := c.args[0]
	e := rewritten(op, sem.Of(sem.Text), c.x, document)
	if document.Op == sem.OpJSONText {
		inner := *document
		inner.N = sem.AnySpelling
		e.Args[0], e.N = &inner, sem.NotNested
	}
	return e
}
