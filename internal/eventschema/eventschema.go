// Package eventschema checks lines of JSON against the published schema of events, event.schema.json beside this file.
// docs/reference/events.md documents what the fields mean; the journal and the supervisor decide who writes events and
// when. Tests use it wherever events leave the program.
package eventschema

import (
	"bytes"
	_ "embed" // the schema is a separate file, so that docs and other programs can use it
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed event.schema.json
var source []byte

const location = "event.schema.json"

var compiled = sync.OnceValues(compile)

func compile() (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(source))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", location, err)
	}

	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat() // an invalid time is an error, not an annotation
	if err := compiler.AddResource(location, document); err != nil {
		return nil, fmt.Errorf("adding %s: %w", location, err)
	}

	schema, err := compiler.Compile(location)
	if err != nil {
		return nil, fmt.Errorf("compiling %s: %w", location, err)
	}

	return schema, nil
}

// Validate returns nil if line is one JSON object that the event schema allows, and otherwise an error that names each
// invalid field. A trailing newline does not matter. Safe to call in parallel.
func Validate(line []byte) error {
	schema, err := compiled()
	if err != nil {
		return err
	}

	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		return fmt.Errorf("parsing event %q: %w", line, err)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("validating event %q: %w", line, err)
	}

	return nil
}

// Source returns the schema's text.
func Source() []byte { return bytes.Clone(source) }
