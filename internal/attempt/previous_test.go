package attempt

import (
	"fmt"
	"testing"

	"github.com/hindcast/hindcast"
)

func TestPreviousChecksAreExact(t *testing.T) {
	was := hindcast.Sums{Rows: 7, Totals: map[string]string{"Net": "-12345678901234567890.01", "none": "0.00"}}
	check := func(p hindcast.PreviousCheck) string {
		out := ""
		for _, c := range previousChecks(hindcast.Check{Name: "against_previous", Previous: &p}, was) {
			out += c.Name
			if c.Rows != nil {
				out += fmt.Sprintf(" [%d, %d]", *c.Rows.Min, *c.Rows.Max)
			} else {
				out += fmt.Sprintf(" [%s %s +-%s]", c.Total.Of, c.Total.Equals, c.Total.Within)
			}
		}
		return out
	}
	for want, p := range map[string]hindcast.PreviousCheck{
		"against_previous: 0.8..1.2 of 7 rows [6, 8]": {Rows: &hindcast.Ratio{Least: "0.8", Most: "1.2"}},
		"against_previous: 1..1 of 7 rows [7, 7]":     {Rows: &hindcast.Ratio{Least: "1", Most: "1"}},
		"against_previous: net within 5% of -12345678901234567890.01 [net SELECT -12345678901234567890.01 +-617283945061728394.5005]": {Total: &hindcast.PreviousTotal{Of: "net", Within: "5%"}},
		"against_previous: net within 0.1 of -12345678901234567890.01 [net SELECT -12345678901234567890.01 +-0.1]":                    {Total: &hindcast.PreviousTotal{Of: "net", Within: "0.1"}},
		"against_previous: none within 5% of 0.00 [none SELECT 0.00 +-0]":                                                             {Total: &hindcast.PreviousTotal{Of: "none", Within: "5%"}},
		"": {Total: &hindcast.PreviousTotal{Of: "empty", Within: "5%"}}, // NULL then
	} {
		if got := check(p); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
