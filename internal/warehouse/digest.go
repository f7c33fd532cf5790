package warehouse

import (
	"crypto/md5" //nolint:gosec // it tells rows apart that nobody chose to collide
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"strconv"

	"github.com/hindcast/hindcast"
)

// Hashing is how a warehouse hashes status rows for their digests: by what it has at hand. Both sides hash a row's line, which holds all
// that a plan takes of a row but for who committed it and when: bounds in microseconds since 1970, key and fingerprint, with bars
// between them. Neither bounds nor the fingerprints and keys of a plan hold a bar, so that no other row has the line of one that a
// plan expects.
type Hashing string

// The hashings. A sum of 128 bits of either is the same for other rows only if somebody computes rows for it: whoever edits status
// rows to deceive a plan can write the expected ones as well.
const (
	HashNone   Hashing = ""       // the warehouse has no digests: its rows have to be listed
	HashMD5    Hashing = "md5"    // as two little-endian numbers
	HashSHA256 Hashing = "sha256" // the first half of it, as two big-endian numbers
)

// Digests stand for the status rows of a target, by range.
type Digests struct {
	Hashing Hashing           `json:"hashing"`
	Ranges  []hindcast.Digest `json:"ranges,omitempty"` // those that have rows
}

// Rows hashes status rows, one after another.
func (h Hashing) Rows() func(c *hindcast.Committed) [2]uint64 {
	var line []byte
	return func(c *hindcast.Committed) [2]uint64 {
		line = strconv.AppendInt(line[:0], c.Slice.Start.UnixMicro(), 10)
		line = strconv.AppendInt(append(line, '|'), c.Slice.End.UnixMicro(), 10)
		line = append(append(line, '|'), c.Slice.Key...)
		line = append(append(line, '|'), c.Fingerprint...)
		if h == HashMD5 {
			sum := md5.Sum(line) //nolint:gosec // see above
			return [2]uint64{binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:])}
		}

		sum := sha256.Sum256(line)
		return [2]uint64{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])}
	}
}

// WithCommits adds who committed rows of a range to its digest, which is the last one or is not there yet.
func WithCommits(found []hindcast.Digest, n int, by hindcast.Commits) []hindcast.Digest {
	if last := len(found) - 1; last < 0 || found[last].Range != n {
		found = append(found, hindcast.Digest{Range: n})
	}
	d := &found[len(found)-1]
	d.By = append(d.By, by)
	d.Rows += by.Rows
	return found
}

// WithSums fills in the sums of a range's hashes, which a database gives as decimal text, of signed numbers or of others.
func WithSums(found []hindcast.Digest, n int, texts ...string) error {
	at := slices.IndexFunc(found, func(d hindcast.Digest) bool { return d.Range == n })
	if at < 0 {
		return nil // its rows were committed this instant
	}
	for i, text := range texts {
		sum, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return fmt.Errorf("a sum of hashes is %q", text)
		}
		found[at].Sums[i] = sum.And(sum, new(big.Int).SetUint64(1<<64-1)).Uint64()
	}
	return nil
}
