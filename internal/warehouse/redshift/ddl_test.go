//go:build unix

package redshift_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/s3test"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// What makes our tables and a new target is read by a parser of Redshift's dialect that is not ours, and each column has the type that was written.
func TestTheTablesAreParsed(t *testing.T) {
	s := begin(t, s3test.Start(t), "")
	var mutex sync.Mutex
	var made []string
	s.Rule(func(is redshifttest.Statement) redshifttest.Fault {
		mutex.Lock()
		defer mutex.Unlock()
		if strings.HasPrefix(is.Text, "CREATE TABLE") {
			made = append(made, is.Text)
		}
		return redshifttest.None
	})

	types := [][2]string{{"BOOLEAN", "boolean"}, {"SMALLINT", "smallint"}, {"INTEGER", "integer"}, {"BIGINT", "bigint"}, {"UBIGINT", "decimal(20,0)"}, {"HUGEINT", "decimal(38,0)"},
		{"FLOAT", "real"}, {"DOUBLE", "double precision"}, {"VARCHAR", "varchar(65535)"}, {"DATE", "date"}, {"TIME", "time"}, {"TIMESTAMP", "timestamp"},
		{"TIMESTAMP WITH TIME ZONE", "timestamp with time zone"}, {"JSON", "super"}, {"DECIMAL(18,6)", "decimal(18,6)"}, {"ENUM('a', 'b')", "varchar(65535)"}}
	var columns []hindcast.Column
	var want []string
	for i, is := range types {
		name := fmt.Sprintf("c%d", i)
		switch i {
		case 0:
			name = "Order" // a reserved word
		case 1:
			name = `two "words"`
		}
		columns = append(columns, hindcast.Column{Name: name, Type: is[0]})
		want = append(want, name+" "+is[1])
	}

	w := s.open(t, s.options())
	if err := w.Prepare(t.Context(), "p", hindcast.Target{Table: "result", Time: "c9"}, columns, warehouse.Claim{Fence: 1, New: true}); err != nil {
		t.Fatal(err)
	}
	if len(made) != 4 { // the last is there for the lock alone
		t.Fatalf("%d tables are made: %q", len(made), made)
	}
	for i, is := range pythontest.Parse(t, "redshift", "redshift", made) {
		if is.Kind != "Create" || len(is.Columns) == 0 {
			t.Errorf("%s\nis read as %+v", made[i], is)
		}
		if !strings.Contains(made[i], "result") {
			continue
		}
		var got []string
		for _, c := range is.Columns {
			got = append(got, c[0]+" "+strings.ReplaceAll(c[1], ", ", ","))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || !strings.Contains(strings.ToUpper(is.Again), "SORTKEY") {
			t.Errorf("%s\nis read as\n%s\nwant\n%s", made[i], strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}
