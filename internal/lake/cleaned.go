package lake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// Cleaned is who has deleted something of a run by hindcast clean, and when.
type Cleaned struct {
	At    time.Time `json:"at"`
	By    string    `json:"by"`
	Whole bool      `json:"whole,omitempty"` // its plan and journal too: the run is not there any more
}

// String is as an error says it.
func (c Cleaned) String() string {
	return fmt.Sprintf("hindcast clean by %s on %s", c.By, c.At.Format("2006-01-02 15:04 MST"))
}

// cleanedKey is of what was cleaned of which run. It is written before anything is deleted, and stays.
func (l *Lake) cleanedKey() string { return Bookkeeping(l.pipeline) + "cleaned.json" }

type cleanings struct {
	Runs map[string]Cleaned `json:"runs"`
}

// Cleaned says of which runs something was deleted by hindcast clean. A record that cannot be read says nothing: it serves for messages alone.
func (l *Lake) Cleaned(ctx context.Context) (map[string]Cleaned, error) {
	key := l.cleanedKey()
	body, _, err := l.store.Get(ctx, key)
	if errors.Is(err, objstore.ErrNotExist) || errors.Is(err, objstore.ErrDamaged) {
		return nil, nil
	}
	if err != nil {
		return nil, broken(l.Absolute(key), "cannot be read", err)
	}

	var all cleanings
	if json.Unmarshal(body, &all) != nil {
		return nil, nil
	}
	return all.Runs, nil
}

// NoteCleaned records of which runs something is about to be deleted. The caller holds the pipeline's lease.
func (l *Lake) NoteCleaned(ctx context.Context, runs map[string]Cleaned) error {
	known, err := l.Cleaned(ctx)
	if err != nil {
		return err
	}
	all := cleanings{Runs: map[string]Cleaned{}}
	maps.Copy(all.Runs, known)
	maps.Copy(all.Runs, runs)

	body, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding what was cleaned: %w", err)
	}
	key := l.cleanedKey()
	if _, err := l.store.Put(ctx, key, append(body, '\n'), objstore.Condition{}); err != nil {
		return broken(l.Absolute(key), "cannot be written", err)
	}
	return nil
}

// noRun is the error of a run that is not there: E-RUN.
func (l *Lake) noRun(ctx context.Context, id string) error {
	e := &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("pipeline %s has no run %s", l.pipeline, id), Next: "`hindcast list` shows its runs"}
	if cleaned, err := l.Cleaned(ctx); err == nil && cleaned[id].Whole {
		e.Message = fmt.Sprintf("run %s is not there any more: it was deleted by %s", id, cleaned[id])
	}
	return e
}
