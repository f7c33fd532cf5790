package plan

import "github.com/hindcast/hindcast"

// Finishes reports whether a resume of a frozen plan would do all that the plan p would do, and in the same way: st is how far the
// frozen one's run has come.
func Finishes(frozen *Plan, st *hindcast.RunState, p *Plan) bool {
	if frozen.UnloadOnly {
		return false
	}
	left := map[string]*Item{}
	for _, item := range frozen.Left(st.Done) {
		left[item.Slice.Key] = item
	}

	for i := range p.Items {
		if item := &p.Items[i]; item.Reason.Runs() && !alike(left[item.Slice.Key], item) {
			return false
		}
	}
	return len(left) > 0
}

// Left are the slices that a run of the plan has left to do; done says which it has done.
func (p *Plan) Left(done func(key string) bool) (left []*Item) {
	for i := range p.Items {
		if item := &p.Items[i]; item.Reason.Runs() && !done(item.Slice.Key) {
			left = append(left, item)
		}
	}
	return left
}

// alike reports whether two plans make the same of a slice, as far as that is known before the unload; was is nil if one of them
// does not run it.
func alike(was, is *Item) bool {
	if was == nil || !was.Slice.Interval.Equal(is.Slice.Interval) || len(was.Parts) != len(is.Parts) {
		return false
	}
	for _, output := range is.Wanted() {
		if !was.ReasonOf(output).Runs() || !sameMaking(&was.Parts[output], &is.Parts[output]) {
			return false
		}
	}
	return true
}

// sameMaking reports whether two results are computed in the same way, from whatever facts and dimensions.
func sameMaking(a, b *hindcast.Parts) bool {
	return a.SQL == b.SQL && a.Params == b.Params && a.Definition == b.Definition
}
