// Package cost says what work in the cloud costs, by a table of prices with a date. What is not in the table is unknown, and never guessed.
package cost

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/hindcast/hindcast"
)

//go:embed prices.json
var prices []byte

// table is prices.json.
type table struct {
	Date    string `json:"date"`
	Regions map[string]struct {
		Glue struct {
			Minimum float64                       `json:"minimum_seconds"`
			Hour    map[string]map[string]float64 `json:"hour"` // by unit and execution class
		} `json:"glue"`
	} `json:"regions"`
	Unknown map[string]string `json:"unknown"`
}

var read = sync.OnceValue(func() (t table) {
	if err := json.Unmarshal(prices, &t); err != nil {
		panic(err) // it is part of the program
	}
	return t
})

// minimum is how long a run of Glue is billed at least, in seconds, wherever it is.
const minimum = 60

// Glue is what a run of Glue is billed as in a region.
func Glue(region string, g hindcast.Glue) hindcast.Rate {
	t := read()
	rate := hindcast.Rate{Each: g.Units(), Unit: g.Worker().Metered, Minimum: minimum, Class: g.Class, Region: region, Date: t.Date}
	in, known := t.Regions[region]
	switch {
	case t.Unknown[g.Version] != "":
		rate.Unknown = t.Unknown[g.Version]
	case t.Unknown[rate.Unit] != "":
		rate.Unknown = t.Unknown[rate.Unit]
	case !known:
		rate.Unknown = fmt.Sprintf("the table of prices of %s has %v and not %s", t.Date, slices.Sorted(maps.Keys(t.Regions)), region)
	default:
		rate.USD = in.Glue.Hour[rate.Unit][g.Class]
	}
	return rate
}

// EMR is what a run of EMR Serverless is billed as in a region: vCPU and GB by the second, each worker for a minute at least.
func EMR(region string, e hindcast.EMRServerless) hindcast.Rate {
	t := read()
	return hindcast.Rate{Each: float64(e.Cores()), Unit: "vCPU", Minimum: minimum, Region: region, Date: t.Date, Unknown: t.Unknown["vCPU"]}
}
