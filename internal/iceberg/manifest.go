package iceberg

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// What an entry of a manifest says of its file.
const (
	existing = 0
	added    = 1
	deleted  = 2
)

// entry is a file in a manifest.
type entry struct {
	status       int64
	snapshot     int64  // that added or deleted it
	sequence     int64  // of the data; 0 of an added entry is inherited
	fileSequence int64  //
	file         record // as it is in the manifest, so that what others wrote stays
}

type record = map[string]any

func (e *entry) path() string { return textOf(e.file, "file_path") }
func (e *entry) rows() int64  { return longOf(e.file, "record_count") }
func (e *entry) bytes() int64 { return longOf(e.file, "file_size_in_bytes") }

func longOf(r record, name string) int64 {
	n, _ := r[name].(int64)
	return n
}

func textOf(r record, name string) string {
	text, _ := r[name].(string)
	return text
}

// manifestFile is a manifest, as a snapshot's list of them says.
type manifestFile struct {
	path     string
	bytes    int64
	content  int64 // 0: of data
	spec     int64
	sequence int64 // of the snapshot that it was written for
	least    int64 // the lowest of its live files
	snapshot int64
	files    [3]int64 // by status
	rows     [3]int64
}

// live is how many files readers take of it.
func (m *manifestFile) live() int64 { return m.files[existing] + m.files[added] }

const manifestListSchema = `{"type":"record","name":"manifest_file","fields":[
{"name":"manifest_path","type":"string","field-id":500},
{"name":"manifest_length","type":"long","field-id":501},
{"name":"partition_spec_id","type":"int","field-id":502},
{"name":"content","type":"int","field-id":517},
{"name":"sequence_number","type":"long","field-id":515},
{"name":"min_sequence_number","type":"long","field-id":516},
{"name":"added_snapshot_id","type":"long","field-id":503},
{"name":"added_files_count","type":"int","field-id":504},
{"name":"existing_files_count","type":"int","field-id":505},
{"name":"deleted_files_count","type":"int","field-id":506},
{"name":"added_rows_count","type":"long","field-id":512},
{"name":"existing_rows_count","type":"long","field-id":513},
{"name":"deleted_rows_count","type":"long","field-id":514},
{"name":"partitions","type":["null",{"type":"array","items":{"type":"record","name":"r508","fields":[
{"name":"contains_null","type":"boolean","field-id":509},
{"name":"contains_nan","type":["null","boolean"],"default":null,"field-id":518},
{"name":"lower_bound","type":["null","bytes"],"default":null,"field-id":510},
{"name":"upper_bound","type":["null","bytes"],"default":null,"field-id":511}]},"element-id":508}],"default":null,"field-id":507},
{"name":"key_metadata","type":["null","bytes"],"default":null,"field-id":519}]}`

// manifestSchema is that of a table without partitions.
var manifestSchema = `{"type":"record","name":"manifest_entry","fields":[
{"name":"status","type":"int","field-id":0},
{"name":"snapshot_id","type":["null","long"],"default":null,"field-id":1},
{"name":"sequence_number","type":["null","long"],"default":null,"field-id":3},
{"name":"file_sequence_number","type":["null","long"],"default":null,"field-id":4},
{"name":"data_file","type":{"type":"record","name":"r2","fields":[
{"name":"content","type":"int","field-id":134},
{"name":"file_path","type":"string","field-id":100},
{"name":"file_format","type":"string","field-id":101},
{"name":"partition","type":{"type":"record","name":"r102","fields":[]},"field-id":102},
{"name":"record_count","type":"long","field-id":103},
{"name":"file_size_in_bytes","type":"long","field-id":104},
` + mapOf("column_sizes", 108, 117, "long") + mapOf("value_counts", 109, 119, "long") + mapOf("null_value_counts", 110, 121, "long") +
	mapOf("nan_value_counts", 137, 138, "long") + mapOf("lower_bounds", 125, 126, "bytes") + mapOf("upper_bounds", 128, 129, "bytes") +
	`{"name":"key_metadata","type":["null","bytes"],"default":null,"field-id":131},
{"name":"split_offsets","type":["null",{"type":"array","items":"long","element-id":133}],"default":null,"field-id":132},
{"name":"equality_ids","type":["null",{"type":"array","items":"int","element-id":136}],"default":null,"field-id":135},
{"name":"sort_order_id","type":["null","int"],"default":null,"field-id":140}]},"field-id":2}]}`

// mapOf is a field that is a map by the ids of columns, which Avro's own maps cannot be.
func mapOf(name string, id, key int, value string) string {
	return fmt.Sprintf(`{"name":%q,"type":["null",{"type":"array","logicalType":"map","items":{"type":"record","name":"k%d_v%d","fields":[`+
		`{"name":"key","type":"int","field-id":%d},{"name":"value","type":%q,"field-id":%d}]}}],"default":null,"field-id":%d},`+"\n",
		name, key, key+1, key, value, key+1, id)
}

// encodeManifest writes a manifest for the snapshot. The path is not known yet.
func encodeManifest(s *schema, snap *snapshot, entries []entry) (body []byte, m manifestFile, err error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, m, err
	}

	m = manifestFile{sequence: snap.Sequence, least: snap.Sequence, snapshot: snap.ID}
	records := make([]map[string]any, len(entries))
	for i, e := range entries {
		r := record{"status": e.status, "snapshot_id": e.snapshot, "sequence_number": e.sequence, "file_sequence_number": e.fileSequence, "data_file": e.file}
		if e.status == added { // of which readers take the numbers of the manifest
			r["sequence_number"], r["file_sequence_number"] = nil, nil
		}
		if e.status == existing {
			m.least = min(m.least, e.sequence)
		}
		m.files[e.status]++
		m.rows[e.status] += e.rows()
		records[i] = r
	}

	body, err = writeAvro(manifestSchema, map[string]string{"schema": string(text), "schema-id": strconv.Itoa(s.ID), "partition-spec": "[]",
		"partition-spec-id": "0", "format-version": "2", "content": "data"}, records)
	m.bytes = int64(len(body))
	return body, m, err
}

// decodeManifest reads the live entries of a manifest.
func decodeManifest(body []byte, m *manifestFile) ([]entry, error) {
	_, records, err := readAvro(body)
	if err != nil {
		return nil, err
	}

	var entries []entry
	for _, r := range records {
		file, _ := r["data_file"].(record)
		e := entry{status: longOf(r, "status"), snapshot: m.snapshot, sequence: m.sequence, fileSequence: m.sequence, file: file}
		for name, into := range map[string]*int64{"snapshot_id": &e.snapshot, "sequence_number": &e.sequence, "file_sequence_number": &e.fileSequence} {
			if n, is := r[name].(int64); is {
				*into = n
			}
		}
		switch {
		case e.status == deleted:
			continue
		case e.path() == "", longOf(file, "content") != 0:
			return nil, fmt.Errorf("%w of data", errAvro)
		}
		e.status = existing
		entries = append(entries, e)
	}
	return entries, nil
}

// encodeList writes the list of a snapshot's manifests.
func encodeList(s *snapshot, list []manifestFile) ([]byte, error) {
	records := make([]map[string]any, len(list))
	for i, m := range list {
		records[i] = record{"manifest_path": m.path, "manifest_length": m.bytes, "partition_spec_id": m.spec, "content": m.content,
			"sequence_number": m.sequence, "min_sequence_number": m.least, "added_snapshot_id": m.snapshot,
			"added_files_count": m.files[added], "existing_files_count": m.files[existing], "deleted_files_count": m.files[deleted],
			"added_rows_count": m.rows[added], "existing_rows_count": m.rows[existing], "deleted_rows_count": m.rows[deleted]}
	}
	meta := map[string]string{"snapshot-id": strconv.FormatInt(s.ID, 10), "sequence-number": strconv.FormatInt(s.Sequence, 10), "format-version": "2", "parent-snapshot-id": "null"}
	if s.Parent != nil {
		meta["parent-snapshot-id"] = strconv.FormatInt(*s.Parent, 10)
	}
	return writeAvro(manifestListSchema, meta, records)
}

// decodeList reads the list of a snapshot's manifests.
func decodeList(body []byte) ([]manifestFile, error) {
	_, records, err := readAvro(body)
	if err != nil {
		return nil, err
	}

	list := make([]manifestFile, len(records))
	for i, r := range records {
		list[i] = manifestFile{path: textOf(r, "manifest_path"), bytes: longOf(r, "manifest_length"), content: longOf(r, "content"), spec: longOf(r, "partition_spec_id"),
			sequence: longOf(r, "sequence_number"), least: longOf(r, "min_sequence_number"), snapshot: longOf(r, "added_snapshot_id"),
			files: [3]int64{longOf(r, "existing_files_count"), longOf(r, "added_files_count"), longOf(r, "deleted_files_count")},
			rows:  [3]int64{longOf(r, "existing_rows_count"), longOf(r, "added_rows_count"), longOf(r, "deleted_rows_count")}}
	}
	return list, nil
}
