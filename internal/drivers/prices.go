package drivers

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"

	"github.com/hindcast/hindcast"
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

// amazonHost matches the host of a cluster or a workgroup, which has its region.
var amazonHost = regexp.MustCompile(`\.([a-z]{2,}(?:-[a-z]+)+-[0-9]+)\.redshift(?:-serverless)?\.amazonaws\.com`)

// regionOf is the region of a pipeline's Redshift; "" if nothing says it.
func regionOf(p *hindcast.Pipeline) string {
	if u := p.Warehouse.URL; u != nil {
		if region := u.Query().Get("region"); region != "" {
			return region
		}
		if found := amazonHost.FindStringSubmatch(u.Host); found != nil {
			return found[1]
		}
	}
	return p.Redshift.Region
}
