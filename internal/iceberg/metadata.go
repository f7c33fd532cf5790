package iceberg

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// metadata is a table's metadata of format version 2, as the specification has it. What is not named here is kept as it is: other programs
// may have written it.
type metadata struct {
	other map[string]json.RawMessage

	known
}

// known are the parts of the metadata that are read or written here.
type known struct {
	FormatVersion int               `json:"format-version"`
	UUID          string            `json:"table-uuid"`
	Location      string            `json:"location"`
	LastSequence  int64             `json:"last-sequence-number"`
	LastUpdated   int64             `json:"last-updated-ms"`
	LastColumn    int               `json:"last-column-id"`
	CurrentSchema int               `json:"current-schema-id"`
	Schemas       []*schema         `json:"schemas"`
	DefaultSpec   int               `json:"default-spec-id"`
	Specs         json.RawMessage   `json:"partition-specs"`
	LastPartition int               `json:"last-partition-id"`
	DefaultOrder  int               `json:"default-sort-order-id"`
	Orders        json.RawMessage   `json:"sort-orders"`
	Properties    map[string]string `json:"properties"`
	Current       *int64            `json:"current-snapshot-id,omitempty"`
	Refs          map[string]ref    `json:"refs"`
	Snapshots     []*snapshot       `json:"snapshots"`
	SnapshotLog   []logged          `json:"snapshot-log"`
	MetadataLog   []written         `json:"metadata-log"`
}

// ref is a branch or a tag.
type ref struct {
	Snapshot int64  `json:"snapshot-id"`
	Type     string `json:"type"`
	MinKept  *int   `json:"min-snapshots-to-keep,omitempty"`
	MaxAge   *int64 `json:"max-snapshot-age-ms,omitempty"`
	MaxRef   *int64 `json:"max-ref-age-ms,omitempty"`
}

type snapshot struct {
	ID       int64             `json:"snapshot-id"`
	Parent   *int64            `json:"parent-snapshot-id,omitempty"`
	Sequence int64             `json:"sequence-number"`
	Time     int64             `json:"timestamp-ms"`
	List     string            `json:"manifest-list"`
	Summary  map[string]string `json:"summary"`
	Schema   *int              `json:"schema-id,omitempty"`
}

type logged struct {
	Snapshot int64 `json:"snapshot-id"`
	Time     int64 `json:"timestamp-ms"`
}

type written struct {
	File string `json:"metadata-file"`
	Time int64  `json:"timestamp-ms"`
}

// mainBranch is the branch that readers take unless they are told another.
const mainBranch = "main"

// Names of properties.
const (
	propMapping  = "schema.name-mapping.default"
	propPipeline = "hindcast.pipeline"
	propTarget   = "hindcast.target"
	propFence    = "hindcast.fence"
	summaryRun   = "hindcast.run"
	totalFiles   = "total-data-files"
)

// newMetadata is that of a table without a snapshot.
func newMetadata(uuid, location string) *metadata {
	return &metadata{known: known{FormatVersion: 2, UUID: uuid, Location: location, CurrentSchema: -1,
		Specs: json.RawMessage(`[{"spec-id":0,"fields":[]}]`), LastPartition: 999, Orders: json.RawMessage(`[{"order-id":0,"fields":[]}]`),
		// Other programs' maintenance would delete what is not in a snapshot: manifests of the lake, and results on their way.
		Properties: map[string]string{"gc.enabled": "false", "write.metadata.previous-versions-max": fmt.Sprint(mostMetadata)},
		Refs:       map[string]ref{}, Snapshots: []*snapshot{}, SnapshotLog: []logged{}, MetadataLog: []written{}}}
}

// parseMetadata reads a metadata file.
func parseMetadata(body []byte) (*metadata, error) {
	m := &metadata{}
	for _, into := range []any{&m.other, &m.known} {
		decoder := json.NewDecoder(bytes.NewReader(body))
		if err := decoder.Decode(into); err != nil {
			return nil, err
		}
	}
	if m.FormatVersion != 2 {
		return nil, fmt.Errorf("it is of format version %d, and hindcast writes version 2", m.FormatVersion)
	}
	if m.Current != nil && *m.Current == -1 { // as some write that there is none
		m.Current = nil
	}
	if m.Properties == nil {
		m.Properties = map[string]string{}
	}
	if m.Refs == nil {
		m.Refs = map[string]ref{}
	}
	return m, nil
}

func (m *metadata) encode() ([]byte, error) {
	body, err := json.Marshal(m.known)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(m.other)
	if all == nil {
		return body, nil
	}
	delete(all, "current-snapshot-id")
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

// clone is a copy that can be changed beside the original; what lists point at is never changed.
func (m *metadata) clone() *metadata {
	c := *m
	c.Schemas, c.Snapshots = slices.Clone(m.Schemas), slices.Clone(m.Snapshots)
	c.SnapshotLog, c.MetadataLog = slices.Clone(m.SnapshotLog), slices.Clone(m.MetadataLog)
	c.Properties, c.Refs = maps.Clone(m.Properties), maps.Clone(m.Refs)
	return &c
}

// schema is the current one; nil if there is none yet.
func (m *metadata) schema() *schema {
	for _, s := range m.Schemas {
		if s.ID == m.CurrentSchema {
			return s
		}
	}
	return nil
}

// current is the current snapshot; nil if there is none.
func (m *metadata) current() *snapshot {
	if m.Current == nil {
		return nil
	}
	for _, s := range m.Snapshots {
		if s.ID == *m.Current {
			return s
		}
	}
	return nil
}

// add makes a snapshot the current one.
func (m *metadata) add(s *snapshot) {
	m.Snapshots = append(m.Snapshots, s)
	m.SnapshotLog = append(m.SnapshotLog, logged{s.ID, s.Time})
	m.LastSequence, m.LastUpdated, m.Current = s.Sequence, s.Time, &s.ID
	branch := m.Refs[mainBranch]
	branch.Type, branch.Snapshot = "branch", s.ID
	m.Refs[mainBranch] = branch
}

// Retention of snapshots and metadata.
const (
	mostMetadata = 100 // former versions of the metadata
	mostOfRun    = 100 // snapshots of one run
)

// expire takes snapshots out that were replaced before then, and those of one run but for its latest ones. What a branch or tag names
// stays. It returns how many went.
func (m *metadata) expire(before time.Time) int {
	named := map[int64]bool{}
	for _, r := range m.Refs {
		named[r.Snapshot] = true
	}

	ofRun, gone := map[string]int{}, map[int64]bool{}
	for i, s := range slices.Backward(m.Snapshots) {
		run := s.Summary[summaryRun]
		ofRun[run]++
		replaced := i+1 < len(m.Snapshots) && m.Snapshots[i+1].Time < before.UnixMilli()
		if !named[s.ID] && (replaced || run != "" && ofRun[run] > mostOfRun) {
			gone[s.ID] = true
		}
	}
	if len(gone) == 0 {
		return 0
	}

	m.Snapshots = slices.DeleteFunc(m.Snapshots, func(s *snapshot) bool { return gone[s.ID] })
	// An entry of the log before one that is gone would say that its snapshot was current until the next one that is left.
	if last := lastIndex(m.SnapshotLog, func(l logged) bool { return gone[l.Snapshot] }); last >= 0 {
		m.SnapshotLog = m.SnapshotLog[last+1:]
	}
	return len(gone)
}

func lastIndex[T any](list []T, is func(T) bool) int {
	for i, item := range slices.Backward(list) {
		if is(item) {
			return i
		}
	}
	return -1
}
