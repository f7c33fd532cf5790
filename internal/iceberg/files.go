package iceberg

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// Versions of the metadata have the names that Hadoop's catalog of files gives them, v1.metadata.json, v2.metadata.json, …, and
// version-hint.text has the number of the latest one, for readers. Writers look for the highest number.

const (
	versionSuffix = ".metadata.json"
	hintName      = "version-hint.text"
)

func versionKey(folder string, version int) string {
	return folder + "v" + strconv.Itoa(version) + versionSuffix
}

// versionOf reads the number out of the key of a version of the metadata; 0 for any other key.
func versionOf(folder, key string) int {
	number, is := strings.CutSuffix(strings.TrimPrefix(key, folder+"v"), versionSuffix)
	n, err := strconv.Atoi(number)
	if !is || err != nil || n < 1 || versionKey(folder, n) != key {
		return 0
	}
	return n
}

// newest is the number of the latest version of the metadata; 0 if there is none.
func newest(ctx context.Context, store objstore.Store, folder string) (highest int, err error) {
	infos, err := store.List(ctx, folder+"v")
	if err != nil {
		return 0, broken(store, folder, "cannot be listed", err)
	}
	for _, info := range infos {
		highest = max(highest, versionOf(folder, info.Key))
	}
	return highest, nil
}

// readMetadata reads a version of the metadata.
func (t *Table) readMetadata(ctx context.Context, key string) (*metadata, error) {
	body, _, err := objstore.Find(ctx, t.Store, key)
	if err != nil {
		return nil, broken(t.Store, key, "cannot be read", err)
	}
	m, err := parseMetadata(body)
	if err != nil {
		return nil, t.damaged(t.url(key), err)
	}
	return m, nil
}

// commit makes the metadata the next version. errConflict if there is one by now that is another.
func (t *Table) commit(ctx context.Context, m *metadata) error {
	folder := Folder(t.Root)
	if was := t.at.version; was > 0 {
		m.MetadataLog = append(m.MetadataLog, written{t.url(versionKey(folder, was)), t.at.metadata.LastUpdated})
		m.MetadataLog = m.MetadataLog[max(0, len(m.MetadataLog)-mostMetadata):]
	}
	m.Properties[propFence] = strconv.FormatInt(t.Fence, 10)
	m.LastUpdated = max(m.LastUpdated, t.Now().UnixMilli())
	body, err := m.encode()
	if err != nil {
		return fmt.Errorf("encoding the metadata of the Iceberg table of the results in %s: %w", t.Target, err)
	}
	if err := t.May(ctx); err != nil {
		return err
	}

	key := versionKey(folder, t.at.version+1)
	_, err = t.Store.Put(ctx, key, body, objstore.Condition{IfNoneMatch: true})
	if errors.Is(err, objstore.ErrPrecondition) {
		is, _, looking := t.Store.Get(ctx, key)
		if looking != nil || !bytes.Equal(is, body) { // it may be ours, of an answer that was lost
			return errConflict
		}
		err = nil
	}
	if err != nil {
		return broken(t.Store, key, "cannot be written", err)
	}

	t.at.version, t.at.metadata = t.at.version+1, m
	t.commits++
	return nil
}

// point makes the hint name the version that is current. errConflict if it names a higher one that is there: others have committed since,
// and have deleted the versions in between, or the commit would have failed.
func (t *Table) point(ctx context.Context) error {
	if t.at.hinted == t.at.version {
		return nil
	}
	key := Folder(t.Root) + hintName
	body, _, err := t.Store.Get(ctx, key)
	if err != nil && !errors.Is(err, objstore.ErrNotExist) {
		return broken(t.Store, key, "cannot be read", err)
	}
	hint, _ := strconv.Atoi(strings.TrimSpace(string(body)))
	if hint > t.at.version {
		highest, err := newest(ctx, t.Store, Folder(t.Root))
		if err != nil {
			return err
		}
		if highest > t.at.version {
			return errConflict
		}
	}

	if hint != t.at.version {
		if _, err := t.Store.Put(ctx, key, []byte(strconv.Itoa(t.at.version)), objstore.Condition{}); err != nil {
			return broken(t.Store, key, "cannot be written", err)
		}
	}
	t.at.hinted = t.at.version
	return nil
}

// committed points the hint at what was committed. If it cannot be written the commit stands all the same: readers of an older
// hint read an older snapshot, whole, until the next publication, the run's end or the next run mends it.
func (t *Table) committed(ctx context.Context) error {
	if err := t.point(ctx); errors.Is(err, errConflict) {
		return err
	}
	return nil
}

// readList reads which manifests a snapshot has.
func (t *Table) readList(ctx context.Context, s *snapshot) ([]*manifestFile, error) {
	body, err := t.get(ctx, s.List)
	if err != nil {
		return nil, err
	}
	list, err := decodeList(body)
	if err != nil {
		return nil, t.damaged(s.List, err)
	}
	manifests := make([]*manifestFile, len(list))
	for i := range list {
		manifests[i] = &list[i]
		if list[i].content != 0 || list[i].spec != 0 {
			return nil, t.foreign(list[i].path)
		}
	}
	return manifests, nil
}

// readManifest reads the live entries of a manifest.
func (t *Table) readManifest(ctx context.Context, m *manifestFile) ([]entry, error) {
	body, err := t.get(ctx, m.path)
	if err != nil {
		return nil, err
	}
	if int64(len(body)) != m.bytes { // one that was cut between two blocks would be read without an error
		return nil, t.damaged(m.path, fmt.Errorf("it has %d bytes, and the snapshot says %d", len(body), m.bytes))
	}
	entries, err := decodeManifest(body, m)
	if err != nil {
		return nil, t.damaged(m.path, err)
	}
	return entries, nil
}

func (t *Table) get(ctx context.Context, location string) ([]byte, error) {
	key, below := t.key(location)
	if !below {
		return nil, t.foreign(location)
	}
	body, _, err := objstore.Find(ctx, t.Store, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return nil, t.damaged(location, err)
	}
	if err != nil {
		return nil, broken(t.Store, key, "cannot be read", err)
	}
	return body, nil
}

// put writes a file of the metadata that nobody else has the name of.
func (t *Table) put(ctx context.Context, name string, body []byte) (location string, err error) {
	key := Folder(t.Root) + name
	if _, err := t.Store.Put(ctx, key, body, objstore.Condition{}); err != nil {
		return "", broken(t.Store, key, "cannot be written", err)
	}
	return t.url(key), nil
}

func (t *Table) damaged(location string, err error) error {
	return &hindcast.Error{Code: hindcast.ECatalog, Class: hindcast.ClassPermanent, Cause: err,
		Message: fmt.Sprintf("%s, of the Iceberg table of the results in %s, cannot be read: %v", location, t.Target, err), Next: t.again()}
}

// broken is the error of a file that cannot be read or written.
func broken(store objstore.Store, key, how string, err error) error {
	if _, is := errors.AsType[*hindcast.Error](err); is || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassTransient, Cause: err,
		Message: fmt.Sprintf("%s %s: %v", objstore.Location(store, key), how, err), Next: "check that the lake can be read and written"}
}

// newUUID is a random one.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // which does not fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
