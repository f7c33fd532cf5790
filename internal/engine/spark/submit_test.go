package spark

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sparksql"
)

// submitting is an engine whose spark-submit is a script of ours.
func submitting(t *testing.T, script string) (e *Engine, work engine.Work) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "spark-submit")
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	e, err := Open(Options{Submit: path, Version: "3.5.9", Env: os.Environ(), Spark: hindcast.Spark{Master: "local[1]"}, Dir: filepath.Join(dir, "applications"),
		Capacity: engine.Capacity{Slots: 1, Memory: 1 << 30, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	day := hindcast.Column{Name: "day", Type: "DATE"}
	return e, engine.Work{Tag: "p/r1/a/a1", Query: engine.Query{Dialect: "spark", SQL: "SELECT DATE '2020-01-01' AS day"}, Columns: []hindcast.Column{day},
		Target: hindcast.Target{Time: "day"}, Dir: t.TempDir(), Limits: engine.Limits{Memory: 1 << 30, Threads: 1}}
}

// A spark-submit that hangs is found alive, ended by whoever gives up on it, and confirmed dead.
func TestASubmitThatHangsIsEnded(t *testing.T) {
	e, work := submitting(t, "#!/usr/bin/env python3\nimport time\ntime.sleep(1000)\n")
	h, err := e.Start(t.Context(), work)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // as attempt_timeout does
	if _, err := e.Wait(ctx, h, work.Dir, nil); hindcast.AsError(err) == nil || hindcast.AsError(err).Class != hindcast.ClassCanceled {
		t.Errorf("waiting: %v", err)
	}
	if alive, err := e.Alive(t.Context(), "p/r1/"); err != nil || len(alive) != 1 {
		t.Errorf("alive: %+v, %v", alive, err)
	}
	folder := filepath.Join(e.options.Dir, h.IDs["application"])
	remains := Remains{Dir: e.options.Dir} // as a stop has it, from another process
	found, err := remains.Found(t.Context(), "p/r1/")
	if err != nil || len(found) != 1 || found[0].Idle || found[0].Handle.Tag != work.Tag || found[0].Given.IsZero() {
		t.Fatalf("found: %+v, %v", found, err)
	}
	if err := remains.End(t.Context(), found[0]); err != nil {
		t.Error(err)
	}
	if there(folder) {
		t.Errorf("%s is left", folder)
	}
	if alive, err := e.Alive(t.Context(), "p/r1/"); err != nil || len(alive) != 0 {
		t.Errorf("after the stop: %+v, %v", alive, err)
	}
}

// What a dead supervisor's application was given and a resume has ended is started again by the same tag: that supervisor may have died
// before its attempt was in the journal.
func TestWorkThatWasEndedIsStartedAgain(t *testing.T) {
	e, work := submitting(t, "#!/usr/bin/env python3\nimport time\ntime.sleep(1000)\n")
	first, err := e.Start(t.Context(), work)
	if err != nil {
		t.Fatal(err)
	}
	later, err := Open(e.options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := later.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := later.Stop(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	again, err := later.Start(t.Context(), work)
	if err != nil || again.IDs["application"] == first.IDs["application"] {
		t.Errorf("it was given to the dead application: %+v, %v", again, err)
	}
}

// An application that has done all its work, and whose supervisor has died, is found idle until it ends by itself, and can be ended.
func TestAnIdleApplicationIsFound(t *testing.T) {
	e, work := submitting(t, "#!/usr/bin/env python3\nimport time\ntime.sleep(1000)\n")
	h, err := e.Start(t.Context(), work)
	if err != nil {
		t.Fatal(err)
	}
	a := &application{filepath.Join(e.options.Dir, h.IDs["application"])}
	remains := Remains{Dir: e.options.Dir}
	look := func(prefix string, want int, idle bool) []engine.Remnant {
		t.Helper()
		found, err := remains.Found(t.Context(), prefix)
		if err != nil || len(found) != want || want > 0 && found[0].Idle != idle {
			t.Fatalf("of %s: %+v, %v", prefix, found, err)
		}
		return found
	}

	look("p/r1/", 1, false)
	if err := place(e.endOf(work.Tag, work.Dir), []byte("{}")); err != nil { // the driver has ended the work
		t.Fatal(err)
	}
	look("p/r1/", 1, true)
	if err := os.Rename(filepath.Join(a.join(inbox), "000001.json"), filepath.Join(a.join(done), "000001.json")); err != nil { // and put it aside
		t.Fatal(err)
	}
	look("p/r2/", 0, false)
	if alive, err := e.Alive(t.Context(), "p/"); err != nil || len(alive) != 0 {
		t.Errorf("an idle application works on %+v, %v", alive, err)
	}
	if err := remains.End(t.Context(), look("p/r1/", 1, true)[0]); err != nil {
		t.Error(err)
	}
	look("p/r1/", 0, false)
	if there(a.dir) {
		t.Errorf("%s is left", a.dir)
	}
}

// An application that was told to end, because the next slice needs another size, takes nothing more: it may still live for a while.
func TestWhatWasToldToEndTakesNothingMore(t *testing.T) {
	e, work := submitting(t, "#!/usr/bin/env python3\nimport time\ntime.sleep(1000)\n")
	met := map[string]bool{}
	for n, memory := range []int64{1 << 30, 2 << 30, 1 << 30} {
		work.Tag, work.Dir, work.Limits.Memory = fmt.Sprintf("p/r1/a/a%d", n), t.TempDir(), memory
		h, err := e.Start(t.Context(), work)
		if err != nil {
			t.Fatal(err)
		}
		if name := h.IDs["application"]; met[name] {
			t.Errorf("work %d was given to %s, which is about to end", n, name)
		} else {
			met[name] = true
		}
		if err := place(e.endOf(work.Tag, work.Dir), []byte("{}")); err != nil { // the driver has ended the work
			t.Fatal(err)
		}
		_, _ = e.Wait(t.Context(), h, work.Dir, nil) // that it says nothing does not matter
	}
}

// What spark-submit says last of a fault of its own is in the error.
func TestWhatSubmitSaysIsTold(t *testing.T) {
	for said, want := range map[string]hindcast.Code{
		"Exception in thread \"main\" java.net.BindException: Address already in use: Service 'sparkDriver' failed after 16 retries (starting from 7078)!": hindcast.EWorker,
		"JAVA_HOME is not set": hindcast.EWorker,
		"java.lang.UnsupportedClassVersionError: org/apache/spark/launcher/Main has been compiled by a more recent version of the Java Runtime": hindcast.EWorker,
		"There is insufficient memory for the Java Runtime Environment to continue.":                                                            hindcast.EMemory,
		"java.lang.OutOfMemoryError: Java heap space":                                                                                           hindcast.EMemory,
	} {
		e, work := submitting(t, "#!/bin/sh\ncat <<'END'\n"+said+"\n\tat org.apache.spark.Some.thing(Some.scala:1)\nEND\nexit 1\n")
		h, err := e.Start(t.Context(), work)
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Wait(t.Context(), h, work.Dir, nil)
		is := hindcast.AsError(err)
		if is == nil || is.Code != want || want == hindcast.EWorker && !slices.Contains(is.Detail, said) {
			t.Errorf("%s: %+v", said, is)
		}
	}
}

// An application that a dead supervisor left ends with the last work that it has, and not when nobody has asked it for long.
func TestALeftApplicationEndsWithItsWork(t *testing.T) {
	for name, other := range map[string]bool{"alone": false, "another waits": true} {
		a := &application{t.TempDir()}
		if err := os.Mkdir(a.join(inbox), 0o700); err != nil {
			t.Fatal(err)
		}
		e := &Engine{works: map[string]*placed{"mine": {in: a}}}
		asked := []sparksql.Request{{Kind: "run", Tag: "mine", End: a.join("end")}}
		if other {
			asked = append(asked, sparksql.Request{Kind: "run", Tag: "other", End: a.join("none")})
		}
		for i, r := range asked {
			if err := a.ask(i+1, r); err != nil {
				t.Fatal(err)
			}
		}
		if err := place(a.join("end"), []byte("{}")); err != nil { // which the driver writes before it puts the request aside
			t.Fatal(err)
		}
		e.finished("mine")
		if asked := there(filepath.Join(a.join(inbox), closing)); asked == other {
			t.Errorf("%s: asked to end is %t", name, asked)
		}
	}
}

// How many rows a check wants is not Spark's to answer: another number starts no JVM.
func TestBoundsOfACheckAreNoPartOfAQuestion(t *testing.T) {
	path := func(c hindcast.Check) string {
		return memory{"bound"}.path(&Engine{}, engine.Query{Dialect: "spark", SQL: "SELECT 1 AS a"}, []engine.Check{{Check: c}}, false)
	}
	one, two := int64(1), int64(2)
	first := path(hindcast.Check{Rows: &hindcast.RowsCheck{Min: &one}})
	if path(hindcast.Check{Rows: &hindcast.RowsCheck{Min: &two, Max: &two}}) != first {
		t.Error("another number of rows is another question")
	}
	if path(hindcast.Check{SQL: "SELECT * FROM result"}) == first {
		t.Error("other SQL is the same question")
	}
}
