package chunks

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hindcast/hindcast"
)

// Checker compares files with their manifests: each column once, as long as nobody writes to the file. The zero Checker
// is ready. Safe for concurrent use.
type Checker struct {
	mutex sync.Mutex
	known map[string]*checked // by path
}

// most is how many files a Checker remembers; most are read once.
const most = 4096

// checked is what is known of a file.
type checked struct {
	stamp stamp
	sums  string
	all   bool
	names map[string]bool // columns, in lower case
}

// stamp changes when somebody writes to a file, or replaces it.
type stamp struct {
	size     int64
	modified time.Time
	inode    uint64
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), modified: info.ModTime()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = uint64(stat.Ino) //nolint:unconvert // its type differs between systems
	}
	return s
}

// Check compares a local file with f: that it exists, has its size, and that its footer and the named columns are what
// was written; nil means all columns. If f has only a checksum of the whole file, as manifests of earlier versions do,
// it reads all of the file. A DamageError says what differs; any other error comes from reading.
func (c *Checker) Check(path string, f hindcast.File, columns []string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &DamageError{"it is not there"}
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read

	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != f.Bytes {
		return &DamageError{fmt.Sprintf("it has %d bytes and its manifest says %d", info.Size(), f.Bytes)}
	}

	now, sums := stampOf(info), f.CRC32C+" "+f.SHA256
	if c.knows(path, now, sums, columns) {
		return nil
	}

	if f.CRC32C == "" {
		columns, err = nil, whole(file, f)
	} else {
		err = Check(file, f.Bytes, f.CRC32C, columns)
	}

	if err != nil {
		return err
	}

	c.learn(path, now, sums, columns)
	return nil
}

// whole compares all of a file, if there is a checksum to compare it with.
func whole(file io.Reader, f hindcast.File) error {
	if f.SHA256 == "" {
		return nil
	}

	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != f.SHA256 {
		return &DamageError{fmt.Sprintf("it has the SHA-256 %.12s… and its manifest says %.12s…", got, f.SHA256)}
	}

	return nil
}

func (c *Checker) knows(path string, now stamp, sums string, columns []string) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	k := c.known[path]
	if k == nil || k.stamp != now || k.sums != sums {
		return false
	}
	if k.all {
		return true
	}

	for _, name := range columns {
		if !k.names[strings.ToLower(name)] {
			return false
		}
	}

	return columns != nil
}

func (c *Checker) learn(path string, now stamp, sums string, columns []string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	k := c.known[path]
	if k == nil || k.stamp != now || k.sums != sums {
		if len(c.known) >= most || c.known == nil {
			c.known = map[string]*checked{}
		}
		k = &checked{stamp: now, sums: sums, names: map[string]bool{}}
		c.known[path] = k
	}

	k.all = k.all || columns == nil
	for _, name := range columns {
		k.names[strings.ToLower(name)] = true
	}
}
