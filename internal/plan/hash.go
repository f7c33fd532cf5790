package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// hash is short for people to read, and long enough that two definitions do not meet.
func hash(parts ...string) string {
	var buffer [512]byte
	text := buffer[:0]
	for _, p := range parts {
		text = append(append(text, p...), 0)
	}
	return short(sha256.Sum256(text))
}

func short(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:8]) }

// definition is what else decides a slice's result besides SQL, parameters and data. Checks, run time, patch
// versions and comments do not.
type definition struct {
	Start, End string
	TimeZone   string
	Engine     string
	Dialect    string
	Settings   []string `json:",omitempty"` // of the engine
	Hooks      hooks
	Reads      []string `json:",omitempty"` // what decides the results of the outputs that it reads
	Time       string
	Format     hindcast.TimeFormat `json:",omitempty"`
	Key        []string
	Drop       bool `json:",omitempty"`
	Facts      []factDefinition
	Dims       []hindcast.Dim
}

// hooks are the user's SQL around a load. Their names decide the hash.
type hooks struct {
	Before  []string `json:"before,omitempty"`
	After   []string `json:"after,omitempty"`
	Session []string `json:"session,omitempty"`
	Source  []string `json:"source_session,omitempty"`
}

type factDefinition struct {
	Name, Time, Lookback string
	Columns              []string
	Lookahead            string              `json:",omitempty"`
	Format               hindcast.TimeFormat `json:",omitempty"`
	Declared             []hindcast.Declared `json:",omitempty"`
	Text                 []string            `json:",omitempty"` // so that definitions without it keep their hash
	Types                map[string]string   `json:",omitempty"`
}

// partsOf gives the hashes of an output of a slice that are known before its unload.
func partsOf(p *hindcast.Pipeline, o *hindcast.Output, engine Version) func(hindcast.Slice) hindcast.Parts {
	sql := hash(sqltext.Dialect(p.Transform.Dialect).Normalize(o.Text))
	var params []string
	for _, param := range p.Params {
		params = append(params, param.Name+"="+param.Literal)
	}
	slices.Sort(params)
	paramsHash := hash(params...)
	d := definition{TimeZone: p.History.TimeZone, Engine: engine.Name + " " + MajorMinor(engine.Version), Dialect: p.Transform.Dialect,
		Hooks: normalized(p, &o.Load), Reads: readHashes(p, o), Time: o.Target.Time, Format: o.Target.Format, Key: o.Target.Key, Drop: o.Target.Drop}
	if p.Transform.Engine == "spark" {
		d.Settings = p.Transform.Spark.Deciding()
	}
	for _, f := range p.Facts {
		d.Facts = append(d.Facts, factDefinition{f.Name, f.Time, f.Lookback.String(), f.Columns, f.Lookahead.String(), f.Format, f.Declared, slices.Sorted(slices.Values(f.Text)), f.Types})
	}
	for _, dim := range p.Dims {
		d.Dims = append(d.Dims, hindcast.Dim{Name: dim.Name, Columns: dim.Columns, Text: slices.Sorted(slices.Values(dim.Text)), Types: dim.Types})
	}
	// Their order in the file decides nothing.
	slices.SortFunc(d.Facts, func(a, b factDefinition) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Dims, func(a, b hindcast.Dim) int { return strings.Compare(a.Name, b.Name) })
	made := named(engine)
	text, _ := json.Marshal(d) // strings only: it cannot fail
	rest := strings.TrimPrefix(string(text), `{"Start":"","End":""`)
	buffer := make([]byte, 0, len(text)+2*len(time.RFC3339))
	return func(s hindcast.Slice) hindcast.Parts { // a history has many slices, and they differ in their bounds alone
		bounded := s.Start.UTC().AppendFormat(append(buffer, `{"Start":"`...), time.RFC3339)
		bounded = s.End.UTC().AppendFormat(append(bounded, `","End":"`...), time.RFC3339)
		bounded = append(append(append(bounded, '"'), rest...), 0)
		buffer = bounded[:0]
		return hindcast.Parts{SQL: sql, Params: paramsHash, Definition: short(sha256.Sum256(bounded)), Engine: made}
	}
}

// readHashes are, for each output that an output reads, the hash of what decides that one's result beside what both are made of.
func readHashes(p *hindcast.Pipeline, o *hindcast.Output) (hashes []string) {
	for _, name := range o.Reads {
		read := &p.Outputs[p.OutputNamed(name)]
		text, _ := json.Marshal(definition{Reads: readHashes(p, read), Time: read.Target.Time, Format: read.Target.Format, Drop: read.Target.Drop}) // strings only: it cannot fail
		hashes = append(hashes, hash(name, sqltext.Dialect(p.Transform.Dialect).Normalize(read.Text), string(text)))
	}
	return hashes
}

// EngineLabel is how people write an engine's name.
func EngineLabel(name string) string {
	switch name {
	case "duckdb":
		return "DuckDB"
	case "spark":
		return "Spark"
	case "glue":
		return "Glue"
	case "emr-serverless":
		return "EMR Serverless"
	}
	return name
}

// named is an engine in words, as far as it counts in fingerprints.
func named(engine Version) string {
	label := EngineLabel(engine.Name)
	if engine.Name == "glue" || engine.Name == "emr-serverless" {
		label += ", Spark" // whose version it is
	}
	return label + " " + strings.TrimPrefix(MajorMinor(engine.Version), "v")
}

// normalized are the hooks as they count: without comments and spacing.
func normalized(p *hindcast.Pipeline, load *hindcast.Load) hooks {
	each := func(hooks []string) []string {
		var list []string
		for _, hook := range hooks {
			list = append(list, sqltext.Standard.Normalize(hook))
		}
		return list
	}
	return hooks{Before: each(load.Before), After: each(load.After), Session: each(p.Session), Source: each(p.SourceSession)}
}

// MajorMinor cuts a version to what counts in fingerprints: "v1.5.5" to "v1.5".
func MajorMinor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// Fingerprint is the hash over all parts.
func Fingerprint(p hindcast.Parts) string { return fingerprint(p, sorted(p.Facts), sorted(p.Dims)) }

// Together is the fingerprint of a slice for several outputs: that of the only one, or a hash over all of theirs, in the order of
// the outputs.
func Together(prints []string) string {
	if len(prints) == 1 {
		return prints[0]
	}
	return hash(prints...)
}

func sorted(contents map[string]string) []part {
	var list []part
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		list = append(list, part{name, contents[name]})
	}
	return list
}

// fingerprint is Fingerprint of facts and dimensions that are sorted by name already.
func fingerprint(p hindcast.Parts, facts, dims []part) string {
	list := append(make([]string, 0, 16), p.SQL, p.Params, p.Definition)
	for _, group := range [][]part{facts, dims} {
		for _, p := range group {
			list = append(list, p.name, p.content)
		}
		list = append(list, "")
	}
	return hash(list...)
}

// FactContent is a fact's part: the contents of the units that the slice reads, in their order.
func FactContent(contents []string) string { return hash(contents...) }

// Params are the literals that the SQL's :names stand for, in the engine's dialect: the user's, and slice_start, slice_end, run_time. The
// slice's bounds are DATEs where all slices begin and end with a day, instants otherwise.
func Params(s hindcast.Slice, now time.Time, p *hindcast.Pipeline) map[string]string {
	literals := map[string]string{}
	for _, param := range p.Params {
		literals[param.Name] = param.Literal
	}
	layout, prefix, zone := time.DateOnly, "DATE '", zoneOf(p.History)
	if !wholeDays(p.History) {
		layout, prefix = "2006-01-02 15:04:05-07:00", "TIMESTAMPTZ '"
	}
	for name, t := range map[string]time.Time{"slice_start": s.Start.In(zone), "slice_end": s.End.In(zone)} {
		if _, offset := t.Zone(); offset%60 != 0 && layout != time.DateOnly {
			t = t.UTC() // not every reader of a literal knows seconds of an offset
		}
		literals[name] = prefix + t.Format(layout) + "'"
	}
	literals["run_time"] = "TIMESTAMPTZ '" + now.UTC().Format("2006-01-02 15:04:05.999999-07:00") + "'"

	dialect := sqltext.Dialect(p.Transform.Native())
	for name, literal := range literals {
		literals[name] = dialect.Literal(literal)
	}
	return literals
}
