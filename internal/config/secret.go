package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
)

// refForm is what a secret's reference looks like: ${VAR} or ${file:PATH}.
var refForm = regexp.MustCompile(`^\$\{(?:([A-Za-z_][A-Za-z0-9_]*)|file:([^}]+))\}$`)

// ref is one ${…} in a URL, its token while the URL is parsed, and what it expands to.
type ref struct {
	written string
	token   string // digits, so that it may stand for a port as well
	expands string
}

// refs are the references of one URL. The URL is parsed with tokens in their places and expanded afterwards,
// part by part, so that a password with @ or / in it stays a password.
type refs struct {
	list      []ref
	tokenised string
}

// references finds and looks up every ${…} of v; false after an error.
func (d *decoder) references(v value) (refs, bool) {
	var out refs
	failed := len(d.errs)
	for _, at := range anyRef.FindAllStringIndex(v.text, -1) {
		written := v.text[at[0]:at[1]]
		expands, ok := d.expand(v, at[0], written)
		if ok {
			out.list = append(out.list, ref{written: written, expands: expands})
		}
	}

	if len(d.errs) > failed {
		return refs{}, false
	}

	out.tokenise(v.text)
	return out, true
}

// referencesIn finds the references in a text and looks none up.
func referencesIn(text string) refs {
	var out refs
	for _, written := range anyRef.FindAllString(text, -1) {
		out.list = append(out.list, ref{written: written})
	}
	out.tokenise(text)
	return out
}

// referencesIf is references for a value that, unless it is needed, may refer to what is not there. Missing is the
// first such fault, for which the file is not to blame, and the references are as they are written.
func (d *decoder) referencesIf(v value, needed bool) (r refs, missing *hindcast.Error, ok bool) {
	known := len(d.errs)
	if r, ok = d.references(v); ok || needed || !wellFormed(v.text) {
		return r, nil, ok
	}
	missing, d.errs = d.errs[known], d.errs[:known]
	return referencesIn(v.text), missing, true
}

// wellFormed reports whether every ${…} in a text is a reference, whether or not what it names is there.
func wellFormed(text string) bool {
	return !slices.ContainsFunc(anyRef.FindAllString(text, -1), func(written string) bool { return !refForm.MatchString(written) })
}

// expand looks up one reference and remembers its value as a secret.
func (d *decoder) expand(v value, offset int, written string) (string, bool) {
	at, length := v.within(offset), utf8.RuneCountInString(written)
	m := refForm.FindStringSubmatch(written)
	if m == nil {
		d.fail(hindcast.ESecret, at, length, "write ${VAR}, or ${file:PATH} for a file's content",
			"%s: %s is not a reference to a secret", v.path, written)
		return "", false
	}

	if m[1] != "" {
		found, ok := d.env.lookup(m[1])
		if !ok {
			d.fail(hindcast.ESecret, at, length, fmt.Sprintf("export %s=..., or use ${file:PATH}", m[1]),
				"%s: the environment variable %s is not set", v.path, m[1])
		}

		return d.secret(found), ok
	}

	content, err := d.env.read(d.absolute(m[2]))
	if err != nil {
		why := cause(err)
		if errors.Is(err, fs.ErrNotExist) {
			why = errors.New("no such file")
		}
		d.fail(hindcast.ESecret, at, length, "put the secret into that file, or name another one",
			"%s: %s cannot be read: %v", v.path, m[2], why).Cause = err
		return "", false
	}

	return d.secret(strings.TrimRight(string(content), "\r\n")), true
}

// secret remembers s as a secret of the pipeline.
func (d *decoder) secret(s string) string {
	if s != "" {
		d.p.Secrets = append(d.p.Secrets, s)
	}
	return s
}

// bareWord matches a path that could be a word in any sentence.
var bareWord = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// secretPath is the absolute path of a lake or database file. If one reference is all of it, the secret is the absolute
// path: striking a bare word, "lake" say, out of every sentence would reveal it.
func (d *decoder) secretPath(r refs, path string) string {
	absolute := d.absolute(path)
	if len(r.list) == 1 && r.list[0].expands == path && bareWord.MatchString(path) {
		at := slices.Index(d.p.Secrets, path) // the first of several, if a password is the same word
		d.p.Secrets[at] = absolute
	}
	return absolute
}

// absolute returns the file's path as an absolute one.
func (d *decoder) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(d.p.Dir, path)
}

// tokenise replaces the references by tokens that occur nowhere else.
func (r *refs) tokenise(text string) {
	for mark := 7001; ; mark++ {
		n := 0
		r.tokenised = anyRef.ReplaceAllStringFunc(text, func(string) string {
			r.list[n].token = fmt.Sprintf("%d%04d", mark, n)
			n++
			return r.list[n-1].token
		})

		if strings.Count(r.tokenised, fmt.Sprint(mark)) == n {
			return
		}
	}
}

// expanded returns a component of the parsed URL with its secrets.
func (r *refs) expanded(part string) string {
	return r.replace(part, func(x ref) string { return x.expands })
}

// escaped is expanded for a percent-encoded component.
func (r *refs) escaped(part string) string {
	return r.replace(part, func(x ref) string { return url.PathEscape(x.expands) })
}

// written returns a component of the tokenised text as originally written.
func (r *refs) written(part string) string {
	return r.replace(part, func(x ref) string { return x.written })
}

func (r *refs) replace(part string, by func(ref) string) string {
	if len(r.list) == 0 {
		return part
	}

	pairs := make([]string, 0, 2*len(r.list))
	for _, x := range r.list {
		pairs = append(pairs, x.token, by(x))
	}

	return strings.NewReplacer(pairs...).Replace(part)
}

// holds reports whether a component contains a reference.
func (r *refs) holds(part string) bool { return r.written(part) != part }

// onlyRefs reports whether text is nothing but references.
func onlyRefs(text string) bool { return anyRef.ReplaceAllString(text, "") == "" }
