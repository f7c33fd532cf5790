package emit

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// sharedTimes are the rules of times that all engines share.
func sharedTimes() map[sem.Op]rule {
	const alone = "an interval by itself is not translated"
	return map[sem.Op]rule{
		sem.OpIntervalTimes: {refusal: alone, instead: "add it to a date or timestamp"},
		sem.OpTimeBetween:   {refusal: alone, instead: "ask for its parts by extract, or compare it"},
		sem.OpAge:           {refusal: alone, instead: "ask for its parts by extract"},
		sem.OpAddTimes:      {write: addTimes},
		sem.OpAddSpan:       {write: addSpan},
		sem.OpSpanPart:      {write: spanPart},
		sem.OpSeries:        {write: series},
		sem.OpTimeSeries:    {write: timeSeries},
		sem.OpTimeCompare:   {form: "CASE WHEN @1 < @2 THEN -1 WHEN @1 > @2 THEN 1 WHEN @1 = @2 THEN 0 END"},
		sem.OpAddMonths:     {write: addMonths, why: "the last day of a month stays one in the source"},
		sem.OpMonthsBetween: {write: monthsBetween},
		sem.OpDayMicros:     {write: dayMicros, why: "what is out of range raises in the source"},
		sem.OpMakeDate:      {write: makeDate, why: "other years mean something else to the engine"},
	}
}

func duckTimes() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpMicrosBetween: {write: finite("(epoch_us($1) - epoch_us($2))", "CASE WHEN isinf($1) OR isinf($2) THEN error('cannot subtract infinite timestamps') ELSE epoch_us($1) - epoch_us($2) END"), guards: endless},
		sem.OpAgePart:       {write: agePart, guards: endless},
		sem.OpAtZone:        {write: zoned("timezone($s, $1)"), guards: zones},
		sem.OpInZone:        {write: zoned("timezone($s, $1)"), guards: zones},
		sem.OpNextDay:       {form: "(@1 + CAST(($n - extract(dow FROM $1) + 6) % 7 + 1 AS INTEGER))"},
	}
}

func sparkTimes() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpMicrosBetween: {form: "(unix_micros(CAST($1 AS TIMESTAMP_LTZ)) - unix_micros(CAST($2 AS TIMESTAMP_LTZ)))"},
		sem.OpAgePart:       {refusal: "Spark does not count years, months and days between two times as age() does", instead: "use the difference of the two, or months_between in a query of its own"},
		sem.OpAtZone:        {write: zoned(laterInstant), why: "of two times that a clock shows twice the source takes the later one"},
		sem.OpInZone:        {write: zoned("CAST(from_utc_timestamp(CAST($1 AS TIMESTAMP_LTZ), $s) AS TIMESTAMP_NTZ)"), guards: zones},
		sem.OpNextDay:       {form: "date_add($1, pmod($n - (dayofweek($1) - 1) + 6, 7) + 1)"},
	}
}

const zones = "the rules of zones before 1970 and after 2037 may be others in the engine"

// laterInstant is the instant of a zone's clock: that by the offset of a day later, if the clock shows the time then, too.
const laterInstant = "CASE WHEN CAST(from_utc_timestamp(to_utc_timestamp(CAST($1 AS TIMESTAMP_LTZ) + INTERVAL '1' DAY, $s) - INTERVAL '1' DAY, $s) AS TIMESTAMP_NTZ) = @1 " +
	"THEN to_utc_timestamp(CAST($1 AS TIMESTAMP_LTZ) + INTERVAL '1' DAY, $s) - INTERVAL '1' DAY ELSE to_utc_timestamp(CAST($1 AS TIMESTAMP_LTZ), $s) END"

// lastKnown is the last day, since 1970, whose times zones are known of: the one before what zoned raises for.
const lastKnown = 24835

// zoned is a conversion by a zone's rules, of which collections do not agree on those before 1970, and engines not on those far ahead.
func zoned(form string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		if sem.Within(e.Args[0]).Inside(1, lastKnown) {
			return text{text: p.fill(form, e, args)}
		}
		stamp, at := p.typeName(sem.Of(sem.Timestamp)), args[0].text
		switch {
		case p.Engine.spark():
			at = "CAST(" + at + " AS " + stamp + ")"
		case e.Op == sem.OpInZone:
			at = "(" + operand(args[0]) + " AT TIME ZONE 'UTC')"
		}
		outside := at + " NOT BETWEEN " + stamp + " '1970-01-02 00:00:00' AND " + stamp + " '2037-12-31 00:00:00'"
		return text{text: p.raiseWhere(outside, "a time before 1970 or after 2037 in a time zone", p.fill(form, e, args))}
	}
}

// seconds are microseconds as a number of seconds.
func seconds(micros int64) string {
	sign := ""
	if micros < 0 {
		sign, micros = "-", -micros
	}
	return fmt.Sprintf("%s%d.%06d", sign, micros/1e6, micros%1e6)
}

// units are how an engine writes so many months, days and microseconds: $a of them, which are $s seconds, or $n times that.
type units struct{ months, days, micros string }

var (
	duckUnits  = units{"to_months($a)", "to_days($a)", "to_microseconds($a)"}
	sparkUnits = units{"make_ym_interval(0, $a)", "make_dt_interval($a)", "make_dt_interval(0, 0, 0, $s)"}

	duckUnitsTimes = units{"to_months(CAST($a * CAST($n AS BIGINT) AS INTEGER))", "to_days(CAST($a * CAST($n AS BIGINT) AS INTEGER))", "to_microseconds($a * CAST($n AS BIGINT))"}

	sparkUnitsTimes = units{"make_ym_interval(0, CAST($a * CAST($n AS BIGINT) AS INT))", "make_dt_interval(CAST($a * CAST($n AS BIGINT) AS INT))",
		"make_dt_interval(0, 0, 0, CAST(CAST($n AS DECIMAL(20,0)) * $s AS DECIMAL(18,6)))"}
)

// plus is a time with what is not zero of an interval added, or taken off if the operation is -. A number of times an interval is computed before
// it is taken off: the least integer has no other sign.
func (u units) plus(at, op string, i *sem.Expr, n string) string {
	sign, apart := int64(1), " + "
	switch {
	case op == "-" && n != "":
		apart = " - "
	case op == "-":
		sign = -1
	}
	add := func(amount int64, form string) {
		if amount *= sign; amount != 0 {
			at += apart + strings.NewReplacer("$a", strconv.FormatInt(amount, 10), "$n", n, "$s", seconds(amount)).Replace(form)
		}
	}
	add(int64(i.Months), u.months)
	add(int64(i.Days), u.days)
	add(i.Micros, u.micros)

	return at
}

// writtenInterval is a written interval by itself, as DuckDB takes it.
func writtenInterval(i *sem.Expr) string {
	return fmt.Sprintf("to_months(%d) + to_days(%d) + to_microseconds(%d)", i.Months, i.Days, i.Micros)
}

// addInterval adds a written interval.
func addInterval(p *printer, e *sem.Expr, args []text) text {
	i, by := e.Args[1], duckUnits
	if p.Engine.spark() {
		by = sparkUnits
	}
	if i.Months == 0 && i.Days == 0 && i.Micros == 0 {
		return args[0]
	}
	return text{text: "(" + by.plus(operand(args[0]), e.Text, i, "") + ")"}
}

// addTimes adds a written interval, a number of times.
func addTimes(p *printer, e *sem.Expr, args []text) text {
	by := duckUnitsTimes
	if p.Engine.spark() {
		by = sparkUnitsTimes
	}
	at, n := operand(args[0]), operand(args[1])
	if sem.Within(e).Inside(firstDate, math.MaxInt64) {
		return text{text: "(" + by.plus(at, e.Text, e, n) + ")"}
	}
	out := p.inRange(by.plus(at, e.Text, e, n))
	if e.Months == 0 || e.Days == 0 && e.Micros == 0 {
		return text{text: out}
	}
	months := sem.Expr{Months: e.Months} // which the source adds first, to a timestamp that it has
	return text{text: p.raiseWhere(p.early(by.plus(at, e.Text, &months, n)), outOfRange, out)}
}

const outOfRange = "timestamp out of range"

// finite is a form for times of which none is infinite, and another one for the rest.
func finite(plain, guarded string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		for _, a := range e.Args {
			if !sem.Within(a).Known {
				return text{text: p.fill(guarded, e, args)}
			}
		}
		return text{text: p.fill(plain, e, args)}
	}
}

// inRange is a timestamp that the source has, too: others raise.
func (p *printer) inRange(x string) string { return p.raiseWhere(p.early(x), outOfRange, x) }

// early is whether a timestamp lies before those that the source has.
func (p *printer) early(x string) string {
	if p.Engine.spark() {
		return "year(" + x + ") < -4713"
	}
	return "(" + x + ") < CAST(DATE '4714-11-24 (BC)' AS TIMESTAMP)"
}

// addSpan adds microseconds.
func addSpan(p *printer, e *sem.Expr, args []text) text {
	if p.Engine.spark() {
		return text{text: p.inRange(p.fill("@1 $x make_dt_interval(0, 0, 0, CAST(CAST($2 AS DECIMAL(20,0)) * 0.000001 AS DECIMAL(18,6)))", e, args))}
	}
	return text{text: p.inRange(p.fill("@1 $x to_microseconds($2)", e, args))}
}

// spanPart is a part of a number of microseconds.
func spanPart(p *printer, e *sem.Expr, args []text) text {
	form := map[string]string{"day": "@1 // 86400000000", "hour": "@1 % 86400000000 // 3600000000", "minute": "@1 % 3600000000 // 60000000",
		"second": "CAST(@1 % 60000000 AS DECIMAL(20,0)) * 0.000001", "epoch": "CAST($1 AS DECIMAL(20,0)) * 0.000001"}[e.Text]
	return text{text: p.fill("CAST("+p.cut(form)+" AS $t)", e, args)}
}

// cut is a form with quotients of integers, which are written as DuckDB has them.
func (p *printer) cut(form string) string {
	if p.Engine.spark() {
		return strings.ReplaceAll(form, "//", "div")
	}
	return form
}

// agePart is a part of the years, months, days and time between two times.
func agePart(p *printer, e *sem.Expr, args []text) text {
	form := "date_part('$x', age($1, $2))"
	if e.Text == "second" {
		form = "CAST(date_part('microseconds', age($1, $2)) AS DECIMAL(18,0)) * 0.000001"
	}
	form = "CAST(" + form + " AS $t)"
	return finite(form, "CASE WHEN isinf($1) OR isinf($2) THEN error('the age of an infinite time') ELSE "+form+" END")(p, e, args)
}

// addMonths adds months to a time; the last day of a month becomes the last day of another one.
func addMonths(p *printer, e *sem.Expr, args []text) text {
	moved, rest := "(@1 + to_months($2))", "(@1 - date_trunc('day', $1))"
	if p.Engine.spark() {
		moved, rest = "(@1 + make_ym_interval(0, $2))", "(@1 - CAST(CAST($1 AS DATE) AS TIMESTAMP_NTZ))"
	}
	last := "CAST(last_day(CAST(" + moved + " AS DATE)) AS " + p.typeName(e.Type) + ") + " + rest
	return text{text: p.fill("CASE WHEN CAST($1 AS DATE) = last_day(CAST($1 AS DATE)) THEN "+last+" ELSE "+moved+" END", e, args)}
}

// monthsBetween is whole months, and days as parts of thirty-one, unless both are the same day of a month or its last one.
func monthsBetween(p *printer, e *sem.Expr, args []text) text {
	months := "((year($1) - year($2)) * 12 + month($1) - month($2))"
	same := "day($1) = day($2) OR $1 = last_day($1) AND $2 = last_day($2)"
	return text{text: p.fill("CASE WHEN "+same+" THEN CAST("+months+" AS DOUBLE) ELSE "+months+" + (day($1) - day($2)) / CAST(31 AS DOUBLE) END", e, args)}
}

// dayMicros are the microseconds of a time of day, up to the end of its 24th hour.
func dayMicros(p *printer, e *sem.Expr, args []text) text {
	all := "((CAST($1 AS BIGINT) * 60 + @2) * 60000000 + @3)"
	odd := "@1 NOT BETWEEN 0 AND 24 OR @2 NOT BETWEEN 0 AND 59 OR @3 NOT BETWEEN 0 AND 60000000 OR " + all + " > 86400000000"
	return text{text: p.fill(p.raiseWhere(odd, "date/time field value out of range", all), e, args)}
}

func makeDate(p *printer, e *sem.Expr, args []text) text {
	return text{text: p.fill(p.raiseWhere("@1 NOT BETWEEN 1 AND 9999", notOurEra, "make_date($1, $2, $3)"), e, args)}
}

// extract is a part of a time. Of those that tell years the engines count the ones before the year 1 otherwise, and infinity has none there.
func extract(p *printer, e *sem.Expr, args []text) text {
	out := p.fill("CAST("+p.formOfPart(e.Text)+" AS $t)", e, args)
	switch e.Text {
	case "year", "isoyear", "decade", "century", "millennium", "decade from 1":
		out = p.ofOurEra(e.Args[0], args[0].text, notOurEra, out)
	}
	return text{text: out}
}

// formOfPart is how a part of a time is computed.
func (p *printer) formOfPart(part string) string {
	micros := "CAST(date_part('microseconds', $1) AS BIGINT)"
	if p.Engine.spark() {
		micros = "CAST(extract(SECOND FROM $1) * 1000000 AS BIGINT)"
	}
	form := map[string]string{"decade": "year($1) // 10", "decade from 1": "year($1) // 10 + 1", "century": "(year($1) + 99) // 100", "millennium": "(year($1) + 999) // 1000",
		"microsecond": micros, "millisecond": "CAST(" + micros + " AS DECIMAL(18,0)) * 0.001", "millisecond of a second": micros + " // 1000 % 1000"}[part]
	switch {
	case form != "":
		return p.cut(form)
	case !p.Engine.spark():
		return "extract(" + part + " FROM $1)"
	}
	switch part {
	case "isoyear":
		return "extract(YEAROFWEEK FROM $1)"
	case "dow":
		return "dayofweek($1) - 1"
	case "isodow":
		return "weekday($1) + 1"
	}
	return "extract(" + strings.ToUpper(part) + " FROM $1)"
}

// dateTrunc cuts a time to a part. Decades and more are years less the ones since they began.
func dateTrunc(p *printer, e *sem.Expr, args []text) text {
	t := p.typeName(e.Type)
	since := map[string]string{"decade": "year($1) % 10", "century": "(year($1) - 1) % 100", "millennium": "(year($1) - 1) % 1000"}[e.Text]
	if since == "" {
		return text{text: p.fill("CAST(date_trunc('$x', $1) AS "+t+")", e, args)}
	}
	year, years := "date_trunc('year', $1)", "to_years(CAST("+since+" AS INTEGER))"
	if p.Engine.spark() {
		year, years = "trunc(CAST($1 AS DATE), 'year')", "make_ym_interval("+since+")"
	}
	out := p.fill("(CAST("+year+" AS "+t+") - "+years+")", e, args)

	return text{text: p.ofOurEra(e.Args[0], args[0].text, notOurEra, out)}
}

// series is a list of integers as rows.
func series(p *printer, e *sem.Expr, args []text) text {
	zero := "CASE WHEN @3 = 0 THEN " + p.raise("the step of a series must be other than zero")
	if p.Engine.spark() {
		return text{text: p.fill("explode("+zero+" WHEN @1 <= @2 AND @3 > 0 OR @1 >= @2 AND @3 < 0 THEN sequence($1, $2, $3) ELSE CAST(array() AS ARRAY<$t>) END)", e, args)}
	}
	return text{text: p.fill("CAST(unnest("+zero+" ELSE generate_series($1, $2, $3) END) AS $t)", e, args)}
}

// timeSeries is a list of timestamps as rows, of which each is computed from the one before.
func timeSeries(p *printer, e *sem.Expr, args []text) text {
	if !p.Engine.spark() {
		out := p.fill("unnest(generate_series($1, $2, "+writtenInterval(e)+"))", e, args)
		if e.Type.Kind == sem.TimestampTZ {
			out = "(" + out + " AT TIME ZONE 'UTC')"
		}
		return text{text: out}
	}
	if e.Months != 0 && (e.Days != 0 || e.Micros != 0) || e.Months == 0 && e.Days != 0 && e.Micros != 0 {
		p.refuse(e.At, "write a step of one unit", "Spark's sequence takes no step of this kind")
		return text{text: "NULL"}
	}
	step, late := fmt.Sprintf("INTERVAL '%s' SECOND", seconds(int64(e.Days)*24*3600e6+e.Micros)), ""
	if e.Months != 0 {
		step = fmt.Sprintf("INTERVAL '%d' MONTH", e.Months)
		late = "WHEN day($1) > 28 THEN " + p.raise("a series of months from the end of one must be computed from one to the next, which the engine does not")
	}
	order := "$1 <= $2"
	if e.Months < 0 || e.Days < 0 || e.Micros < 0 {
		order = "$1 >= $2"
	}
	return text{text: p.fill("explode(CASE "+late+" WHEN "+order+" THEN sequence(CAST($1 AS $t), CAST($2 AS $t), "+step+") ELSE CAST(array() AS ARRAY<$t>) END)", e, args)}
}
