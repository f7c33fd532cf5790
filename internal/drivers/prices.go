package drivers

import (
	"cmp"
	"errors"
	"io/fs"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsredshift"
	"github.com/hindcast/hindcast/internal/cost"
)

// Prices are the table of prices of a pipeline: its own before hindcast's.
func Prices(p *hindcast.Pipeline) (cost.Prices, error) {
	prices, err := cost.Own(p.Run.Prices)
	if err == nil {
		return prices, nil
	}
	e := &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: p.Places["run.prices"], Cause: err,
		Message: "the table of prices " + p.Run.Prices + " cannot be read: " + err.Error(), Next: "write it as the reference shows: docs/reference/prices.md"}
	if pathError, is := errors.AsType[*fs.PathError](err); is {
		e.Code, e.Message = hindcast.EFileMissing, "the table of prices "+p.Run.Prices+" cannot be read: "+pathError.Err.Error()
		e.Next = "name a file that can be read, or leave run.prices out"
	}
	return prices, e
}

// Warehousing is what the pipeline's warehouse costs, where that is known; nil where it costs nothing that hindcast knows of.
func Warehousing(p *hindcast.Pipeline) (*hindcast.Rate, error) {
	if !strings.HasPrefix(p.Warehouse.Scheme, "redshift") {
		return nil, nil
	}
	prices, err := Prices(p)
	if err != nil {
		return nil, err
	}
	return prices.Redshift(regionOf(p), p.Redshift), nil
}

// Resizing is what a change of its size adds to what the pipeline's warehouse costs; nil if nothing changes. Kind is the type of a cluster's nodes.
func Resizing(p *hindcast.Pipeline, s hindcast.Sizing, kind string) (*hindcast.Rate, error) {
	if s.From == s.To {
		return nil, nil
	}
	prices, err := Prices(p)
	if err != nil {
		return nil, err
	}
	sized := hindcast.Redshift{NodeType: kind, Nodes: s.To}
	if s.Workgroup != "" {
		sized = hindcast.Redshift{RPU: s.To}
	}
	rate := prices.Redshift(cmp.Or(s.Region, regionOf(p)), sized)
	if rate != nil {
		rate.Each = float64(s.To - s.From)
	}
	return rate, nil
}

// regionOf is the region of a pipeline's Redshift; "" if nothing says it.
func regionOf(p *hindcast.Pipeline) string {
	if u := p.Warehouse.URL; u != nil {
		if n, err := awsredshift.Read(u); err == nil && n.Region != "" {
			return n.Region
		}
	}
	return p.Redshift.Region
}
