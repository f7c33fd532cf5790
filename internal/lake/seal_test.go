package lake

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// Whatever bit of a record is flipped, it is refused or says the same; a catalog entry says the same by its second copy.
func TestFlippedRecords(t *testing.T) {
	l := newLake(t, "p")
	m := publish(t, l, unload(t, l, "billing", "2020", 1, 1))
	if err := l.Record(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	type frozen struct {
		SQL  string `json:"sql"`
		Rows int    `json:"rows"`
	}
	if err := l.SavePlan(t.Context(), "r1", frozen{"SELECT * FROM billing WHERE cost > 100", 7}); err != nil {
		t.Fatal(err)
	}
	for key, read := range map[string]func() (any, error){
		l.factKey("billing", "2020"):   func() (any, error) { return l.CurrentUnit(t.Context(), "billing", "2020") },
		l.recordKey("billing", "2020"): func() (any, error) { return l.Records(t.Context()) },
		l.PlanKey("r1"): func() (any, error) {
			var got frozen
			err := l.LoadPlan(t.Context(), "r1", &got)
			return got, err
		},
	} {
		whole, _, err := l.store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		want, err := read()
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		bits := 0
		for at := 0; at < len(whole)*8; at += 5 { // each bit of a byte, in time
			bits++
			body := append([]byte(nil), whole...)
			body[at/8] ^= 1 << (at % 8)
			if _, err := l.store.Put(t.Context(), key, body, objstore.Condition{}); err != nil {
				t.Fatal(err)
			}
			got, err := read()
			if err != nil || len(l.Mended()) > 0 {
				refused++
			}
			l.mended.entries = nil
			if err != nil {
				wantCode(t, err, hindcast.EManifest)
			} else if !reflect.DeepEqual(got, want) {
				t.Errorf("%s with bit %d flipped says %+v", key, at, got)
			}
		}
		if refused < bits*4/5 {
			t.Errorf("%s: %d of %d bits were told", key, refused, bits)
		}
		if _, err := l.store.Put(t.Context(), key, whole, objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	earlier, err := json.Marshal(m)
	if err != nil || unseal(earlier) != nil {
		t.Errorf("a manifest of an earlier version: %v, %v", err, unseal(earlier))
	}
}
