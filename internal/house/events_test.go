package house

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/eventschema"
)

const eventsPage = "docs/reference/events.md"

// TestEveryEventTypeIsDocumented wants a section for each type, with an example line that the schema allows.
func TestEveryEventTypeIsDocumented(t *testing.T) {
	documented := eventSections(t)
	known := map[string]bool{}
	for name, kind := range constants(t, "run.go", "EventType") {
		known[kind] = true
		body, ok := documented[kind]
		if !ok {
			t.Errorf("%s lacks %s (%s)", eventsPage, kind, name)
			continue
		}

		_, fenced, found := strings.Cut(body, "```json\n")
		line, _, closed := strings.Cut(fenced, "\n```")
		if !found || !closed {
			t.Errorf("%s has no example line of %s", eventsPage, kind)
			continue
		}

		checkExample(t, kind, line)
	}

	for kind := range documented {
		if !known[kind] {
			t.Errorf("%s documents %s, which is not an event type", eventsPage, kind)
		}
	}
}

// eventSections returns the page's sections below "Types".
func eventSections(t *testing.T) map[string]string {
	t.Helper()
	_, types, found := strings.Cut(readText(t, eventsPage), "\n## Types\n")
	if !found {
		t.Fatalf("%s has no section Types", eventsPage)
	}
	return sections(t, types)
}

func checkExample(t *testing.T, kind, line string) {
	t.Helper()
	if err := eventschema.Validate([]byte(line)); err != nil {
		t.Errorf("the example of %s: %v", kind, err)
		return
	}

	var event hindcast.Event
	if err := json.Unmarshal([]byte(line), &event); err != nil {
		t.Errorf("decoding the example of %s: %v", kind, err)
		return
	}

	if string(event.Type) != kind {
		t.Errorf("the example of %s is a %s", kind, event.Type)
	}
	if event.Error == nil {
		return
	}

	for _, code := range constants(t, "codes.go", "Code") {
		if string(event.Error.Code) == code {
			return
		}
	}

	t.Errorf("the example of %s has the unknown code %s", kind, event.Error.Code)
}

// TestEveryEventFieldIsDocumented keeps the tables of fields and the JSON fields of the Go types equal.
func TestEveryEventFieldIsDocumented(t *testing.T) {
	page := readText(t, eventsPage)
	tables := []struct {
		heading string
		goType  reflect.Type
	}{
		{"## Fields", reflect.TypeFor[hindcast.Event]()},
		{"### Fields of `manifest`", reflect.TypeFor[hindcast.Manifest]()},
		{"### Fields of `error`", reflect.TypeFor[hindcast.Error]()},
	}
	for _, table := range tables {
		documented := fieldTable(t, page, table.heading)
		for field := range table.goType.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			if !documented[name] {
				t.Errorf("%s, %s: no line for %s", eventsPage, table.heading, name)
			}
			delete(documented, name)
		}

		for name := range documented {
			t.Errorf("%s, %s: %s is not a field", eventsPage, table.heading, name)
		}
	}
}

var tableRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [a-z ]+ \\| \\S")

// fieldTable returns the names in the first column of the table below a heading.
func fieldTable(t *testing.T, page, heading string) map[string]bool {
	t.Helper()
	_, rest, found := strings.Cut(page, "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", eventsPage, heading)
	}

	body, _, _ := strings.Cut(rest, "\n#")
	names := map[string]bool{}
	for _, match := range tableRow.FindAllStringSubmatch(body, -1) {
		names[match[1]] = true
	}

	return names
}
