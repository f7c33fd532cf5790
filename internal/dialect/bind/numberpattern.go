package bind

import (
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// numeral reads a pattern of numbers.
type numeral struct {
	sem.Numeral
	text   string
	at     int
	commas []int // behind how many whole digits one stands
	ended  bool  // a sign or text stands behind the digits
	zero   bool  // a zero stands before the point, or here
}

// numberPattern reads a pattern of numbers: 9, 0, comma or G, point or D, FM, one of S, MI, PR and SG, and texts before and behind.
func numberPattern(text string) (sem.Numeral, *wrong) {
	n := numeral{text: text}
	for n.at < len(text) {
		from := n.at
		if why := n.next(); why != "" {
			return n.Numeral, &wrong{from, max(n.at, from+1), why}
		}
	}
	if n.Whole == 0 || n.Whole+n.Digits > sem.Most-2 {
		return n.Numeral, &wrong{0, len(text), "a pattern has a digit before the point, and not more than 36 in all"}
	}
	if n.Point && n.Digits == 0 {
		return n.Numeral, &wrong{0, len(text), "a point without digits behind it is not read"}
	}
	for _, c := range n.commas {
		if g := n.Whole - c; g > 0 && c > 0 {
			n.Groups = append([]int{g}, n.Groups...)
			continue
		}
		return n.Numeral, &wrong{0, len(text), "a comma stands between digits before the point"}
	}

	return n.Numeral, nil
}

// next reads what stands at the place, and says why it is not read.
func (n *numeral) next() (why string) {
	rest := n.text[n.at:]
	digits := n.Whole + n.Digits
	switch word := strings.ToUpper(modifier(rest, "FM", "fm", "SG", "sg", "MI", "mi", "PR", "pr", "S", "s", "9", "0", ",", "G", "g", ".", "D", "d")); word {
	case "FM":
		n.at += 2
		if digits > 0 || n.Before != "" || n.Sign != "" {
			return "FM stands before everything else"
		}
		n.Bare = true
	case "S", "SG", "MI", "PR":
		n.at += len(word)
		return n.sign(word)
	case "9", "0", ",", "G", ".", "D":
		n.at++
		if n.ended {
			return "digits follow what stands behind digits"
		}
		return n.digit(word)
	default:
		return n.between()
	}
	return ""
}

func (n *numeral) sign(word string) string {
	first := n.Whole+n.Digits == 0 && len(n.commas) == 0 && !n.Point
	switch {
	case n.Sign != "" || n.Before != "" || n.Behind != "":
		return "one sign stands in a pattern, and no text beside it"
	case first && (word == "S" || word == "SG"):
		n.Sign = word + "<"
	case first || word == "SG":
		return word + " is not read here"
	case word == "PR":
		n.Sign, n.ended = word, true
	default:
		n.Sign, n.ended = ">"+word, true
	}
	return ""
}

func (n *numeral) digit(word string) string {
	switch {
	case word == "," || word == "G":
		if n.Point {
			return "a comma after the point is not read"
		}
		n.commas = append(n.commas, n.Whole)
	case word == "." || word == "D":
		if n.Point {
			return "the point stands there already"
		}
		n.Point = true
	case !n.Point:
		n.Whole++
		if n.zero = n.zero || word == "0"; n.zero {
			n.Zeros++
		}
	default:
		if n.Digits++; word == "0" {
			n.Kept = n.Digits
		}
	}
	return ""
}

// between reads a text, which has no meaning of its own.
func (n *numeral) between() string {
	c := n.text[n.at]
	if alphanumeric(c) || c == '"' || c == '\\' || c >= 0x80 {
		n.at++
		return "this is not read in a pattern of numbers"
	}
	n.at++
	switch {
	case n.Sign != "":
		return "a text beside a sign is not read"
	case n.Whole+n.Digits == 0 && !n.Point:
		n.Before += string(c)
	default:
		n.Behind += string(c)
		n.ended = true
	}
	return ""
}
