package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/hindcast/hindcast"
)

var (
	urlScheme   = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://`)
	schemeLike  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*):`)
	secretParam = regexp.MustCompile(
		`(?i)(pass|passwo?r?d|passphrase|secret[a-z_-]*|token|signature|credentials?|access_?key[a-z_-]*)$`)
	hostForm = regexp.MustCompile(`^(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]*)(:[0-9]*)?$`)
)

// warehouse decodes the warehouse's URL.
func (d *decoder) warehouse(v value) hindcast.Location {
	r, missing, ok := d.referencesIf(v, !d.env.LakeAlone)
	if !ok {
		return hindcast.Location{}
	}
	if missing != nil {
		written, _ := r.masked(func(raw, _ string) { d.secret(r.written(raw)) })
		return hindcast.Location{Written: written}
	}
	if keywordForm.MatchString(r.tokenised) {
		return d.keywords(v, r)
	}

	scheme := ""
	if m := schemeLike.FindStringSubmatch(r.tokenised); m != nil {
		scheme = m[1]
	}

	switch scheme {
	case "duckdb":
		return d.database(v, r)
	case "postgres", "postgresql":
		return d.remote(v, r, "postgres", formWarehouse.Right)
	case "redshift", "redshift+iam", "redshift-data": // which of them, its driver reads in the URL
		loc := d.remote(v, r, scheme, formWarehouse.Right)
		loc.Scheme = "redshift"
		return loc
	case "":
		d.bad(v, formWarehouse.Right, "does not begin with a literal scheme")
	default:
		d.bad(v, formWarehouse.Right, "there is no driver for %q", scheme)
	}

	return hindcast.Location{}
}

// keywords decodes libpq's keyword form: host=db.example dbname=shop.
func (d *decoder) keywords(v value, r refs) hindcast.Location {
	list, err := settings(r.tokenised)
	if err != nil {
		d.bad(v, "write each as KEYWORD=VALUE with blanks between; a value that contains blanks is put in single quotes, and in it "+
			`\' for ' and \\ for \`, "%v", err)
		return hindcast.Location{}
	}

	for _, s := range list {
		if known(s.key) {
			continue
		}

		what := "holds a keyword that is not one of libpq's"
		if near := nearest(s.key, append(shownKeys, hiddenKeys...)); near != "" {
			what = fmt.Sprintf("%q is not one of libpq's keywords, did you mean %q?", s.key, near)
		}

		d.bad(v, "see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS", "%s", what)
		return hindcast.Location{}
	}

	written, _ := r.masked(d.keep(r))
	u := fromKeywords(list, r.expanded)
	if password := u.Query().Get("password"); password != "" {
		d.secret(password)
	}

	return hindcast.Location{Written: written, Scheme: "postgres", URL: u}
}

// keep remembers a location's literal secrets.
func (d *decoder) keep(r refs) func(raw, plain string) {
	return func(raw, plain string) {
		d.secret(r.written(raw))
		d.secret(r.expanded(plain))
	}
}

// database decodes duckdb:path and duckdb:///path.
func (d *decoder) database(v value, r refs) hindcast.Location {
	path := strings.TrimPrefix(r.tokenised, "duckdb:")
	if rest, ok := strings.CutPrefix(path, "//"); ok {
		if !strings.HasPrefix(rest, "/") {
			d.bad(v, formWarehouse.Right, "duckdb:// must be followed by an absolute path")
			return hindcast.Location{}
		}
		path = rest
	}

	path = r.expanded(path)
	switch {
	case path == "" || strings.HasSuffix(path, "/"):
		d.bad(v, formWarehouse.Right, "names no database file")
	case path == ":memory:":
		d.bad(v, formWarehouse.Right, "an in-memory database is gone when its process ends")
	case strings.ContainsAny(path, "?\x00"):
		d.bad(v, formWarehouse.Right, "a database file's path may not contain %q", "?")
	default:
		return hindcast.Location{Written: v.text, Scheme: "duckdb", Path: d.secretPath(r, path)}
	}

	return hindcast.Location{}
}

// lake decodes the lake: a path, file:///path or s3://bucket/prefix.
func (d *decoder) lake(v value) hindcast.Location {
	r, ok := d.references(v)
	if !ok {
		return hindcast.Location{}
	}
	if m := urlScheme.FindStringSubmatch(r.tokenised); m != nil {
		return d.lakeURL(v, r, m[1])
	}

	path := r.expanded(r.tokenised)
	switch {
	case strings.TrimSpace(path) == "" || strings.ContainsRune(path, 0):
		d.bad(v, formLake.Right, "names no folder")
	case schemeLike.MatchString(path):
		d.bad(v, formLake.Right, "a scheme must be literal and followed by //")
	default:
		return hindcast.Location{Written: v.text, Scheme: "file", Path: d.secretPath(r, path)}
	}

	return hindcast.Location{}
}

func (d *decoder) lakeURL(v value, r refs, scheme string) hindcast.Location {
	switch scheme {
	case "file":
		loc := d.remote(v, r, "file", formLake.Right)
		if loc.URL == nil {
			return loc
		}

		if loc.URL.Host != "" && loc.URL.Host != "localhost" || loc.URL.Path == "" || loc.URL.User != nil ||
			loc.URL.RawQuery != "" || strings.ContainsRune(loc.URL.Path, 0) {
			d.bad(v, formLake.Right, "file:// must be followed by an absolute path and nothing else")
		}

		loc.Path, loc.URL = d.absolute(loc.URL.Path), nil
		return loc
	case "s3":
		loc := d.remote(v, r, "s3", formLake.Right)
		switch {
		case loc.URL == nil:
		case loc.URL.User != nil:
			d.bad(v, "leave them out: they come from the environment and the AWS configuration",
				"credentials are not allowed in an s3 URL")
		case loc.URL.Host == "":
			d.bad(v, formLake.Right, "names no bucket")
		}

		return loc
	}

	d.bad(v, formLake.Right, "there is no driver for %q", scheme)
	return hindcast.Location{}
}

// remote parses a URL, masks its literal secrets and expands its references.
func (d *decoder) remote(v value, r refs, scheme, right string) hindcast.Location {
	u, err := url.Parse(r.tokenised)
	if err != nil {
		if badPort(r.tokenised) {
			d.bad(v, "write the port as a number, after the host and a colon", "the port of the URL is not a number")
		} else {
			d.bad(v, right+"; in user and password write @ as %40, : as %3A, / as %2F, # as %23, a space as %20", "is not a URL")
		}
		return hindcast.Location{}
	}

	written, _ := r.masked(d.keep(r))
	if u.Fragment != "" || u.Opaque != "" {
		d.bad(v, right+"; write # as %23", "is not a URL of the right form")
		return hindcast.Location{}
	}

	u.Scheme = scheme
	if !r.fill(u) {
		d.fail(hindcast.ESecret, v.at, v.length(), "set it to a host, or a host and a port",
			"%s: a reference does not expand to a host", v.path)
		return hindcast.Location{}
	}

	if password, ok := u.User.Password(); ok {
		d.secret(password)
	}

	return hindcast.Location{Written: written, Scheme: scheme, URL: u}
}

// badPort reports whether an unparsable URL has a port that is not a number. What precedes the last @ is ignored, since
// an unescaped password looks like a port.
func badPort(text string) bool {
	host := text[strings.LastIndex(text, "@")+1:]
	if _, after, found := strings.Cut(host, "://"); found {
		host = after
	}
	_, err := url.Parse("any://" + host)
	return err != nil && strings.Contains(err.Error(), "invalid port")
}

// fill expands the references in each component of a parsed URL; false if the host would no longer be one.
func (r *refs) fill(u *url.URL) bool {
	if user := u.User; user != nil {
		name := r.expanded(user.Username())
		if password, ok := user.Password(); ok {
			u.User = url.UserPassword(name, r.expanded(password))
		} else {
			u.User = url.User(name)
		}
	}

	if r.holds(u.Host) {
		u.Host = r.expanded(u.Host)
		if !hostForm.MatchString(u.Host) {
			return false
		}
	}

	if r.holds(u.Path) {
		raw := u.EscapedPath()
		u.Path, u.RawPath = r.expanded(u.Path), r.escaped(raw)
	}

	if r.holds(u.RawQuery) {
		u.RawQuery = r.replace(u.RawQuery, func(x ref) string { return url.QueryEscape(x.expands) })
	}

	return true
}
