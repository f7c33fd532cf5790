// Package demo makes the folder and the DuckDB tables of `hindcast demo`: years of cloud billing, drawn from the
// distributions in sample/ (see LICENSE-DATA.md), with a pipeline over them. Running that pipeline and printing
// progress is the caller's responsibility.
package demo

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/hindcast/hindcast"
)

// Names in the demo's folder.
const (
	PipelineFile  = "hindcast.yml"
	SQLFile       = "cost_summary.sql"
	ReadmeFile    = "README.md"
	WarehouseFile = "warehouse.duckdb"
)

// The bounds of Options. Beyond them table names would leave the four-digit years, or line ids would overlap.
const (
	maxSlices = 1000
	maxRows   = 500_000_000
)

// months is the length of the demo's slices; history starts at start.
const months = 2

var start = time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)

// Options say what to make. The zero value of each field means its default.
type Options struct {
	Path      string // the warehouse's DuckDB file, for Generate; no default
	Slices    int    // tables of two months from 2016-01 on; default 36
	Rows      int    // in each table; default 100,000
	Seed      int64  // the same seed makes the same values; default 1
	Warehouse string // as written into the pipeline file; default "duckdb:warehouse.duckdb"
	Lake      string // as written into the pipeline file; default "./lake"
	Dialect   string // of the SQL: "redshift", or "" for DuckDB's
	// Progress is called with how many of the tables exist, never in parallel.
	Progress func(done, total int)
}

func (o Options) filled() (Options, error) {
	set := func(value *int, otherwise, most int, flag string) error {
		if *value == 0 {
			*value = otherwise
		}

		if *value < 0 || *value > most {
			return &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("%s %d is out of range", flag, *value), Next: fmt.Sprintf("give 1 to %d", most)}
		}

		return nil
	}
	if err := set(&o.Slices, 36, maxSlices, "--slices"); err != nil {
		return o, err
	}
	if err := set(&o.Rows, 100_000, maxRows, "--rows"); err != nil {
		return o, err
	}
	if o.Dialect != "" && o.Dialect != hindcast.DialectRedshift {
		return o, &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("the demo has no SQL in the dialect %q", o.Dialect), Next: "write --dialect redshift, or leave it out: the SQL is DuckDB's then"}
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Warehouse == "" {
		o.Warehouse = "duckdb:" + WarehouseFile
	}
	if o.Lake == "" {
		o.Lake = "./lake"
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}

	return o, nil
}

// sliceStart is the first day of a slice, counted from 0; that of the slice after the last ends history.
func sliceStart(number int) time.Time { return start.AddDate(0, number*months, 0) }

// TableName is the name of a slice's billing table, counted from 0: billing_2016_01, billing_2016_03, …
func TableName(number int) string { return sliceStart(number).Format("billing_2006_01") }

// WarehousePath is the DuckDB file of a demo folder whose pipeline does not name another.
func WarehousePath(dir string) string { return filepath.Join(dir, WarehouseFile) }

// Month is the short key of the slice with that number, counted from 0: "2019-01".
func Month(slice int) string { return sliceStart(slice).Format("2006-01") }
