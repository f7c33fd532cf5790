package pgcopy

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hindcast/hindcast"
)

// every has a field of each wire format.
func every(t testing.TB) []Field {
	t.Helper()
	numeric := func(p, s int32) Type { return Type{OID: oidNumeric, Mod: p<<16 | s + 4, Kind: 'b'} }
	base := func(oid uint32) Type { return Type{OID: oid, Mod: -1, Kind: 'b'} }
	list := func(elem Type) Type { return Type{OID: 1, Mod: -1, Kind: 'b', Elem: &elem} }
	var fields []Field
	for _, typ := range []Type{base(16), base(21), base(23), base(20), base(26), numeric(4, 2), numeric(9, 9), numeric(18, 6), numeric(38, 9), numeric(38, 38),
		base(700), base(701), base(oidText), {OID: 1042, Mod: 9, Kind: 'b'}, base(18), base(17), base(2950), base(1082), base(1083), base(1114),
		base(3802), list(base(20)), list(base(oidText)), list(numeric(30, 3)), base(1266), base(1186)} {
		f, err := Carry("c"+itoa(len(fields)), typ, false)
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, f)
	}

	return fields
}

// symmetric is how many of them have the same form in Parquet as in a query's result.
const symmetric = 24

// message is one CopyData.
func message(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{'d'}, uint32(len(body)+4)), body...)
}

var head = append(append([]byte{}, signature...), make([]byte, 8)...)

// tuple is a row of one value and NULLs.
func tuple(fields []Field, at int, value []byte) []byte {
	row := binary.BigEndian.AppendUint16(nil, uint16(len(fields)))
	for i := range fields {
		if i != at {
			row = append(row, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		row = append(binary.BigEndian.AppendUint32(row, uint32(len(value))), value...)
	}

	return row
}

func vectors(n int) []vector {
	list := make([]vector, n)
	for i := range list {
		list[i] = heapVector(8)
	}
	return list
}

// decodeRow decodes one row; its bytes must outlive the vectors.
func decodeRow(fields []Field, row []byte) (*decoder, int, error) {
	d := newDecoder(fields)
	d.data, d.begun = message(row), true
	d.reset(vectors(len(fields)))
	rows, err := d.fill(8)
	return d, rows, err
}

var values = []string{"", "\x00", "\x01", "a", "text of some length", "\x00\x00\x00\x01", "\x7f\xff\xff\xff", "\x80\x00\x00\x00",
	"\x00\x00\x00\x00\x00\x00\x00\x01", "\x7f\xff\xff\xff\xff\xff\xff\xff", "\x80\x00\x00\x00\x00\x00\x00\x00",
	"\x00\x02\x00\x00\x00\x00\x00\x02\x00\x01\x09\xc4", "\x00\x01\xff\xff\x40\x00\x00\x04\x00\x01", "\x00\x00\x00\x00\xc0\x00\x00\x00", "\x00\x00\x7f\xff\x00\x00\x00\x00",
	"\x01{}", "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x14\x00\x00\x00\x02\x00\x00\x00\x01\xff\xff\xff\xff\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x07",
	"\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x14\x7f\xff\xff\xff\x00\x00\x00\x01", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19", "0123456789abcdef"}

// No bytes from a server make the decoder panic, read past them, or fail without a code.
func FuzzDecode(f *testing.F) {
	fields := every(f)
	for at := range fields {
		for _, v := range values {
			f.Add(tuple(fields, at, []byte(v)))
		}
	}

	f.Fuzz(func(t *testing.T, row []byte) {
		if _, _, err := decodeRow(fields, row); err != nil {
			if _, ok := errors.AsType[*hindcast.Error](err); !ok {
				t.Errorf("an error without a code: %v", err)
			}
		}
	})
}

// What is decoded is encoded to a row that decodes and encodes to itself.
func FuzzEncodeRoundTrip(f *testing.F) {
	fields := every(f)[:symmetric]
	for at := range fields {
		for _, v := range values {
			f.Add(uint8(at), []byte(v))
		}
	}

	f.Fuzz(func(t *testing.T, at uint8, value []byte) {
		first, ok := again(t, fields, tuple(fields, int(at)%len(fields), value))
		if !ok {
			return
		}
		if second, ok := again(t, fields, first); !ok || !bytes.Equal(first, second) {
			t.Errorf("%x was encoded as %x and then as %x", value, first, second)
		}
	})
}

// again decodes a row and encodes it; ok is false if it is refused on the way.
func again(t *testing.T, fields []Field, row []byte) (out []byte, ok bool) {
	t.Helper()
	d, rows, err := decodeRow(fields, row)
	if err != nil || rows != 1 {
		return nil, false
	}

	var e encoder
	for i, f := range fields {
		s := newSender(f)
		s.vector = d.columns[i].vector
		if s.elem != nil {
			s.elem.vector = d.columns[i].elem.vector
		}
		e.columns = append(e.columns, s)
	}

	if err := e.row(0); err != nil {
		wantRefusal(t, err)
		return nil, false
	}

	return e.out, true
}

// wantRefusal allows what the fuzzer can send but PostgreSQL cannot.
func wantRefusal(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*hindcast.Error](err)
	if !ok || e.Code != hindcast.EOverflow {
		t.Errorf("got %v", err)
	}
}

// answers are a server's answers to a COPY: whole, and with messages between the rows.
func answers() []string {
	row := string(message([]byte("\x00\x01\x00\x00\x00\x02ab")))
	end := string(message([]byte("\xff\xff"))) + "c\x00\x00\x00\x04C\x00\x00\x00\x0bCOPY 1\x00Z\x00\x00\x00\x05I"
	begin := "H\x00\x00\x00\x09\x01\x00\x01\x00\x01"
	notice := "N\x00\x00\x00\x0dSNOTICE\x00\x00"
	failed := "E\x00\x00\x00\x1cSERROR\x00C22012\x00Mby zero\x00\x00"
	big := string(message([]byte("\x00\x01\x00\x0f\x42\x40" + strings.Repeat("x", 1_000_000))))
	return []string{
		begin + string(message(head)) + end,
		begin + string(message(append(head, "\x00\x01\x00\x00\x00\x02ab"...))) + row + notice + row + end,
		begin + string(message(head)) + row + failed + "Z\x00\x00\x00\x05E",
		begin + string(message(head)) + row + big + row + big + end + "A\x00\x00",
		failed + "Z\x00\x00\x00\x05E",
	}
}

// readAll reads an answer to its end and returns the rows' bytes.
func readAll(r io.Reader) (rows int, err error) {
	s := newStream(r)
	defer s.close()
	d := newDecoder([]Field{{Column: hindcast.Column{Name: "c", Type: "VARCHAR"}, Type: Type{OID: oidText}}})
	for {
		if d.data, err = s.next(context.Background()); err != nil {
			return rows, err
		}
		for len(d.data) > 0 {
			d.reset(vectors(1))
			n, err := d.fill(8)
			if rows += n; err != nil {
				return rows, err
			}
		}
	}
}

// An answer reads the same, whatever pieces it arrives in.
func TestAnswersInPieces(t *testing.T) {
	want := []struct {
		rows int
		err  string
	}{{0, "EOF"}, {3, "EOF"}, {1, "by zero"}, {4, "unexpected EOF"}, {0, "by zero"}}

	for i, answer := range answers() {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(answer), "halves": iotest.HalfReader(strings.NewReader(answer)),
			"bytes": iotest.OneByteReader(strings.NewReader(answer))} {
			rows, err := readAll(r)
			if name != "whole" && i == 3 { // the notification after it is not read, which is fine
				want[i].err = "EOF"
			}
			if rows != want[i].rows && errors.Is(err, io.EOF) || !strings.Contains(err.Error(), want[i].err) {
				t.Errorf("answer %d in %s: %d rows, %v; want %v", i, name, rows, err, want[i])
			}
		}
	}

	if _, err := readAll(strings.NewReader(answers()[1][:60])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an answer that is cut off: %v", err)
	}
}

// No bytes on the wire make the reader panic, hang, or ask for more memory than a row can need.
func FuzzStream(f *testing.F) {
	for _, answer := range answers() {
		if len(answer) < 10_000 {
			f.Add([]byte(answer))
		}
	}

	f.Add([]byte("d\x7f\xff\xff\xff"))
	f.Add([]byte("d\x00\x00\x00\x03"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if rows, err := readAll(bytes.NewReader(answer)); err == nil || rows > len(answer) {
			t.Errorf("%d rows, %v", rows, err)
		}
	})
}
