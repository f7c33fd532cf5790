package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
)

const inEnvironments = `pipeline: shop
warehouse: duckdb:warehouse.duckdb
history: {from: 2024-01-01, every: 1 month}
facts: {sales: {table: sales, time: day, columns: [day, amount]}}
transform: {sql: cost_summary.sql, dialect: duckdb}
target: {table: monthly, time: month}
params: {rate: 2, other: 1}
load: {after: ["ANALYZE monthly", "ANALYZE sales"]}
run: {retries: 3, parallel: 2}
environments:
  prod:
    protected: true
    pipeline: shop_prod
    warehouse: "postgres://etl:${PASSWORD}@db.example/shop"
    facts: {sales: {columns: [day]}, returns: {table: returns, time: day}}
    params: {rate: 3}
    load: {after: ["ANALYZE other"]}
    run: {parallel: 8}
  test:
    warehouse: "postgres://etl:${NOT_SET}@test.example/shop"
    lake: ./test
  broken:
    run:
      parallel: many
`

func inEnvironment(name string) (*hindcast.Pipeline, error) {
	env := testEnv()
	env.Environment = name
	return config.Decode("/p/hindcast.yml", []byte(inEnvironments), env)
}

// Mappings are merged, all else is replaced, and nothing of an environment counts that was not chosen.
func TestEnvironment(t *testing.T) {
	p, err := inEnvironment("prod")
	if err != nil {
		t.Fatal(render(err))
	}
	if p.Name != "shop_prod" || p.Warehouse.Scheme != "postgres" || p.Lake.Path != "/p/lake" || p.Run.Parallel != 8 || p.Run.Retries != 3 ||
		!slices.Equal(p.Output().Load.After, []string{"ANALYZE other"}) {
		t.Errorf("%+v", p)
	}
	if len(p.Facts) != 2 || p.Facts[0].Table != "sales" || !slices.Equal(p.Facts[0].Columns, []string{"day"}) || p.Facts[1].Name != "returns" {
		t.Errorf("%+v", p.Facts)
	}
	if len(p.Params) != 2 || p.Params[0].Literal != "3" || p.Params[1].Literal != "1" {
		t.Errorf("%+v", p.Params)
	}
	if p.Environment != "prod" || !p.Protected() || !slices.Contains(p.Secrets, hostile) || p.Places["warehouse"].Line != 14 || p.Places["run.parallel"].Line != 18 {
		t.Errorf("%s, protected %t, %v", p.Environment, p.Protected(), p.Places["warehouse"])
	}

	p, err = inEnvironment("")
	if err != nil {
		t.Fatal(render(err))
	}
	if p.Environment != "" || p.Protected() || p.Name != "shop" || p.Warehouse.Scheme != "duckdb" || len(p.Facts) != 1 || len(p.Environments) != 3 || len(p.Secrets) > 0 {
		t.Errorf("%+v", p)
	}
}

// What is wrong in the chosen environment has its place there, and is said once.
func TestEnvironmentIsDecoded(t *testing.T) {
	for name, want := range map[string]string{
		"test":   "/p/hindcast.yml:20:32: warehouse: the environment variable NOT_SET is not set",
		"broken": "/p/hindcast.yml:24:17: run.parallel: \"many\" is not a whole number",
		"prd":    `/p/hindcast.yml:11:3: there is no environment "prd", as --env or HINDCAST_ENV names it, did you mean "prod"?`,
	} {
		_, err := inEnvironment(name)
		if err == nil || !strings.Contains(err.Error(), want) || len(hindcast.AsError(err).Detail) > 0 {
			t.Errorf("%s: %v, want %s", name, render(err), want)
		}
		if name == "prd" && hindcast.AsError(err).Next != "name one of: prod, test, broken" {
			t.Error(hindcast.AsError(err).Next)
		}
	}

	env := testEnv()
	env.Environment = "prod"
	_, err := config.Decode("/p/hindcast.yml", []byte(inEnvironments[:strings.Index(inEnvironments, "environments:")]), env)
	if err == nil || hindcast.AsError(err).Next != "leave --env and HINDCAST_ENV out: the file has no environments" {
		t.Error(render(err))
	}
}

// Each error in the chosen environment's keys, which are decoded twice, is said once.
func TestEnvironmentsErrorsAreSaidOnce(t *testing.T) {
	env := testEnv()
	env.Environment = "prod"
	text := strings.Replace(inEnvironments, "    run: {parallel: 8}", "    run: {parallell: 8}", 1)
	_, err := config.Decode("/p/hindcast.yml", []byte(text), env)
	if err == nil || hindcast.AsError(err).Code != hindcast.EKey || strings.Contains(render(err), "also") {
		t.Error(render(err))
	}
}

// Where a key takes a list, or keys, or one word, an environment's may be another than the file's own.
func TestEnvironmentsShapes(t *testing.T) {
	base := inEnvironments[:strings.Index(inEnvironments, "environments:")]
	for over, want := range map[string]string{
		"facts: {sales: {columns: {tag: {type: varchar, was: [label]}}}}": "",
		"facts: {sales: {columns: used}}":                                 "",
		"facts: {sales: {time: {column: day, format: yyyymmdd}}}":         "",
		"checks: [{not_null: month}]":                                     "",
		"facts: {sales: {columns: {tag: {typ: varchar}}}}":                `facts.sales.columns.tag, did you mean "type"?`,
		"facts: {sales: {columns: day}}":                                  "facts.sales.columns: must be a list, this is one value",
	} {
		for _, name := range []string{"", "prod"} {
			env := testEnv()
			env.Environment = name
			p, err := config.Decode("/p/hindcast.yml", []byte(base+"environments:\n  prod: {"+over+"}\n"), env)
			switch {
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)), want == "" && err != nil:
				t.Errorf("%q, %s: %v, want %q", name, over, render(err), want)
			case err == nil && name == "prod" && strings.Contains(over, "tag") && (len(p.Facts[0].Declared) != 1 || len(p.Facts[0].Columns) > 0):
				t.Errorf("%s: %+v", over, p.Facts[0])
			}
		}
	}
}

// A lake or database that is written in another way is the same one: copies of one database are never taken for another's.
func TestEnvironmentsApartBySpelling(t *testing.T) {
	base := inEnvironments[:strings.Index(inEnvironments, "environments:")]
	for _, c := range []struct {
		lake, over string
		mixed      bool
	}{
		{"./lake", "warehouse: duckdb:prod.duckdb, lake: lake", true},
		{"./lake", "warehouse: duckdb:prod.duckdb, lake: ./lake/", true},
		{"./lake", "warehouse: duckdb:prod.duckdb, lake: a/../lake", true},
		{"./lake", "warehouse: duckdb:prod.duckdb, lake: /p/lake", true},
		{"./lake", "warehouse: duckdb:prod.duckdb, lake: file:///p/lake", true},
		{"s3://history/shop", "warehouse: duckdb:prod.duckdb, lake: s3://history/shop/", true},
		{"./lake", "warehouse: duckdb:prod.duckdb, lake: ./lakes", false},
		{"./lake", "warehouse: duckdb:./warehouse.duckdb", false},
		{"./lake", "warehouse: duckdb:///p/warehouse.duckdb", false},
		{"./lake", "warehouse: duckdb:WAREHOUSE.duckdb", true},
	} {
		_, err := config.Decode("/p/hindcast.yml", []byte(base+"lake: "+c.lake+"\nenvironments:\n  prod: {"+c.over+"}\n"), testEnv())
		if mixed := err != nil && strings.Contains(err.Error(), "the same lake and name"); mixed != c.mixed || err != nil && !mixed {
			t.Errorf("%s over %s: %v", c.over, c.lake, render(err))
		}
	}
}
