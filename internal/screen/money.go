package screen

import (
	"fmt"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
)

// cost says what a run has cost on an engine that is paid for by time.
func (p *page) cost(st *hindcast.RunState, pl *plan.Plan) {
	if text := spending(st, pl); text != "" {
		p.wrap("  cost ", "       ", p.o.text(text))
	}
	if text := warehousing(st, pl); text != "" {
		p.wrap("  warehouse ", "       ", p.o.text(text))
	}
}

// warehousing is what unloads and loads have cost of a warehouse whose price is known; "" if nothing can be said.
func warehousing(st *hindcast.RunState, pl *plan.Plan) string {
	if pl == nil || pl.Estimate.Warehouse == nil || st.Warehouse.Seconds == 0 {
		return ""
	}
	rate, use := pl.Estimate.Warehouse, st.Warehouse
	hour, busy := rate.Each*rate.USD, watch(seconds(use.Seconds))
	what := amount(rate.Each) + " " + rate.Unit
	if is := st.Resized; is != nil && is.Grown != is.Origin && is.Refused == nil { // its loads ran on more than the price is of
		return fmt.Sprintf("unload and load took %s on %s, and %s during the loads: what that costs is not known", busy, is.Size(is.Origin), is.Size(is.Grown))
	}

	switch {
	case rate.USD == 0:
		return fmt.Sprintf("unload and load had %s for %s; the price is not known: %s", what, busy, rate.Unknown)
	case rate.Unit == hindcast.RPU:
		return fmt.Sprintf("unload and load had %s for %s: $%s at $%s an hour (%s, prices of %s), if it stayed at its base capacity", what, busy,
			money(use.Billed/3600*hour), money(hour), rate.Region, rate.Date)
	}
	text := fmt.Sprintf("unload and load had %s for %s: $%s at $%s an hour (%s, prices of %s)", what, busy, money(use.Seconds/3600*hour), money(hour), rate.Region, rate.Date)
	if idle := st.Active.Seconds() - use.Seconds; idle/3600*hour >= 0.005 {
		text += fmt.Sprintf("; a cluster for this alone, paused for the other %s, costs $%s less", watch(seconds(idle)), money(idle/3600*hour))
	}
	return text
}

// anHour says what a warehouse costs for an hour.
func anHour(rate *hindcast.Rate) string {
	what := amount(rate.Each) + " " + rate.Unit
	switch {
	case rate.USD == 0:
		return what + "; the price is not known: " + rate.Unknown
	case rate.Unit == hindcast.RPU:
		return fmt.Sprintf("%s, $%s for an hour of work at that capacity, and a minute at least (%s, prices of %s)", what, money(rate.Each*rate.USD), rate.Region, rate.Date)
	}
	return fmt.Sprintf("%s, $%s an hour, used or not, until it is paused (%s, prices of %s)", what, money(rate.Each*rate.USD), rate.Region, rate.Date)
}

// spending is what a run has cost by what its engine says: first what has ended, then what is under way; "" if it costs nothing.
func spending(st *hindcast.RunState, pl *plan.Plan) string {
	var parts []string
	usd, reckoned := 0.0, false
	for _, b := range st.Billed() {
		usd += b.USD
		reckoned = reckoned || b.Reckoned
		parts = append(parts, billText(b, pl))
	}
	text := strings.Join(parts, ", and ")
	if reckoned {
		text += ", by how long they ran"
	}

	if more := st.Spent() - usd; more > 0.005 {
		so := fmt.Sprintf("$%s so far by what is under way", money(more))
		if text != "" {
			so = "; " + so
		}
		text += so
	}
	return text
}

// billText is one unit's: its hours, their price, and how many runs were billed.
func billText(b hindcast.Bill, pl *plan.Plan) string {
	text := amount(b.Hours) + " " + b.Unit + "-hours"
	var rate hindcast.Rate
	if pl != nil && pl.Estimate.Cost != nil {
		rate = pl.Estimate.Cost.Rate
	}
	switch {
	case b.USD > 0 && rate.Date != "":
		text += fmt.Sprintf(", $%s (%s)", money(b.USD), priced(rate, ", prices of "))
	case b.USD > 0:
		text += ", $" + money(b.USD)
	default:
		text += " whose price is not known"
	}
	return text + ", " + numbers.Counted(b.Runs, "run")
}

// spent is what a run has cost so far in few words, for a board; "" if it costs nothing.
func spent(st *hindcast.RunState) string {
	if usd := st.Spent(); usd >= 0.005 {
		return "$" + money(usd)
	}
	if list := st.Billed(); len(list) > 0 {
		return amount(list[0].Hours) + " " + list[0].Unit + "-hours"
	}
	return ""
}
