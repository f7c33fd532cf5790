// Package cost says what work in the cloud costs, by a table of prices with a date, before which a user can put one of their own. What is in
// neither is unknown, and never guessed.
package cost

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
)

//go:embed prices.json
var prices []byte

// Prices are tables, of which the first that has a price has it.
type Prices struct{ tables []*table }

// table is prices.json, or a user's file of the same form.
type table struct {
	Date     string            `json:"date"`
	Currency string            `json:"currency"`
	Source   string            `json:"source,omitempty"`
	Regions  map[string]region `json:"regions"`
	Unknown  map[string]string `json:"unknown,omitempty"` // why a unit's price, or that of a version of Glue, is not there
}

type region struct {
	Glue     glue     `json:"glue,omitzero"`
	Redshift redshift `json:"redshift,omitzero"`
	EMR      emr      `json:"emr_serverless,omitzero"`
}

// emr are prices of EMR Serverless, for x86_64.
type emr struct {
	Date   string  `json:"date,omitempty"` // "" is the table's
	Source string  `json:"source,omitempty"`
	VCPU   float64 `json:"vcpu_hour,omitempty"`
	GB     float64 `json:"gb_hour,omitempty"` // of memory
}

// hours are prices of an hour, by unit and execution class.
type hours map[string]map[string]float64

type glue struct {
	Hour     hours            `json:"hour"`
	Versions map[string]hours `json:"versions,omitempty"` // of Glue, those that have prices of their own
}

type redshift struct {
	Date   string             `json:"date,omitempty"` // "" is the table's
	Source string             `json:"source,omitempty"`
	RPU    float64            `json:"rpu_hour,omitempty"`
	Node   map[string]float64 `json:"node_hour,omitempty"`
}

var builtIn = sync.OnceValue(func() *table {
	t, err := read(prices)
	if err != nil {
		panic(err) // it is part of the program
	}
	return t
})

// Table is the table that is part of the program.
func Table() Prices { return Prices{[]*table{builtIn()}} }

// Own puts a user's table before the program's; "" is none.
func Own(path string) (Prices, error) {
	if path == "" {
		return Table(), nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Prices{}, err
	}
	t, err := read(text)
	if err != nil {
		return Prices{}, err
	}
	return Prices{[]*table{t, builtIn()}}, nil
}

func read(text []byte) (*table, error) {
	var t table
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something after its end")
	}
	if _, err := time.Parse(time.DateOnly, t.Date); err != nil {
		return nil, errors.New(`"date" says when the prices held, as 2026-11-22`)
	}
	if t.Currency != "USD" {
		return nil, errors.New(`"currency" is USD: budgets and reports are in dollars`)
	}
	return &t, t.positive()
}

// positive refuses prices that nobody pays.
func (t *table) positive() error {
	for name, r := range t.Regions {
		lists := slices.Collect(maps.Values(r.Glue.Hour))
		for _, h := range r.Glue.Versions {
			lists = slices.AppendSeq(lists, maps.Values(h))
		}
		for _, list := range append(lists, r.Redshift.Node) {
			for what, usd := range list {
				if usd <= 0 {
					return fmt.Errorf("the price of %s in %s is %v", what, name, usd)
				}
			}
		}
		if e := r.EMR; e.VCPU < 0 || e.GB < 0 || (e.VCPU > 0) != (e.GB > 0) {
			return fmt.Errorf("of EMR Serverless in %s, vcpu_hour is %v and gb_hour is %v: both have to be there", name, e.VCPU, e.GB)
		}
		if r.Redshift.RPU < 0 {
			return fmt.Errorf("the price of an RPU in %s is %v", name, r.Redshift.RPU)
		}
	}
	return nil
}

// minimum is how long a run of Glue, or a use of Redshift Serverless, is billed at least, in seconds, wherever it is.
const minimum = 60

// Glue is what a run of Glue is billed as in a region.
func (p Prices) Glue(in string, g hindcast.Glue) hindcast.Rate {
	rate := hindcast.Rate{Each: g.Units(), Unit: g.Worker().Metered, Minimum: minimum, Class: g.Class, Region: in}
	for _, t := range p.tables {
		rate.Date = t.Date
		list := t.Regions[in].Glue
		hour := list.Hour
		if of, apart := list.Versions[g.Version]; apart {
			hour = of
		} else if t.Unknown[g.Version] != "" || builtIn().Unknown[g.Version] != "" {
			continue // the version is not billed as the others are
		}
		if rate.USD = hour[rate.Unit][g.Class]; rate.USD > 0 {
			return rate
		}
	}
	rate.Unknown = p.unknown(in, g.Version, rate.Unit)
	return rate
}

// unknown says why there is no price in a region, which has several names for what it is of.
func (p Prices) unknown(in string, names ...string) string {
	for _, t := range p.tables {
		for _, name := range names {
			if why := t.Unknown[name]; why != "" {
				return why
			}
		}
	}
	t := p.tables[len(p.tables)-1]
	if _, known := t.Regions[in]; known {
		return fmt.Sprintf("the table of prices of %s does not have it", t.Date)
	}
	return fmt.Sprintf("the table of prices of %s has %s and not %s", t.Date, strings.Join(slices.Sorted(maps.Keys(t.Regions)), ", "), in)
}

// EMR is what a run of EMR Serverless is billed as in a region: vCPU and GB by the second, each worker for a minute at least. The price is of a
// vCPU with as much of the run's memory as falls to it; disk beyond what is free is not in it.
func (p Prices) EMR(in string, e hindcast.EMRServerless) hindcast.Rate {
	rate := hindcast.Rate{Each: float64(e.Cores()), Unit: hindcast.VCPU, Minimum: minimum, Region: in}
	list, date := p.emr(in)
	rate.Date = date
	if list.VCPU == 0 || e.Cores() == 0 {
		rate.Unknown = p.unknown(in, rate.Unit)
		return rate
	}
	rate.USD = list.VCPU + list.GB*float64(e.Memory())/float64(e.Cores())
	return rate
}

// EMRUse is what hours of vCPU and of GB of memory cost on EMR Serverless in a region; 0 if that is not known.
func (p Prices) EMRUse(in string, vcpu, gb float64) float64 {
	list, _ := p.emr(in)
	return vcpu*list.VCPU + gb*list.GB
}

// emr are the prices of EMR Serverless in a region, with their date; zero if no table has them.
func (p Prices) emr(in string) (list emr, date string) {
	for _, t := range p.tables {
		list = t.Regions[in].EMR
		if date = list.Date; date == "" {
			date = t.Date
		}
		if list.VCPU > 0 {
			return list, date
		}
	}
	return list, date
}

// Redshift is what a warehouse that is Redshift costs for an hour in which it is there, or works.
func (p Prices) Redshift(in string, r hindcast.Redshift) *hindcast.Rate {
	rate := &hindcast.Rate{Region: in}
	switch {
	case r.RPU > 0:
		rate.Each, rate.Unit, rate.Minimum = float64(r.RPU), hindcast.RPU, minimum
	case r.NodeType != "":
		rate.Each, rate.Unit = float64(max(1, r.Nodes)), r.NodeType
	default:
		return nil
	}
	if in == "" {
		rate.Unknown = "the warehouse's URL does not say its region, nor does redshift.region"
		return rate
	}
	for _, t := range p.tables {
		list := t.Regions[in].Redshift
		rate.Date = list.Date
		if rate.Date == "" {
			rate.Date = t.Date
		}
		if rate.USD = list.Node[r.NodeType]; r.RPU > 0 {
			rate.USD = list.RPU
		}
		if rate.USD > 0 {
			return rate
		}
	}
	rate.Unknown = p.unknown(in, rate.Unit)
	return rate
}
