package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
)

// outputsKey is the key below which several outputs are.
const outputsKey = "outputs"

// severalKeys are the keys that make those of a pipeline's only output needless.
var severalKeys = []string{outputsKey}

// shared are keys beside those of the only output that count for all outputs of a pipeline.
var shared = []string{"target.warehouse", "load.publish", "load.session"}

func outputKeys() []Key {
	keys := []Key{
		{Path: outputsKey, Form: formNames, Else: "one output: `transform.sql`, `target`, `checks` and `load`", Schema: map[string]any{"minProperties": 1},
			Example: "{daily: {sql: daily.sql, target: {table: daily, time: day}}, monthly: {sql: monthly.sql, reads: [daily], target: {table: monthly, time: month}}}",
			Meaning: "Several SQL files and targets over the same facts, in place of `transform.sql`, `target`, `checks`, and the `before`, `after` and `triggers` of `load`. " +
				"A slice's outputs are computed in this order and published in one transaction. What is stale of them is computed alone.",
			set: func(d *decoder, v value) { d.someOutputs(v) }},
		{Path: "outputs.*", Form: formObject, Example: "{sql: daily.sql, target: {table: daily, time: day}}",
			Meaning: "One output, by a name of small letters, digits, _ and -: `--output` chooses by it, and the SQL of an output that `reads` this one sees its rows by it.",
			begin:   func(d *decoder, v value) { d.beginOutput(v) }},
		{Path: "outputs.*.sql", Form: formText, Required: true, As: "transform.sql", Example: "daily.sql",
			Meaning: "As `transform.sql`.", set: func(d *decoder, v value) { d.readSQL(v) }},
		{Path: "outputs.*.reads", Form: formTexts, Schema: map[string]any{"minItems": 1}, Else: "facts and dimensions alone", Example: "[daily]",
			Meaning: "Outputs above this one whose results its SQL and its checks read as tables, each by the output's name: the slice's own rows, as they are computed in the same attempt, and none of " +
				"another slice, whatever the margins of facts are. When this output is computed they are too, and when one of them changes so does this one.",
			set: func(d *decoder, v value) { d.output().Reads = d.textsOf(v) }},
	}
	for _, k := range slices.Concat(targetKeys(), checkKeys(), namedCheckKeys(), loadKeys()) {
		if slices.Contains(shared, k.Path) {
			continue
		}
		k.Instead, k.As = nil, k.Path
		switch k.Path {
		case "target":
			k.Meaning = "As `target`, with the same keys. `target.warehouse` is for all outputs. Each output has a target of its own."
		case "checks":
			k.Meaning = "As `checks`, over this output's result."
		case "load":
			k.Meaning = "As `load`: `before`, `after` and `triggers`. `load.publish` and `load.session` are for all outputs."
		}
		k.Path = "outputs.*." + k.Path
		keys = append(keys, k)
	}
	return keys
}

// output is the one that is decoded.
func (d *decoder) output() *hindcast.Output {
	if d.among {
		return &d.several[len(d.several)-1]
	}
	return &d.only
}

// beginOutput checks an output's name: a folder's name in the lake, and a table's name in the SQL of others.
func (d *decoder) beginOutput(v value) {
	switch {
	case !pipelineName.MatchString(v.name) || len(v.name) > maxName:
		d.fail(hindcast.EValue, v.key, utf8.RuneCountInString(v.name), formName.Right, "%q is not a valid name of an output", v.name)
	case v.name == "result":
		d.fail(hindcast.EValue, v.key, len(v.name), "give it another name", "the name %q means the slice's result in checks", v.name)
	}
	d.several = append(d.several, hindcast.Output{Name: v.name})
}

func (d *decoder) someOutputs(v value) {
	if len(d.several) == 0 {
		d.bad(v, "write at least one output, such as daily: {sql: daily.sql, target: {table: daily, time: day}}", "there are no outputs")
	}
}

// finishOutputs takes the outputs, in one of the two forms.
func (d *decoder) finishOutputs() {
	if len(d.several) == 0 {
		d.p.Outputs = []hindcast.Output{d.only}
		return
	}
	d.p.Outputs = d.several
	d.oneForm()
	for i := range d.several {
		o := &d.several[i]
		if why := d.taken(o.Name); why != "" {
			d.fail(hindcast.EValue, d.p.Places[outputsKey+"."+o.Name], utf8.RuneCountInString(o.Name), "give it another name", "the name %q %s", o.Name, why)
		}
		for n, name := range o.Reads {
			at := d.p.Places[o.Key(fmt.Sprintf("reads.%d", n))]
			if slices.Contains(o.Reads[:n], name) {
				d.fail(hindcast.EValue, at, utf8.RuneCountInString(name), "leave one of them out", "%s: %s is there twice", o.Key("reads"), name)
				continue
			}
			d.checkReads(o, name, at, d.several[:i])
		}
	}
}

// oneForm refuses keys of a pipeline's only output where there are several.
func (d *decoder) oneForm() {
	for _, k := range outputKeys() {
		place, given := d.p.Places[k.As]
		if !given || k.As == "target" || k.As == "load" || strings.Count(k.As, ".") > 1 || strings.Contains(k.As, "*") {
			continue
		}
		next := "move it to each output that it is meant for, such as " + outputsKey + "." + d.several[0].Name
		d.fail(hindcast.EValue, place, utf8.RuneCountInString(k.Name()), next, "%s is a key of a pipeline's only output, and this one has %s", k.As, outputsKey)
	}
}

// checkReads refuses what an output cannot read: others are computed before it.
func (d *decoder) checkReads(o *hindcast.Output, name string, at hindcast.Place, before []hindcast.Output) {
	named := func(is hindcast.Output) bool { return is.Name == name }
	if slices.ContainsFunc(before, named) {
		return
	}
	key, length := o.Key("reads"), utf8.RuneCountInString(name)
	switch {
	case name == o.Name:
		d.fail(hindcast.EValue, at, length, "leave it out", "%s: an output cannot read itself", key)
	case slices.ContainsFunc(d.several, named):
		d.fail(hindcast.EValue, at, length, "write "+name+" above "+o.Name+", if it does not read that one in its turn",
			"%s: %s comes after %s, and outputs are computed in the order in which they are written", key, name, o.Name)
	default:
		var names []string
		for _, is := range before {
			names = append(names, is.Name)
		}
		next := "name an output above it"
		if len(names) > 0 {
			next = "name one of: " + strings.Join(names, ", ")
		}
		d.fail(hindcast.EValue, at, length, next+"; facts and dimensions need not be named", "%s: there is no output %q%s", key, name, didYouMean(name, names))
	}
}
