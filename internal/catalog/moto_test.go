package catalog

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	athenatypes "github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pause"
	"github.com/hindcast/hindcast/internal/pythontest"
)

func glueAt(endpoint string) *glue.Client {
	return glue.New(glue.Options{BaseEndpoint: &endpoint, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")})
}

// noPins takes no notice of what is pinned.
type noPins struct{}

func (noPins) PinAlso(context.Context, string, string, []*hindcast.Manifest) error { return nil }
func (noPins) Pin(context.Context, string, string, []*hindcast.Manifest) error     { return nil }

// applied applies the tables and returns what was done, a line a table.
func (w *world) applied(c DataCatalog, by Maker, database string) string {
	w.Helper()
	changes, err := Apply(w.Context(), c, by, w.lake, database, w.tables(Athena))
	if err != nil {
		w.Fatal(err)
	}
	var lines []string
	for _, c := range changes {
		lines = append(lines, c.Table.Name+": "+c.Text())
	}
	return strings.Join(lines, "; ")
}

// makers are the ways in which tables are made in a Data Catalog.
func makers(w *world, client *glue.Client) map[string]func(database string) Maker {
	return map[string]func(string) Maker{
		"direct": func(string) Maker { return Direct{client} },
		"athena": func(string) Maker {
			return Statements{Client: &athenaDouble{w: w, glue: client}, Wait: pause.For}
		},
	}
}

// A history goes on: tables are made, left alone, follow generations, new units and lost ones, and new columns.
func TestApply(t *testing.T) {
	t.Parallel()
	client := glueAt(pythontest.Moto(t))
	for name, made := range map[string]string{"direct": "billing: altered, 130 moved", "athena": "billing: altered, 1 moved, 129 unchanged"} {
		w := newWorld(t)
		by := makers(w, client)[name](name)
		id := column("Id", "BIGINT")
		for n := range 130 {
			w.unit("billing", fmt.Sprintf("%04d-01-01", 1900+n), 1, "SELECT 1::BIGINT AS Id", id)
		}
		w.unit("billing", "1800-01-01", 1, "", id)
		w.dim("accounts", 1, "SELECT 'a' AS name", column("name", "VARCHAR"))

		for step, want := range []string{
			"billing: made, 130 added; accounts: made",
			"billing: 130 unchanged; accounts: unchanged",
			"billing: 1 added, 1 moved, 1 removed, 128 unchanged; accounts: altered",
			made + "; accounts: unchanged",
			"billing: 130 unchanged; accounts: unchanged",
		} {
			switch step {
			case 2:
				w.unit("billing", "1900-01-01", 2, "SELECT 2::BIGINT AS Id", id)
				w.unit("billing", "1901-01-01", 2, "", id) // it has no rows any more
				w.unit("billing", "2200-01-01", 1, "SELECT 2::BIGINT AS Id", id)
				w.dim("accounts", 2, "SELECT 'b' AS name", column("name", "VARCHAR"))
			case 3:
				w.unit("billing", "2200-01-01", 2, "SELECT 2::BIGINT AS Id, true AS paid", id, column("paid", "BOOLEAN"))
			}
			if got := w.applied(client, by, name); got != want {
				t.Errorf("%s, step %d: %s, want %s", name, step, got, want)
			}
			w.pointsAt(client, name)
		}
	}
}

// pointsAt checks that the Data Catalog has what is current, and nothing else.
func (w *world) pointsAt(c DataCatalog, database string) {
	w.Helper()
	for _, t := range w.tables(Athena) {
		is, err := readState(w.Context(), c, database, t.Name)
		if err != nil {
			w.Fatal(err)
		}
		want := map[string]string{}
		for _, p := range t.Partitions {
			want[p.Value] = p.Location
		}
		for value, p := range is.partitions {
			if !sameLocation(p.StorageDescriptor.Location, want[value]) {
				w.Errorf("%s %s is at %s, want %q", t.Name, value, *p.StorageDescriptor.Location, want[value])
			}
			delete(want, value)
		}
		if len(want) > 0 {
			w.Errorf("%s lacks %v", t.Name, want)
		}
		if !sameLocation(is.table.StorageDescriptor.Location, t.Location) {
			w.Errorf("%s is at %s", t.Name, *is.table.StorageDescriptor.Location)
		}
	}
}

// Tables of others are left alone, and nothing is changed where one is.
func TestApplyLeavesTablesOfOthersAlone(t *testing.T) {
	t.Parallel()
	client := glueAt(pythontest.Moto(t))
	w := newWorld(t)
	w.unit("billing", "2019-03-01", 1, "SELECT 1::BIGINT AS id", column("id", "BIGINT"))
	w.dim("accounts", 1, "SELECT 'a' AS name", column("name", "VARCHAR"))

	for parameters, want := range map[string]string{"": "hindcast did not make it", "other": "is of pipeline other", "costs": "is of another lake, s3://elsewhere"} {
		database := "of_" + parameters
		if err := (Direct{client}).Database(t.Context(), database); err != nil {
			t.Fatal(err)
		}
		theirs := &types.TableInput{Name: aws.String("accounts"), StorageDescriptor: &types.StorageDescriptor{Columns: []types.Column{{Name: aws.String("x"), Type: aws.String("int")}}}}
		if parameters != "" {
			theirs.Parameters = map[string]string{propertyPipeline: parameters, propertyLake: "s3://elsewhere"}
		}
		if _, err := client.CreateTable(t.Context(), &glue.CreateTableInput{DatabaseName: &database, TableInput: theirs}); err != nil {
			t.Fatal(err)
		}

		_, err := Apply(t.Context(), client, Direct{client}, noPins{}, database, w.tables(Glue))
		if e := hindcast.AsError(err); err == nil || e.Code != hindcast.ECatalog || !strings.Contains(e.Message, want) || e.Next == "" {
			t.Errorf("%q: %v, want %s", parameters, err, want)
		}
		if is, err := readState(t.Context(), client, database, "billing"); err != nil || is.table != nil {
			t.Errorf("%q: a table was made beside it (%v)", parameters, err)
		}
	}
}

// What another process has made meanwhile, or a call whose answer was lost, is not in the way.
func TestChangeIsRepeatable(t *testing.T) {
	t.Parallel()
	client := glueAt(pythontest.Moto(t))
	w := newWorld(t)
	w.unit("billing", "2019-03-01", 1, "SELECT 1::BIGINT AS id", column("id", "BIGINT"))
	w.unit("billing", "2019-04-01", 1, "SELECT 1::BIGINT AS id", column("id", "BIGINT"))
	first := state{}.change(w.tables(Glue)[0], true)
	w.unit("billing", "2019-04-01", 2, "SELECT 2::BIGINT AS id", column("id", "BIGINT"))
	second := state{}.change(w.tables(Glue)[0], true) // as if nothing had been there
	second.Remove = []string{"2018-01-01"}

	by := Direct{client}
	for range 2 {
		if err := by.Database(t.Context(), "costs"); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []Change{first, second, second} {
		if err := by.Change(t.Context(), "costs", c); err != nil {
			t.Fatal(err)
		}
	}
	w.pointsAt(client, "costs")
}

// Athena runs statements one by one, and the error of one shows it.
func TestStatements(t *testing.T) {
	t.Parallel()
	endpoint := pythontest.Moto(t)
	client := athena.New(athena.Options{BaseEndpoint: &endpoint, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")})
	by := Statements{Client: client, Output: "s3://results/athena/", Wait: pause.For}
	if err := by.run(t.Context(), HiveDatabase("costs")); err != nil { // moto judges the words of the call, not the statement
		t.Error(err)
	}

	w := newWorld(t)
	double := &athenaDouble{w: w, refuse: "COLUMN_NOT_FOUND: line 1:8"}
	by.Client, by.WorkGroup = double, "etl"
	err := by.run(t.Context(), "SELECT\n1")
	if e := hindcast.AsError(err); e.Code != hindcast.ECatalog || !strings.Contains(e.Message, double.refuse) || !slices.Equal(e.Detail, []string{"SELECT", "1"}) {
		t.Errorf("%v %q", err, e.Detail)
	}
	if got := double.asked; len(*got.ClientRequestToken) < 32 || *got.WorkGroup != "etl" || *got.ResultConfiguration.OutputLocation != "s3://results/athena/" {
		t.Errorf("asked for %+v", got)
	}

	double.refuse = ""
	double.w.unit("billing", "2019-03-01", 1, "SELECT 1::BIGINT AS id", column("id", "BIGINT"))
	_, err = Apply(t.Context(), glueAt(endpoint), Statements{Client: client, Wait: pause.For}, noPins{}, "costs", w.tables(Athena))
	if e := hindcast.AsError(err); err == nil || e.Code != hindcast.ECatalog || !strings.Contains(e.Message, "still to be made") { // moto's Athena did nothing
		t.Errorf("statements that did nothing: %v", err)
	}
}

// athenaDouble does in a Data Catalog what the statements say that we send. Whether they are right, TestHive has Spark judge.
type athenaDouble struct {
	w      *world
	glue   *glue.Client
	refuse string
	asked  *athena.StartQueryExecutionInput
	looks  int
}

func (d *athenaDouble) StartQueryExecution(ctx context.Context, in *athena.StartQueryExecutionInput, _ ...func(*athena.Options)) (*athena.StartQueryExecutionOutput, error) {
	d.asked, d.looks = in, 0
	if d.refuse == "" {
		if err := d.run(ctx, *in.QueryString); err != nil {
			return nil, err
		}
	}
	return &athena.StartQueryExecutionOutput{QueryExecutionId: aws.String("q-1")}, nil
}

func (d *athenaDouble) GetQueryExecution(context.Context, *athena.GetQueryExecutionInput, ...func(*athena.Options)) (*athena.GetQueryExecutionOutput, error) {
	status := athenatypes.QueryExecutionStatus{State: athenatypes.QueryExecutionStateSucceeded}
	if d.looks++; d.refuse != "" {
		status = athenatypes.QueryExecutionStatus{State: athenatypes.QueryExecutionStateFailed, StateChangeReason: &d.refuse}
		if d.looks < 2 {
			status.State = athenatypes.QueryExecutionStateQueued
		}
	}
	return &athena.GetQueryExecutionOutput{QueryExecution: &athenatypes.QueryExecution{Status: &status}}, nil
}

var (
	statementForm = regexp.MustCompile("^(CREATE DATABASE IF NOT EXISTS|CREATE EXTERNAL TABLE|DROP TABLE IF EXISTS|ALTER TABLE) `(\\w+)`(?:\\.`(\\w+)`)?(.*)")
	partitionForm = regexp.MustCompile("PARTITION \\(`slice` = '([^']*)'\\)(?: (?:SET )?LOCATION '([^']*)')?")
)

func (d *athenaDouble) run(ctx context.Context, statement string) error {
	m := statementForm.FindStringSubmatch(strings.ReplaceAll(statement, "\n", " "))
	if m == nil {
		return errors.New("not understood: " + statement)
	}
	database, name, rest := m[2], m[3], m[4]
	var t Table
	for _, is := range d.w.tables(Athena) {
		if is.Name == name {
			t = is
		}
	}
	by := Direct{d.glue}
	var partitions []Partition
	for _, p := range partitionForm.FindAllStringSubmatch(rest, -1) {
		partitions = append(partitions, Partition{Value: p[1], Location: p[2]})
	}

	switch {
	case m[1] == "CREATE DATABASE IF NOT EXISTS":
		return by.Database(ctx, database)
	case m[1] == "CREATE EXTERNAL TABLE":
		return by.Change(ctx, database, Change{Table: t, Make: true})
	case m[1] == "DROP TABLE IF EXISTS":
		_, err := d.glue.DeleteTable(ctx, &glue.DeleteTableInput{DatabaseName: &database, Name: &name})
		return err
	case strings.HasPrefix(rest, " ADD IF NOT EXISTS"):
		return by.Change(ctx, database, Change{Table: t, Add: partitions})
	case strings.HasPrefix(rest, " DROP IF EXISTS"):
		return by.Change(ctx, database, Change{Table: t, Remove: []string{partitions[0].Value}})
	case strings.Contains(rest, " SET LOCATION"):
		return by.Change(ctx, database, Change{Table: t, Move: partitions})
	}
	return errors.New("not understood: " + statement)
}
