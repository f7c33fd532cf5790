package awsspark

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/sparksql"
)

//go:embed script.py
var front string

// Script is what every run runs: a front, with the modules that it imports in it, since a run has one file.
func Script() []byte {
	var out strings.Builder
	out.WriteString("# Made by hindcast, which puts it here under a name that has its hash.\nimport sys\nimport types\n\n")
	for _, m := range sparksql.Modules() {
		fmt.Fprintf(&out, "module = sys.modules[%q] = types.ModuleType(%q)\nexec(compile(%s, %q, \"exec\"), module.__dict__)\n", m.Name, m.Name,
			engine.PythonText(string(m.Text)), m.Name+".py")
	}
	out.WriteString("\n" + front)
	return []byte(out.String())
}

// The arguments of a run. A service has its own, beside which they must be recognized.
const (
	RequestArgument = "--hindcast_request"
	TagArgument     = "--hindcast_tag"
)

// Names of objects in a work's folder. Spark leaves those that begin so alone.
const (
	requestFile = "_hindcast_request.json"
	endFile     = "_hindcast.json"
)

// Objects are what runs read and write by S3, beside tables: the script, requests and ends.
type Objects struct {
	Store   objstore.Store // the lake's, a bucket
	Scripts objstore.Store // where the script is put
	Folder  string         // the prefix for it: "" or ends in "/"

	upload sync.Mutex // held while the script is put
	script string     // its URL, once it is there
}

// PutScript puts the script into its bucket, once in this process, and returns its URL.
func (o *Objects) PutScript(ctx context.Context) (string, error) {
	o.upload.Lock()
	defer o.upload.Unlock()
	if o.script != "" {
		return o.script, nil
	}
	text := Script()
	sum := sha256.Sum256(text)
	key := o.Folder + "hindcast-" + hex.EncodeToString(sum[:8]) + ".py"
	_, err := o.Scripts.Put(ctx, key, text, objstore.Condition{IfNoneMatch: true})
	if err != nil && !errors.Is(err, objstore.ErrPrecondition) { // otherwise it is there
		return "", fmt.Errorf("putting the script of runs: %w", err)
	}
	o.script = o.Scripts.URL() + "/" + key
	return o.script, nil
}

// key is the prefix of a folder of the lake, whose URL is given.
func (o *Objects) key(dir string) (string, error) {
	below, is := strings.CutPrefix(dir, o.Store.URL()+"/")
	if !is {
		return "", fmt.Errorf("the folder %s is not below the lake %s", dir, o.Store.URL())
	}
	return strings.TrimSuffix(below, "/") + "/", nil
}

// ask writes what a run is to read.
func (o *Objects) ask(ctx context.Context, dir string, r sparksql.Request) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing a request: %w", err)
	}
	key, err := o.key(dir)
	if err != nil {
		return err
	}
	_, err = o.Store.Put(ctx, key+requestFile, text, objstore.Condition{})
	return err
}

// RequestURL is where the request of the work in a folder is.
func RequestURL(dir string) string { return strings.TrimSuffix(dir, "/") + "/" + requestFile }

// end is what the script wrote last; nil if it has not.
func (o *Objects) end(ctx context.Context, dir string) (*sparksql.End, error) {
	key, err := o.key(dir)
	if err != nil {
		return nil, err
	}
	text, _, err := o.Store.Get(ctx, key+endFile)
	if errors.Is(err, objstore.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var is sparksql.End
	if err := json.Unmarshal(text, &is); err != nil {
		return nil, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Cause: err, Message: "the end that a run wrote cannot be read: " + err.Error()}
	}
	return &is, nil
}

// Died is the error of a run that left no end, with what the service says of it, and the end of its log, or why there is none.
func Died(message, reason, tail, missing string) *hindcast.Error {
	e := &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: message}
	if reason != "" {
		e.Detail = append(e.Detail, reason)
	}
	e.Detail = append(e.Detail, sparksql.LastLines(tail)...)
	if missing != "" {
		e.Detail = append(e.Detail, missing)
	}
	if sparksql.Starved(reason + "\n" + tail) {
		e.Code, e.Class = hindcast.EMemory, hindcast.ClassResource
	}
	return e
}
