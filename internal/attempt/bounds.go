package attempt

import (
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
	"github.com/hindcast/hindcast/internal/datatype"
)

// bounded are facts of an unload's columns, with the bounds of numbers, dates and times that the footers of its files have. What a footer
// does not say, or says of another kind of value, stays unknown: guards stay then.
func bounded(facts map[string]hindcast.Facts, columns []hindcast.Column, files []hindcast.File) map[string]hindcast.Facts {
	all := map[string]hindcast.Facts{}
	for name, f := range facts {
		all[name] = f
	}
	for name, r := range extremesOf(files) {
		for _, c := range columns {
			if c.Name != name || c.Stored != "" {
				continue
			}
			f := all[name]
			if f.Least, f.Most = r.as(c.Type); f.Least != "" && f.Most != "" {
				all[name] = f
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// extremes are the least and the greatest of a column's values, as they are stored.
type extremes struct {
	physical    chunks.Physical
	micros      bool
	scale       int
	least, most *big.Int
}

// extremesOf are those of each column that is stored alike in all files, and whose values have bounds in all of them.
func extremesOf(files []hindcast.File) map[string]extremes {
	all := map[string]extremes{}
	known := map[string]int{} // in how many files
	for _, f := range files {
		for _, c := range statisticsOf(f) {
			if c.Nulls == c.Values { // of no values nothing is said
				known[c.Name]++
				continue
			}
			now := extremes{physical: c.Physical, micros: c.Micros, scale: int(c.Scale)}
			ok := false
			if now.least, now.most, ok = c.Extremes(); !ok {
				continue
			}
			if was, seen := all[c.Name]; seen {
				if was.physical != now.physical || was.micros != now.micros || was.scale != now.scale {
					continue
				}
				now.least, now.most = lesser(was.least, now.least), greater(was.most, now.most)
			}
			all[c.Name] = now
			known[c.Name]++
		}
	}
	for name, n := range known {
		if n < len(files) {
			delete(all, name)
		}
	}
	return all
}

func lesser(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

func greater(a, b *big.Int) *big.Int {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

// statisticsOf are those of a file that was just written; none if they cannot be read.
func statisticsOf(f hindcast.File) []chunks.ColumnStatistics {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }() // it was only read
	s, err := chunks.ReadStatistics(f.Bytes, f.CRC32C, func(span chunks.Span) ([]byte, error) {
		b := make([]byte, span.To-span.From)
		_, err := file.ReadAt(b, span.From)
		return b, err
	})
	if err != nil || s == nil {
		return nil
	}
	return s.Columns
}

// as are the bounds as facts have them of a column of a type; "" if values of the type are not stored so, or none is recorded of such.
func (r extremes) as(typ string) (least, most string) {
	write := func(*big.Int) string { return "" }
	whole := r.physical == chunks.Int32 || r.physical == chunks.Int64
	switch _, scale, decimal := datatype.ParseDecimal(typ); {
	case decimal && scale == r.scale:
		write = func(n *big.Int) string { return pointed(n, scale) }
	case whole && (typ == "TINYINT" || typ == "SMALLINT" || typ == "INTEGER" || typ == "BIGINT"):
		write = (*big.Int).String
	case r.physical == chunks.Int32 && typ == "DATE":
		write = day
	case r.physical == chunks.Int64 && r.micros && (typ == "TIMESTAMP" || typ == "TIMESTAMP WITH TIME ZONE"):
		write = func(n *big.Int) string { return day(new(big.Int).Div(n, big.NewInt(24*3600*1e6))) }
	}
	return write(r.least), write(r.most)
}

// pointed is a number with a point before its last digits.
func pointed(n *big.Int, scale int) string {
	if scale == 0 {
		return n.String()
	}
	digits, sign := new(big.Int).Abs(n).String(), ""
	if n.Sign() < 0 {
		sign = "-"
	}
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale+1-len(digits)) + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

// day is a day by its number, from 1970 on; "" outside of the years 1 to 9999, and of what is infinite.
func day(n *big.Int) string {
	const first, last = -719162, 2932896
	if !n.IsInt64() || n.Int64() < first || n.Int64() > last {
		return ""
	}
	return time.Unix(n.Int64()*24*3600, 0).UTC().Format(time.DateOnly)
}
