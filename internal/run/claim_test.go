package run

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/file"
	"github.com/hindcast/hindcast/internal/session"
)

// A run whose lease another process took over meanwhile does not take it again, also when that process has given it back: the
// warehouse's fence is its successor's.
func TestALeaseThatWasTakenOverIsNotTakenAgain(t *testing.T) {
	t.Parallel()
	store, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &session.Session{Pipeline: &hindcast.Pipeline{Name: "p", Run: hindcast.RunConfig{LeaseTTL: time.Hour}}, Store: store, Lake: lake.New(store, "p")}
	ctx, stops := newStops(t.Context(), Options{})
	defer func() { _ = stops.end(ctx, nil) }()
	c, err := claimNew(ctx, s, Options{ID: "r1"}, stops)
	if err != nil {
		t.Fatal(err)
	}

	taken := rewriteLease(t, store, map[string]any{"token": "another", "fence": 2, "released": true})
	if err := c.rise(ctx, 2); hindcast.AsError(err) == nil || hindcast.AsError(err).Code != hindcast.EFenced {
		t.Errorf("got %v", err)
	}
	if now, _, err := store.Get(t.Context(), lake.LeaseKey("p")); err != nil || !bytes.Equal(now, taken) {
		t.Errorf("the lease is %s, %v", now, err)
	}
}

// rewriteLease does what another process would do to the lease.
func rewriteLease(t *testing.T, store objstore.Store, changes map[string]any) []byte {
	t.Helper()
	key := lake.LeaseKey("p")
	body, _, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	record := map[string]any{}
	if err := json.Unmarshal(body, &record); err != nil {
		t.Fatal(err)
	}
	for name, value := range changes {
		record[name] = value
	}
	if body, err = json.Marshal(record); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), key, body, objstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	return body
}
