package hindcast

// Rate is what one run of an engine that is paid for by time costs.
type Rate struct {
	Each    float64 `json:"units"`             // that a run has
	Unit    string  `json:"unit"`              // DPU
	Class   string  `json:"class,omitempty"`   // of execution
	Minimum float64 `json:"minimum_seconds"`   // that a run is billed at least; an attempt is a run
	USD     float64 `json:"usd,omitempty"`     // for a unit and an hour; 0 if it is not known
	Unknown string  `json:"unknown,omitempty"` // why it is not
	Region  string  `json:"region"`            // of the price
	Date    string  `json:"date"`              // of the price
}

// Hours are the hours of units that runs of so many seconds each are billed for.
func (r Rate) Hours(runs int, seconds float64) float64 {
	return float64(runs) * r.Each * max(seconds, r.Minimum) / 3600
}
