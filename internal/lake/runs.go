package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/parallel"
)

// claim stands in plan.json between the allocation of a run's id and its frozen plan.
var claim = []byte("{}\n")

// NewRunID allocates the next free id of the form r1, r2, … It is the caller's alone, also among processes.
func (l *Lake) NewRunID(ctx context.Context) (string, error) {
	ids, err := l.Runs(ctx)
	if err != nil {
		return "", err
	}

	last := 0
	for _, id := range ids {
		digits, ok := strings.CutPrefix(id, "r")
		if n, err := strconv.Atoi(digits); ok && err == nil {
			last = max(last, n)
		}
	}

	for {
		last++
		id := "r" + strconv.Itoa(last)
		_, err := l.store.Put(ctx, l.PlanKey(id), claim, objstore.Condition{IfNoneMatch: true})
		if err == nil {
			return id, nil
		}
		if !errors.Is(err, objstore.ErrPrecondition) {
			return "", broken(l.Absolute(l.PlanKey(id)), "cannot be written", err)
		}
	}
}

// SavePlan freezes a run's plan: once. The id may come from NewRunID or from the user. E-RUN if the run has a plan already. A
// process that was taken over in the meantime gets that error, and freezes no plan in its successor's run.
func (l *Lake) SavePlan(ctx context.Context, id string, plan any) error {
	body, err := seal(plan)
	if err != nil {
		return fmt.Errorf("encoding the plan of run %s: %w", id, err)
	}

	if err := l.may(ctx); err != nil {
		return err
	}

	key := l.PlanKey(id)
	cond := objstore.Condition{IfNoneMatch: true}
	was, info, err := l.store.Get(ctx, key)
	if err == nil && bytes.Equal(was, claim) {
		cond = objstore.Condition{IfMatch: info.ETag}
	}

	_, err = l.store.Put(ctx, key, body, cond)
	if errors.Is(err, objstore.ErrPrecondition) {
		if err := l.may(ctx); err != nil {
			return err
		}
		return &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("run %s exists already, with a plan of its own", id),
			Next:    fmt.Sprintf("`hindcast resume %s` goes on with it; a new run needs another id", id)}
	}

	if err != nil {
		return broken(l.Absolute(key), "cannot be written", err)
	}
	return nil
}

// RevisePlan puts another plan in the place of a run's frozen one. The caller holds the pipeline's lease; a process that was taken over gets an error.
func (l *Lake) RevisePlan(ctx context.Context, id string, plan any) error {
	body, err := seal(plan)
	if err != nil {
		return fmt.Errorf("encoding the plan of run %s: %w", id, err)
	}

	key := l.PlanKey(id)
	_, info, err := objstore.Find(ctx, l.store, key)
	if err != nil {
		return broken(l.Absolute(key), "cannot be read", err)
	}
	if err := l.may(ctx); err != nil {
		return err
	}
	if _, err := l.store.Put(ctx, key, body, objstore.Condition{IfMatch: info.ETag}); err != nil {
		return broken(l.Absolute(key), "cannot be written", err)
	}
	return nil
}

// LoadPlan reads a run's frozen plan into plan. E-RUN if there is no such run, E-MANIFEST if the plan is
// corrupt. An error of plan's own keeps its code.
func (l *Lake) LoadPlan(ctx context.Context, id string, plan any) error {
	key := l.PlanKey(id)
	body, _, err := objstore.Find(ctx, l.store, key)
	if errors.Is(err, objstore.ErrNotExist) || err == nil && bytes.Equal(body, claim) {
		return l.noRun(ctx, id)
	}
	damaged, err := damage(err)
	if err != nil {
		return broken(l.Absolute(key), "cannot be read", err)
	}

	if err = damaged; err == nil {
		err = decode(body, plan)
	}
	if err == nil {
		err = unseal(body)
	}

	if own, ok := errors.AsType[*hindcast.Error](err); ok {
		e := *own
		e.Place = hindcast.Place{File: l.Absolute(key)}
		return &e
	}

	if err != nil {
		return &hindcast.Error{Code: hindcast.EManifest, Class: hindcast.ClassPermanent, Cause: err,
			Place:   hindcast.Place{File: l.Absolute(key)},
			Message: fmt.Sprintf("the plan of run %s is corrupt: %v", id, err),
			Next:    "restore the file from a backup, or start a new run: what is committed is kept and not run again"}
	}

	return nil
}

// ListRuns returns the ids of all runs that have a plan, the one that was planned last first: names say nothing, they may
// be the user's. One whose plan is corrupt comes last.
func (l *Lake) ListRuns(ctx context.Context) ([]string, error) {
	ids, err := l.Runs(ctx)
	if err != nil {
		return nil, err
	}

	type run struct {
		id      string
		planned time.Time
		claimed bool // and not planned
	}

	list := make([]run, len(ids))
	err = parallel.Do(len(ids), l.area.width(), func(n int) error {
		var plan struct {
			CreatedAt time.Time `json:"created_at"`
		}

		err := l.LoadPlan(ctx, ids[n], &plan)
		e := hindcast.AsError(err)
		if err != nil && e.Code != hindcast.ERun && e.Code != hindcast.EManifest {
			return err
		}

		list[n] = run{ids[n], plan.CreatedAt, err != nil && e.Code == hindcast.ERun}
		return nil
	})
	if err != nil {
		return nil, err
	}

	list = slices.DeleteFunc(list, func(r run) bool { return r.claimed })
	sort.SliceStable(list, func(a, b int) bool {
		if c := list[a].planned.Compare(list[b].planned); c != 0 {
			return c > 0
		}
		return natural(list[b].id, list[a].id)
	})

	ids = ids[:0]
	for _, r := range list {
		ids = append(ids, r.id)
	}

	return ids, nil
}

// Runs returns the ids of all runs, those that are only claimed too.
func (l *Lake) Runs(ctx context.Context) ([]string, error) {
	below := Bookkeeping(l.pipeline) + "runs/"
	folders, err := objstore.Folders(ctx, l.store, below)
	if err != nil {
		return nil, broken(l.Absolute(below), "cannot be listed", err)
	}

	var ids []string
	for _, folder := range folders {
		if id, err := objstore.Unescape(folder); err == nil {
			ids = append(ids, id)
		}
	}

	return ids, nil
}

// natural orders texts with the numbers in them by value: r2 before r10.
func natural(a, b string) bool {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da == 0 || db == 0 {
			if a[0] != b[0] {
				return a[0] < b[0]
			}
			a, b = a[1:], b[1:]
			continue
		}

		na, nb := strings.TrimLeft(a[:da], "0"), strings.TrimLeft(b[:db], "0")
		if len(na) != len(nb) {
			return len(na) < len(nb)
		}

		if na != nb {
			return na < nb
		}

		a, b = a[da:], b[db:]
	}
	return len(a) < len(b)
}

// digits is how many digits the text begins with.
func digits(text string) int {
	return len(text) - len(strings.TrimLeft(text, "0123456789"))
}
