package view

import "github.com/hindcast/hindcast"

// Partly is the state of several slices of which some are done and none is under way or has failed.
const Partly hindcast.State = "partly done"

// Unit is the span of keys that a label of the grid covers: how many leading characters of the key it shares.
type Unit struct {
	Prefix int
	Suffix string
}

// Units in the order of preference among those that show as much.
var Units = []Unit{{4, ""}, {7, ""}, {10, ""}, {3, "0s"}}

// Section is the slices of one label, from the first to before the second index.
type Section struct {
	Label    string
	From, To int
}

// Sections cuts the keys, in the order of time, at each change of label.
func Sections(all []string, unit Unit) []Section {
	var out []Section
	last := ""
	for i, key := range all {
		prefix := key[:min(unit.Prefix, len(key))]
		if prefix != last || len(out) == 0 {
			out = append(out, Section{Label: prefix + unit.Suffix, From: i})
			last = prefix
		}
		out[len(out)-1].To = i + 1
	}
	return out
}

// Longest is the number of slices in the longest section.
func Longest(groups []Section) int {
	longest := 0
	for _, g := range groups {
		longest = max(longest, g.To-g.From)
	}
	return longest
}

// Merged is the one state that stands for several slices: what needs a person's eye most.
func Merged(group []hindcast.State) hindcast.State {
	if len(group) == 1 {
		return group[0]
	}
	seen := map[hindcast.State]bool{}
	for _, state := range group {
		seen[state] = true
	}
	for _, state := range []hindcast.State{hindcast.Failed, hindcast.Retrying, hindcast.Running, Interrupted, hindcast.Stopped} {
		if seen[state] {
			return state
		}
	}
	switch {
	case seen[hindcast.Pending] && (seen[hindcast.Succeeded] || seen[hindcast.Staged]):
		return Partly
	case seen[hindcast.Pending]:
		return hindcast.Pending
	case seen[hindcast.Staged]:
		return hindcast.Staged
	case seen[hindcast.Succeeded]:
		return hindcast.Succeeded
	}
	return hindcast.Skipped
}
