package iceberg

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
)

// Avro's types, as values of Go: null is nil, int and long are int64, bytes and fixed are []byte, arrays are []any, records and maps are
// map[string]any, and a union is the value of whichever of its types it has. Of unions only those of null and one other type are written.

// avroType is a type of an Avro schema.
type avroType struct {
	kind    string
	fields  []avroField // of a record
	item    *avroType   // of an array or map
	options []*avroType // of a union
	size    int         // of a fixed
	symbols int         // of an enum: how many
}

type avroField struct {
	name string
	typ  *avroType
}

var (
	errAvro  = errors.New("not an Avro file")
	avroHead = []byte("Obj\x01")
)

// mostAvro is how many bytes a block may have when it is unpacked: far more than a manifest has.
const mostAvro = 1 << 30

// parseAvro reads a schema.
func parseAvro(text []byte) (*avroType, error) {
	var open any
	if err := json.Unmarshal(text, &open); err != nil {
		return nil, fmt.Errorf("%w: its schema: %w", errAvro, err)
	}
	return avroTypeOf(open, map[string]*avroType{})
}

func avroTypeOf(open any, named map[string]*avroType) (*avroType, error) {
	switch v := open.(type) {
	case string:
		if known := named[v]; known != nil {
			return known, nil
		}
		return &avroType{kind: v}, nil
	case []any:
		t := &avroType{kind: "union"}
		for _, o := range v {
			option, err := avroTypeOf(o, named)
			if err != nil {
				return nil, err
			}
			t.options = append(t.options, option)
		}
		return t, nil
	case map[string]any:
		return avroObject(v, named)
	}
	return nil, fmt.Errorf("%w: its schema has %v", errAvro, open)
}

func avroObject(v map[string]any, named map[string]*avroType) (t *avroType, err error) {
	kind, plain := v["type"].(string)
	if !plain {
		return avroTypeOf(v["type"], named)
	}
	t = &avroType{kind: kind}
	if name, ok := v["name"].(string); ok {
		named[name] = t
	}

	switch kind {
	case "record":
		list, _ := v["fields"].([]any)
		for _, f := range list {
			field, _ := f.(map[string]any)
			name, _ := field["name"].(string)
			typ, err := avroTypeOf(field["type"], named)
			if err != nil {
				return nil, err
			}
			t.fields = append(t.fields, avroField{name, typ})
		}
	case "array":
		t.item, err = avroTypeOf(v["items"], named)
	case "map":
		t.item, err = avroTypeOf(v["values"], named)
	case "fixed":
		size, _ := v["size"].(float64)
		t.size = int(size)
	case "enum":
		list, _ := v["symbols"].([]any)
		t.symbols = len(list)
	}
	return t, err
}

// append writes a value of the type.
func (t *avroType) append(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		if t.kind == "union" {
			return binary.AppendVarint(b, int64(slices.IndexFunc(t.options, func(o *avroType) bool { return o.kind == "null" })))
		}
		return b
	case map[string]any:
		t, b = t.chosen(b)
		for _, f := range t.fields {
			b = f.typ.append(b, v[f.name])
		}
		return b
	case []any:
		t, b = t.chosen(b)
		if len(v) > 0 {
			b = binary.AppendVarint(b, int64(len(v)))
			for _, item := range v {
				b = t.item.append(b, item)
			}
		}
		return append(b, 0)
	case int64:
		_, b = t.chosen(b)
		return binary.AppendVarint(b, v)
	case string:
		_, b = t.chosen(b)
		return append(binary.AppendVarint(b, int64(len(v))), v...)
	case []byte:
		_, b = t.chosen(b)
		return append(binary.AppendVarint(b, int64(len(v))), v...)
	}
	panic(fmt.Sprintf("an Avro value of %T", value)) // a fault of this package alone
}

// chosen is the type of a union that is not null, after its number; any other type is itself.
func (t *avroType) chosen(b []byte) (*avroType, []byte) {
	if t.kind != "union" {
		return t, b
	}
	i := slices.IndexFunc(t.options, func(o *avroType) bool { return o.kind != "null" })
	return t.options[i], binary.AppendVarint(b, int64(i))
}

// avroReader reads values from memory. After the first fault it returns nothing but zeros.
type avroReader struct {
	body []byte
	err  error
}

func (r *avroReader) fail() { r.body, r.err = nil, errAvro }

func (r *avroReader) long() int64 {
	n, size := binary.Varint(r.body)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.body = r.body[size:]
	return n
}

func (r *avroReader) take(n int64) []byte {
	if n < 0 || n > int64(len(r.body)) {
		r.fail()
		return nil
	}
	taken := r.body[:n:n]
	r.body = r.body[n:]
	return taken
}

func (r *avroReader) read(t *avroType) any {
	switch t.kind {
	case "int", "long":
		return r.long()
	case "string":
		return string(r.take(r.long()))
	case "bytes":
		return r.take(r.long())
	case "fixed":
		return r.take(int64(t.size))
	case "enum":
		return r.long()
	case "boolean":
		return slices.Equal(r.take(1), []byte{1})
	case "float", "double":
		return r.number(t.kind)
	case "union":
		if i := r.long(); i >= 0 && i < int64(len(t.options)) {
			return r.read(t.options[i])
		}
		r.fail()
	case "record":
		record := make(map[string]any, len(t.fields))
		for _, f := range t.fields {
			record[f.name] = r.read(f.typ)
		}
		return record
	case "array":
		return r.items(t)
	case "map":
		return r.entries(t)
	case "null":
	default:
		r.fail()
	}
	return nil
}

func (r *avroReader) number(kind string) float64 {
	if kind == "float" {
		if b := r.take(4); b != nil {
			return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
		return 0
	}
	if b := r.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// blocks calls each for every item of an array or map, which are written in blocks.
func (r *avroReader) blocks(each func()) {
	for {
		n := r.long()
		if n < 0 { // then its size follows
			n = -n
			r.long()
		}
		if n < 0 || n > int64(len(r.body)) { // each item has a byte at least
			r.fail()
		}
		if n == 0 || r.err != nil {
			return
		}
		for ; n > 0 && r.err == nil; n-- {
			each()
		}
	}
}

func (r *avroReader) items(t *avroType) []any {
	var list []any
	r.blocks(func() { list = append(list, r.read(t.item)) })
	return list
}

func (r *avroReader) entries(t *avroType) map[string]any {
	all := map[string]any{}
	r.blocks(func() {
		name := string(r.take(r.long()))
		all[name] = r.read(t.item)
	})
	return all
}

var avroMeta = &avroType{kind: "map", item: &avroType{kind: "bytes"}}

// writeAvro writes a file of records, in one block, with metadata beside the schema's.
func writeAvro(schema string, meta map[string]string, records []map[string]any) ([]byte, error) {
	typ, err := parseAvro([]byte(schema))
	if err != nil {
		return nil, err
	}
	all := maps.Clone(meta)
	all["avro.schema"], all["avro.codec"] = schema, "deflate"

	out := binary.AppendVarint(slices.Clone(avroHead), int64(len(all)))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, text := range []string{name, all[name]} {
			out = append(binary.AppendVarint(out, int64(len(text))), text...)
		}
	}
	marker := make([]byte, 16)
	_, _ = rand.Read(marker) // which does not fail
	out = append(append(out, 0), marker...)
	if len(records) == 0 {
		return out, nil
	}

	var plain []byte
	for _, r := range records {
		plain = typ.append(plain, r)
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err = w.Write(plain); err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, err
	}
	out = binary.AppendVarint(binary.AppendVarint(out, int64(len(records))), int64(packed.Len()))
	return append(append(out, packed.Bytes()...), marker...), nil
}

// readAvro reads a file's records, by the schema that it was written with, and its metadata.
func readAvro(body []byte) (meta map[string]string, records []map[string]any, err error) {
	if !bytes.HasPrefix(body, avroHead) {
		return nil, nil, errAvro
	}
	r := &avroReader{body: body[len(avroHead):]}
	meta = map[string]string{}
	for name, value := range r.entries(avroMeta) {
		text, _ := value.([]byte)
		meta[name] = string(text)
	}
	marker := r.take(16)
	if r.err != nil {
		return nil, nil, r.err
	}
	typ, err := parseAvro([]byte(meta["avro.schema"]))
	if err != nil {
		return nil, nil, err
	}

	for len(r.body) > 0 && r.err == nil {
		n := r.long()
		packed := r.take(r.long())
		if !bytes.Equal(r.take(16), marker) {
			return nil, nil, errAvro
		}
		plain, err := unpackAvro(meta["avro.codec"], packed)
		if err != nil {
			return nil, nil, err
		}
		block := &avroReader{body: plain}
		if n < 0 || n > int64(len(plain)) {
			return nil, nil, errAvro
		}
		for ; n > 0 && block.err == nil; n-- {
			record, ok := block.read(typ).(map[string]any)
			if !ok {
				return nil, nil, errAvro
			}
			records = append(records, record)
		}
		if block.err != nil {
			return nil, nil, block.err
		}
	}
	return meta, records, r.err
}

func unpackAvro(codec string, packed []byte) ([]byte, error) {
	switch codec {
	case "", "null":
		return packed, nil
	case "deflate":
		plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), mostAvro))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errAvro, err)
		}
		return plain, nil
	}
	return nil, fmt.Errorf("its codec is %s, which hindcast does not read", strings.ToLower(codec))
}
