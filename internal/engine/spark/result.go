package spark

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sparksql"
)

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func asJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // of maps, strings and numbers
	}
	return text
}

// result reads how a run ended; p may be nil.
func (p *placed) result(path, dir string) (engine.Result, error) {
	var is sparksql.End
	if err := read(path, &is); err != nil {
		return engine.Result{}, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Cause: err,
			Message: "the end that a Spark application wrote cannot be read: " + err.Error()}
	}
	var asked sparksql.Asked
	if p != nil {
		asked = p.asked
	}
	result, err := is.Result(asked, dir)
	if err != nil || remote(dir) { // whoever takes an object into the lake looks whether it is there
		return result, err
	}

	for _, file := range result.Files {
		if err := present(file); err != nil {
			return engine.Result{}, err
		}
	}
	return result, syncAll(dir, result.Files)
}

// present compares a file with what Spark says of it.
func present(f hindcast.File) error {
	info, err := os.Stat(f.Path)
	if err != nil || info.Size() != f.Bytes {
		return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassTransient, Cause: err,
			Message: fmt.Sprintf("%s is not there as Spark wrote it, with %d bytes", f.Path, f.Bytes)}
	}
	return nil
}

// syncAll makes what Spark wrote durable, which it does not do itself.
func syncAll(dir string, files []hindcast.File) error {
	for _, path := range append([]string{dir}, paths(files)...) {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("making a result durable: %w", err)
		}
		err = f.Sync()
		_ = f.Close() // it was only read
		if err != nil {
			return fmt.Errorf("making a result durable: %w", err)
		}
	}
	return nil
}

func paths(files []hindcast.File) []string {
	list := make([]string, len(files))
	for i, f := range files {
		list[i] = f.Path
	}
	return list
}

// died is the error of an application that ended without an end.
func (e *Engine) died(a *application) error {
	tail := a.tail(64 << 10)
	if e.options.Log != nil {
		_, _ = fmt.Fprintf(e.options.Log, "the end of the log of Spark's %s:\n%s\n", a.name(), tail) // a log is no reason to fail
	}
	if strings.Contains(tail, "unresolved dependency") || strings.Contains(tail, "unresolved dependencies") {
		return &hindcast.Error{Code: hindcast.ESpark, Class: hindcast.ClassPermanent, Message: "Spark could not fetch its packages", Detail: sparksql.LastLines(tail),
			Next: "see that it reaches a Maven repository, or name one: spark.conf: {spark.jars.repositories: …}, or spark.jars.ivySettings"}
	}
	if sparksql.Starved(tail) {
		return &hindcast.Error{Code: hindcast.EMemory, Class: hindcast.ClassResource, Message: "a Spark application ran out of memory",
			Next: "give it more: run.memory, or spark.executor_memory"}
	}
	return &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "Spark's " + a.name() + " died", Detail: sparksql.LastLines(tail),
		Next: "see what is missing: hindcast doctor spark"}
}
