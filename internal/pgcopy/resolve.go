package pgcopy

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Ref names a type: pg_attribute.atttypid and atttypmod.
type Ref struct {
	OID uint32
	Mod int32
}

// resolveTypes reads types with their component types. Only an array that its element's type knows as its array counts
// as one: oidvector and int2vector are something else.
const resolveTypes = `
WITH RECURSIVE found(oid) AS (
  SELECT unnest($1::oid[])
  UNION
  SELECT part.oid FROM found JOIN pg_type t USING (oid)
  JOIN pg_type part ON part.oid = t.typbasetype OR part.oid = t.typelem AND part.typarray = t.oid
)
SELECT t.oid, t.typtype, t.typbasetype, t.typtypmod, coalesce(e.oid, 0)
FROM found JOIN pg_type t USING (oid) LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid`

const spellTypes = `SELECT format_type(r.oid, r.mod) FROM unnest($1::oid[], $2::int4[]) WITH ORDINALITY AS r(oid, mod, place) ORDER BY place`

// entry is a row of pg_type.
type entry struct {
	kind       byte
	base, elem uint32
	mod        int32 // of a domain's base
}

// Resolve reads the types from the catalogue, in the order of the references. Errors are the server's.
func Resolve(ctx context.Context, conn *pgconn.PgConn, refs []Ref) ([]Type, error) {
	entries, err := readEntries(ctx, conn, refs)
	if err != nil {
		return nil, err
	}

	types := make([]Type, len(refs))
	var flat []*Type
	for i, r := range refs {
		if _, ok := entries[r.OID]; !ok {
			return nil, fmt.Errorf("reading types: there is no type with oid %d", r.OID)
		}
		assemble(&types[i], r, entries, &flat)
	}

	if err := spell(ctx, conn, flat); err != nil {
		return nil, err
	}

	return types, nil
}

func assemble(t *Type, r Ref, entries map[uint32]entry, flat *[]*Type) {
	e := entries[r.OID]
	t.OID, t.Mod, t.Kind = r.OID, r.Mod, e.kind
	*flat = append(*flat, t)

	if e.base != 0 {
		t.Base = &Type{}
		assemble(t.Base, Ref{e.base, e.mod}, entries, flat)
	}

	if e.elem != 0 {
		t.Elem = &Type{}
		assemble(t.Elem, Ref{e.elem, r.Mod}, entries, flat)
	}
}

func readEntries(ctx context.Context, conn *pgconn.PgConn, refs []Ref) (map[uint32]entry, error) {
	oids := make([]string, len(refs))
	for i, r := range refs {
		oids[i] = strconv.FormatUint(uint64(r.OID), 10)
	}

	result := conn.ExecParams(ctx, resolveTypes, [][]byte{array(oids)}, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, fmt.Errorf("reading types: %w", result.Err)
	}

	entries := map[uint32]entry{}
	for _, row := range result.Rows {
		entries[number(row[0])] = entry{kind: row[1][0], base: number(row[2]), elem: number(row[4]), mod: signed(row[3])}
	}

	return entries, nil
}

func spell(ctx context.Context, conn *pgconn.PgConn, types []*Type) error {
	oids, mods := make([]string, len(types)), make([]string, len(types))
	for i, t := range types {
		oids[i], mods[i] = strconv.FormatUint(uint64(t.OID), 10), strconv.Itoa(int(t.Mod))
	}

	result := conn.ExecParams(ctx, spellTypes, [][]byte{array(oids), array(mods)}, nil, nil, nil).Read()
	if result.Err != nil {
		return fmt.Errorf("reading types: %w", result.Err)
	}

	for i, row := range result.Rows {
		types[i].Name = string(row[0])
	}

	return nil
}

// array writes an array of numbers for the server.
func array(numbers []string) []byte { return []byte("{" + strings.Join(numbers, ",") + "}") }

func number(text []byte) uint32 {
	n, _ := strconv.ParseUint(string(text), 10, 32) // the server's own oid
	return uint32(n)
}

func signed(text []byte) int32 {
	n, _ := strconv.ParseInt(string(text), 10, 32)
	return int32(n)
}
