package sqltext

import (
	"regexp"
	"strconv"
)

// Guard is what of a text raises in the text that was made of it: from byte offset At up to, but not including, End. Op says what overflows
// where the engine itself raises; without it a guard was put there.
type Guard struct {
	At  int    `json:"at"`
	End int    `json:"end"`
	Op  string `json:"op,omitempty"`
}

// GuardMark matches what ends the message of a guard, which package dialect writes: the SQLSTATE, "" if only the engine raises, and the guard's
// number from 1, 0 if it is not known.
var GuardMark = regexp.MustCompile(`<<([0-9A-Z]{5})?#([0-9]+)>>`)

// Guarded reads the mark in a guard's message, and returns the message without it.
func Guarded(message string) (plain, state string, number int, is bool) {
	at := GuardMark.FindStringSubmatchIndex(message)
	if at == nil {
		return message, "", 0, false
	}
	if at[2] >= 0 {
		state = message[at[2]:at[3]]
	}
	number, _ = strconv.Atoi(message[at[4]:at[5]])
	return message[:at[0]], state, number, true
}
