package warehouse

import (
	"encoding/json"

	"github.com/hindcast/hindcast"
)

// StatusColumns are the columns of hindcast_status, in their order.
const StatusColumns = `pipeline, target, slice, slice_start, slice_end, run, attempt, fingerprint, parts, "rows", content, totals, previous, committed_at, publication`

// StatusTexts are what a status row has as JSON.
func StatusTexts(c *hindcast.Committed) (parts, totals string, err error) {
	p, err := json.Marshal(c.Parts)
	if err != nil {
		return "", "", err
	}
	t, err := json.Marshal(c.Sums.Totals)
	return string(p), string(t), err
}

// ReadStatusTexts fills in what a status row has as JSON.
func ReadStatusTexts(c *hindcast.Committed, parts, totals string) error {
	if err := json.Unmarshal([]byte(parts), &c.Parts); err != nil {
		return err
	}
	return json.Unmarshal([]byte(totals), &c.Sums.Totals)
}
