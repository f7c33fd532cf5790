package screen

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// A history that grew day by day was committed by as many runs: the plan does not name each.
func TestPlanOfManyRuns(t *testing.T) {
	p := &plan.Plan{Pipeline: hindcast.Pipeline{Name: "grown"}}
	for i := range 100 {
		start := time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC)
		p.Items = append(p.Items, plan.Item{Reason: hindcast.ReasonUpToDate, Detail: fmt.Sprintf("committed by r%d", i+1),
			Slice: hindcast.Slice{Key: start.Format(time.DateOnly), Interval: hindcast.Interval{Start: start, End: start.AddDate(0, 0, 1)}}})
	}
	var out bytes.Buffer
	Plan(&out, p, PlanOptions{Options: Options{Unicode: true}})
	for _, want := range []string{"1  up to date  2020-01-01: committed by r1\n", "98  up to date  2020-01-02 … 2020-04-08: 98 more such groups\n",
		"1  up to date  2020-04-09: committed by r100\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
