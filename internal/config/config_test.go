package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "rewrite the golden files and the reference")

const (
	hostile = `p@ss/w:o%r?d#'"` + "`"
	sql     = "SELECT usage_month FROM billing"
)

// testEnv has a few variables and files; every path below /p is relative to the pipeline's folder.
func testEnv() config.Env {
	vars := map[string]string{"USER": "reader", "PASSWORD": hostile, "PORT": "5433", "HOST": "db.example",
		"EVIL_HOST": "a@evil.example/x", "BUCKET": "b1", "EMPTY": "", "DIR": "deep/er", "URL": "s3://elsewhere/x"}
	files := map[string]string{"/p/secrets/pw": hostile + "\n", "/p/cost_summary.sql": sql, "/p/sql/cost_summary.sql": sql,
		"/p/daily.sql": sql, "/p/monthly.sql": sql,
		"/p/latin1.sql": "SELECT '\xe9'", "/p/empty.sql": " \n"}
	return config.Env{
		Lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		ReadFile: func(path string) ([]byte, error) {
			if path == "/p/locked.sql" {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
			}

			text, ok := files[path]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
			}

			return []byte(text), nil
		},
	}
}

func decode(text string) (*hindcast.Pipeline, error) {
	return config.Decode("/p/hindcast.yml", []byte(text), testEnv())
}

// golden compares got with the file, or rewrites it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}

	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run with -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at the difference, then run with -update\n--- got\n%s\n--- want\n%s", path, got, want)
	}
}

func files(t *testing.T, glob string) []string {
	t.Helper()
	found, err := filepath.Glob(glob)
	if err != nil || len(found) == 0 {
		t.Fatalf("no files for %s: %v", glob, err)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestGood(t *testing.T) {
	for _, path := range files(t, "testdata/good/*.yml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			p, err := decode(read(t, path))
			if err != nil {
				t.Fatal(render(err))
			}

			got, err := json.MarshalIndent(p, "", "  ")
			if err != nil {
				t.Fatal(err)
			}

			golden(t, strings.TrimSuffix(path, ".yml")+".json", append(got, '\n'))
			for _, secret := range p.Secrets {
				if bytes.Contains(got, []byte(secret)) {
					t.Errorf("the encoded pipeline holds the secret %q", secret)
				}
			}

			if p.Output().Text != sql {
				t.Errorf("SQL text is %q", p.Output().Text)
			}
		})
	}
}

// render shows an error in full, as a terminal does.
func render(err error) string {
	e := hindcast.AsError(err)
	out := e.Error() + "\n" + e.Excerpt
	for _, line := range e.Detail {
		out += "  " + line + "\n"
	}
	return out + "  Next: " + e.Next + "\n"
}

func TestBad(t *testing.T) {
	for _, path := range files(t, "testdata/bad/*.yml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			p, err := decode(read(t, path))
			if err == nil || p != nil {
				t.Fatal("accepted")
			}
			if e, ok := errors.AsType[*hindcast.Error](err); !ok || e.Class != hindcast.ClassPermanent || e.Next == "" {
				t.Errorf("not a permanent error with a next step: %#v", err)
			}

			got := render(err)
			for _, secret := range []string{hostile, "geheim", "evil.example"} {
				if strings.Contains(got, secret) {
					t.Errorf("the error shows the secret %q", secret)
				}
			}

			golden(t, strings.TrimSuffix(path, ".yml")+".txt", []byte(got))
		})
	}
}

// star replaces names and positions in a place's path by *, so that it is a path of the table.
func star(path string, known map[string]bool) string {
	parts := strings.Split(path, ".")
	for i := range parts {
		if !known[strings.Join(parts[:i+1], ".")] {
			parts[i] = "*"
		}
		if at := strings.Join(parts[:i+1], "."); parts[i] == "*" && at == "spark.conf.*" {
			return at // these names have dots
		}
	}

	return strings.Join(parts, ".")
}

func TestEveryKeyIsDecoded(t *testing.T) {
	known := map[string]bool{}
	for _, k := range config.Keys() {
		known[k.Path] = true
	}

	seen := map[string]bool{}
	for _, file := range []string{everyKey, everyOutput} {
		p, err := decode(read(t, file))
		if err != nil {
			t.Fatal(render(err))
		}
		for path := range p.Places {
			seen[file+star(path, known)] = true
		}
	}

	for _, k := range config.Keys() {
		if !seen[fileOf(k)+k.Path] {
			t.Errorf("%s has no %s", fileOf(k), k.Path)
		}
	}
}

// A file has either one output or several.
const (
	everyKey    = "testdata/good/every_key.yml"
	everyOutput = "testdata/good/outputs.yml"
)

// fileOf is the file that has a key.
func fileOf(k config.Key) string {
	if strings.HasPrefix(k.Path, "outputs") {
		return everyOutput
	}
	return everyKey
}

// Each leaf of these files must matter: removing or changing it changes the pipeline.
func TestEveryKeyHasAnEffect(t *testing.T) {
	same := []string{"transform.dialect", "warehouse"} // it is the engine's; source and target have their own
	for _, k := range config.Keys() {
		if slices.Contains(same, k.Path) {
			continue
		}
		t.Run(k.Path, func(t *testing.T) {
			text := read(t, fileOf(k))
			whole, err := decode(text)
			if err != nil {
				t.Fatal(render(err))
			}
			want, _ := json.Marshal(whole)

			var doc yaml.Node
			if err := yaml.Load([]byte(text), &doc); err != nil {
				t.Fatal(err)
			}
			if !cut(doc.Content[0], strings.Split(k.Path, ".")) {
				t.Fatal("not in the file")
			}

			less, err := yaml.Dump(&doc)
			if err != nil {
				t.Fatal(err)
			}

			p, err := decode(string(less))
			if err != nil {
				return // required, or something else needs it
			}
			if got, _ := json.Marshal(p); bytes.Equal(got, want) {
				t.Error("leaving the key out changes nothing")
			}
		})
	}
}

// cut removes the first key of this path from a mapping or list.
func cut(n *yaml.Node, path []string) bool {
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}

	for i := 0; i+step <= len(n.Content); i += step {
		if step == 2 && path[0] != "*" && n.Content[i].Value != path[0] {
			continue
		}
		if len(path) == 1 {
			n.Content = slices.Delete(n.Content, i, i+step)
			return true
		}

		if cut(n.Content[i+step-1], path[1:]) {
			return true
		}
	}

	return false
}

const reference = "../../docs/reference/"

func TestReference(t *testing.T) {
	example := read(t, "testdata/good/issue.yml")
	golden(t, reference+"pipeline.md", []byte(config.Reference(example)))
	golden(t, reference+"pipeline.schema.json", config.Schema())

	for _, k := range config.Keys() {
		if k.Meaning == "" || !strings.HasSuffix(k.Meaning, ".") {
			t.Errorf("%s has no meaning, or one that is not a sentence", k.Path)
		}
		if k.Required && k.Example == "" {
			t.Errorf("%s is required and has no example", k.Path)
		}
		if !k.Required && k.Default == "" && k.Else == "" && !strings.HasSuffix(k.Path, "*") {
			t.Errorf("%s does not say what its absence means", k.Path)
		}
	}
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}

	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("pipeline.json", doc); err != nil {
		t.Fatal(err)
	}

	s, err := c.Compile("pipeline.json")
	if err != nil {
		t.Fatal(err)
	}

	return s
}

// plainValue returns a YAML node as JSON has it; dates stay text, as editors read them.
func plainValue(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			out[n.Content[i].Value] = plainValue(t, n.Content[i+1])
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, c := range n.Content {
			out = append(out, plainValue(t, c))
		}
		return out
	default:
	}

	var out any
	if n.ShortTag() == "!!timestamp" {
		return n.Value
	}
	if err := n.Decode(&out); err != nil {
		t.Fatal(err)
	}
	if i, ok := out.(int); ok {
		return int64(i)
	}

	return out
}

func TestSchema(t *testing.T) {
	s := schema(t)
	for _, path := range append(files(t, "testdata/good/*.yml"), files(t, "testdata/bad/*.yml")...) {
		var doc yaml.Node
		text := read(t, path)
		if yaml.Load([]byte(text), &doc) != nil || len(doc.Content) != 1 {
			continue
		}

		err := s.Validate(plainValue(t, doc.Content[0]))
		_, failed := decode(text)
		if failed == nil && err != nil {
			t.Errorf("%s: the schema refuses what the decoder accepts: %v", path, err)
		}

		if e := hindcast.AsError(failed); err == nil && failed != nil &&
			(e.Code == hindcast.EKey || strings.Contains(e.Message, " missing")) {
			t.Errorf("%s: the schema accepts %s", path, e.Message)
		}
	}
}

// Every default and example in the table decodes by the same rules as the file.
func TestExamplesAndDefaults(t *testing.T) {
	s := schema(t)
	for _, k := range config.Keys() {
		for _, text := range []string{k.Default, k.Example} {
			if text == "" || strings.Contains(k.Path, "*") {
				continue
			}

			var doc yaml.Node
			if err := yaml.Load([]byte(read(t, "testdata/good/issue.yml")), &doc); err != nil {
				t.Fatal(err)
			}

			var with yaml.Node
			if err := yaml.Load([]byte(text), &with); err != nil {
				t.Fatalf("%s: %q: %v", k.Path, text, err)
			}

			put(doc.Content[0], strings.Split(k.Path, "."), with.Content[0])
			if k.Path == "outputs" { // in place of the only one
				for _, key := range [][]string{{"transform", "sql"}, {"target"}, {"checks"}, {"load"}} {
					cut(doc.Content[0], key)
				}
			}
			if k.Path == "results.expire" { // which is of one way of keeping results
				put(doc.Content[0], []string{"results", "keep"}, &yaml.Node{Kind: yaml.ScalarNode, Value: string(hindcast.KeepIceberg)})
			}
			if k.Path == "source.session" { // which is of a source of its own
				put(doc.Content[0], []string{"source", "warehouse"}, &yaml.Node{Kind: yaml.ScalarNode, Value: "duckdb:archive.duckdb"})
			}
			if err := s.Validate(plainValue(t, doc.Content[0])); err != nil {
				t.Errorf("%s: %s: %v", k.Path, text, err)
			}

			whole, err := yaml.Dump(&doc)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := decode(string(whole)); err != nil {
				t.Errorf("%s: %s: %s", k.Path, text, render(err))
			}
		}
	}
}

// put sets a key of a mapping, adding it if need be.
func put(n *yaml.Node, path []string, to *yaml.Node) {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value != path[0] {
			continue
		}
		if len(path) == 1 {
			n.Content[i+1] = to
			return
		}

		put(n.Content[i+1], path[1:], to)
		return
	}

	below := to
	if len(path) > 1 {
		below = &yaml.Node{Kind: yaml.MappingNode}
		put(below, path[1:], to)
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: path[0]}, below)
}

func TestPlaces(t *testing.T) {
	p, err := decode(read(t, "testdata/good/issue.yml"))
	if err != nil {
		t.Fatal(render(err))
	}

	want := map[string]string{
		"facts.billing.table": "/p/hindcast.yml:6:13",
		"checks.1.total.of":   "/p/hindcast.yml:14:13",
		"history.from":        "/p/hindcast.yml:4:11",
		"params.rate":         "/p/hindcast.yml:11:10",
		"target.key.1":        "/p/hindcast.yml:10:69",
	}
	for path, place := range want {
		if got := p.Places[path].String(); got != place {
			t.Errorf("%s is at %s, want %s", path, got, place)
		}
	}
}

const rest = `
history: {from: 2020-01-01, every: 1 month}
facts: {billing: {table: billing, time: day}}
transform: {sql: cost_summary.sql, dialect: duckdb}
target: {table: t, time: day}
`

func TestLocations(t *testing.T) {
	pg := url.UserPassword("reader", hostile)
	for _, c := range []struct {
		key, url            string
		written, path, full string
	}{
		{"warehouse", "duckdb:a.duckdb", "duckdb:a.duckdb", "/p/a.duckdb", ""},
		{"warehouse", "duckdb:../a.duckdb", "duckdb:../a.duckdb", "/a.duckdb", ""},
		{"warehouse", "duckdb:/x/a b%20.duckdb", "duckdb:/x/a b%20.duckdb", "/x/a b%20.duckdb", ""},
		{"warehouse", "duckdb:///x/a.duckdb", "duckdb:///x/a.duckdb", "/x/a.duckdb", ""},
		{"warehouse", "duckdb:${DIR}/a.duckdb", "duckdb:${DIR}/a.duckdb", "/p/deep/er/a.duckdb", ""},
		{"warehouse", "postgres://${USER}:${PASSWORD}@${HOST}:${PORT}/db", "postgres://${USER}:${PASSWORD}@${HOST}:${PORT}/db", "",
			"postgres://" + pg.String() + "@db.example:5433/db"},
		{"warehouse", "postgres://u:lit${PASSWORD}@h/db", "postgres://u:***@h/db", "",
			"postgres://" + url.UserPassword("u", "lit"+hostile).String() + "@h/db"},
		{"warehouse", "postgres://u:${EMPTY}@h/db", "postgres://u:${EMPTY}@h/db", "", "postgres://u:@h/db"},
		{"warehouse", "postgres://h/a%20b${DIR}?password=lit&user=${PASSWORD}", "postgres://h/a%20b${DIR}?password=***&user=${PASSWORD}", "",
			"postgres://h/a%20bdeep%2Fer?password=lit&user=" + url.QueryEscape(hostile)},
		{"warehouse", "host=db.example port=5433 dbname=shop user=u", "host=db.example port=5433 dbname=shop user=u", "",
			"postgres:///?dbname=shop&host=db.example&port=5433&user=u"},
		{"warehouse", " host = h password=${PASSWORD}  dbname=shop ", " host = h password=${PASSWORD}  dbname=shop ", "",
			"postgres:///?dbname=shop&host=h&password=" + url.QueryEscape(hostile)},
		{"warehouse", `host=h password=a\'b\\c\ d dbname=s`, `host=h password=*** dbname=s`, "", "postgres:///?dbname=s&host=h&password=a%27b%5Cc%20d"},
		{"warehouse", `password="x dbname=s\`, `password=*** dbname=s\`, "", "postgres:///?dbname=s&password=%22x"},
		{"warehouse", "host=h host=i port='' dbname=s", "host=h host=i port='' dbname=s", "", "postgres:///?dbname=s&host=i"},
		{"warehouse", "postgres://h/db?options=-c%20app.token%3Dgeheim%20-csearch_path%3Dmart&app.jwt=geheim&sslmode=require",
			"postgres://h/db?options=-c%20app.token=***%20-csearch_path=mart&app.jwt=***&sslmode=require", "",
			"postgres://h/db?options=-c%20app.token%3Dgeheim%20-csearch_path%3Dmart&app.jwt=geheim&sslmode=require"},
		{"warehouse", "dbname=s sslpassword=${EMPTY}geheim", "dbname=s sslpassword=***", "", "postgres:///?dbname=s&sslpassword=geheim"},
		{"lake", "s3://b/p?endpoint=http://u:geheim@minio:9000&region=x", "s3://b/p?endpoint=***&region=x", "",
			"s3://b/p?endpoint=http://u:geheim@minio:9000&region=x"},
		{"warehouse", "postgres://u:70010000@h:7001/db", "postgres://u:***@h:7001/db", "", "postgres://u:70010000@h:7001/db"},
		{"lake", "lake", "lake", "/p/lake", ""},
		{"lake", "/x/y/", "/x/y/", "/x/y", ""},
		{"lake", "file:///x/a%20b", "file:///x/a%20b", "/x/a b", ""},
		{"lake", "s3://${BUCKET}/pre fix/${DIR}", "s3://${BUCKET}/pre fix/${DIR}", "", "s3://b1/pre%20fix/deep%2Fer"},
	} {
		t.Run(c.url, func(t *testing.T) {
			quoted := "'" + strings.ReplaceAll(c.url, "'", "''") + "'"
			text := "pipeline: x\nwarehouse: duckdb:w\nlake: " + quoted + rest
			if c.key == "warehouse" {
				text = "pipeline: x\nwarehouse: " + quoted + rest
			}

			p, err := decode(text)
			if err != nil {
				t.Fatal(render(err))
			}

			loc := p.Lake
			if c.key == "warehouse" {
				loc = p.Warehouse
			}

			full := ""
			if loc.URL != nil {
				full = loc.URL.String()
			}
			if loc.Written != c.written || loc.Path != c.path || full != c.full {
				t.Errorf("got %q %q %q\nwant %q %q %q", loc.Written, loc.Path, full, c.written, c.path, c.full)
			}

			if loc.URL != nil && strings.Contains(c.url, "PASSWORD}@") {
				if pw, _ := loc.URL.User.Password(); !strings.HasSuffix(pw, hostile) || loc.URL.Hostname() == "ss" {
					t.Errorf("the password is %q", pw)
				}
			}
		})
	}
}

func TestSecrets(t *testing.T) {
	p, err := decode("pipeline: x\nwarehouse: postgres://u:lit${PASSWORD}${EMPTY}@h/db?sslpassword=a%2Fb" + rest)
	if err != nil {
		t.Fatal(render(err))
	}

	for _, want := range []string{hostile, "lit" + hostile, "a/b", "a%2Fb"} {
		if !slices.Contains(p.Secrets, want) {
			t.Errorf("%q is not a secret in %q", want, p.Secrets)
		}
	}

	if slices.Contains(p.Secrets, "") {
		t.Error("an empty secret")
	}
}

func TestParams(t *testing.T) {
	p, err := decode(read(t, "testdata/good/every_key.yml"))
	if err != nil {
		t.Fatal(render(err))
	}

	want := map[string]string{"exact": "1.10", "large": "12345678901234567890123.50", "whole": "42", "negative": "(-5)",
		"plus": "5", "exponent": "1e6", "quoted": "'it''s'", "number_text": "'7'", "date": "'2016-01-01'",
		"yes_is_text": "'yes'", "truth": "true", "nothing": "NULL"}
	if len(p.Params) != len(want) {
		t.Errorf("%d parameters, want %d", len(p.Params), len(want))
	}

	for _, x := range p.Params {
		if x.Literal != want[x.Name] {
			t.Errorf("%s is %s, want %s", x.Name, x.Literal, want[x.Name])
		}
	}
}

func TestZones(t *testing.T) {
	for _, c := range []struct{ from, zone, want string }{
		{"2016-01-01", "Europe/Berlin", "2016-01-01T00:00:00+01:00"},
		{"2016-07-01T05:00", "Europe/Berlin", "2016-07-01T05:00:00+02:00"},
		{"2018-11-04", "America/Sao_Paulo", "2018-11-04T01:00:00-02:00"}, // midnight was left out
		{"0001-01-01", "UTC", "0001-01-01T00:00:00Z"},
	} {
		p, err := decode(strings.Replace("pipeline: x\nwarehouse: duckdb:w"+rest, "from: 2020-01-01",
			"from: "+c.from+", time_zone: "+c.zone, 1))
		if err != nil {
			t.Fatal(render(err))
		}
		if got := p.History.From.Format("2006-01-02T15:04:05Z07:00"); got != c.want {
			t.Errorf("%s in %s is %s, want %s", c.from, c.zone, got, c.want)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "hindcast.yml")
	if _, err := config.Load(t.Context(), path); hindcast.AsError(err).Code != hindcast.EFileMissing {
		t.Errorf("got %v", err)
	}
	if _, err := config.Load(t.Context(), dir); hindcast.AsError(err).Code != hindcast.EFileMissing {
		t.Errorf("got %v", err)
	}

	t.Setenv("HINDCAST_TEST_PASSWORD", hostile)
	for name, text := range map[string]string{"hindcast.yml": "pipeline: x\nwarehouse: postgres://u:${HINDCAST_TEST_PASSWORD}@h/d" + rest,
		"cost_summary.sql": sql} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	p, err := config.Load(t.Context(), path)
	if err != nil {
		t.Fatal(render(err))
	}

	if p.Dir != dir || p.File != path || p.Lake.Path != filepath.Join(dir, "lake") || p.Output().Text != sql ||
		!slices.Equal(p.Secrets, []string{hostile}) {
		t.Errorf("got %+v", p)
	}
}

var codeForm = regexp.MustCompile(`^E-[A-Z-]+$`)

func FuzzDecode(f *testing.F) {
	for _, glob := range []string{"testdata/good/*.yml", "testdata/bad/*.yml"} {
		found, _ := filepath.Glob(glob)
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := config.Decode("/p/hindcast.yml", text, testEnv())
		if err == nil {
			if p.Name == "" || len(p.Facts) == 0 || p.History.Every.IsZero() || p.Output().Target.Time == "" || p.Lake.Written == "" {
				t.Errorf("accepted without what is required: %+v", p)
			}
			if _, err := json.Marshal(p); err != nil {
				t.Error(err)
			}
			return
		}

		e, ok := errors.AsType[*hindcast.Error](err)
		if !ok || !codeForm.MatchString(string(e.Code)) || e.Code == hindcast.EInternal || e.Message == "" {
			t.Fatalf("not an error with a code: %#v", err)
		}
		if strings.Contains(render(err), hostile) {
			t.Errorf("a secret is shown: %s", render(err))
		}
	})
}

// What a command may not need is not asked for: secrets of spark.conf where no application is started, and those of the warehouse's
// URL where the lake is enough.
func TestMissingSecretsAreFaultsOfWhoNeedsThem(t *testing.T) {
	const rest = "pipeline: x\nhistory: {from: 2020-01-01, to: 2022-01-01, every: 1 month}\nfacts: {billing: {table: b, time: day}}\ntransform: {sql: cost_summary.sql}\ntarget: {table: t, time: day}\n"
	p, err := decode(rest + "warehouse: duckdb:w.duckdb\nspark:\n  conf:\n    spark.a.secret: ${USER}\n    spark.b.secret: ${NOT_THERE}\n    spark.c.secret: ${file:not/there}\n")
	if err != nil {
		t.Fatal(err)
	}
	e := hindcast.AsError(p.Transform.Spark.Fault())
	if e == nil || e.Code != hindcast.ESecret || e.Place.Line != 10 || !strings.Contains(e.Message, "spark.conf.spark.b.secret: the environment variable NOT_THERE is not set") {
		t.Errorf("%+v", e)
	}
	if faults := p.Transform.Spark.Faults; len(faults) != 2 || faults[1].Place.Line != 11 {
		t.Errorf("%+v", faults)
	}
	if is := p.Transform.Spark.Conf["spark.a.secret"]; is != "reader" {
		t.Errorf("the secret that is there is %q", is)
	}

	for url, written := range map[string]string{
		"postgres://u:${NOT_THERE}@h/shop":                   "postgres://u:${NOT_THERE}@h/shop",
		"postgres://u:geheim@${NOT_THERE}/shop":              "postgres://u:***@${NOT_THERE}/shop",
		"host=h dbname=shop password=${NOT_THERE}":           "host=h dbname=shop password=${NOT_THERE}",
		"duckdb:${NOT_THERE}/w.duckdb":                       "duckdb:${NOT_THERE}/w.duckdb",
		"postgres://${USER}:${PASSWORD}@${NOT_THERE}:5/shop": "postgres://${USER}:${PASSWORD}@${NOT_THERE}:5/shop",
	} {
		env := testEnv()
		env.LakeAlone = true
		p, err := config.Decode("/p/hindcast.yml", []byte(rest+"warehouse: "+url+"\n"), env)
		if err != nil || p.Warehouse.Written != written {
			t.Errorf("%s: %+v, %v", url, p, err)
		}
		if strings.Contains(url, "geheim") && !slices.Contains(p.Secrets, "geheim") {
			t.Errorf("%s: the secrets are %q", url, p.Secrets)
		}
		env.LakeAlone = false
		if _, err := config.Decode("/p/hindcast.yml", []byte(rest+"warehouse: "+url+"\n"), env); hindcast.AsError(err) == nil || hindcast.AsError(err).Code != hindcast.ESecret {
			t.Errorf("%s: %v", url, err)
		}
	}

	env := testEnv()
	env.LakeAlone = true
	if _, err := config.Decode("/p/hindcast.yml", []byte(rest+"warehouse: duckdb:${no name}\n"), env); hindcast.AsError(err) == nil {
		t.Error("what is not a reference is accepted")
	}
}
