// Package objstore is the contract of the place where a lake keeps its bytes: a folder or a bucket. It knows
// keys and bytes; what they mean (manifests, journals, leases) is for its callers.
package objstore

import (
	"context"
	"errors"
	"io"
)

// The two errors that callers decide on. Drivers wrap them.
var (
	// ErrNotExist means that there is no object of this key.
	ErrNotExist = errors.New("no such object")
	// ErrPrecondition means that a conditional write lost: the object is there already, or has changed.
	ErrPrecondition = errors.New("object changed or exists")
)

// Info describes an object.
type Info struct {
	Key   string
	Bytes int64
	ETag  string // changes whenever the content does; opaque
}

// Condition makes a Put conditional. The zero Condition always writes.
type Condition struct {
	IfNoneMatch bool   // write only if there is no such object
	IfMatch     string // write only if the object's ETag is this
}

// Store holds objects by key ("a/b/c", no leading slash, no "..").
type Store interface {
	// URL names the store for people and engines: an absolute folder, or s3://bucket/prefix. No secrets.
	URL() string
	// Get returns an object's bytes and its info. ErrNotExist if there is none. Parallel.
	Get(ctx context.Context, key string) ([]byte, Info, error)
	// Put writes an object whole: a reader sees the old bytes or the new ones, and when Put has returned
	// they survive a loss of power. Safe to repeat. ErrPrecondition if the condition does not hold; of
	// several writers with the same condition exactly one wins. Parallel, also between processes.
	Put(ctx context.Context, key string, body []byte, cond Condition) (Info, error)
	// Upload is Put without condition for large content.
	Upload(ctx context.Context, key string, body io.Reader) (Info, error)
	// List returns the objects whose keys begin with prefix ("a/b/" for a folder) in the order of their keys.
	// Their ETag may be empty: Get and Put tell it.
	List(ctx context.Context, prefix string) ([]Info, error)
	// Delete removes an object; one that is not there is no error.
	Delete(ctx context.Context, key string) error
	// DeleteAll removes all objects below prefix, which must end in "/" and lie below a prefix of ours: the
	// caller's duty (promise 3).
	DeleteAll(ctx context.Context, prefix string) error
}

// Local is implemented by stores whose objects are plain files, which other programs may open in place.
type Local interface {
	// File returns the absolute path of the key's file, there or not.
	File(key string) string
	// Folder makes the folder that prefix, which ends in "/", names, for programs that write files of their own in it, and
	// returns its absolute path. It refuses one that a link leads away to, as Check does.
	Folder(prefix string) (string, error)
	Check(prefix string) error
	// Places are the absolute folders in which the objects lie: the store's, and those on other disks that links in it lead to.
	Places() []string
	// Abandon removes the folder that prefix names if nothing is in it.
	Abandon(prefix string)
}

// Foldered is implemented by stores that can list one level without walking what is below it.
type Foldered interface {
	// Folders returns the names, sorted and without slashes, of the folders directly below prefix, which is
	// "" or ends in "/".
	Folders(ctx context.Context, prefix string) ([]string, error)
}

// Ranged is implemented by stores that can read parts of an object, and describe it without reading it.
type Ranged interface {
	// Stat returns an object's info. ErrNotExist if there is none. Parallel.
	Stat(ctx context.Context, key string) (Info, error)
	// GetRange fills p with the object's bytes from offset on, all of them or an error. With an ETag only those of
	// that version: ErrPrecondition if the object has changed. ErrNotExist if there is none. Parallel.
	GetRange(ctx context.Context, key, etag string, offset int64, p []byte) error
}

// Sweeper is implemented by stores in which a writer that dies leaves something that is no object.
type Sweeper interface {
	// Sweep removes what dead writers left below prefix, which must end in "/" and be ours (promise 3). What may
	// still be written stays.
	Sweep(ctx context.Context, prefix string) error
}

// Appender is implemented by stores that can extend an object; others are given numbered objects instead.
type Appender interface {
	// Append opens the object for appending, creating it if need be.
	Append(ctx context.Context, key string) (AppendFile, error)
}

// AppendFile is an object open for appending. One writer.
type AppendFile interface {
	io.Writer
	Sync() error // when it returns, all that was written survives a loss of power
	Truncate(size int64) error
	Close() error
}
