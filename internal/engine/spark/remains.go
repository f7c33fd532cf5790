package spark

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sparksql"
)

// Remains are this machine's applications, as whoever has no installation of Spark finds them.
type Remains struct {
	Dir string   // the folder of the applications
	Env []string // names where masters have their pages
}

var _ engine.Remains = Remains{}

// Found lists the work of a run that living applications have, and the run's applications that have none.
func (r Remains) Found(_ context.Context, tagPrefix string) ([]engine.Remnant, error) {
	all, err := applications(r.Dir)
	if err != nil {
		return nil, err
	}
	var found []engine.Remnant
	for _, a := range all {
		of := a.of(tagPrefix)
		if len(of) == 0 {
			continue
		}
		pids, err := a.processes()
		if err != nil {
			return nil, err
		}
		if len(pids) > 0 {
			found = append(found, of...)
		}
	}
	return found, nil
}

// End kills the application and removes its folder.
func (r Remains) End(_ context.Context, is engine.Remnant) error {
	a := &application{filepath.Join(r.Dir, is.Handle.IDs["application"])}
	if !strings.HasPrefix(a.name(), applicationPrefix) {
		return nil // it was never started
	}
	if err := a.kill(r.Env); err != nil {
		return err
	}
	return a.remove()
}

// of is what the application does for the run whose tags begin so: the work that has not ended or, if it has none at all, the last
// that it had.
func (a *application) of(tagPrefix string) []engine.Remnant {
	var is about
	_ = read(a.join(aboutFile), &is) // of one that is just made
	remnant := func(r sparksql.Request, idle bool, given time.Time) engine.Remnant {
		return engine.Remnant{Idle: idle, Given: given, Handle: hindcast.Handle{Tag: r.Tag,
			IDs: map[string]string{"application": a.name(), "host": is.Host, "master": is.Master}}}
	}

	var found, ended []engine.Remnant
	busy := false
	for _, folder := range []string{done, inbox} {
		for _, p := range a.posted(folder) {
			ours := p.Kind == sparksql.KindRun && strings.HasPrefix(p.Tag, tagPrefix)
			over := folder == done || there(p.End)
			busy = busy || !over
			switch {
			case ours && over:
				ended = append(ended, remnant(p.Request, true, p.at))
			case ours:
				found = append(found, remnant(p.Request, false, p.at))
			}
		}
	}
	if !busy && len(ended) > 0 {
		return ended[len(ended)-1:]
	}
	return found
}

// posted is a request, and when it was made.
type posted struct {
	sparksql.Request
	at time.Time
}

// posted are the requests in one of the application's folders, in their order.
func (a *application) posted(folder string) (list []posted) {
	entries, _ := os.ReadDir(a.join(folder)) // a folder that is gone has none
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		var p posted
		if read(filepath.Join(a.join(folder), entry.Name()), &p.Request) != nil {
			continue // it has just been put aside
		}
		if info, err := entry.Info(); err == nil {
			p.at = info.ModTime()
		}
		list = append(list, p)
	}
	return list
}
