package survey

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
)

// ofOutput says, where the SQL names another output that it does not declare to read, what to write.
func (s *Survey) ofOutput(o *hindcast.Output, err error) error {
	e := hindcast.AsError(err)
	if e.Code != hindcast.ESQLTable {
		return err
	}
	at := s.Pipeline.OutputNamed(o.Name)
	for i, is := range s.Pipeline.Outputs {
		if i == at || is.Name == "" || !namesTable(e.Message, is.Name) {
			continue
		}
		told := *e
		told.Next = fmt.Sprintf("write reads: [%s] at outputs.%s", is.Name, o.Name)
		if i > at {
			told.Next += fmt.Sprintf(", and %s above it: outputs are computed in the order in which they are written", is.Name)
		}
		return &told
	}
	return err
}

// namesTable reports whether an error's message names a table as a word of its own.
func namesTable(message, name string) bool {
	word := func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_-", r) }
	return slices.Contains(strings.FieldsFunc(strings.ToLower(message), word), name)
}
