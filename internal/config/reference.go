package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Reference returns docs/reference/pipeline.md: every key with its type, default and meaning. Example is a whole
// pipeline file to show.
func Reference(example string) string {
	var out strings.Builder
	out.WriteString(referenceHead)
	out.WriteString("```yaml\n" + strings.TrimRight(example, "\n") + "\n```\n")
	out.WriteString("\n## Keys\n\n" +
		"`*` stands for a name that you give, or for a position in a list, which counts from 0.\n\n" +
		"| key | value | default | meaning |\n|---|---|---|---|\n")

	for _, k := range Keys() {
		if strings.Contains(k.As, ".") && k.Path != "outputs.*.sql" {
			continue // the keys of the only output say it
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", k.Path, cell(k.Form.Name), cell(shownDefault(k)), cell(k.Meaning+shownExample(k)))
	}

	out.WriteString("\n## Values\n\n| value | what is valid |\n|---|---|\n")
	for _, f := range forms() {
		fmt.Fprintf(&out, "| %s | %s |\n", cell(f.Name), cell(f.Right))
	}

	out.WriteString(referenceTail)
	return out.String()
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func shownDefault(k Key) string {
	switch {
	case len(k.Instead) > 0:
		return "required, unless `" + strings.Join(k.Instead, "` and `") + "` are there"
	case k.Required:
		return "required"
	case k.Default != "":
		return "`" + k.Default + "`"
	}
	return k.Else
}

func shownExample(k Key) string {
	if k.Example == "" {
		return ""
	}
	return " Example: `" + k.Example + "`"
}

const referenceHead = `# The pipeline file

<!-- Generated from the table in internal/config/keys.go: go test ./internal/config -run Reference -update -->

A pipeline file is YAML in UTF-8. It is read strictly: a key that is not listed here, a duplicate key, or a
malformed value is an error with its position, and nothing runs. YAML's anchors, aliases and tags are not allowed.
Relative paths start at the file's folder. ` + "`pipeline.schema.json`" + ` beside this page is the same as a JSON Schema, for editors:
begin the file with ` + "`# yaml-language-server: $schema=PATH/pipeline.schema.json`" + `.

`

const referenceTail = `
## Secrets

` + "`${VAR}`" + ` is the value of an environment variable, ` + "`${file:PATH}`" + ` the content of a file without its final newline.
They are allowed only in ` + "`warehouse`, `lake` and the URLs of `notify`" + `, anywhere but in the scheme, and in the values of ` + "`spark.conf`" + ` that decide no
result. The URL, or the keywords, are parsed before they are
expanded, so that a password with @, / or a quote in it stays a password. Their values are never shown or stored, nor is a literal
password, or the value of a parameter that can be a secret (` + "`options`" + `, a setting with a dot in its name). A lake or database
file whose location is a secret is shown as this file writes it: an error names ` + "`${LAKE}/shop/facts/…`" + `. If ` + "`${LAKE}`" + ` is a
single word, such as ` + "`lake`" + `, the secret is the folder's absolute path and not that word. A secret of fewer than four characters
is hidden only as a URL's password: hidden in every word, it would be revealed.
`

// Schema returns docs/reference/pipeline.schema.json: the pipeline file as a JSON Schema (2020-12), for editors. It
// accepts every file that Decode accepts; Decode refuses more, such as duplicate names.
func Schema() []byte {
	root := tree().schema()
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "hindcast pipeline"
	root["allOf"] = either()
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil // maps, lists, texts and numbers always encode
	}

	return append(text, '\n')
}

// schema returns the JSON Schema of a key and of those below it.
func (b *branch) schema() map[string]any {
	out := map[string]any{}
	switch b.key.Form.kind {
	case object:
		b.objectSchema(out)
		if b.key.Form.plain {
			out = map[string]any{"anyOf": []any{out, map[string]any{"type": "string", "minLength": 1}}}
		}
	case overrides:
		b.overridesSchema(out)
	case names:
		out["type"], out["additionalProperties"] = "object", b.any.schema()
	case list:
		out["type"], out["items"] = "array", b.any.schema()
	case scalar, texts, nothing:
		maps.Copy(out, b.key.Form.Schema)
		if either, is := out["anyOf"].([]any); is && b.key.Form.mapped {
			out["anyOf"] = append(slices.Clone(either), map[string]any{"type": "object", "minProperties": 1, "additionalProperties": b.any.schema()})
		}
	}

	if b.empty() {
		out["type"] = []any{out["type"], "null"}
	}
	if b.key.Meaning != "" {
		out["description"] = b.key.Meaning
	}
	if b.key.Default != "" {
		out["default"] = b.key.Default
	}

	maps.Copy(out, b.key.Schema)
	return out
}

// empty reports whether `key:` with nothing below it is valid.
func (b *branch) empty() bool {
	switch b.key.Form.kind {
	case object, names, list, texts, overrides:
		return b.key.Path != "" && !b.key.Required && b.optional(required) && len(b.key.Schema) == 0 && b.key.Form.word == "" && !b.key.Form.single
	case scalar, nothing:
	}
	return false
}

func (b *branch) objectSchema(out map[string]any) {
	properties, required := map[string]any{}, []string{}
	for name, child := range b.children {
		properties[name] = child.schema()
		if child.key.Required && len(child.key.Instead) == 0 {
			required = append(required, name)
		}
	}

	out["type"], out["additionalProperties"], out["properties"] = "object", false, properties
	if len(required) > 0 {
		slices.Sort(required)
		out["required"] = required
	}
}

// either says in the schema of the whole file which keys have to be there unless others are.
func either() (all []any) {
	needed := map[string][]string{} // paths, by what makes them needless
	var order [][]string
	for _, k := range Keys() {
		if k.Required && len(k.Instead) > 0 {
			instead := strings.Join(k.Instead, " ")
			if needed[instead] == nil {
				order = append(order, k.Instead)
			}
			needed[instead] = append(needed[instead], k.Path)
		}
	}
	for _, instead := range order {
		all = append(all, map[string]any{"anyOf": []any{having(needed[strings.Join(instead, " ")]), having(instead)}})
	}
	return all
}

// having is the schema of a file in which all these keys are there, at its top or just below it.
func having(paths []string) map[string]any {
	var outer []any
	below := map[string][]any{}
	for _, path := range paths {
		above, name, inner := strings.Cut(path, ".")
		if !slices.Contains(outer, any(above)) {
			outer = append(outer, above)
		}
		if inner {
			below[above] = append(below[above], name)
		}
	}
	out := map[string]any{"required": outer}
	if len(below) > 0 {
		properties := map[string]any{}
		for above, names := range below {
			properties[above] = map[string]any{"required": names}
		}
		out["properties"] = properties
	}
	return out
}

// overridesSchema is that of any keys of the file: below them nothing is required, for the rest is where they are not overridden.
func (b *branch) overridesSchema(out map[string]any) {
	properties := map[string]any{}
	for name, child := range tree().children {
		if name != environmentsKey {
			properties[name] = loose(child.schema())
		}
	}
	for name, child := range b.children {
		properties[name] = child.schema()
	}
	out["type"], out["additionalProperties"], out["properties"] = "object", false, properties
}

// loose is a schema without what it says of keys that have to be there, and without defaults.
func loose(schema map[string]any) map[string]any {
	out := map[string]any{}
	for word, is := range schema {
		switch word {
		case "required", "oneOf", "minProperties", "default":
			continue
		case "properties":
			is = looseEach(is)
		case "items", "additionalProperties":
			if child, ok := is.(map[string]any); ok {
				is = loose(child)
			}
		case "anyOf":
			is = looseAny(is)
		}
		out[word] = is
	}
	return out
}

// looseEach are loose schemas by their properties' names.
func looseEach(properties any) any {
	named, ok := properties.(map[string]any)
	if !ok {
		return properties
	}
	out := map[string]any{}
	for name, is := range named {
		if schema, ok := is.(map[string]any); ok {
			is = loose(schema)
		}
		out[name] = is
	}
	return out
}

// looseAny are loose schemas of which any may hold.
func looseAny(schemas any) any {
	either, ok := schemas.([]any)
	if !ok {
		return schemas
	}
	out := make([]any, len(either))
	for i, is := range either {
		if schema, ok := is.(map[string]any); ok {
			is = loose(schema)
		}
		out[i] = is
	}
	return out
}
