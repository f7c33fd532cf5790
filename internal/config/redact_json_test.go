package config_test

import (
	"testing"

	"github.com/hindcast/hindcast/internal/config"
)

// A secret that is a key, a number or a word of hindcast's own leaves JSON as it was read by programs.
func TestJSONKeepsItsKeys(t *testing.T) {
	r := config.NewRedactor([]string{"slice", "2024", `quo"te\x`, "true", "slash\\"})
	for text, want := range map[string]string{
		`{"type":"slice_state","slice":"2024-01","n":2024,"ok":true,"message":"a slice of 2024"}` + "\n": `{"type":"slice_state","slice":"2024-01","n":2024,"ok":true,"message":"a *** of ***"}` + "\n",
		`{ "slice" : ["2024"], "detail": ["slice", {"slice": 1}, "x"], "a\"slice": "slice" }`:            `{ "slice" : ["2024"], "detail": ["***", {"slice": 1}, "x"], "a\"slice": "***" }`,
		`{"message":"say quo\"te\\x, slash\\"}`:                                                          `{"message":"say ***, ***"}`,
		`not JSON: slice`:                                                                                `not JSON: ***`,
		`"slice"`:                                                                                        `"***"`,
		``:                                                                                               ``,
	} {
		if got := string(r.JSON([]byte(text))); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}

	if got := string((*config.Redactor)(nil).JSON([]byte("x"))); got != "x" {
		t.Errorf("without secrets: %q", got)
	}
}
