package redshift

import (
	"testing"

	"github.com/hindcast/hindcast"
)

// A literal means the same to a server that reads backslashes as escapes and to one that does not: it has none.
func TestLiterals(t *testing.T) {
	for text, want := range map[string]string{
		"":         "''",
		"it's":     "'it''s'",
		`a\b`:      `('a' || chr(92) || 'b')`,
		`\`:        `('' || chr(92) || '')`,
		`\\'\n`:    `('' || chr(92) || '' || chr(92) || '''' || chr(92) || 'n')`,
		"$1 and ?": "'$1 and ?'",
	} {
		if got := literal(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}

	if got, err := word("s3://b/it's/"); err != nil || got != "'s3://b/it''s/'" {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := word(`s3://b/a\b/`); err == nil {
		t.Error("a backslash stands where no expression can")
	}
}

// What commits by itself in Redshift is refused as a hook, whichever way a backslash in quotes is read.
func TestHooksThatCommit(t *testing.T) {
	for hook, refused := range map[string]bool{
		"TRUNCATE notes":                            true,
		"/* a note */ truncate table notes":         true,
		"DELETE FROM notes; truncate notes":         true,
		"ALTER TABLE result APPEND FROM staging":    true,
		`UPDATE notes SET a = 'b\'' ; COMMIT`:       true,
		`UPDATE notes SET a = '\'; COMMIT; --'`:     true,
		"DELETE FROM notes WHERE a = 'TRUNCATE b'":  false,
		"ALTER TABLE result ADD COLUMN append bool": false,
		`UPDATE notes SET a = 'b\\'`:                false,
	} {
		err := commits(hook)
		if (err != nil) != refused || refused && hindcast.AsError(err).Code != hindcast.EHook {
			t.Errorf("%s: %v", hook, err)
		}
	}
}
