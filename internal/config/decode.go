package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sqltext"
	"go.yaml.in/yaml/v4"
)

// decoder walks the file's nodes along the table of keys and fills in the pipeline.
type decoder struct {
	name string // as errors show it
	text string
	env  Env
	p    *hindcast.Pipeline
	errs []*hindcast.Error
	root *yaml.Node

	only    hindcast.Output   // of a file without outputs
	several []hindcast.Output // of one with them
	among   bool              // what is decoded is of the last of these

	history historyText
	source  hindcast.Location // of source.warehouse
	target  hindcast.Location // of target.warehouse
}

// value is one value of the file, or a default in place of a missing one.
type value struct {
	node  *yaml.Node // nil for a default and for a missing object
	path  string     // "facts.billing.table"
	name  string     // the last component of path
	text  string     // of a scalar
	key   hindcast.Place
	at    hindcast.Place
	items []value // of a list of texts
}

// length is the value's length on its line in characters, for carets.
func (v value) length() int {
	if v.node == nil || v.node.Kind != yaml.ScalarNode {
		return 1
	}

	n := utf8.RuneCountInString(v.node.Value)
	switch {
	case v.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return 1
	case v.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return n + 2
	}

	return n
}

// within returns the position of the n-th byte of a scalar's text, if the text stands in the file verbatim.
func (v value) within(n int) hindcast.Place {
	at := v.at
	if v.node == nil || strings.ContainsAny(v.text[:n], "\n\\'\"") ||
		v.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return at
	}

	if v.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		at.Column++
	}

	at.Column += utf8.RuneCountInString(v.text[:n])
	return at
}

func (v value) null() bool { return v.node != nil && v.node.ShortTag() == "!!null" }

func place(file string, n *yaml.Node) hindcast.Place {
	return hindcast.Place{File: file, Line: n.Line, Column: n.Column}
}

// parse returns the file's top node; nil after an error.
func (d *decoder) parse() *yaml.Node {
	if at, bad := unprintable(d.text); bad != "" {
		at.File = d.name
		d.fail(hindcast.EYAML, at, 1, "write the file as UTF-8 text", "the file is not text: %s", bad)
		return nil
	}

	var docs []yaml.Node
	if err := yaml.Load([]byte(d.text), &docs, yaml.WithAllDocuments()); err != nil {
		d.notYAML(err)
		return nil
	}

	switch {
	case len(docs) == 0 || len(docs[0].Content) != 1:
		d.fail(hindcast.EYAML, hindcast.Place{File: d.name}, 0, "hindcast init writes a pipeline file",
			"the pipeline file is empty")
		return nil
	case len(docs) > 1:
		d.fail(hindcast.EYAML, place(d.name, &docs[1]), 1, "put each pipeline into a file of its own",
			"the file holds %d documents, it must hold one", len(docs))
		return nil
	}

	return docs[0].Content[0]
}

// unprintable finds the first bytes of text that YAML does not allow.
func unprintable(text string) (at hindcast.Place, bad string) {
	at = hindcast.Place{Line: 1, Column: 1}
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			return at, "a byte that is not UTF-8"
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f, r == 0xFEFF && i > 0:
			return at, fmt.Sprintf("control character %U", r)
		case r == '\n':
			at.Line, at.Column = at.Line+1, 1
		default:
			at.Column++
		}
	}

	return hindcast.Place{}, ""
}

func (d *decoder) notYAML(err error) {
	at, message := hindcast.Place{File: d.name}, err.Error()
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		message = e.Message
		if e.ContextMsg != "" {
			message += " " + e.ContextMsg
		}
		at.Line, at.Column = e.Mark.Line, e.Mark.Column
		if strings.Contains(message, "unexpected end of stream") {
			at.Line, at.Column = e.ContextMark.Line, e.ContextMark.Column
		}
	}

	next := "correct the YAML there; often it is the indentation, or a text that needs quotes"
	line := []rune(d.line(at.Line))
	switch {
	case at.Column > 0 && at.Column <= len(line) && line[at.Column-1] == '\t':
		next = "indent with spaces in place of tabs"
	case strings.Contains(message, "',' or") && strings.Contains(string(line), "{yyyy}"):
		next = "put text that holds {yyyy} between quotes"
	case strings.Contains(message, "',' or") && strings.Contains(string(line), "${"):
		next = "put text that holds ${VAR} between quotes"
	}

	d.fail(hindcast.EYAML, at, 1, next, "the file is not YAML: %s", message)
}

func (d *decoder) line(n int) string {
	lines := strings.Split(d.text, "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// fail records an error with an excerpt of the file.
func (d *decoder) fail(code hindcast.Code, at hindcast.Place, length int, next, format string, args ...any) *hindcast.Error {
	e := &hindcast.Error{Code: code, Class: hindcast.ClassPermanent, Place: at, Next: next,
		Message: maskPasswords(fmt.Sprintf(format, args...)),
		Excerpt: sqltext.Excerpt(shown(d.text), at, length)}
	d.errs = append(d.errs, e)
	return e
}

// bad records a malformed value, and what would be valid.
func (d *decoder) bad(v value, right, format string, args ...any) {
	d.fail(hindcast.EValue, v.at, v.length(), right, "%s: %s", v.path, fmt.Sprintf(format, args...))
}

// first returns the first error in the file, which lists the others, all without secrets.
func (d *decoder) first() *hindcast.Error {
	slices.SortStableFunc(d.errs, func(a, b *hindcast.Error) int {
		return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
	e := d.errs[0]
	const most = 5
	for i, other := range d.errs[1:] {
		if i == most {
			e.Detail = append(e.Detail, fmt.Sprintf("and %d more", len(d.errs)-1-most))
			break
		}
		e.Detail = append(e.Detail, "also "+other.Error())
	}

	return NewRedactor(d.p.Secrets).failure(e)
}

// walk decodes one value along its branch of the table.
func (d *decoder) walk(b *branch, v value) {
	if v.node != nil && !d.simple(v) {
		return
	}
	d.among = strings.HasPrefix(v.path, outputsKey+".")

	kind := b.key.Form.shape(v.node)
	if kind == scalar && b.key.Form.single {
		v.items = []value{v}
		v.items[0].text = v.node.Value
	}

	if v.null() && (kind == scalar || kind == nothing) && !b.key.Form.nullable {
		d.bad(v, b.key.Form.Right, "has no value")
		return
	}

	if v.node != nil && !v.null() && !d.shaped(v, kind, b.key.Form.Right) {
		return
	}

	failed := len(d.errs)
	if b.key.begin != nil {
		b.key.begin(d, v)
	}

	switch kind {
	case object:
		d.object(b, v)
	case names:
		d.names(b, v)
	case list:
		d.list(b, v)
	case texts:
		v.items = d.texts(v)
	case overrides:
		d.overrides(b, v)
	case scalar, nothing:
		v = d.scalar(b, v)
	}

	if len(d.errs) == failed && b.key.set != nil {
		b.key.set(d, v)
	}
}

// simple refuses what YAML has beyond plain values: anchors, aliases and tags.
func (d *decoder) simple(v value) bool {
	switch {
	case v.node.Kind == yaml.AliasNode || v.node.Anchor != "":
		d.bad(v, "write the value out", "anchors and aliases are not used in a pipeline file")
	case v.node.Style&yaml.TaggedStyle != 0:
		d.bad(v, "leave the tag out", "tags are not used in a pipeline file")
	default:
		return true
	}
	return false
}

// shaped refuses a list where an object belongs, and so on.
func (d *decoder) shaped(v value, kind kind, right string) bool {
	is, word := yaml.ScalarNode, "one value"
	switch kind {
	case object, names, overrides:
		is, word = yaml.MappingNode, "keys with values"
	case list, texts:
		is, word = yaml.SequenceNode, "a list"
	case scalar, nothing:
	}

	if v.node.Kind == is {
		return true
	}

	found := map[yaml.Kind]string{yaml.ScalarNode: "one value", yaml.MappingNode: "keys with values",
		yaml.SequenceNode: "a list"}[v.node.Kind]
	if v.path == "" {
		d.fail(hindcast.EYAML, v.at, v.length(), "hindcast init writes a pipeline file",
			"a pipeline file holds keys with values, this is %s", found)
		return false
	}

	d.bad(v, right, "must be %s, this is %s", word, found)
	return false
}

// pairs returns the entries of a mapping, each named once, in the file's order.
func (d *decoder) pairs(v value) []value {
	if v.node == nil || v.null() {
		return nil
	}

	var out []value
	seen := map[string]hindcast.Place{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		k, n := v.node.Content[i], v.node.Content[i+1]
		at := place(d.name, k)
		if k.Kind != yaml.ScalarNode || k.Anchor != "" || k.Style&yaml.TaggedStyle != 0 {
			d.fail(hindcast.EYAML, at, 1, "write the key as plain text", "a key is not plain text%s", in(v.path))
			continue
		}

		if first, double := seen[k.Value]; double {
			d.fail(hindcast.EYAML, at, utf8.RuneCountInString(k.Value), "leave one of the two out",
				"key %q%s is there twice, first in line %d", k.Value, in(v.path), first.Line)
			continue
		}

		seen[k.Value] = at
		entry := value{node: n, path: join(v.path, k.Value), name: k.Value, key: at, at: place(d.name, n)}
		if n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 {
			entry.at = at
		}

		d.p.Places[entry.path] = at
		out = append(out, entry)
	}

	return out
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

// object decodes the keys that the table knows, and fills in the defaults of missing ones.
func (d *decoder) object(b *branch, v value) {
	got := map[string]bool{}
	unknown := false
	for _, entry := range d.pairs(v) {
		child := b.children[entry.name]
		if child == nil {
			d.unknown(b, v, entry)
			unknown = true
			continue
		}

		got[entry.name] = true
		d.walk(child, entry)
	}

	var missing []*Key
	for _, name := range b.order {
		child := b.children[name]
		switch {
		case got[name]:
		case d.needed(child.key):
			missing = append(missing, child.key)
		case child.key.Default != "", child.key.Form.kind == object && child.optional(d.needed):
			d.walk(child, value{path: join(v.path, name), name: name, text: child.key.Default, key: v.key, at: v.at})
		}
	}

	// With both a missing required key and an unknown one, the unknown one is most likely the misspelt required one.
	if len(missing) > 0 && !unknown {
		d.missing(v, missing)
	}
}

// needed reports whether a key has to be in this file.
func (d *decoder) needed(k *Key) bool { return k.Required && !instead(d.root, k.Instead) }

// instead reports whether all keys are there that make a required key needless; false if there are no such keys.
func instead(root *yaml.Node, keys []string) bool {
	absent := func(path string) bool { return below(root, path) == nil }
	return len(keys) > 0 && !slices.ContainsFunc(keys, absent)
}

func (d *decoder) unknown(b *branch, v, entry value) {
	message := fmt.Sprintf("unknown key %q%s", entry.name, in(v.path))
	if meant := didYouMean(entry.name, b.order); meant != "" {
		message += meant
	} else if parents := parentsOf(entry.name); len(parents) > 0 {
		message += fmt.Sprintf(", it belongs in %s", strings.Join(parents, " or "))
	}

	where := "here"
	if v.path != "" {
		where = "in " + v.path
	}

	e := d.fail(hindcast.EKey, entry.key, utf8.RuneCountInString(entry.name), "see docs/reference/pipeline.md", "%s", message)
	e.Detail = append(e.Detail, fmt.Sprintf("the keys %s: %s", where, strings.Join(b.order, ", ")))
}

func (d *decoder) missing(v value, keys []*Key) {
	quoted, examples := make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		quoted[i] = strconv.Quote(k.Name())
		examples[i] = "for example " + k.Name() + ": " + k.Example
	}

	at, length, key := v.key, utf8.RuneCountInString(v.name), "key"
	if at.Line == 0 {
		at, length = v.at, 1
	}
	if len(keys) > 1 {
		key = "keys"
	}

	next := "add " + strings.Join(quoted, ", ")
	if v.path == "" && d.p.Environment == "" && len(d.p.Environments) > 0 {
		next += ", or choose an environment that has it: --env " + d.p.Environments[0].Name
	}
	e := d.fail(hindcast.EValue, at, length, next, "%s %s missing%s",
		key, strings.Join(quoted, ", "), in(v.path))
	e.Detail = append(e.Detail, examples...)
}

// names decodes a mapping whose keys are the user's own names.
func (d *decoder) names(b *branch, v value) {
	for _, entry := range d.pairs(v) {
		if ref := anyRef.FindString(entry.name); ref != "" {
			d.misplaced(entry.key, ref)
			continue
		}
		d.walk(b.any, entry)
	}
}

func (d *decoder) list(b *branch, v value) {
	for i, entry := range d.entries(v) {
		entry.name = strconv.Itoa(i)
		d.walk(b.any, entry)
	}
}

// entries returns the items of a list.
func (d *decoder) entries(v value) []value {
	if v.node == nil || v.null() {
		return nil
	}

	out := make([]value, 0, len(v.node.Content))
	for i, n := range v.node.Content {
		at := place(d.name, n)
		path := join(v.path, strconv.Itoa(i))
		d.p.Places[path] = at
		out = append(out, value{node: n, path: path, text: n.Value, key: at, at: at})
	}

	return out
}

// texts returns the items of a list of texts.
func (d *decoder) texts(v value) []value {
	var out []value
	for _, item := range d.entries(v) {
		switch {
		case !d.simple(item):
		case item.null() || item.node.Kind != yaml.ScalarNode || strings.TrimSpace(item.text) == "":
			d.bad(item, "write one text for each item, or leave it out", "is not a text")
		default:
			out = append(out, d.clean(item))
		}
	}

	return out
}

func (d *decoder) scalar(b *branch, v value) value {
	if v.node == nil {
		return v
	}

	v.text = v.node.Value
	if b.key.Form.secrets {
		return v
	}

	return d.clean(v)
}

var anyRef = regexp.MustCompile(`\$\{[^}]*\}?`)

// clean refuses secrets where none are allowed, and text that no database can store.
func (d *decoder) clean(v value) value {
	if at := anyRef.FindStringIndex(v.text); at != nil {
		d.misplaced(v.within(at[0]), v.text[at[0]:at[1]])
	}
	if strings.ContainsRune(v.text, 0) {
		d.bad(v, "leave the NUL character out", "holds a NUL character")
	}
	return v
}

func (d *decoder) misplaced(at hindcast.Place, ref string) {
	d.fail(hindcast.ESecret, at, utf8.RuneCountInString(ref),
		"write the value itself; what changes from run to run and is not a secret can be a parameter",
		"%s is allowed only in the URLs of warehouse, lake and notify, and in spark.conf", ref)
}
