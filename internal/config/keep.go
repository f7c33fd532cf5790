package config

// The most that keep may say: more is a slip of the keyboard.
const (
	mostKeptRuns     = 1_000_000
	mostKeptPrevious = 1_000
)

func keepKeys() []Key {
	return []Key{
		{Path: "keep", Form: formObject, Else: "all of its defaults", Example: "{runs: 10, previous: 2}",
			Meaning: "What `hindcast clean` leaves of what runs have left in the lake. Nothing is deleted before that command is given."},
		{Path: "keep.runs", Form: formCount, Default: "10", Example: "30", Schema: map[string]any{"minimum": 1, "maximum": mostKeptRuns},
			Meaning: "The plans, journals and logs of how many runs stay, the latest. Those that something still needs stay besides: a run that can be resumed, " +
				"is held, or can be undone, or that computed what is published or current.",
			set: func(d *decoder, v value) {
				d.p.Retention.Runs = int(d.whole(v, 1, mostKeptRuns, "write a whole number, 1 or more"))
			}},
		{Path: "keep.previous", Form: formCount, Default: "2", Example: "1", Schema: map[string]any{"maximum": mostKeptPrevious},
			Meaning: "How many earlier states of each slice stay: the rows that its latest publications replaced, which `undo` and `diff` need. With 0 nothing that was " +
				"published can be undone after a clean.",
			set: func(d *decoder, v value) {
				d.p.Retention.Previous = int(d.whole(v, 0, mostKeptPrevious, formCount.Right))
			}},
	}
}
