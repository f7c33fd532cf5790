package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
	"go.yaml.in/yaml/v4"
)

// environmentsKey is the key below which the environments are.
const environmentsKey = "environments"

var (
	formOverrides = Form{Name: "keys", Right: "write the keys below it that differ there", kind: overrides}
	formYes       = Form{Name: "true or false", Right: "write true or false", Schema: map[string]any{"type": "boolean"}}
)

func environmentKeys() []Key {
	return []Key{
		{Path: environmentsKey, Form: formNames, Else: "there is one only", Example: "{prod: {warehouse: \"postgres://etl:${PASSWORD}@db.example/shop\", lake: s3://history/prod}}",
			Meaning: "What differs between environments, each by a name that `--env`, or the variable `HINDCAST_ENV`, chooses. Without it the file is read as if they were not there."},
		{Path: "environments.*", Form: formOverrides, Example: "{protected: true, run: {parallel: 8}}",
			Meaning: "Any keys of this file, except `environments`, with their values in the environment. Keys with keys below them are merged; everything else, lists too, is replaced. " +
				"Two environments that read or write different databases need a `lake` or a `pipeline` name of their own."},
		{Path: "environments.*.protected", Form: formYes, Default: "false", Example: "true",
			Meaning: "`run`, `resume`, `publish` and `undo` ask before they publish in the environment, or need `--yes`. Where nobody can be asked they are refused before anything is done."},
	}
}

// environment is what the file says of one environment.
type environment struct {
	hindcast.Environment
	at   hindcast.Place // of its name
	over *yaml.Node
}

// environments reads the names of the environments, and what each says of itself.
func (d *decoder) environments(root *yaml.Node) (found []environment) {
	list := child(root, environmentsKey)
	if list == nil || list.Kind != yaml.MappingNode {
		return nil // the decoder says why
	}
	for i := 0; i+1 < len(list.Content); i += 2 {
		key, node := list.Content[i], list.Content[i+1]
		if key.Kind != yaml.ScalarNode || node.Kind != yaml.MappingNode {
			continue
		}
		e := environment{Environment: hindcast.Environment{Name: key.Value}, at: place(d.name, key), over: node}
		if p := child(node, "protected"); p != nil {
			e.Protected = p.Value == "true"
		}
		found = append(found, e)
	}
	return found
}

// child is the value of a key of a mapping; nil if there is none.
func child(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	if i := keyAt(n, name); i >= 0 {
		return n.Content[i+1]
	}
	return nil
}

// keyAt is where in a mapping's content a key is, with its value behind it; -1 if it is not there.
func keyAt(n *yaml.Node, name string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Kind == yaml.ScalarNode && n.Content[i].Value == name {
			return i
		}
	}
	return -1
}

// below is the value at a dotted path; nil if there is none.
func below(n *yaml.Node, path string) *yaml.Node {
	for name := range strings.SplitSeq(path, ".") {
		n = child(n, name)
	}
	return n
}

// inEnvironment is the file's top node as the chosen environment has it. Each override keeps its place in the file.
func (d *decoder) inEnvironment(root *yaml.Node) *yaml.Node {
	all := d.environments(root)
	for _, e := range all {
		d.p.Environments = append(d.p.Environments, e.Environment)
	}
	d.apart(root, all)

	chosen := d.env.Environment
	if chosen == "" {
		return root
	}
	i := slices.IndexFunc(all, func(e environment) bool { return e.Name == chosen })
	if i < 0 {
		d.noEnvironment(root, all, chosen)
		return root
	}
	d.p.Environment = chosen
	return overlaid(root, all[i].over, true)
}

func (d *decoder) noEnvironment(root *yaml.Node, all []environment, chosen string) {
	at, length := hindcast.Place{File: d.name}, 0
	message, next := fmt.Sprintf("there is no environment %q, as --env or HINDCAST_ENV names it", chosen), "leave --env and HINDCAST_ENV out: the file has no environments"
	if list := child(root, environmentsKey); list != nil {
		at, length = place(d.name, list), 1
	}
	if len(all) > 0 {
		var names []string
		for _, e := range all {
			names = append(names, e.Name)
		}
		at, length = all[0].at, utf8.RuneCountInString(all[0].Name)
		next = "name one of: " + strings.Join(names, ", ")
		message += didYouMean(chosen, names)
	}
	d.fail(hindcast.EValue, at, length, next, "%s", message)
}

// overlaid is a mapping with another one's keys over its own: mappings are merged, everything else is replaced. Nothing of the
// two is changed. At the top, what an environment says of itself is left out.
func overlaid(under, over *yaml.Node, top bool) *yaml.Node {
	if under.Kind != yaml.MappingNode || over.Kind != yaml.MappingNode {
		return over
	}
	merged := *under
	merged.Content = slices.Clone(under.Content)
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, node := over.Content[i], over.Content[i+1]
		if top && (key.Value == "protected" || key.Value == environmentsKey) {
			continue
		}
		at := keyAt(&merged, key.Value)
		if at < 0 {
			merged.Content = append(merged.Content, key, node)
			continue
		}
		merged.Content[at], merged.Content[at+1] = key, overlaid(merged.Content[at+1], node, false)
	}
	return &merged
}

// overrides checks the keys of an environment and the shapes of their values. What the values mean is decoded where the
// environment is chosen: its secrets need not be there otherwise.
func (d *decoder) overrides(b *branch, v value) {
	known := branch{key: b.key, children: map[string]*branch{}, order: slices.Clone(b.order)}
	for name, child := range b.children {
		known.children[name] = child
	}
	for _, name := range tree().order {
		if name != environmentsKey {
			known.children[name], known.order = tree().children[name], append(known.order, name)
		}
	}
	if !pipelineName.MatchString(v.name) || len(v.name) > maxName {
		d.fail(hindcast.EValue, v.key, utf8.RuneCountInString(v.name), formName.Right, "%q is not a valid name of an environment", v.name)
	}
	d.outline(&known, v)

	at := join(v.path, "protected")
	if is := child(v.node, "protected"); is != nil && is.Value != "true" && is.Value != "false" {
		d.bad(value{node: is, path: at, at: place(d.name, is)}, formYes.Right, "%q is neither true nor false", is.Value)
	}
}

// outline checks keys and shapes of a value and of all below it, and takes no value.
func (d *decoder) outline(b *branch, v value) {
	if !d.simple(v) || v.null() {
		return
	}
	kind := b.key.Form.shape(v.node)
	if !d.shaped(v, kind, b.key.Form.Right) {
		return
	}
	switch kind {
	case object, overrides:
		for _, entry := range d.pairs(v) {
			if child := b.children[entry.name]; child != nil {
				d.outline(child, entry)
			} else {
				d.unknown(b, v, entry)
			}
		}
	case names:
		for _, entry := range d.pairs(v) {
			d.outline(b.any, entry)
		}
	case list:
		for _, entry := range d.entries(v) {
			d.outline(b.any, entry)
		}
	case texts:
		d.texts(v)
	case scalar, nothing:
		if v.text = v.node.Value; !b.key.Form.secrets {
			d.clean(v)
		}
	}
}

// apart refuses environments that share a lake and a name, and read or write different databases: what was unloaded of one would
// be taken for the other's. Who reads the file without an environment has one more, if the file is whole without them. A
// lake whose place is a secret may be another one for each.
func (d *decoder) apart(root *yaml.Node, all []environment) {
	type state struct{ lake, name, databases string }
	of := func(n *yaml.Node) state {
		text := func(path string) string {
			at := below(n, path)
			if at == nil || at.Kind != yaml.ScalarNode {
				return ""
			}
			return at.Value
		}
		s := state{lake: d.samePlace(cmp.Or(text("lake"), "./lake")), name: text("pipeline")}
		for _, key := range append([]string{"warehouse"}, apartKeys...) {
			s.databases += d.samePlace(Database(text(key))) + "\x00"
		}
		return s
	}

	type holder struct {
		state
		who string
	}
	var seen []holder
	if child(root, "warehouse") != nil || instead(root, apartKeys) {
		seen = append(seen, holder{of(root), "the file without an environment"})
	}
	for _, e := range all {
		is := of(overlaid(root, e.over, true))
		for _, was := range seen {
			if was.lake == is.lake && was.name == is.name && was.databases != is.databases && !strings.Contains(is.lake, "${") {
				d.fail(hindcast.EValue, e.at, utf8.RuneCountInString(e.Name), "give it a lake of its own, such as lake: ./lake/"+e.Name+", or a name: pipeline: "+is.name+"_"+e.Name,
					"environment %s has another database than %s, and the same lake and name: one's copies would be taken for the other's", e.Name, was.who)
				break
			}
		}
		seen = append(seen, holder{is, "environment " + e.Name})
	}
}

// samePlace is a lake or a database, written so that ./lake, lake and lake/ are one.
func (d *decoder) samePlace(written string) string {
	for _, scheme := range []string{"file:", "duckdb:"} {
		if path, is := strings.CutPrefix(written, scheme); is {
			return scheme + d.absolute(strings.TrimPrefix(strings.TrimPrefix(path, "//localhost"), "//"))
		}
	}
	if schemeLike.MatchString(written) || strings.HasPrefix(written, "postgres ") { // as Database writes it
		return strings.TrimRight(written, "/")
	}
	return "file:" + d.absolute(written)
}

// once drops errors of the chosen environment's keys that were found before: they are decoded twice.
func (d *decoder) once() {
	if d.p.Environment == "" {
		return
	}
	type found struct {
		at   hindcast.Place
		code hindcast.Code
	}
	seen := map[found]bool{}
	d.errs = slices.DeleteFunc(d.errs, func(e *hindcast.Error) bool {
		f := found{e.Place, e.Code}
		double := seen[f]
		seen[f] = true
		return double
	})
}
