// Package objstore is the contract of the store in which a lake keeps its bytes: a folder or a bucket. It knows keys
// and bytes; what they mean (manifests, journals, leases) is the caller's responsibility.
package objstore

import (
	"context"
	"errors"
	"io"
)

// The errors that callers decide on. Drivers wrap them.
var (
	// ErrNotExist means that there is no object with this key.
	ErrNotExist = errors.New("no such object")
	// ErrPrecondition means that a conditional write lost: the object already exists, or has changed.
	ErrPrecondition = errors.New("object changed or exists")
	// ErrDamaged means that the store itself knows an object's bytes to be wrong, and that reading it again did not help. Not
	// every store can tell: a folder returns whatever bytes it has.
	ErrDamaged = errors.New("the bytes are not those that were written")
)

// Info describes an object.
type Info struct {
	Key   string
	Bytes int64
	ETag  string // changes whenever the content does; opaque
	// Stamp, of a list, changes whenever the object is written; opaque, and empty where the store cannot tell.
	Stamp string
	// Linked, of a list, says that the object's bytes have another name too, and stay when it is deleted.
	Linked bool
}

// Condition makes a Put conditional. The zero Condition always writes.
type Condition struct {
	IfNoneMatch bool   // write only if there is no such object
	IfMatch     string // write only if the object's ETag is this
	Fleeting    bool   // a loss of power may take the object: no condition, but cheaper
}

// Store holds objects by key ("a/b/c", no leading slash, no "..").
type Store interface {
	// URL names the store for people and engines: an absolute folder, or s3://bucket/prefix. No secrets.
	URL() string
	// Get returns an object's bytes and its info, or ErrNotExist. With ErrDamaged it returns the info, whose ETag lets a Put
	// replace the object, and the bytes as they are. Safe for parallel use.
	Get(ctx context.Context, key string) ([]byte, Info, error)
	// Put writes an object whole: a reader sees the old bytes or the new ones, and once Put has returned they survive a
	// loss of power. Safe to repeat. It returns ErrPrecondition if the condition does not hold; of several writers with
	// the same condition exactly one wins. Safe for parallel use, also between processes.
	Put(ctx context.Context, key string, body []byte, cond Condition) (Info, error)
	// Upload is Put without condition for large content.
	Upload(ctx context.Context, key string, body io.Reader) (Info, error)
	// List returns the objects whose keys begin with prefix ("a/b/" for a folder) in the order of their keys. Their
	// ETag may be empty: Get and Put return it.
	List(ctx context.Context, prefix string) ([]Info, error)
	// Delete removes an object; a missing one is not an error.
	Delete(ctx context.Context, key string) error
	// DeleteAll removes all objects below prefix, which must end in "/" and lie below one of our prefixes. That is the
	// caller's responsibility (promise 3).
	DeleteAll(ctx context.Context, prefix string) error
}

// Local is implemented by stores whose objects are plain files, which other programs may open in place.
type Local interface {
	// File returns the absolute path of the key's file, whether or not it exists.
	File(key string) string
	// Folder creates the folder that prefix, which ends in "/", names, for programs that write their own files in it,
	// and returns its absolute path. Like Check, it refuses a folder that a link would lead out of the lake.
	Folder(prefix string) (string, error)
	Check(prefix string) error
	// Roots are the absolute folders that hold the objects: the store's, and those on other disks that links in it lead
	// to.
	Roots() []string
	// Abandon removes the folder that prefix names if it is empty.
	Abandon(prefix string)
}

// Watched is implemented by stores that tell at once whether anything in a folder has changed.
type Watched interface {
	// Stamp changes whenever an object directly below prefix, which ends in "/", is written or deleted; "" if there is no such
	// folder, or the store cannot tell.
	Stamp(ctx context.Context, prefix string) (string, error)
	// Settled is Stamp, or "" if the last change is so recent that another one could leave the stamp as it is.
	Settled(ctx context.Context, prefix string) (string, error)
}

// Foldered is implemented by stores that can list one level without listing everything below it.
type Foldered interface {
	// Folders returns the names, sorted and without slashes, of the folders directly below prefix, which is
	// "" or ends in "/".
	Folders(ctx context.Context, prefix string) ([]string, error)
}

// Ranged is implemented by stores that can read a range of an object, and describe it without reading it.
type Ranged interface {
	// Stat returns an object's info, or ErrNotExist. Safe for parallel use.
	Stat(ctx context.Context, key string) (Info, error)
	// GetRange fills p with the object's bytes from offset on, all of them or an error. With an ETag it reads only that
	// version: ErrPrecondition if the object has changed. ErrNotExist if there is none. Safe for parallel use.
	GetRange(ctx context.Context, key, etag string, offset int64, p []byte) error
}

// Sweeper is implemented by stores in which a dead writer may leave something other than an object.
type Sweeper interface {
	// Sweep removes what dead writers left below prefix, which must end in "/" and be ours (promise 3). What may still
	// be written stays. With into it enters only the folders of which that is true, by their keys.
	Sweep(ctx context.Context, prefix string, into func(folder string) bool) error
}

// Uploading is implemented by stores in which a killed writer may leave an upload that is not an object yet, and takes space.
type Uploading interface {
	// AbortUploads ends those below prefix, which must end in "/" and be ours (promise 3), of whose keys of is true.
	AbortUploads(ctx context.Context, prefix string, of func(key string) bool) error
}

// Cloner is implemented by stores that can have an object under another key too without its bytes being read here.
type Cloner interface {
	// Clone makes to an object of the bytes of from, durably, whatever was there. Safe to repeat. Neither may be appended to or
	// written in place afterwards: they may share their bytes. Each can be replaced and deleted without the other. Its info may have no ETag. ErrNotExist if
	// there is no such object as from.
	Clone(ctx context.Context, from, to string) (Info, error)
}

// Appender is implemented by stores that can extend an object; for others, numbered objects are written instead.
type Appender interface {
	// Append opens the object for appending, creating it if needed.
	Append(ctx context.Context, key string) (AppendFile, error)
}

// AppendFile is an object open for appending, with one writer.
type AppendFile interface {
	io.Writer
	Sync() error // when it returns, everything written survives a loss of power
	Truncate(size int64) error
	Close() error
}
