package config

import (
	"path/filepath"
	"strings"

	"github.com/hindcast/hindcast"
)

// apartKeys are the keys that make a warehouse for both needless: one to read from and one to load into.
var apartKeys = []string{"source.warehouse", "target.warehouse"}

func sourceKeys() []Key {
	return []Key{
		{Path: "source", Form: formObject, Else: "history is unloaded from `warehouse`", Example: "{warehouse: \"postgres://reader:${PASSWORD}@replica.example/shop\"}",
			Meaning: "What is read, where that is another database than the one that results are loaded into: a replica, an archive. Nothing is ever written there."},
		{Path: "source.warehouse", Form: formWarehouse, Else: "as `warehouse`", Example: "\"postgres://reader:${PASSWORD}@replica.example/shop\"",
			Meaning: "The warehouse that facts and dimensions are unloaded from: DuckDB or PostgreSQL. It needs no right but to read them.",
			set:     func(d *decoder, v value) { d.source = d.warehouse(v) }},
		{Path: "source.session", Form: formTexts, Else: "none", Example: `["SET statement_timeout = '1h'"]`,
			Meaning: "SET statements for each session on `source.warehouse`; those of `load.session` are for the target's.",
			set:     func(d *decoder, v value) { d.p.SourceSession = d.sessionOf(v) }},
	}
}

func targetWarehouseKey() Key {
	return Key{Path: "target.warehouse", Form: formWarehouse, Else: "as `warehouse`", Example: "duckdb:marts.duckdb",
		Meaning: "The warehouse that results are loaded into, where history is unloaded from another one. hindcast's status rows are there.",
		set:     func(d *decoder, v value) { d.target = d.warehouse(v) }}
}

// finishWarehouses says which warehouse is read and which is loaded into.
func (d *decoder) finishWarehouses() {
	p := d.p
	source, target, read := d.source, d.target, p.Places["source.warehouse"]
	if source.Written == "" {
		source, read = p.Warehouse, p.Places["warehouse"]
	}
	if target.Written != "" {
		p.Warehouse = target
		p.Places["warehouse"] = p.Places["target.warehouse"]
	}
	same := source.Written == p.Warehouse.Written || source.Scheme == "duckdb" && p.Warehouse.Scheme == "duckdb" && source.Path == p.Warehouse.Path
	switch {
	case !same && strings.HasPrefix(source.Scheme, "redshift"):
		d.fail(hindcast.EValue, read, len("warehouse"), "name a DuckDB file or a PostgreSQL to read from; or load into the Redshift too, by warehouse alone",
			"Redshift is not read yet where results are loaded into another warehouse")
	case !same:
		p.Source = source
	case len(p.SourceSession) > 0:
		d.fail(hindcast.EValue, p.Places["source.session"], len("session"), "write them under load.session, or name another warehouse under source.warehouse",
			"source.session: the source is the warehouse that results are loaded into")
	}
}

// Origin identifies a database as far as its URL does: who connects and how may change. A file of DuckDB below the pipeline file's
// folder may be moved with it.
func Origin(p *hindcast.Pipeline, l hindcast.Location) string {
	if l.Scheme != "duckdb" || l.Hidden() {
		return Database(l.Written)
	}
	if path, err := filepath.Rel(p.Dir, l.Path); err == nil && path != ".." && !strings.HasPrefix(path, "../") {
		return "duckdb:" + path
	}
	return "duckdb:" + l.Path
}
