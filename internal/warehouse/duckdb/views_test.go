package duckdb_test

import (
	"database/sql"
	"strings"
	"testing"

	driver "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/duckdb"
)

const views = `CREATE TABLE s AS SELECT TIMESTAMP '2024-01-01' AS t, 1 AS id;
	CREATE SCHEMA o;
	CREATE VIEW v AS SELECT * FROM s;
	CREATE VIEW o."v.2" AS WITH q AS (SELECT * FROM v) SELECT q.t, abs(q.id) AS id FROM q;
	CREATE VIEW empty AS SELECT * FROM s WHERE false UNION ALL SELECT * FROM v`

// viewColumns is what the file's catalog says of its views.
const viewColumns = `SELECT view_name, (SELECT string_agg(column_name || ' ' || data_type, ' ' ORDER BY column_index) FROM duckdb_columns() c
	WHERE c.table_name = w.view_name AND c.database_name = w.database_name) FROM duckdb_views() w WHERE NOT internal ORDER BY view_name`

const rightColumns = "empty,t TIMESTAMP id INTEGER\nv,t TIMESTAMP id INTEGER\nv.2,t TIMESTAMP id INTEGER"

// Describing views and writing the file leaves what its catalog says of them.
func TestViewsKeepTheirColumns(t *testing.T) {
	t.Parallel()
	path := create(t, views)
	for fence := range int64(3) {
		describeViews(t, duckdb.Options{Path: path, TimeZone: "UTC"}, fence+1)
		direct(t, path, func(db *sql.DB) {
			if got := rows(t, db, viewColumns); got != rightColumns {
				t.Fatalf("round %d: the catalog says\n%s", fence+1, got)
			}
		})
	}
}

// A file whose catalog has placeholders for a view's columns is described as it is, and corrected by the next write.
func TestViewsWithPlaceholdersForColumns(t *testing.T) {
	t.Parallel()
	path := create(t, views)
	direct(t, path, func(db *sql.DB) {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		for _, view := range []string{"v", "empty", `o."v.2"`} {
			if _, err := driver.GetTableNames(conn, "FROM "+view, true); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := conn.ExecContext(t.Context(), "CREATE TABLE more (i INTEGER)"); err != nil {
			t.Fatal(err)
		}
	})
	direct(t, path, func(db *sql.DB) {
		if got := rows(t, db, viewColumns); !strings.Contains(got, "v,__dummy_col") {
			t.Fatalf("the catalog has no placeholders:\n%s", got)
		}
	})

	describeViews(t, duckdb.Options{Path: path, TimeZone: "UTC", ReadOnly: true}, 0)
	describeViews(t, duckdb.Options{Path: path, TimeZone: "UTC"}, 1)
	direct(t, path, func(db *sql.DB) {
		if got := rows(t, db, viewColumns); got != rightColumns {
			t.Errorf("the catalog says\n%s", got)
		}
	})
}

// describeViews opens the file, checks what Describe and Tables say of its views, writes if it has a fence, and closes it.
func describeViews(t *testing.T, o duckdb.Options, fence int64) {
	t.Helper()
	w, err := duckdb.NewOwner(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	names := []string{"v", "empty", `o."v.2"`, "s"}
	found, err := w.Describe(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	listed, err := w.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range listed {
		if table.View {
			checkView(t, table)
		}
	}
	for _, name := range names[:3] {
		checkView(t, found[name])
		if shows := found[name].Shows; len(shows) != 1 || shows[0] != found["s"].ID {
			t.Errorf("%s shows %q", name, shows)
		}
	}

	if fence > 0 {
		target := hindcast.Target{Table: "dst", Time: "t"}
		if err := w.Prepare(t.Context(), "p", target, []hindcast.Column{{Name: "t", Type: "TIMESTAMP"}}, warehouse.Claim{Fence: fence}); err != nil {
			t.Fatal(err)
		}
	}
}

func checkView(t *testing.T, view warehouse.Table) {
	t.Helper()
	var columns []string
	for _, c := range view.Columns {
		columns = append(columns, c.Name+" "+c.Type)
	}
	if got := strings.Join(columns, " "); got != "t TIMESTAMP id INTEGER" {
		t.Errorf("%s has the columns %s", view.Name, got)
	}
}
