package config

import (
	"time"

	"github.com/hindcast/hindcast"
)

// snapshotsLast is how old a snapshot of an Iceberg table may become unless the file says it.
const snapshotsLast = 5 * 24 * time.Hour

// checkResults refuses an Iceberg table that could not be.
func (d *decoder) checkResults() {
	r := &d.p.Results
	place, given := d.p.Places["results.expire"]
	if r.Keep != hindcast.KeepIceberg {
		if given {
			d.fail(hindcast.EValue, place, len("expire"), "write keep: iceberg, or leave the key out",
				"results.expire: only an Iceberg table has snapshots, and results are kept as %s", r.Keep)
		}
		return
	}

	if !given {
		r.Expire = snapshotsLast
	}
	if d.p.Lake.Hidden() {
		d.fail(hindcast.ESecret, d.p.Places["lake"], len("lake"), "write the lake's place in the pipeline file; or keep results without such a table: results: {keep: parquet}",
			"results.keep: the metadata of an Iceberg table names where the lake is, and %s may be a secret, which hindcast does not write", d.p.Lake.Written)
	}
}
