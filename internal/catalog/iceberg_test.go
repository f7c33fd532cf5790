package catalog

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/iceberg"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/s3test"
)

// results is an Iceberg table over results in a bucket.
type results struct {
	*world
	endpoint string
	table    *iceberg.Table
}

func newResults(t *testing.T) *results {
	t.Helper()
	server := s3test.Start(t)
	server.Setenv(t)
	store, err := s3.Open(t.Context(), s3test.URL(server.Endpoint, server.Bucket(t), "lake"))
	if err != nil {
		t.Fatal(err)
	}
	l := lake.New(store, "costs")
	return &results{worldIn(t, store, l), server.Endpoint, &iceberg.Table{Store: store, Root: l.ResultsPrefix("daily"), Pipeline: "costs", Target: "daily", Fence: 1,
		May: l.May, Pinned: l.PinnedMetadata, Now: time.Now}}
}

// publish publishes a result of one row, as a file that is there already.
func (r *results) publish(slice string, n int) {
	r.Helper()
	path := r.TempDir() + "/data.parquet"
	r.exec("COPY (SELECT " + "DATE '" + slice + "' AS Day, " + strings.Repeat("1 + ", n-1) + "1::BIGINT AS n) TO '" + path + "' (FORMAT parquet)")
	body, err := os.ReadFile(path)
	if err != nil {
		r.Fatal(err)
	}
	f := hindcast.File{Path: r.lake.ResultsPrefix("daily") + slice + "/g1-r1-f1-a1/" + string(rune('a'+n)) + ".parquet", Rows: 1, Bytes: int64(len(body))}
	if _, err := r.store.Put(r.Context(), f.Path, body, objstore.Condition{}); err != nil {
		r.Fatal(err)
	}
	m := &hindcast.Manifest{Target: "daily", Key: slice, Columns: []hindcast.Column{column("Day", "DATE"), column("n", "BIGINT")}, Files: []hindcast.File{f}}
	if err := r.table.Publish(r.Context(), "r1", iceberg.Results{slice: m}); err != nil {
		r.Fatal(err)
	}
}

// current is the table as it is to be registered.
func (r *results) current() []IcebergTable {
	r.Helper()
	root := r.lake.ResultsPrefix("daily")
	current, err := iceberg.Current(r.Context(), r.store, root)
	if err != nil || current == nil {
		r.Fatalf("%+v, %v", current, err)
	}
	t := IcebergTable{Metadata: r.lake.Absolute(current.Key), Key: current.Key, Ours: func(other string) bool { return iceberg.Ours(r.store, root, other) },
		Stands: func(ctx context.Context) (bool, error) { return iceberg.Stands(ctx, r.store, root, current.Key) },
		Table:  Table{Name: "Daily", Source: "daily", Location: current.Location}}
	for _, c := range current.Columns {
		t.Columns, t.IDs = append(t.Columns, Column{Name: c.Name, Stored: c.Type}), append(t.IDs, c.ID)
	}
	tables, err := Source{Pipeline: "costs", URL: r.store.URL()}.Iceberg([]IcebergTable{t})
	if err != nil {
		r.Fatal(err)
	}
	return tables
}

func (r *results) register(c DataCatalog) (string, error) {
	r.Helper()
	changes, err := RegisterIceberg(r.Context(), c, r.lake, "costs", r.current())
	if err != nil {
		return "", err
	}
	return changes[0].Text(), nil
}

// raced is a Data Catalog in which somebody else was faster.
type raced struct{ DataCatalog }

func (raced) UpdateTable(context.Context, *glue.UpdateTableInput, ...func(*glue.Options)) (*glue.UpdateTableOutput, error) {
	return nil, &types.ConcurrentModificationException{}
}

// The Data Catalog's table names what is current, pyiceberg finds it there and reads it, and nobody's commit is written over.
func TestRegisterIceberg(t *testing.T) {
	endpoint := pythontest.Moto(t) // before the environment has the bucket's keys
	client := glueAt(endpoint)
	r := newResults(t)
	r.publish("2020-01-01", 1)
	for _, want := range []string{"made", "unchanged"} {
		if got, err := r.register(client); err != nil || got != want {
			t.Fatalf("%s, %v, want %s", got, err, want)
		}
	}
	r.publish("2020-01-02", 2)
	_, err := r.register(raced{client})
	if e := hindcast.AsError(err); err == nil || e.Code != hindcast.ECatalog || e.Class != hindcast.ClassTransient {
		t.Errorf("somebody else was faster: %v", err)
	}
	expired := r.current()
	expired[0].Stands = func(context.Context) (bool, error) { return false, nil }
	_, err = RegisterIceberg(t.Context(), client, r.lake, "costs", expired)
	if e := hindcast.AsError(err); err == nil || e.Code != hindcast.ECatalog || e.Class != hindcast.ClassTransient || !strings.Contains(e.Message, "expired") {
		t.Errorf("it has expired: %v", err)
	}
	if got, err := r.register(client); err != nil || got != "altered" {
		t.Fatalf("%s, %v", got, err)
	}
	if keys, err := r.lake.PinnedMetadata(t.Context()); err != nil || len(keys) != 1 || !strings.HasSuffix(keys[0], "/v2.metadata.json") {
		t.Errorf("pinned is %q, %v", keys, err)
	}

	is := pythontest.Iceberg(t, []string{"ENDPOINT=" + r.endpoint, "GLUE=" + endpoint}, strings.TrimSuffix(r.lake.ResultFolder("daily"), "/"), r.current()[0].Metadata, "--glue", "costs.daily")
	if got := strings.Join(is.PyIceberg, "; "); got != `"2020-01-01" "1"; "2020-01-02" "2"` {
		t.Errorf("pyiceberg reads %s", got)
	}
	r.foreign(client)
}

// foreign checks that what others did to the table is not undone.
func (r *results) foreign(client *glue.Client) {
	r.Helper()
	state, err := readState(r.Context(), client, "costs", "daily")
	if err != nil {
		r.Fatal(err)
	}
	for name, value := range map[string]string{parameterMetadata: "s3://elsewhere/00003-x.metadata.json", propertyPipeline: "other"} {
		input := r.current()[0].input(state.table)
		was := input.Parameters[name]
		input.Parameters[name] = value
		if _, err := client.UpdateTable(r.Context(), &glue.UpdateTableInput{DatabaseName: state.table.DatabaseName, TableInput: input}); err != nil {
			r.Fatal(err)
		}
		if _, err := r.register(client); err == nil || hindcast.AsError(err).Code != hindcast.ECatalog || !strings.Contains(err.Error(), value) {
			r.Errorf("%s is %s, and was %s: %v", name, value, was, err)
		}
	}
}

// What the Data Catalog cannot name of an Iceberg table is refused, and so are columns of one that are to be left out.
func TestNamesOfIcebergTables(t *testing.T) {
	daily := func(name string, columns ...string) IcebergTable {
		t := IcebergTable{Table: Table{Name: name, Source: "reports.daily"}}
		for _, c := range columns {
			t.Columns = append(t.Columns, Column{Name: c, Stored: "int"})
		}
		return t
	}
	for name, c := range map[string]struct {
		source  Source
		results []IcebergTable
		code    hindcast.Code
		says    string
	}{
		"ordinary":             {results: []IcebergTable{daily("Daily", "Day", "n_1"), daily("other", "day")}},
		"columns in two cases": {results: []IcebergTable{daily("daily", "Day", "day")}, code: hindcast.EType, says: `reports.daily.day: the names of this column and of "Day" differ in case only`},
		"a column with spaces": {results: []IcebergTable{daily("daily", "a day")}, code: hindcast.EType, says: "reports.daily.a day: the name has other characters"},
		"a long column":        {results: []IcebergTable{daily("daily", strings.Repeat("n", 256))}, code: hindcast.EType, says: "the name has more than 255 bytes"},
		"a table with a dash":  {results: []IcebergTable{daily("daily-costs", "day")}, code: hindcast.EType, says: "result daily-costs: the name has other characters"},
		"tables in two cases":  {results: []IcebergTable{daily("daily", "day"), daily("Daily", "day")}, code: hindcast.EType, says: "differ in case only"},
		"left out":             {source: Source{Without: []string{"Reports.Daily.day"}}, results: []IcebergTable{daily("daily", "day")}, code: hindcast.EValue, says: "--without names Reports.Daily.day, and the results in reports.daily are an Iceberg table"},
	} {
		tables, err := c.source.Iceberg(c.results)
		if e := hindcast.AsError(err); c.code != "" {
			if e == nil || e.Code != c.code || !strings.Contains(e.Message, c.says) || e.Next == "" || strings.Contains(e.Next, "leave them out") {
				t.Errorf("%s: %+v", name, e)
			}
			continue
		}
		if err != nil || tables[0].Name != "daily" || tables[0].Columns[0].Name != "day" || tables[0].Columns[1].Name != "n_1" {
			t.Errorf("%s: %+v, %v", name, tables, err)
		}
	}

	beside := Source{Lake: nil, Beside: []Table{{Name: "daily", Of: "result", Source: "reports.daily"}}, Dims: map[string]*hindcast.Manifest{}}
	b := &builder{source: beside, tables: []Table{{Name: "daily", Of: "fact", Source: "Daily"}}}
	b.collisions()
	if err := b.refused(); err == nil || !strings.Contains(err.Error(), "the names of result reports.daily and fact Daily differ in case only") {
		t.Errorf("beside a fact of its name: %v", err)
	}
}
