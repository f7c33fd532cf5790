package attempt

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

// A fingerprint is of the files that the plan saw: those that are others by now are not read for it.
func TestFilesThatChangedSinceThePlan(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	write := func(text string, at time.Time) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	planned := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	own := []*hindcast.Manifest{{Files: []hindcast.File{{Path: path, Bytes: 4, Modified: planned.UnixNano()}}}}
	write("1234", planned)
	if err := unchanged(own); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(){
		"longer": func() { write("12345", planned) },
		"later":  func() { write("1234", planned.Add(time.Microsecond)) },
		"gone":   func() { _ = os.Remove(path) },
	} {
		change()
		if e := hindcast.AsError(unchanged(own)); e == nil || e.Code != hindcast.ESource || e.Class != hindcast.ClassPermanent {
			t.Errorf("%s: %v", what, e)
		}
	}
}

// A checksum is taken once for each state of files, and again where the transform failed.
func TestFilesAreRecordedOnce(t *testing.T) {
	s := world(t, frozen())
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := os.WriteFile(path, []byte("123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	own := []*hindcast.Manifest{{Name: "own", Key: "all", Files: []hindcast.File{{Path: path, Bytes: 9, Rows: 1}}, Sums: hindcast.Sums{Rows: 1, Content: "a"}}}
	failed := &hindcast.Error{Code: hindcast.EWorker}
	for i, err := range []error{failed, nil, nil} {
		seen := s.witness(t.Context(), own)
		if got := s.record(t.Context(), seen, err); got != err { //nolint:errorlint // as it is handed in
			t.Errorf("%d: %v", i, got)
		}
		if i == 1 {
			if err := os.WriteFile(path, []byte("987654321"), 0o600); err != nil { // what is on record stays
				t.Fatal(err)
			}
		}
	}
	records, err := s.lake.Records(t.Context())
	if err != nil || len(records) != 1 || records[0].Files[0].CRC32C != "e3069283" || records[0].Run != s.plan.Run {
		t.Errorf("records %+v, %v", records, err)
	}
}

// A slice that others rely on for the record of their files may fail, or be stopped.
func TestFilesOfASliceThatFailedAreRecordedByAnother(t *testing.T) {
	for what, end := range map[string]func(s *Steps, first *testimony) error{
		"before": func(s *Steps, first *testimony) error {
			return s.record(t.Context(), first, &hindcast.Error{Code: hindcast.EWorker})
		},
		"stopped": func(*Steps, *testimony) error { return nil },
	} {
		s := world(t, frozen())
		path := filepath.Join(t.TempDir(), "a.parquet")
		if err := os.WriteFile(path, []byte("123456789"), 0o600); err != nil {
			t.Fatal(err)
		}
		own := []*hindcast.Manifest{{Name: "own", Key: "all", Files: []hindcast.File{{Path: path, Bytes: 9, Rows: 1}}, Sums: hindcast.Sums{Rows: 1, Content: "a"}}}
		ctx, stop := context.WithCancel(t.Context())
		if what == "stopped" {
			stop()
		}
		first := s.witness(ctx, own)
		second := s.witness(t.Context(), own) // while the first is under way
		_ = end(s, first)
		stop()
		if err := s.record(t.Context(), second, nil); err != nil {
			t.Fatal(err)
		}
		records, err := s.lake.Records(t.Context())
		if err != nil || len(records) != 1 || records[0].Files[0].CRC32C != "e3069283" {
			t.Errorf("%s: records %+v, %v", what, records, err)
		}
	}
}
