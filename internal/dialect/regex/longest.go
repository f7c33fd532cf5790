package regex

// any reports whether something is true of a node directly within this one.
func (n *node) any(is func(*node) bool) bool {
	for i := range n.of {
		if is(&n.of[i]) {
			return true
		}
	}
	return false
}

// nullable reports whether a node matches the empty text.
func (n *node) nullable() bool {
	switch n.kind {
	case chars:
		return false
	case concat:
		return !n.any(func(part *node) bool { return !part.nullable() })
	case either:
		return n.any((*node).nullable)
	case repeat:
		return n.least == 0
	case group:
		return n.of[0].nullable()
	case start, end:
	}
	return true
}

// first are the characters that a match may begin with.
func (n *node) first() set {
	switch n.kind {
	case chars:
		return n.set
	case concat, either:
		var out set
		for i := range n.of {
			out = out.union(n.of[i].first())
			if n.kind == concat && !n.of[i].nullable() {
				break
			}
		}
		return out
	case repeat, group:
		return n.of[0].first()
	case start, end:
	}
	return nil
}

// fixed is how many characters every match has; -1 if that differs.
func (n *node) fixed() int {
	switch n.kind {
	case chars:
		return 1
	case concat:
		sum := 0
		for i := range n.of {
			f := n.of[i].fixed()
			if f < 0 {
				return -1
			}
			sum += f
		}
		return sum
	case either:
		f := n.of[0].fixed()
		for i := range n.of {
			if n.of[i].fixed() != f {
				return -1
			}
		}
		return f
	case repeat:
		if f := n.of[0].fixed(); f >= 0 && n.least == n.most {
			return f * n.least
		}
		return -1
	case group:
		return n.of[0].fixed()
	case start, end:
	}
	return 0
}

// size is how many characters a node has, with what is repeated counted as often.
func (n *node) size() int {
	if n.kind == chars {
		return 1
	}
	sum := 0
	for i := range n.of {
		sum += n.of[i].size()
	}
	if n.kind == repeat {
		sum *= max(n.least, n.most, 1)
	}
	return sum
}

// slow reports whether an engine that tries one way after the other, as Java does, could take practically forever: what is counted can be divided
// in several ways.
func (n *node) slow() bool {
	if n.kind == repeat && n.most != 0 && n.most != 1 && n.of[0].fixed() < 0 && ambiguous(&n.of[0], n.of[0].first()) {
		return true
	}
	return n.any((*node).slow)
}

// ambiguous reports whether the next character of a text may not say how a match of a node goes on, if what is in follow may come after it. A node
// of one length is taken as a whole: however it matches, it ends at the same place.
func ambiguous(n *node, follow set) bool {
	switch n.kind {
	case concat:
		for i := len(n.of) - 1; i >= 0; i-- {
			if ambiguous(&n.of[i], follow) {
				return true
			}
			if first := n.of[i].first(); n.of[i].nullable() {
				follow = follow.union(first)
			} else {
				follow = first
			}
		}
	case either:
		if n.fixed() >= 0 {
			return false
		}
		for i := range n.of {
			if n.of[i].nullable() || ambiguous(&n.of[i], follow) {
				return true
			}
			for j := range i {
				if n.of[i].first().meets(n.of[j].first()) {
					return true
				}
			}
		}
	case repeat:
		inner := &n.of[0]
		if n.least != n.most && (n.lazy || inner.nullable() || inner.first().meets(follow)) {
			return true
		}
		return inner.fixed() < 0 && ambiguous(inner, follow.union(inner.first()))
	case group:
		return ambiguous(&n.of[0], follow)
	case chars, start, end:
	}
	return false
}

// parts are what follows one another in the pattern, without parentheses that hold all of it; captures are kept.
func (p *Pattern) parts() []*node {
	var out []*node
	var add func(n *node)
	add = func(n *node) {
		if n.kind != concat {
			out = append(out, n)
			return
		}
		for i := range n.of {
			add(&n.of[i])
		}
	}
	add(&p.root)
	return out
}

// Start reports whether a match can only begin where the text does.
func (p *Pattern) Start() bool {
	all := p.parts()
	return len(all) > 0 && all[0].kind == start
}

// End reports whether a match can only end where the text does.
func (p *Pattern) End() bool {
	all := p.parts()
	return len(all) > 0 && all[len(all)-1].kind == end
}

// Empty reports whether the pattern matches the empty text somewhere.
func (p *Pattern) Empty() bool { return p.root.nullable() }

// anchoredInside reports whether any part but a first ^ and a last $ asks where the text begins or ends.
func (p *Pattern) anchoredInside() bool {
	all := p.parts()
	for i, n := range all {
		if (i > 0 || n.kind != start) && (i < len(all)-1 || n.kind != end) && (n.holds(start) || n.holds(end)) {
			return true
		}
	}
	return false
}

// toEnd reports whether every match goes to the end of the text, for RE2 and Java as for POSIX.
func (p *Pattern) toEnd() bool {
	all := p.parts()
	if len(all) == 0 {
		return false
	}
	last := all[len(all)-1]
	if last.kind == group {
		last = &last.of[0]
		for last.kind == concat && len(last.of) == 1 {
			last = &last.of[0]
		}
	}
	return last.kind == end || last.kind == repeat && !last.lazy && last.most == -1 && last.of[0].kind == chars && len(last.of[0].set) == 1 && last.of[0].set[0] == every[0]
}

// counts are how many counts a part has that leave open how long a match is, and whether all of them are flat: not nested in another one or in a
// branch, of what has one length.
func (n *node) counts() (open int, flat, lazy bool) {
	flat = true
	switch {
	case n.fixed() >= 0:
		return 0, true, false
	case n.kind == repeat:
		return 1, n.of[0].fixed() > 0, n.lazy
	case n.kind == either:
		return 1, false, false
	}
	for i := range n.of {
		k, f, l := n.of[i].counts()
		open, flat, lazy = open+k, flat && f, lazy || l
	}
	return open, flat, lazy
}

// Same says why RE2 and Java could find another match than POSIX does; "" if they find the same. groups says that what the groups match matters, too.
func (p *Pattern) Same(groups bool) string {
	if p.anchoredInside() {
		return "^ and $ stand within the pattern"
	}
	if groups && !p.plainGroups() {
		return "a group stands in a branch, in a count or in another group"
	}
	open, flat, lazy := p.root.counts()
	switch {
	case !ambiguous(&p.root, nil):
		return ""
	case open <= 1 && flat:
		return ""
	case lazy:
		return "what matches the shortest text stands beside other counts"
	case p.toEnd() && (!groups || p.apart()):
		return ""
	}
	return "PostgreSQL takes the longest match, and the engine the first one that it finds"
}

// plainGroups reports whether groups only stand one after the other.
func (p *Pattern) plainGroups() bool {
	for _, n := range p.parts() {
		if n.kind == group {
			n = &n.of[0]
		}
		if n.holds(group) {
			return false
		}
	}
	return true
}

// holds reports whether a node is of a kind, or has one of it within.
func (n *node) holds(k kind) bool {
	return n.kind == k || n.any(func(part *node) bool { return part.holds(k) })
}

// apart reports whether each group, and what stands between two, has no more than one count that leaves its length open.
func (p *Pattern) apart() bool {
	between := 0
	for _, n := range p.parts() {
		open, flat, _ := n.counts()
		if !flat {
			return false
		}
		if n.kind == group {
			between = 0
			if open > 1 {
				return false
			}
			continue
		}
		if between += open; between > 1 {
			return false
		}
	}
	return true
}
