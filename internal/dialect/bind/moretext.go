package bind

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

func moreTexts() map[string]function {
	return map[string]function{
		"initcap":      {least: 1, most: 1, bind: simpleText(sem.OpTitle)},
		"translate":    {least: 3, most: 3, bind: translate},
		"octet_length": {least: 1, most: 1, bind: ofText(sem.OpBytes)},
		"ascii":        {least: 1, most: 1, bind: ofText(sem.OpASCII)},
		"chr":          {least: 1, most: 1, bind: chr},
		"to_hex":       {least: 1, most: 1, bind: toHex},
		"concat_ws":    {least: 2, most: 100, who: onlyPostgres, bind: concatWith},
		"format":       {least: 1, most: 100, who: onlyPostgres, bind: format},
		"overlay":      {least: 3, most: 4, who: onlyPostgres, bind: overlay},
		"sha1":         {least: 1, most: 1, who: onlyRedshift, bind: simpleText(sem.OpSHA1)},
		"crc32":        {least: 1, most: 1, who: onlyRedshift, bind: crc},
		"strtol":       {least: 2, most: 2, who: onlyRedshift, bind: strtol},
		"fnv_hash":     {least: 1, most: 2, who: onlyRedshift, bind: fnv},
		"func_sha1":    {least: 1, most: 1, who: onlyRedshift, bind: simpleText(sem.OpSHA1)},
		"sha2":         {least: 2, most: 2, who: onlyRedshift, bind: sha2},
	}
}

// unmade is a function that is known and refused, and why.
type unmade struct {
	who          int
	why, instead string
}

const (
	jsonWhy     = "engines write the numbers, nested values and missing keys of JSON in other ways than the warehouse"
	jsonInstead = "load the field as a column of its own, or find its text with a regular expression"
)

// refusedFunctions are functions of texts that no engine gives exactly.
var refusedFunctions = func() map[string]unmade {
	all := map[string]unmade{
		"farmfingerprint64":     {onlyRedshift, "no engine computes this fingerprint", "use md5() or sha2(…, 256)"},
		"checksum":              {onlyRedshift, "how Redshift computes a checksum is not documented", "use md5() or sha2(…, 256)"},
		"make_time":             {onlyPostgres, "times of a day have no type here", "write make_timestamp() and to_char() of it, or a number of seconds"},
		"make_timestamptz":      {onlyPostgres, "this depends on the session's time zone", "write make_timestamp(…) AT TIME ZONE '…'"},
		"unnest":                {onlyPostgres, "rows in a select list are not read", "write it in FROM"},
		"soundex":               {both, "engines spell sounds in other ways", ""},
		"regexp_matches":        {onlyPostgres, "regexp_matches gives rows of arrays", "use regexp_substr() or substring(… from …)"},
		"regexp_match":          {onlyPostgres, "regexp_match gives an array", "use regexp_substr() or substring(… from …)"},
		"regexp_split_to_array": {onlyPostgres, "this gives an array", "use split_part()"},
		"regexp_split_to_table": {onlyPostgres, "this gives rows", "use split_part()"},
		"quote_literal":         {both, "SQL is not written as a text here", ""},
		"quote_ident":           {both, "SQL is not written as a text here", ""},
		"encode":                {onlyPostgres, "bytes have no type here", "md5() gives hexadecimal digits by itself"},
		"decode":                {onlyPostgres, "bytes have no type here", ""},
		"sha224":                {onlyPostgres, "bytes have no type here", "use md5()"},
		"sha256":                {onlyPostgres, "bytes have no type here", "use md5()"},
		"sha384":                {onlyPostgres, "bytes have no type here", "use md5()"},
		"sha512":                {onlyPostgres, "bytes have no type here", "use md5()"},
		"to_ascii":              {onlyPostgres, "engines do not turn letters into ASCII in the same way", ""},
		"unistr":                {onlyPostgres, "escapes in a text are not read", "write the characters"},
		"to_interval":           {both, "intervals are not written by a pattern", ""},
		"from_hex":              {both, "bytes have no type here", ""},
		"to_varbyte":            {onlyRedshift, "bytes have no type here", ""},
		"collate":               {onlyRedshift, "texts have one collation here", "compare upper() of both"},
		"levenshtein":           {both, "an extension's function is not known here", ""},
		"parse_ident":           {onlyPostgres, "this gives an array", ""},
		"split_to_array":        {onlyRedshift, "this gives a SUPER", "use split_part()"},
		"json_parse":            {onlyRedshift, "SUPER has no type here", "read the text itself by json_extract_path_text() and json_extract_array_element_text()"},
		"json_serialize":        {onlyRedshift, "SUPER has no type here", jsonInstead},
		"object_transform":      {onlyRedshift, "SUPER has no type here", jsonInstead},
		"bpcharcmp":             {onlyRedshift, "this is not documented for one of its values", "compare with <, = and >"},
		"bttext_pattern_cmp":    {onlyRedshift, "this is not documented for one of its values", "compare with <, = and >"},
	}
	for _, name := range []string{"json_extract_path", "jsonb_extract_path", "json_build_object",
		"jsonb_build_object", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg", "to_json", "to_jsonb", "row_to_json", "json_array_elements", "jsonb_array_elements",
		"json_array_elements_text", "jsonb_array_elements_text", "json_each", "jsonb_each", "json_object_keys", "jsonb_object_keys", "jsonb_set"} {
		all[name] = unmade{both, jsonWhy, jsonInstead}
	}
	return all
}()

// ofText is a function of a text that gives an integer.
func ofText(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		if !b.asTexts(c, 0) {
			return &sem.Expr{At: c.x.At}
		}
		if c.args[0].Type.Kind == sem.Char && op == sem.OpBytes {
			return b.refuse(sem.NotKnown, c.x.At, "cast it as text", "octet_length counts the padding of a character(n), which is not carried")
		}
		return rewritten(op, sem.Of(sem.Int4), c.x, c.args...)
	}
}

// translate replaces characters one by one; both lists have to be written.
func translate(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0, 1, 2) {
		return &sem.Expr{At: c.x.At}
	}
	for _, a := range c.args[1:] {
		if a.Op != sem.OpText || !basic(a.Text) {
			return b.refuse(sem.NotKnown, a.At, "write the characters", "only written characters of up to 16 bits are read here")
		}
	}
	e := textResult(sem.OpTranslate, c)
	e.ASCII = c.args[0].ASCII && c.args[2].ASCII

	return e
}

// basic reports whether all characters are ones that Java holds in one unit.
func basic(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > 0xffff || r == utf8.RuneError })
}

// chr is the character of a written number.
func chr(b *binder, c *call) *sem.Expr {
	n, ok := b.integer(c.args[0])
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	code, err := strconv.Atoi(n.Text)
	if n.Op != sem.OpInt || err != nil || code < 1 || !utf8.ValidRune(rune(code)) {
		return b.refuse(sem.NotKnown, n.At, "write a number from 1 to 1114111", "only the written number of a character is read here")
	}
	e := rewritten(sem.OpText, sem.Of(sem.Text), c.x)
	e.Text = string(rune(code))
	e.Facts = factsOf(e.Text)

	return e
}

func toHex(b *binder, c *call) *sem.Expr {
	a := c.args[0]
	if a.Type.Kind == sem.Unknown || !a.Type.IsInt() {
		return b.refuse(sem.Mismatch, a.At, "cast it as integer or bigint", "this is %s, and an integer is read here", a.Type)
	}
	if a.Type.Kind == sem.Int2 {
		a = b.coerce(a, sem.Of(sem.Int4))
	}
	e := rewritten(sem.OpHex, sem.Of(sem.Text), c.x, a)
	e.Not, e.Facts = b.Redshift, sem.Facts{NoBlanks: true, ASCII: true}

	return e
}

// spelled is a value as concat() and its kind write it: a boolean as a letter, a character(n) with its padding.
func (b *binder) spelled(a *sem.Expr) *sem.Expr {
	switch {
	case a.Type.Kind == sem.Bool:
		return made(sem.OpTruthLetter, sem.Of(sem.Text), a.At, a)
	case a.Type.Kind == sem.Char && a.Type.N == 0:
		return b.refuse(sem.NotKnown, a.At, "cast it as text", "how far this is padded is not known")
	case a.Type.Kind == sem.Char:
		return made(sem.OpPadRight, sem.Of(sem.Text), a.At, a, number(a.Type.N, a.At), quoted(" ", a.At))
	}
	return b.asText(a)
}

// concatWith is CONCAT_WS.
func concatWith(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0) {
		return &sem.Expr{At: c.x.At}
	}
	for i, a := range c.args[1:] {
		if c.args[i+1] = b.spelled(a); invalid(c.args[i+1]) {
			return &sem.Expr{At: c.x.At}
		}
	}
	return textResult(sem.OpConcatWith, c)
}

// format is FORMAT with %s, %n$s and %%, which leaves NULLs out.
func format(b *binder, c *call) *sem.Expr {
	text, ok := b.pattern(c.args[0])
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	pieces, bad := formatPieces(text)
	if bad != nil {
		return b.unread(c.args[0], bad, "pad with lpad() or rpad()")
	}
	var parts []*sem.Expr
	for _, p := range pieces {
		switch {
		case p.Found && (p.Group < 1 || p.Group >= len(c.args)):
			return b.refuse(sem.Mismatch, c.x.At, "", "the format asks for an argument %d", p.Group)
		case p.Found:
			parts = append(parts, b.spelled(c.args[p.Group]))
		default:
			parts = append(parts, quoted(p.Text, c.args[0].At))
		}
	}
	switch {
	case invalid(parts...):
		return &sem.Expr{At: c.x.At}
	case len(parts) == 0:
		return b.refuse(sem.NotKnown, c.x.At, "write an empty text", "an empty format is not read")
	}

	return rewritten(sem.OpConcatSkip, sem.Of(sem.Text), c.x, parts...)
}

// formatPieces are the parts of a format: texts, and the numbers of arguments.
func formatPieces(text string) (all []sem.Piece, bad *wrong) {
	plain, next := "", 1
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			plain += text[i : i+1]
			continue
		}
		from := i
		for i++; i < len(text) && (text[i] >= '0' && text[i] <= '9' || text[i] == '$'); {
			i++
		}
		spec := text[from+1 : min(i+1, len(text))]
		if spec == "%" {
			plain += spec
			continue
		}
		if n, found := strings.CutSuffix(spec, "$s"); found {
			at, err := strconv.Atoi(n)
			if spec = ""; err == nil {
				spec, next = "s", at
			}
		}
		if spec != "s" {
			return nil, &wrong{from, min(i+1, len(text)), "only %s, %n$s and %% are read"}
		}
		if plain != "" {
			all, plain = append(all, sem.Piece{Text: plain}), ""
		}
		all = append(all, sem.Piece{Group: next, Found: true})
		next++
	}
	if plain != "" {
		all = append(all, sem.Piece{Text: plain})
	}

	return all, nil
}

// overlay puts a text in another one's place: what stands before a position, the text, and what stands behind as many characters.
func overlay(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0, 1) {
		return &sem.Expr{At: c.x.At}
	}
	from, ok := b.written(c.args[2], 1)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	x, with := c.args[0], c.args[1]
	behind := made(sem.OpAdd, sem.Of(sem.Int4), c.x.At, number(from, c.args[2].At), made(sem.OpLength, sem.Of(sem.Int4), with.At, with))
	if len(c.args) == 4 {
		n, ok := b.written(c.args[3], 0)
		if !ok {
			return &sem.Expr{At: c.x.At}
		}
		behind = number(from+n, c.args[3].At)
	}
	left := made(sem.OpLeft, sem.Of(sem.Text), x.At, x)
	left.N = from - 1
	start := made(sem.OpConcat, sem.Of(sem.Text), c.x.At, left, with)

	return rewritten(sem.OpConcat, sem.Of(sem.Text), c.x, start, made(sem.OpSubstring, sem.Of(sem.Text), x.At, x, behind))
}

func sha2(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0) {
		return &sem.Expr{At: c.x.At}
	}
	n, ok := b.written(c.args[1], 0)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	switch n {
	case 0:
		n = 256
	case 224, 256, 384, 512:
	default:
		return b.refuse(sem.Mismatch, c.args[1].At, "write 224, 256, 384 or 512", "there is no hash of %d bits", n)
	}
	e := rewritten(sem.OpSHA2, sem.Of(sem.Text), c.x, c.args[0])
	e.N, e.Facts = n, sem.Facts{NoBlanks: true, ASCII: true}

	return e
}

// patterned is SUBSTRING by a regular expression.
func (b *binder) patterned(c *call) *sem.Expr {
	if b.Redshift || len(c.args) != 2 {
		return b.refuse(sem.NotKnown, c.x.At, "use regexp_substr()", "substring by a pattern of SIMILAR TO is not read")
	}
	return b.found(c, said{from: 1, nth: 1}, true)
}
