package attempt

import (
	"maps"
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
	maps.Copy(all, facts)
	known := overAll(files)
	for _, c := range columns {
		s, is := known[c.Name]
		if !is || c.Stored != "" {
			continue
		}
		f := all[c.Name]
		if f.Least, f.Most = boundsOf(s, c.Type); f.Least != "" && f.Most != "" {
			all[c.Name] = f
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// overAll are the statistics of the columns that are stored alike in all files, and whose values have bounds in all of them.
func overAll(files []hindcast.File) map[string]*chunks.ColumnStatistics {
	all := map[string]*chunks.ColumnStatistics{}
	known := map[string]int{} // in how many files
	for _, f := range files {
		for _, c := range statisticsOf(f) {
			was, seen := all[c.Name]
			switch {
			case c.Nulls == c.Values: // of no values nothing is said
			case c.Unbounded || len(c.Bounds) == 0 || seen && (was.Physical != c.Physical || was.Micros != c.Micros || was.Scale != c.Scale):
				continue
			case seen:
				was.Bounds = append(was.Bounds, c.Bounds...)
			default:
				all[c.Name] = &c
			}
			known[c.Name]++
		}
	}
	maps.DeleteFunc(all, func(name string, _ *chunks.ColumnStatistics) bool { return known[name] < len(files) })
	return all
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

// boundsOf are a column's bounds as facts have them of its type; "" if values of the type are not stored so, or none is recorded of such.
func boundsOf(c *chunks.ColumnStatistics, typ string) (least, most string) {
	low, high, known := c.Extremes()
	if !known {
		return "", ""
	}
	write := func(*big.Int) string { return "" }
	whole := c.Physical == chunks.Int32 || c.Physical == chunks.Int64
	switch _, scale, decimal := datatype.ParseDecimal(typ); {
	case decimal && scale == int(c.Scale):
		write = func(n *big.Int) string { return pointed(n, scale) }
	case whole && (typ == "TINYINT" || typ == "SMALLINT" || typ == "INTEGER" || typ == "BIGINT"):
		write = (*big.Int).String
	case c.Physical == chunks.Int32 && typ == "DATE":
		write = day
	case c.Physical == chunks.Int64 && c.Micros && (typ == "TIMESTAMP" || typ == "TIMESTAMP WITH TIME ZONE"):
		write = func(n *big.Int) string { return day(new(big.Int).Div(n, big.NewInt(24*3600*1e6))) }
	}
	return write(low), write(high)
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
