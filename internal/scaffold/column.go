package scaffold

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// timeNames are what the column that places a row in time is often called, the likeliest first.
var timeNames = []string{"usage_date", "usage_time", "event_time", "event_date", "event_timestamp", "occurred_at", "transaction_date",
	"transaction_time", "order_date", "ordered_at", "sale_date", "sold_at", "invoice_date", "billing_date", "charge_date", "charged_at",
	"created_at", "created_on", "created", "timestamp", "event_ts", "ts", "date", "day", "time"}

// lateNames are parts of the names of times that come after the row's own: rows would wander between slices.
var lateNames = []string{"update", "modif", "change", "delete", "expire", "load", "insert", "ingest", "valid", "effective", "birth", "end"}

// timeColumns are the columns that can place a row, the likeliest first.
func timeColumns(columns []hindcast.Column) []hindcast.Column {
	var found []hindcast.Column
	for _, c := range columns {
		if hindcast.IsTime(c.Type) {
			found = append(found, c)
		}
	}
	slices.SortStableFunc(found, func(a, b hindcast.Column) int { return cmp.Compare(timeRank(a.Name), timeRank(b.Name)) })
	return found
}

// times are the columns that can place the fact's rows, the likeliest first: a column of one value, as a billing period is
// in its own table, tells no rows apart, and of those whose names say as much the one of the most values does it best.
func (f Fact) times() []hindcast.Column {
	found := timeColumns(f.Columns)
	if f.sample > 1 {
		slices.SortStableFunc(found, func(a, b hindcast.Column) int {
			one := func(c hindcast.Column) int {
				if f.spread[c.Name] <= 1 {
					return 1
				}
				return 0
			}
			late := func(c hindcast.Column) int { return timeRank(c.Name) / (3 * len(timeNames)) }
			return cmp.Or(cmp.Compare(late(a), late(b)), cmp.Compare(one(a), one(b)), cmp.Compare(timeRank(a.Name), timeRank(b.Name)),
				cmp.Compare(f.spread[b.Name], f.spread[a.Name]))
		})
	}
	return found
}

// timeRank orders names of time columns: known ones, others, those of later times.
func timeRank(name string) int {
	name = strings.ToLower(name)
	if i := slices.Index(timeNames, name); i >= 0 {
		return i
	}
	for _, late := range lateNames {
		if strings.Contains(name, late) {
			return 3 * len(timeNames)
		}
	}
	return 2 * len(timeNames)
}

// telling reports whether a table has a time column by whose name it is likely a fact.
func telling(t warehouse.Table) bool {
	times := timeColumns(t.Columns)
	return len(times) > 0 && timeRank(times[0].Name) < len(timeNames)
}

func find(columns []hindcast.Column, name string) (hindcast.Column, bool) {
	for _, c := range columns {
		if strings.EqualFold(c.Name, name) {
			return c, true
		}
	}
	return hindcast.Column{}, false
}

// common are the columns that all tables of a group have with the same type: what one SQL can name in each slice.
func common(members []named) []hindcast.Column {
	var shared []hindcast.Column
	for _, c := range members[len(members)-1].table.Columns {
		everywhere := true
		for _, m := range members {
			other, ok := find(m.table.Columns, c.Name)
			everywhere = everywhere && ok && other.Type == c.Type
		}
		if everywhere {
			shared = append(shared, c)
		}
	}
	return shared
}

// isKey reports whether a column looks like one that names something.
func isKey(c hindcast.Column) bool {
	name := strings.ToLower(c.Name)
	for _, end := range []string{"_id", "_key", "_code", "_no", "_number", "_sk"} {
		if strings.HasSuffix(name, end) {
			return keyType(c.Type)
		}
	}
	if parts := words(c.Name); len(parts) > 1 && parts[len(parts)-1] == "id" { // "Account ID"
		return keyType(c.Type)
	}
	// accountId, AccountID
	plain := strings.TrimSuffix(strings.TrimSuffix(c.Name, "Id"), "ID")
	return plain != c.Name && plain != "" && plain[len(plain)-1] >= 'a' && keyType(c.Type)
}

func keyType(typ string) bool {
	return typ == "VARCHAR" || typ == "UUID" || isInteger(typ) || strings.HasPrefix(typ, "ENUM(")
}

func isInteger(typ string) bool {
	return strings.HasSuffix(typ, "INT") || typ == "INTEGER" || typ == "UINTEGER"
}

// large reports whether the sum of an integer type's values may be more than a BIGINT holds though each seems harmless.
func large(typ string) bool { return strings.HasSuffix(typ, "HUGEINT") || typ == "UBIGINT" }

func isDecimal(typ string) bool {
	return strings.HasPrefix(typ, "DECIMAL") && !strings.HasSuffix(typ, "]")
}

// notAmounts are words in the names of numbers that mean nothing when they are added up.
var notAmounts = strings.Fields(`rate rates price prices factor percent pct percentage ratio share avg average mean median min max minimum maximum
	latitude longitude lat lon lng age year month day hour week score rank rating version temperature number index position id key code`)

// amounts are words in the names of what a summary is mostly about.
var amounts = strings.Fields("cost costs amount amounts revenue sales net gross fee fees charge charges total turnover value")

// words are the parts of a column's name: unit_price, unitPrice.
func words(name string) []string {
	var spaced strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' && name[i-1] >= 'a' && name[i-1] <= 'z' {
			spaced.WriteByte(' ')
		}
		spaced.WriteRune(r)
	}
	return strings.FieldsFunc(strings.ToLower(spaced.String()), func(r rune) bool { return r < '0' || r > '9' && r < 'a' || r > 'z' })
}

func holds(name string, list []string) bool {
	return slices.ContainsFunc(words(name), func(w string) bool { return slices.Contains(list, w) })
}

// isAmount reports whether adding a number's values up is likely to mean something.
func isAmount(name string) bool { return !holds(name, notAmounts) }

// amountRank orders numbers: money first, quantities of whatever unit after it.
func amountRank(name string) int {
	if holds(name, amounts) && !holds(name, []string{"usage", "quantity", "units"}) {
		return 0
	}
	return 1
}

// ownKey reports whether a key column is the table's own: one value a row, by which nothing is summed up.
func ownKey(column, table string) bool {
	column = strings.ToLower(column)
	for _, own := range []string{"id", "row_id", "line_id", "line_item_id", "record_id", "uuid"} {
		if column == own {
			return true
		}
	}
	return strings.HasSuffix(column, "_line_item_id") || names(column, table)
}

// names reports whether a key column's name says the table: account_id says accounts and account.
func names(column, table string) bool {
	column, table = strings.ToLower(column), strings.ToLower(table)
	at := strings.LastIndexByte(column, '_')
	what := strings.TrimSuffix(column, "id")
	if at > 0 {
		what = column[:at]
	}
	if what == "" || what == column {
		return false
	}
	for _, before := range []string{"dim_", "d_"} {
		table = strings.TrimPrefix(table, before)
	}
	table = strings.TrimSuffix(table, "_dim")
	return table == what || table == what+"s" || table == what+"es" || strings.HasSuffix(what, "y") && table == what[:len(what)-1]+"ies"
}

// dimensionKey finds the column of a table by which a fact names its rows, and the fact's column.
func dimensionKey(t warehouse.Table, fact []hindcast.Column) (own, facts string, ok bool) {
	_, table := splitName(t.Name)
	for i, c := range t.Columns {
		f, there := find(fact, c.Name)
		if there && f.Type == c.Type && isKey(c) && (i == 0 || names(c.Name, table)) {
			return c.Name, f.Name, true
		}
	}
	id, there := find(t.Columns, "id")
	for _, f := range fact {
		if there && isKey(f) && f.Type == id.Type && names(f.Name, table) {
			return id.Name, f.Name, true
		}
	}
	return "", "", false
}

// titled reports whether a table is called after the key by which a fact names its rows.
func titled(t warehouse.Table, fact []hindcast.Column) bool {
	_, table := splitName(t.Name)
	_, key, ok := dimensionKey(t, fact)
	return ok && names(key, table)
}
