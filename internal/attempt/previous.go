package attempt

import (
	"context"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/supervisor"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// published sums what an output's target has in the slice, over its time and these columns.
func (s *Steps) published(ctx context.Context, try supervisor.Try, names ...string) (hindcast.Sums, error) {
	ask := warehouse.Published{Target: s.output(try.Output).Target, Intervals: []hindcast.Interval{try.Item.Slice.Interval}, TimeZone: s.plan.Pipeline.History.TimeZone}
	for _, c := range s.plan.Outputs[try.Output].Result {
		for _, name := range append(names, ask.Target.Time) {
			if strings.EqualFold(c.Name, name) {
				ask.Columns = append(ask.Columns, c)
				break
			}
		}
	}
	sums, err := s.warehouse.Published(ctx, ask)
	if err != nil {
		return hindcast.Sums{}, err
	}
	return sums[0], nil
}

// mayBeEmpty refuses a result without rows in place of published ones, unless that was asked for: E-EMPTY.
func (s *Steps) mayBeEmpty(ctx context.Context, try supervisor.Try, rows int64) error {
	if rows > 0 || s.apart || s.plan.AllowEmpty {
		return nil
	}
	was, err := s.published(ctx, try)
	if err != nil || was.Rows == 0 {
		return err
	}
	return &hindcast.Error{Code: hindcast.EEmpty, Class: hindcast.ClassCheck,
		Message: fmt.Sprintf("the result has no rows, and %s has %s in the slice", s.output(try.Output).Target.Table, numbers.Counted(was.Rows, "row")),
		Next:    "nothing of this slice was published; see why its sources have no rows, or if it is to be empty add --allow-empty"}
}

// againstPrevious makes the checks against what is published, now that this is known. Where the target has no row in the slice there are
// none, which the log says.
func (s *Steps) againstPrevious(ctx context.Context, try supervisor.Try) (checks []engine.Check, err error) {
	if s.apart {
		return nil, nil
	}
	var against []hindcast.Check
	var totals []string
	for _, c := range s.output(try.Output).Checks {
		if c.Previous == nil {
			continue
		}
		against = append(against, c)
		if c.Previous.Total != nil {
			totals = append(totals, c.Previous.Total.Of)
		}
	}
	if len(against) == 0 {
		return nil, nil
	}
	was, err := s.published(ctx, try, totals...)
	if err != nil {
		return nil, fmt.Errorf("looking up what is published: %w", err)
	}
	for _, c := range against {
		if was.Rows == 0 {
			_, _ = fmt.Fprintf(s.log, "%s %s %s: nothing is published in the slice, so there is nothing to compare\n", s.now().Format(time.TimeOnly), try.Item.Slice.Key, c.Name)
			continue
		}
		checks = append(checks, previousChecks(c, was)...)
	}
	return checks, nil
}

// previousChecks are what a check against the rows that were there means.
func previousChecks(c hindcast.Check, was hindcast.Sums) (checks []engine.Check) {
	if r := c.Previous.Rows; r != nil {
		before := new(big.Rat).SetInt64(was.Rows)
		least, most := whole(product(before, r.Least), true), whole(product(before, r.Most), false)
		name := fmt.Sprintf("%s: %s..%s of %s", c.Name, r.Least, r.Most, numbers.Counted(was.Rows, "row"))
		checks = append(checks, engine.Check{Check: hindcast.Check{Name: name, Rows: &hindcast.RowsCheck{Min: &least, Max: &most}}})
	}
	t := c.Previous.Total
	if t == nil {
		return checks
	}
	for column, total := range was.Totals {
		if !strings.EqualFold(column, t.Of) {
			continue
		}
		name := fmt.Sprintf("%s: %s within %s of %s", c.Name, t.Of, t.Within, total)
		checks = append(checks, engine.Check{Check: hindcast.Check{Name: name,
			Total: &hindcast.TotalCheck{Of: t.Of, Equals: "SELECT " + total, Within: tolerance(t.Within, total)}}})
	}
	return checks
}

// tolerance is how far from a total another may be, as decimal text.
func tolerance(within, total string) string {
	percent, relative := strings.CutSuffix(within, "%")
	if !relative {
		return within
	}
	amount, ok := new(big.Rat).SetString(total)
	if !ok {
		return "0"
	}
	share := product(amount.Abs(amount), percent)
	share.Quo(share, big.NewRat(100, 1))
	return decimal(share)
}

// decimal writes a number of which a decimal has all digits.
func decimal(r *big.Rat) string {
	digits, _ := r.FloatPrec()
	return r.FloatString(digits)
}

func product(a *big.Rat, factor string) *big.Rat {
	f, ok := new(big.Rat).SetString(factor)
	if !ok { // the decoder has read it
		f = new(big.Rat)
	}
	return new(big.Rat).Mul(a, f)
}

// whole rounds a number of rows up or down.
func whole(r *big.Rat, up bool) int64 {
	n, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if up && rest.Sign() > 0 {
		n.Add(n, big.NewInt(1))
	}
	if !n.IsInt64() {
		return 1<<63 - 1
	}
	return n.Int64()
}
