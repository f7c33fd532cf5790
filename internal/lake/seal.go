package lake

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"regexp"

	"github.com/hindcast/hindcast/internal/objstore"
)

// damage splits the error of reading a record. That its bytes are wrong, where the store itself knows that, means the same as a
// checksum of its own that does not fit; any other error is why it cannot be read.
func damage(err error) (corrupt, other error) {
	if errors.Is(err, objstore.ErrDamaged) {
		return objstore.ErrDamaged, nil
	}
	return nil, err
}

// castagnoli is the polynomial of the records' checksums, as of the journal's lines.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sealed ends a record: its last field is the CRC-32C of the object without that field.
var sealed = regexp.MustCompile(`,"crc32c":"([0-9a-f]{8})"\}\s*$`)

// seal encodes a record, an object of JSON, with its checksum as its last field: one that was damaged may well be JSON still,
// and say something else (promise 8).
func seal(record any) ([]byte, error) {
	body, err := json.Marshal(record)
	if err != nil {
		return nil, err
	}

	if len(body) < len(`{"":0}`) || body[len(body)-1] != '}' {
		return nil, fmt.Errorf("%.20s is not an object of JSON", body)
	}

	return fmt.Appendf(body[:len(body)-1:len(body)-1], `,"crc32c":"%08x"}`, crc32.Checksum(body, castagnoli)), nil
}

// unpack decodes a manifest that was read with that damage, nil if there is none, and compares it with its checksum.
func unpack(body []byte, damaged error, m any) error {
	if damaged != nil {
		return damaged
	}
	if err := json.Unmarshal(body, m); err != nil {
		return err
	}
	return unseal(body)
}

// unseal compares a record with its checksum. Records of earlier versions have none.
func unseal(body []byte) error {
	at := sealed.FindSubmatchIndex(body)
	if at == nil {
		return nil
	}

	sum := crc32.Update(crc32.Checksum(body[:at[0]], castagnoli), castagnoli, []byte("}"))
	if fmt.Sprintf("%08x", sum) != string(body[at[2]:at[3]]) {
		return errors.New("its checksum does not fit it")
	}

	return nil
}
