package pgcopy_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/pgtest"
)

var (
	seed  = flag.Uint64("seed", 0, "repeat the random table of this seed")
	times = flag.Int("times", 12, "how many random tables")
)

// made is a type with a source of its values, as PostgreSQL reads them.
type made struct {
	sql   string
	value func(r *rand.Rand) string
}

func among(values ...string) func(*rand.Rand) string {
	return func(r *rand.Rand) string { return values[r.IntN(len(values))] }
}

// or returns a generator that gives one of the values in a fifth of all cases.
func or(other func(*rand.Rand) string, values ...string) func(*rand.Rand) string {
	return func(r *rand.Rand) string {
		if r.IntN(5) == 0 {
			return values[r.IntN(len(values))]
		}
		return other(r)
	}
}

func integer(bits int) func(*rand.Rand) string {
	return or(func(r *rand.Rand) string { return fmt.Sprint(int64(r.Uint64()) >> (64 - bits + r.IntN(bits))) },
		"0", "-1", fmt.Sprint(int64(math.MinInt64)>>(64-bits)), fmt.Sprint(int64(math.MaxInt64)>>(64-bits)))
}

// digits returns a generator of decimal numbers with at most that many digits before and after the point.
func digits(before, after int) func(*rand.Rand) string {
	number := func(r *rand.Rand) string {
		var b strings.Builder
		if r.IntN(2) == 0 {
			b.WriteByte('-')
		}

		b.WriteByte('0')
		for range r.IntN(before + 1) {
			b.WriteByte(byte('0' + r.IntN(10)))
		}

		b.WriteByte('.')
		for range r.IntN(after + 1) {
			b.WriteByte(byte('0' + r.IntN(10)*r.IntN(2)))
		}

		return b.String()
	}

	most := strings.Repeat("9", before) + "." + strings.Repeat("9", after)
	return or(number, "0", most, "-"+most, "0."+strings.Repeat("0", max(after-1, 0))+strings.Repeat("1", min(after, 1)),
		"0"+strings.Repeat("9", min(before, 1))+strings.Repeat("0", max(before-1, 0)), "-0."+strings.Repeat("0", after))
}

func letters(longest int) func(*rand.Rand) string {
	alphabet := []rune("aZ09 _-\t\n\r\"'\\,{}()é€😀\u0301\u007f")
	return func(r *rand.Rand) string {
		text := make([]rune, r.IntN(longest+1))
		for i := range text {
			text[i] = alphabet[r.IntN(len(alphabet))]
		}

		return string(text)
	}
}

func format(layout string, arguments ...func(r *rand.Rand) any) func(*rand.Rand) string {
	return func(r *rand.Rand) string {
		values := make([]any, len(arguments))
		for i, a := range arguments {
			values[i] = a(r)
		}

		return fmt.Sprintf(layout, values...)
	}
}

func below(n int) func(*rand.Rand) any { return func(r *rand.Rand) any { return r.IntN(n) } }
func from(low, n int) func(*rand.Rand) any {
	return func(r *rand.Rand) any { return low + r.IntN(n) }
}

// array returns a generator of one-dimensional arrays of a type's values, including NULLs.
func array(m made) made {
	return made{m.sql + "[]", func(r *rand.Rand) string {
		list := make([]string, r.IntN(5))
		for i := range list {
			list[i] = "NULL"
			if r.IntN(6) > 0 {
				list[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(m.value(r)) + `"`
			}
		}

		delimiter := ","
		if m.sql == "box" {
			delimiter = ";"
		}

		return "{" + strings.Join(list, delimiter) + "}"
	}}
}

const domains = `CREATE TYPE mood AS ENUM ('sad', 'so so', 'hap''py', 'é"');
	CREATE DOMAIN cents AS numeric(12,2) CHECK (VALUE > -1e10);
	CREATE DOMAIN label AS varchar(7);
	CREATE DOMAIN small_label AS label NOT NULL DEFAULT 'x';
	CREATE TYPE pair AS (a int, b text, c timestamptz);
	CREATE EXTENSION IF NOT EXISTS citext;
	CREATE EXTENSION IF NOT EXISTS hstore`

// scalars are all types that are carried without asking for text.
var scalars = func() []made {
	date := or(format("%04d-%02d-%02d", from(1, 9998), from(1, 12), from(1, 28)), "infinity", "-infinity", "4714-11-24 BC", "5874897-12-31",
		"1970-01-01", "2000-01-01", "1969-12-31", "2020-02-29")
	instant := or(format("%04d-%02d-%02d %02d:%02d:%02d.%06d", from(1, 9998), from(1, 12), from(1, 28), below(24), below(60), below(60), below(1_000_000)),
		"infinity", "-infinity", "4714-11-24 BC 00:00:00", "294246-12-31 23:59:59.999999", "1970-01-01 00:00:00", "1999-12-31 23:59:59.999999")
	clock := or(format("%02d:%02d:%02d.%06d", below(24), below(60), below(60), below(1_000_000)), "00:00", "24:00", "23:59:59.999999")
	zoned := or(func(r *rand.Rand) string {
		return fmt.Sprintf("%s%+03d:%02d", clock(r), r.IntN(31)-15, r.IntN(60))
	}, "00:00-15:59:59", "24:00+15:59:59", "12:34:56.789+00:00:01", "12:00-00:00:59")
	span := or(format("%d months %d days %d.%06d seconds", from(-30, 60), from(-400, 800), from(-1e7, 2e7), below(1_000_000)), "0",
		"178956970 years 7 months", "-178956970 years -8 months", "2147483647 days", "-2147483648 days", "-2147483647:00:54.775807")
	far := among("9223372036854775807 microseconds", "-9223372036854775808 microseconds", "-2562047788:00:54.775807")
	float := func(bits int) func(*rand.Rand) string {
		return or(func(r *rand.Rand) string {
			if bits == 32 {
				return fmt.Sprint(math.Float32frombits(r.Uint32()))
			}
			return fmt.Sprint(math.Float64frombits(r.Uint64()))
		}, "NaN", "Infinity", "-Infinity", "-0", "0", "0.1", "1e-45"[:5-(bits-32)/32])
	}
	document := among(`{"b": 1, "a": [1.50, null, "é"]}`, `null`, `"x"`, ` [ ] `, `{"a":{"a":{"a":"\"\\u0041"}}}`, `12345678901234567890.123456789e5`, `{"k":"`+strings.Repeat("v", 300)+`"}`)
	return []made{
		{"boolean", among("t", "f")}, {"smallint", integer(16)}, {"integer", integer(32)}, {"bigint", integer(64)},
		{"oid", or(func(r *rand.Rand) string { return fmt.Sprint(r.Uint32()) }, "0", "4294967295")},
		{"numeric(1,0)", digits(1, 0)}, {"numeric(4,2)", digits(2, 2)}, {"numeric(5,5)", digits(0, 5)}, {"numeric(9,3)", digits(6, 3)},
		{"numeric(10,0)", digits(10, 0)}, {"numeric(18,6)", digits(12, 6)}, {"numeric(18,17)", digits(1, 17)}, {"numeric(19,1)", digits(18, 1)},
		{"numeric(38,0)", digits(38, 0)}, {"numeric(38,9)", digits(29, 9)}, {"numeric(38,38)", digits(0, 38)}, {"numeric(38,37)", digits(1, 37)},
		{"numeric(5,-2)", or(digits(6, 0), "9999900")}, {"numeric(2,6)", among("0", "0.000001", "-0.000099", "0.00001")},
		{"real", float(32)}, {"double precision", float(64)},
		{"text", or(letters(40), "", strings.Repeat("long ", 5000), "twelve bytes", "thirteen byte")}, {"varchar(10)", letters(10)}, {"varchar", letters(20)},
		{"char(7)", letters(7)}, {"char", letters(1)}, {"bpchar", func(r *rand.Rand) string { return strings.TrimRight(letters(9)(r), " ") }},
		{"name", letters(15)}, {`"char"`, among("", "a", "~", " ")},
		{"bytea", func(r *rand.Rand) string {
			b := make([]byte, r.IntN(30))
			for i := range b {
				b[i] = byte(r.IntN(256))
			}
			return fmt.Sprintf(`\x%x`, b)
		}},
		{"uuid", func(r *rand.Rand) string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()) }},
		{"date", date}, {"timestamp", instant}, {"timestamptz", instant}, {"timestamp(3)", instant}, {"timestamptz(0)", instant},
		{"time", clock}, {"time(2)", clock}, {"timetz", zoned}, {"timetz(1)", zoned}, {"interval", span}, {"interval(2)", span}, {"pg_catalog.interval", far},
		{"interval year to month", span}, {"interval day to hour", span}, {"interval minute", span},
		{"json", document}, {"jsonb", document},
		{"mood", among("sad", "so so", "hap'py", `é"`)}, {"cents", digits(9, 2)}, {"label", letters(7)}, {"small_label", letters(7)},
		{"inet", among("10.0.0.1", "10.1.2.3/8", "::1", "fe80::1/64", "255.255.255.255/0")}, {"cidr", among("10.0.0.0/8", "::/0", "fe80::/10")},
		{"macaddr", among("08:00:2b:01:02:03")}, {"macaddr8", among("08:00:2b:01:02:03:04:05")},
		{"bit(5)", among("01010", "00000", "11111")}, {"bit varying(9)", among("", "1", "010101010")}, {"bit varying", among("", "0001")},
		{"xml", among("<a b='c'>x</a>", "text &amp; more", "")}, {"point", among("(0.1,-0)", "(1e300,NaN)")}, {"box", among("(2,2),(0.3,0.1)")},
		{"path", among("[(0,0),(1,1)]", "((0,0),(1,1))")}, {"polygon", among("((0,0),(1,1),(2,0.1))")}, {"line", among("{1,2,3.3}")},
		{"lseg", among("[(0,0),(1,0.1)]")}, {"circle", among("<(0,0.1),2>")},
		{"tsvector", among("'a' 'b':2,3A 'it''s'", "")}, {"tsquery", among("'a' & !'b':*", "")},
		{"int4range", among("[1,5)", "(,)", "empty")}, {"numrange", among("[1.10,2.5]", "(,3)")}, {"tstzrange", among("[2020-01-01 00:00+00,infinity)")},
		{"datemultirange", among("{}", "{[2020-01-01,2020-02-01),[2021-01-01,)}")}, {"pg_lsn", among("0/0", "16/B374D848")},
		{"jsonpath", among(`$."a"[*]`)}, {"xid8", among("0", "18446744073709551615")},
		{"pair", among(`(1,"x, y",)`, `(,,"2020-01-01 00:00:00+00")`, "(,,)")}, {"citext", letters(9)}, {"hstore", among(`"a"=>"b, c", "d"=>NULL`, "")},
	}
}()

// young are the types or values here that older versions of PostgreSQL do not have.
var young = map[string]int{"numeric(5,-2)": 15, "numeric(2,6)": 15, "datemultirange": 14, "pg_catalog.interval": 15}

// known are those that the tests' server has.
func known(t testing.TB) []made {
	version := pgtest.Shared(t).Version(t)
	return slices.DeleteFunc(slices.Clone(all), func(m made) bool { return young[strings.TrimSuffix(m.sql, "[]")] > version })
}

// all adds arrays of everything that arrays can contain.
var all = func() []made {
	list := slices.Clone(scalars)
	for _, m := range scalars {
		if m.sql != "small_label" && m.sql != "xml" { // a NULL in it is not allowed; xml's array reads its text with the quotes
			list = append(list, array(m))
		}
	}
	return list
}()

// table makes a table of the types' random values.
func table(t testing.TB, conn *pgconn.PgConn, r *rand.Rand, name string, columns []made, rows int) {
	t.Helper()
	list := []string{"n int"}
	for i, c := range columns {
		list = append(list, fmt.Sprintf("%s %s", duck.Name(oddName(i)), c.sql))
	}

	pgtest.Query(t, conn, "CREATE TABLE "+name+" ("+strings.Join(list, ", ")+")")
	var in strings.Builder
	nulls := r.IntN(4)
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	for n := range rows {
		fmt.Fprint(&in, n)
		for _, c := range columns {
			in.WriteByte('\t')
			if c.sql != "small_label" && r.IntN(10) < nulls*nulls {
				in.WriteString(`\N`)
			} else {
				in.WriteString(escape.Replace(c.value(r)))
			}
		}

		in.WriteByte('\n')
	}

	if _, err := conn.CopyFrom(t.Context(), strings.NewReader(in.String()), "COPY "+name+" FROM STDIN"); err != nil {
		t.Fatal(err)
	}
}

func oddName(i int) string {
	return []string{"plain", "Mixed Case", `qu"ote`, "select", "é€", "a.b", "1", " "}[i%8] + strings.Repeat("x", i/8)
}

// Any table of random types and values goes out, through Parquet, and back into an identical table, equal bit for bit.
func TestRoundTrip(t *testing.T) {
	conn, types := open(t), known(t)
	pgtest.Query(t, conn, domains)
	seeds := []uint64{*seed}
	for range *times {
		if *seed == 0 {
			seeds = append(seeds, rand.Uint64())
		}
	}

	for _, s := range seeds {
		if s == 0 {
			continue
		}

		r := rand.New(rand.NewPCG(s, 0))
		columns := make([]made, 1+r.IntN(12))
		for i := range columns {
			columns[i] = types[r.IntN(len(types))]
		}

		if !t.Run(fmt.Sprintf("seed=%d", s), func(t *testing.T) { roundTrip(t, conn, r, columns, r.IntN(3)*r.IntN(2500)) }) {
			t.Errorf("repeat with: go test -run %s -seed %d", t.Name(), s)
		}
	}
}

// Each type alone, so that none is left to chance.
func TestRoundTripOfEachType(t *testing.T) {
	conn, types := open(t), known(t)
	pgtest.Query(t, conn, domains)
	r := rand.New(rand.NewPCG(1, 2))
	for start := 0; start < len(types); start += 8 {
		roundTrip(t, conn, r, types[start:min(start+8, len(types))], 300)
	}
}

// The text of each type, including those that can only be carried as text, reads back as the same values.
func TestRoundTripAsText(t *testing.T) {
	conn := open(t)
	pgtest.Query(t, conn, domains)
	r := rand.New(rand.NewPCG(3, 4))
	special := []string{"NaN", "Infinity", "1e-1000"}
	if pgtest.Shared(t).Version(t) < 14 { // a numeric has no infinity
		special[1] = "-1e1000"
	}

	columns := append(known(t), made{"numeric", or(digits(60, 30), special...)}, made{"numeric(60,20)", digits(40, 20)},
		made{"numeric[]", among("{NaN,1.50}", "{}", "{{1,2},{3,NULL}}")}, made{"oidvector", among("", "1 2")}, made{"regtype", among("integer", "text")})

	// The server cannot read its own text of the smallest interval, -2562047788:00:54.775808.
	columns = slices.DeleteFunc(columns, func(m made) bool { return strings.HasPrefix(m.sql, "pg_catalog.interval") })
	for start := 0; start < len(columns); start += 8 {
		part := columns[start:min(start+8, len(columns))]
		table(t, conn, r, "one", part, 300)
		attributes := describe(t, conn, "one")
		var names, texts, casts []string
		for i, a := range attributes {
			names = append(names, a.name)
			texts = append(texts, duck.Name(a.name)+" text")
			casts = append(casts, "CAST("+duck.Name(a.name)+" AS "+append([]made{{sql: "int"}}, part...)[i].sql+")")
		}

		fields := carry(t, attributes, names...)
		files, _, err := unload(t, conn, "one", fields, 2)
		if err != nil {
			t.Fatal(err)
		}

		pgtest.Query(t, conn, "CREATE TABLE texts ("+strings.Join(texts, ", ")+"); CREATE TABLE two (LIKE one)")
		if _, err := load(t, conn, "texts", columnsOf(fields), files); err != nil {
			t.Fatal(err)
		}

		pgtest.Query(t, conn, "INSERT INTO two SELECT "+strings.Join(casts, ", ")+" FROM texts")
		if !bytes.Equal(content(t, conn, "one"), content(t, conn, "two")) {
			t.Errorf("%v: the tables differ: %v", part, pgtest.Query(t, conn, "SELECT one, two FROM one JOIN two USING (n) WHERE one::text <> two::text LIMIT 3"))
		}

		pgtest.Query(t, conn, "DROP TABLE one, two, texts")
	}
}

func roundTrip(t *testing.T, conn *pgconn.PgConn, r *rand.Rand, columns []made, rows int) {
	t.Helper()
	var types []string
	for _, c := range columns {
		types = append(types, c.sql)
	}

	defer func() {
		if t.Failed() {
			t.Logf("types: %s", strings.Join(types, ", "))
		}
		pgtest.Query(t, conn, "DROP TABLE IF EXISTS one, two")
	}()

	table(t, conn, r, "one", columns, rows)
	fields := carry(t, describe(t, conn, "one"))
	files, sums, err := unload(t, conn, "one", fields, 1+r.IntN(3))
	if err != nil {
		t.Fatal(err)
	}
	if sums.Rows != int64(rows) || (len(files) == 0) != (rows == 0) {
		t.Fatalf("%d rows in %d files, want %d", sums.Rows, len(files), rows)
	}

	again, err := pgcopy.Sum(t.Context(), fields, pgcopy.One(conn, pgcopy.CopyOut(fields, "one ORDER BY n DESC")))
	if err != nil || again.Content != sums.Content || again.Rows != sums.Rows || !maps.Equal(again.Totals, sums.Totals) {
		t.Errorf("the sums are %v, and again %v, %v", sums, again, err)
	}

	checkTotals(t, conn, fields, files, sums)
	pgtest.Query(t, conn, "CREATE TABLE two (LIKE one)")
	loaded, err := load(t, conn, "two", columnsOf(fields), files)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Rows != sums.Rows || loaded.Content != sums.Content && !slices.ContainsFunc(fields, changed) {
		t.Errorf("%v were unloaded and %v loaded", sums, loaded)
	}

	sameAsSent(t, conn, files, loaded)
	if one, two := content(t, conn, "one"), content(t, conn, "two"); !bytes.Equal(one, two) {
		t.Errorf("the tables differ: %v", pgtest.Query(t, conn, "SELECT one, two FROM one JOIN two USING (n) WHERE one::text <> two::text LIMIT 3"))
	}
}

// sameAsSent compares what table two holds with what was sent to it, as far as the server returns values unchanged.
func sameAsSent(t *testing.T, conn *pgconn.PgConn, files []hindcast.File, loaded hindcast.Sums) {
	t.Helper()
	var fields []pgcopy.Field
	for _, a := range describe(t, conn, "two") {
		f, err := pgcopy.Carry(a.name, a.typ, false)
		if err != nil {
			t.Fatal(err)
		}
		if f, err = pgcopy.Receive(f.Column, a.typ); err != nil {
			t.Fatal(err)
		}
		fields = append(fields, f)
	}

	verbatim := pgcopy.Verbatim(fields)
	sent, err := pgcopy.Encoded(t.Context(), verbatim, pathsOf(files), pgcopy.Options{})
	if err != nil {
		t.Fatal(err)
	}

	is, err := pgcopy.Stored(t.Context(), verbatim, pgcopy.One(conn, pgcopy.CopyOut(verbatim, "two")))
	if err != nil || is.Rows != sent.Rows || is.Content != sent.Content || len(verbatim) == len(fields) && is.Content != loaded.Content {
		t.Errorf("%v were sent, and %v stand there, %v; the load said %v", sent, is, err, loaded)
	}
}

// checkTotals compares the totals with the server's own, and with DuckDB's over the files if its sums are wide enough.
func checkTotals(t *testing.T, conn *pgconn.PgConn, fields []pgcopy.Field, files []hindcast.File, sums hindcast.Sums) {
	t.Helper()
	want := maps.Clone(sums.Totals)
	for name := range want {
		want[name] = pgtest.Query(t, conn, "SELECT sum("+duck.Name(name)+"::text::numeric) FROM one")[0][0]
	}

	if !maps.Equal(want, sums.Totals) {
		t.Errorf("the totals are %v, and the server's %v", sums.Totals, want)
	}

	narrow := slices.DeleteFunc(columnsOf(fields), func(c hindcast.Column) bool { return strings.HasPrefix(c.Type, "DECIMAL(38") })
	for name, total := range duckSums(t, narrow, files).Totals {
		if sums.Totals[name] != total {
			t.Errorf("the total of %s is %s, and DuckDB's %s", name, sums.Totals[name], total)
		}
	}
}

// changed reports whether the server rewrites a value, so that it does not store what was sent.
func changed(f pgcopy.Field) bool { return strings.HasPrefix(f.Source, "jsonb") }
