package plan

import (
	"testing"

	"github.com/hindcast/hindcast"
)

// A database goes by its identifier and its URL: a replica has the first of its primary, one that was restored the second.
func TestADatabaseIsKnownByEitherName(t *testing.T) {
	const here = "postgres:71/5 postgres%20dbname=shop%20host=db.example"
	for database, elsewhere := range map[string]bool{
		here: false,
		"postgres:71/5 postgres%20dbname=shop%20host=replica.example": false,
		"postgres:72/5 postgres%20dbname=shop%20host=db.example":      false,
		"postgres%20dbname=shop%20host=db.example":                    false, // whose server does not say it
		"": false,
		"postgres:71/6 postgres%20dbname=other%20host=db.example": true,
		"postgres:72/5 postgres%20dbname=shop%20host=new.example": true,
		"duckdb:shop.duckdb": true,
	} {
		if is := FromElsewhere(&hindcast.Manifest{Database: database}, here); is != elsewhere {
			t.Errorf("a copy of %q is from elsewhere: %t, want %t", database, is, elsewhere)
		}
		if is := FromElsewhere(&hindcast.Manifest{Database: database}, ""); is {
			t.Errorf("a copy of %q is from elsewhere where nobody was asked", database)
		}
	}
}

// An earlier program would read the target's database, and two processes share what one had.
func TestAPlanOfASourceApart(t *testing.T) {
	p := &hindcast.Pipeline{Warehouse: hindcast.Location{Written: "duckdb:marts.duckdb"}}
	room := Room{Memory: 8 * gib, Warehouse: 2 * gib}
	if format, each := formatFor(p), room.EachWarehouse(p); format != 2 || each != 2*gib {
		t.Errorf("without a source: format %d, %d bytes", format, each)
	}
	p.Source = hindcast.Location{Written: "duckdb:archive.duckdb"}
	if format, each := formatFor(p), room.EachWarehouse(p); format != 4 || each != gib {
		t.Errorf("with a source: format %d, %d bytes for each", format, each)
	}
	if alone := p.WithoutSource(); alone.Apart() || alone.Origin() != p.Warehouse || !p.Apart() {
		t.Errorf("without its source it reads %v", alone.Origin())
	}
}
