package sqltext

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/pythontest"
)

// spoken are texts with a parameter, and the text that Spark gets. Spark itself is asked for each whether it reads it so: where the
// parameter is bound the query gives its value.
var spoken = []struct{ text, bound, gives string }{
	{"SELECT :n", "SELECT 7", "7"},
	{"SELECT /*+ COALESCE(1) */ :n", "SELECT /*+ COALESCE(1) */ 7", "7"},
	{"SELECT /*+ COALESCE(:n) */ 1", "SELECT /*+ COALESCE(7) */ 1", "1"},
	{"SELECT /*+ /* :x */ COALESCE(1) -- :y\n */ :n", "SELECT /*+ /* :x */ COALESCE(1) -- :y\n */ 7", "7"},
	{`SELECT 'a\':n'`, `SELECT 'a\':n'`, "a':n"},
	{`SELECT 'a\\', :n`, `SELECT 'a\\', 7`, `a\`},
	{`SELECT 'a'':n'`, `SELECT 'a'':n'`, "a:n"},
	{`SELECT r'a\', :n`, `SELECT r'a\', 7`, `a\`},
	{`SELECT R'a''\':n'`, `SELECT R'a''\':n'`, "a':n"},
	{`SELECT r"a\", :n`, `SELECT r"a\", 7`, `a\`},
	{"SELECT `:n` FROM (SELECT 1 AS `:n`)", "SELECT `:n` FROM (SELECT 1 AS `:n`)", "1"},
	{"SELECT `a\\` + :n FROM (SELECT 1 AS `a\\`)", "SELECT `a\\` + 7 FROM (SELECT 1 AS `a\\`)", "8"},
	{"SELECT `a``:n` FROM (SELECT 1 AS `a``:n`)", "SELECT `a``:n` FROM (SELECT 1 AS `a``:n`)", "1"},
	{"SELECT \"it's\" + :n FROM (SELECT 1 AS \"it's\")", "SELECT \"it's\" + 7 FROM (SELECT 1 AS \"it's\")", "8"},
	{`SELECT "a\":n" FROM (SELECT 1 AS "a\":n")`, `SELECT "a\":n" FROM (SELECT 1 AS "a\":n")`, "1"},
	{"SELECT /* a /* :n */ c */ :n", "SELECT /* a /* :n */ c */ 7", "7"},
	{"SELECT /* a /*+ b */ :n", "SELECT /* a /*+ b */ 7", "7"},
	{"SELECT 1 -- it's :n", "SELECT 1 -- it's :n", "1"},
	{"SELECT 1 -- a \\\n + :n", "SELECT 1 -- a \\\n + :n", "1"},
	{"SELECT 1 -- a\r + :n", "SELECT 1 -- a\r + 7", "8"},
	{"SELECT 1 -- a \\\r\n + :n", "SELECT 1 -- a \\\r\n + 7", "8"},
	{"SELECT e FROM (SELECT :n AS e)", "SELECT e FROM (SELECT 7 AS e)", "7"},
	{"SELECT '$$', :n, '$$ '", "SELECT '$$', 7, '$$ '", "$$"},
	{"SELECT '${spark.master}', :n", "SELECT '${spark.master}', 7", "${spark.master}"},
	{"SELECT named_struct('k', :n).k", "SELECT named_struct('k', 7).k", "7"},
	{"SELECT transform(array(1), x -> x+:n)[0]", "SELECT transform(array(1), x -> x+7)[0]", "8"},
}

func TestSparkBind(t *testing.T) {
	for _, c := range spoken {
		got, _, err := Spark.Bind(c.text, map[string]string{"n": "7"})
		if err != nil || got != c.bound {
			t.Errorf("Bind(%q) = %q, %v; want %q", c.text, got, err, c.bound)
		}
	}
}

// texts are values of parameters: what Spark makes of their literals is what they are.
var texts = []string{"", "it's", "''", `\`, `\\`, `a\'b`, `\n`, `\%\_`, `\u0041`, `\101`, "two\nlines\tand\rmore", `"x"`, "`x`", "--", "/*+ x */", "$$", "${x", ":n", "é 🙂", "\u00a0"}

// literals are those that a pipeline has, in the standard's spelling, and what Spark makes of them: a text, and its type.
var literals = []struct{ standard, text, typ string }{
	{"1.10", "1.10", "decimal(3,2)"},
	{"(-5)", "-5", "int"},
	{"9007199254740993", "9007199254740993", "bigint"},
	{"12345678901234567890123.50", "12345678901234567890123.50", "decimal(25,2)"},
	{"1e6", "1000000.0", "double"},
	{"true", "true", "boolean"},
	{"NULL", "", "void"},
	{"DATE '2020-02-29'", "2020-02-29", "date"},
	{"TIMESTAMPTZ '2020-02-29 03:00:00-05:30'", "2020-02-29 08:30:00", "timestamp"},
	{"TIMESTAMPTZ '2020-02-29 03:00:00.123456+00:00'", "2020-02-29 03:00:00.123456", "timestamp"},
}

const asked = `import json, sys
from pyspark.sql import SparkSession
s = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
for name, value in json.load(open(sys.argv[1] + "/conf")).items():
    s = s.config(name, value)
s = s.getOrCreate()
answers, whole = [], None
for n, query in enumerate(json.load(open(sys.argv[1] + "/queries"))):
    try:
        d = s.sql(query)
        answers.append([None, d.schema.fields[0].dataType.simpleString()])
        row = d.toDF(*["c%d" % i for i in range(len(d.columns))]).selectExpr("%d AS n" % n, "CAST(c0 AS STRING) AS v")
        whole = whole.union(row) if whole else row
    except Exception as e:
        answers.append([str(e), "error"])
for n, value in whole.coalesce(1).collect():
    answers[n][0] = value
json.dump(answers, open(sys.argv[1] + "/answers", "w"))
s.stop()`

var sparkConf = map[string]string{"spark.sql.ansi.enabled": "true", "spark.sql.ansi.doubleQuotedIdentifiers": "true", "spark.sql.session.timeZone": "UTC",
	"spark.sql.timestampType": "TIMESTAMP_NTZ", "spark.sql.variable.substitute": "false", "spark.sql.parser.escapedStringLiterals": "false",
	"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.adaptive.enabled": "false"}

// What is bound for Spark means there what it means here.
func TestSparkReadsTheSame(t *testing.T) {
	var queries []string
	var want [][2]string
	add := func(query, text, typ string) {
		queries, want = append(queries, query), append(want, [2]string{text, typ})
	}
	for _, c := range spoken {
		add(c.bound, c.gives, "")
	}
	for _, text := range texts {
		add("SELECT "+Spark.Literal("'"+strings.ReplaceAll(text, "'", "''")+"'")+" AS v", text, "string")
	}
	for _, l := range literals {
		add("SELECT "+Spark.Literal(l.standard)+" AS v", l.text, l.typ)
	}

	for _, version := range []string{"spark35", "spark40"} {
		t.Run(version, func(t *testing.T) {
			for i, got := range askSpark(t, version, queries) {
				text := ""
				if got[0] != nil {
					text = *got[0]
				}
				if text != want[i][0] || want[i][1] != "" && *got[1] != want[i][1] {
					t.Errorf("%s\ngot  %q, %s\nwant %q", queries[i], text, *got[1], want[i])
				}
			}
		})
	}
}

// askSpark returns the first column of each query's first row as a text, and its type.
func askSpark(t *testing.T, version string, queries []string) (answers [][2]*string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir+"/conf", sparkConf)
	write(t, dir+"/queries", queries)
	python := pythontest.Python(t, version)
	command := exec.CommandContext(t.Context(), python, "-c", asked, dir)
	command.Dir = dir
	command.Env = append(os.Environ(), "JDK_JAVA_OPTIONS="+pythontest.JVMOptions(python)) // it starts, answers and ends
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}

	read(t, dir+"/answers", &answers)
	if len(answers) != len(queries) {
		t.Fatalf("%d answers to %d queries", len(answers), len(queries))
	}
	return answers
}

func TestSparkNormalize(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT  /*+ BROADCAST( t ) */ 1 /* x */ -- y\n FROM t ;": "SELECT /*+ BROADCAST( t ) */ 1 FROM t",
		"SELECT /*+ BROADCAST(t) -- why\n */ 1":                   "SELECT /*+ BROADCAST(t) */ 1",
		"SELECT 1 -- a \\\n b\n + 2":                              "SELECT 1 + 2",
		"SELECT `a  b`, \"c  d\", r'\\  ', 'e\\'  '":              "SELECT `a  b`, \"c  d\", r'\\  ', 'e\\'  '",
		"SELECT\u00a01": "SELECT 1",
	} {
		if got := Spark.Normalize(text); got != want {
			t.Errorf("Normalize(%q) = %q, want %q", text, got, want)
		}
	}

	if Spark.Normalize("SELECT /*+ BROADCAST(t) */ 1") == Spark.Normalize("SELECT 1") {
		t.Error("a hint counts")
	}
	if Standard.Normalize("SELECT /*+ BROADCAST(t) */ 1") != Standard.Normalize("SELECT 1") {
		t.Error("a hint is a comment elsewhere")
	}
}

func TestSparkStatements(t *testing.T) {
	got := Spark.Statements("SELECT ';' AS `;`, r'\\'; SELECT \"a\\\";\" -- \\\n;")
	want := []Statement{{"SELECT ';' AS `;`, r'\\'", 0}, {"SELECT \"a\\\";\"", 25}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestSparkFind(t *testing.T) {
	text := "SELECT 'cost', `cost` FROM t -- cost"
	if at := Spark.Find(text, 0, "COST"); at != strings.Index(text, "`") {
		t.Errorf("found at %d", at)
	}
}

func TestSparkTyped(t *testing.T) {
	text := "SELECT DATE 'today', date /* x */\n r'a\\b', `date` 'x', date AS \"it's\", timestamp'2020', date ('x'), DATE \"x\" -- DATE 'y'"
	var got []string
	for _, l := range Spark.Typed(text, "date", "timestamp") {
		got = append(got, l.Type+"="+l.Value+"="+text[l.At:l.End])
	}
	want := []string{"DATE=today=DATE 'today'", "date=a\\b=date /* x */\n r'a\\b'", "timestamp=2020=timestamp'2020'"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSparkUnstable(t *testing.T) {
	for text, want := range map[string][]string{
		"SELECT rand(), rand(42), randn(1), uuid(), shuffle(array(1)), random()":                             {"rand()", "rand()", "randn()", "uuid()", "shuffle()", "random()"},
		"SELECT monotonically_increasing_id(), spark_partition_id(), input_file_name()":                      {"monotonically_increasing_id()", "spark_partition_id()", "input_file_name()"},
		"SELECT first(a), last(a, true), collect_list(b), collect_set(c), listagg(d) FROM t":                 {"first()", "last()", "collect_list()", "collect_set()", "listagg()"},
		"SELECT sort_array(collect_list(b)), size(collect_set(c)), array_contains(array_agg(c), 1)":          nil,
		"SELECT listagg(d, ',') WITHIN GROUP (ORDER BY d) FROM t":                                            nil,
		"SELECT first(a) OVER (PARTITION BY b ORDER BY c), row_number() OVER (PARTITION BY b) FROM t":        {"row_number()"},
		"SELECT row_number() OVER (DISTRIBUTE BY b SORT BY c), lag(a) OVER w FROM t WINDOW w AS (SORT BY a)": nil,
		"SELECT `rand`(), 'uuid()', r'\\' || rand() FROM t":                                                  {"rand()"},
		"SELECT a FROM t LIMIT 10":                                {"LIMIT"},
		"SELECT a FROM t TABLESAMPLE (10 PERCENT)":                {"TABLESAMPLE"},
		"SELECT a FROM t TABLESAMPLE (10 PERCENT) REPEATABLE (3)": nil,
		"SELECT current_timestamp(), sum(a), max_by(a, b) FROM t": nil,
	} {
		var got []string
		for _, u := range Spark.FindUnstable(text) {
			got = append(got, u.What)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %v\nwant %v", text, got, want)
		}
	}
}

func FuzzLexSpark(f *testing.F) {
	for _, c := range spoken {
		f.Add(c.text)
	}
	for _, s := range []string{"--", "/*", "/*+", "r'", `'\`, "`", "--\\", "/* /*+", "\u00a0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b strings.Builder
		for _, p := range Spark.lex(text) {
			b.WriteString(p.text)
		}
		if b.String() != text {
			t.Errorf("%q became %q", text, b.String())
		}
		_, _, _ = Spark.Bind(text, nil)
		Spark.Normalize(text)
		Spark.FindUnstable(text)
	})
}

func write(t *testing.T, path string, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string, value any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, value)
	}
	if err != nil {
		t.Fatal(err)
	}
}
