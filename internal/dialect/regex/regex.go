// Package regex reads regular expressions as PostgreSQL and Redshift do, and patterns of SIMILAR TO and LIKE. It writes them so that RE2 and
// Java match the same texts, and says where those would find another part of a text: POSIX takes the longest match, they the first one. It
// knows no SQL.
package regex

import (
	"strconv"
	"strings"
)

// Error says what in a pattern is not read, and where.
type Error struct {
	From, To int
	Why      string
}

// Pattern is a pattern that was read.
type Pattern struct {
	root node
	// Classes says that the pattern names a class of characters, of which the locale decides what other characters than ASCII's are in it.
	Classes bool
	groups  int
}

// kind is what a node is.
type kind uint8

const (
	chars  kind = iota // one of a set
	start              // of the text
	end                // of the text
	concat             // one after the other
	either             // one of several
	repeat             // from least to most times, without an upper bound if most is -1
	group              // parentheses that count
)

// node is a part of a pattern.
type node struct {
	kind        kind
	set         set
	of          []node
	least, most int
	lazy        bool
}

// Groups is how many parentheses count.
func (p *Pattern) Groups() int { return p.groups }

// String is the pattern as RE2 and Java read it, without groups.
func (p *Pattern) String() string { return p.root.text(false) }

// Grouped is the same with groups.
func (p *Pattern) Grouped() string { return p.root.text(true) }

// Whole is the pattern for the whole of a text.
func (p *Pattern) Whole() string { return `\A(?:` + p.String() + `)\z` }

func (n *node) text(groups bool) string {
	switch n.kind {
	case start:
		return `\A`
	case end:
		return `\z`
	case concat:
		var out strings.Builder
		for i := range n.of {
			if t := n.of[i].text(groups); n.of[i].kind == either {
				out.WriteString("(?:" + t + ")")
			} else {
				out.WriteString(t)
			}
		}
		return out.String()
	case either:
		all := make([]string, len(n.of))
		for i := range n.of {
			all[i] = n.of[i].text(groups)
		}
		return strings.Join(all, "|")
	case repeat:
		return n.repeated(groups)
	case group:
		open := "(?:"
		if groups {
			open = "("
		}
		return open + n.of[0].text(groups) + ")"
	case chars:
	}
	return n.set.String()
}

func (n *node) repeated(groups bool) string {
	out := n.of[0].text(groups)
	if k := n.of[0].kind; k != chars && k != group {
		out = "(?:" + out + ")"
	}
	switch {
	case n.least == 0 && n.most == -1:
		out += "*"
	case n.least == 1 && n.most == -1:
		out += "+"
	case n.least == 0 && n.most == 1:
		out += "?"
	case n.most == -1:
		out += "{" + strconv.Itoa(n.least) + ",}"
	case n.least == n.most:
		return out + "{" + strconv.Itoa(n.least) + "}"
	default:
		out += "{" + strconv.Itoa(n.least) + "," + strconv.Itoa(n.most) + "}"
	}
	if n.lazy {
		out += "?"
	}
	return out
}
