package iceberg

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/big"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
	"github.com/hindcast/hindcast/internal/objstore"
)

// tailBytes are read of a file's end at once: most footers fit.
const tailBytes = 64 << 10

// statistics reads a file's footer.
func statistics(ctx context.Context, store objstore.Store, f hindcast.File) (*chunks.Statistics, error) {
	read, done, err := reader(ctx, store, f.Path)
	if err != nil {
		return nil, err
	}
	defer done()

	from := max(0, f.Bytes-tailBytes)
	tail := make([]byte, f.Bytes-from)
	if err := read(from, tail); err != nil {
		return nil, err
	}
	s, err := chunks.ReadStatistics(f.Bytes, f.CRC32C, func(span chunks.Span) ([]byte, error) {
		if span.From >= from {
			return tail[span.From-from : span.To-from], nil
		}
		text := make([]byte, span.To-span.From)
		return text, read(span.From, text)
	})
	if damage, is := errors.AsType[*chunks.DamageError](err); is {
		return nil, otherFile(store, f, damage.What, err)
	}
	return s, err
}

func otherFile(store objstore.Store, f hindcast.File, what string, cause error) error {
	return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent, Cause: cause,
		Message: "the file " + objstore.Location(store, f.Path) + " is not what was written: " + what, Next: "hindcast verify --files names the slice; run it again with --force"}
}

// reader reads ranges of an object.
func reader(ctx context.Context, store objstore.Store, key string) (read func(from int64, p []byte) error, done func(), err error) {
	done = func() {}
	if local, is := store.(objstore.Local); is {
		f, err := os.Open(local.File(key))
		if err != nil {
			return nil, done, err
		}
		return func(from int64, p []byte) error { _, err := f.ReadAt(p, from); return err }, func() { _ = f.Close() }, nil // it is only read
	}
	if ranged, is := store.(objstore.Ranged); is {
		return func(from int64, p []byte) error { return ranged.GetRange(ctx, key, "", from, p) }, done, nil
	}

	body, _, err := store.Get(ctx, key)
	return func(from int64, p []byte) error {
		_, err := io.ReadFull(bytes.NewReader(body[min(from, int64(len(body))):]), p)
		return err
	}, done, err
}

// dataFile is what a manifest says of a file. Columns without a known statistic are left out of each map: readers look into the file then.
func dataFile(url string, f hindcast.File, s *chunks.Statistics, columns *schema) record {
	file := record{"content": int64(0), "file_path": url, "file_format": "PARQUET", "partition": record{}, "record_count": f.Rows, "file_size_in_bytes": f.Bytes}
	if s == nil {
		return file
	}

	var sizes, values, nulls, lower, upper []any
	for i := range s.Columns {
		c := &s.Columns[i]
		at := slices.IndexFunc(columns.Fields, func(f field) bool { return strings.EqualFold(f.Name, c.Name) })
		if at < 0 {
			continue
		}
		id := int64(columns.Fields[at].ID)
		sizes, values = append(sizes, record{"key": id, "value": c.Bytes}), append(values, record{"key": id, "value": c.Values})
		if c.Nulls >= 0 {
			nulls = append(nulls, record{"key": id, "value": c.Nulls})
		}
		least, most := bounds(columns.Fields[at].Type.plain, c)
		if least != nil {
			lower = append(lower, record{"key": id, "value": least})
		}
		if most != nil {
			upper = append(upper, record{"key": id, "value": most})
		}
	}
	for name, list := range map[string][]any{"column_sizes": sizes, "value_counts": values, "null_value_counts": nulls, "lower_bounds": lower, "upper_bounds": upper} {
		if list != nil {
			file[name] = list
		}
	}

	var starts []any
	for _, at := range s.Starts {
		starts = append(starts, at)
	}
	if starts != nil {
		file["split_offsets"] = starts
	}
	return file
}

// bounds are those of a column's values as Iceberg writes values of the type; nil where one is not known.
func bounds(plain string, c *chunks.ColumnStatistics) (least, most []byte) {
	if c.Unbounded || len(c.Bounds) == 0 {
		return nil, nil
	}
	switch name, _, _ := strings.Cut(plain, "("); name {
	case "boolean":
		return extremes(c, func(b []byte) (int64, bool) {
			return int64(b[0]), c.Physical == chunks.Boolean && len(b) == 1 && b[0] < 2
		}, func(n int64) []byte { return []byte{byte(n)} })
	case "int", "date":
		return extremes(c, whole(c.Physical == chunks.Int32), func(n int64) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) })
	case "long":
		return extremes(c, whole(c.Physical == chunks.Int32 || c.Physical == chunks.Int64), littleEndian)
	case "time", "timestamp", "timestamptz":
		return extremes(c, whole(c.Physical == chunks.Int64 && c.Micros), littleEndian)
	case "float":
		return extremes(c, floating(c.Physical == chunks.Float), func(x float64) []byte { return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(x))) })
	case "double":
		return extremes(c, floating(c.Physical == chunks.Float || c.Physical == chunks.Double), func(x float64) []byte { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)) })
	case "string":
		return texts(c)
	case "decimal":
		return decimals(plain, c)
	}
	return nil, nil
}

// extremes are the lowest and the highest of all row groups' bounds, none if one of them is not what it should be.
func extremes[T cmp.Ordered](c *chunks.ColumnStatistics, read func([]byte) (T, bool), write func(T) []byte) (least, most []byte) {
	var low, high T
	for i, b := range c.Bounds {
		from, known := read(b.Min)
		to, both := read(b.Max)
		if !known || !both || from > to {
			return nil, nil
		}
		if i == 0 {
			low, high = from, to
		}
		low, high = min(low, from), max(high, to)
	}
	return write(low), write(high)
}

func littleEndian(n int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }

// whole reads an integer of 32 or 64 bits.
func whole(is bool) func([]byte) (int64, bool) {
	return func(b []byte) (int64, bool) {
		switch {
		case is && len(b) == 4:
			return int64(int32(binary.LittleEndian.Uint32(b))), true
		case is && len(b) == 8:
			return int64(binary.LittleEndian.Uint64(b)), true
		}
		return 0, false
	}
}

// floating reads a floating-point number that can be a bound. Zero cannot: the values may have the other zero, which Iceberg orders apart.
// Nor can NaN.
func floating(is bool) func([]byte) (float64, bool) {
	return func(b []byte) (x float64, ok bool) {
		switch {
		case is && len(b) == 4:
			x = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		case is && len(b) == 8:
			x = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
		return x, x != 0 && !math.IsNaN(x)
	}
}

// longestText is how many characters a bound has at most.
const longestText = 16

// texts are bounds of texts: the lowest may be cut, and the highest may not.
func texts(c *chunks.ColumnStatistics) (least, most []byte) {
	if c.Physical != chunks.ByteArray {
		return nil, nil
	}
	for i, b := range c.Bounds {
		if !utf8.Valid(b.Min) {
			return nil, nil
		}
		if i == 0 || bytes.Compare(b.Min, least) < 0 {
			least = b.Min
		}
		if i == 0 || bytes.Compare(b.Max, most) > 0 {
			most = b.Max
		}
	}
	if utf8.RuneCount(least) > longestText {
		least = []byte(string([]rune(string(least))[:longestText]))
	}
	if !utf8.Valid(most) || utf8.RuneCount(most) > longestText {
		most = nil
	}
	return least, most
}

// decimals are bounds of decimals, which Iceberg writes as the fewest bytes that hold them.
func decimals(plain string, c *chunks.ColumnStatistics) (least, most []byte) {
	precision, scale, _ := decimalOf(plain)
	if precision == 0 || int(c.Scale) != scale {
		return nil, nil
	}
	low, high, known := c.Extremes()
	if !known {
		return nil, nil
	}
	return twosComplement(low), twosComplement(high)
}

// twosComplement is a number in the fewest bytes, the highest first.
func twosComplement(n *big.Int) []byte {
	size := n.BitLen()/8 + 1
	if n.Sign() < 0 {
		size = new(big.Int).Not(n).BitLen()/8 + 1
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	return n.FillBytes(make([]byte, size))
}
