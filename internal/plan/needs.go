package plan

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Needs are the units that a slice reads, by fact, sorted by its name. A long history has many slices: a map for each of
// them would take more than all else that is known of them.
type Needs []Need

// Need is what a slice reads of one fact: the keys of units, the slice's own first, then those of its margins.
type Need struct {
	Fact string
	Keys []string
}

// Of returns the keys of a fact's units; nil if it is not one of the facts.
func (n Needs) Of(fact string) []string {
	for i := range n {
		if n[i].Fact == fact {
			return n[i].Keys
		}
	}
	return nil
}

// MarshalJSON writes an object: fact to keys.
func (n Needs) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i := range n {
		name, err := json.Marshal(n[i].Fact)
		if err != nil {
			return nil, err
		}
		keys, err := json.Marshal(n[i].Keys)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(keys)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// UnmarshalJSON reads it back.
func (n *Needs) UnmarshalJSON(text []byte) error {
	var facts map[string][]string
	if err := json.Unmarshal(text, &facts); err != nil {
		return err
	}
	*n = make(Needs, 0, len(facts))
	for fact, keys := range facts {
		*n = append(*n, Need{fact, keys})
	}
	slices.SortFunc(*n, func(a, b Need) int { return strings.Compare(a.Fact, b.Fact) })
	return nil
}
