package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// setting is one parameter of a connection, from libpq's keyword form (host=db dbname=shop) or a URL's query.
type setting struct {
	key      string
	value    string // plain: without quotes, escapes and percent signs
	from, to int    // the value's position in the text
}

var (
	keywordForm = regexp.MustCompile(`^\s*[A-Za-z_][A-Za-z0-9_.]*\s*=`)
	keyword     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)
)

const blanks = " \t\n\r\v\f"

// settings parses libpq's keyword form as libpq does: a value with blanks is in single quotes, and a backslash escapes
// the next character. Its error quotes no value, since any piece of the text may be part of a password.
func settings(text string) ([]setting, error) {
	var out []setting
	for at := 0; ; {
		at += len(text[at:]) - len(strings.TrimLeft(text[at:], blanks))
		if at == len(text) {
			return out, nil
		}

		name, _, found := strings.Cut(text[at:], "=")
		from := at + len(name) + 1
		if name = strings.TrimRight(name, blanks); !found || !keyword.MatchString(name) {
			return nil, fmt.Errorf("%s comes something that is not KEYWORD=VALUE", after(out))
		}

		from += len(text[from:]) - len(strings.TrimLeft(text[from:], blanks))
		value, to, closed := unquoted(text, from)
		if !closed {
			return nil, fmt.Errorf("the value of %s has no closing quote", name)
		}

		out = append(out, setting{key: name, value: value, from: from, to: to})
		at = to
	}
}

// after names the value after which the text stops being valid.
func after(read []setting) string {
	if len(read) == 0 {
		return "at its beginning"
	}
	return "after the value of " + read[len(read)-1].key
}

// unquoted reads the value that begins at from, and returns where it ends.
func unquoted(text string, from int) (value string, to int, closed bool) {
	quoted := from < len(text) && text[from] == '\''
	to = from
	if quoted {
		to++
	}

	var out []byte
	for ; to < len(text); to++ {
		switch c := text[to]; {
		case quoted && c == '\'':
			return string(out), to + 1, true
		case !quoted && strings.IndexByte(blanks, c) >= 0:
			return string(out), to, true
		case c == '\\' && to+1 < len(text):
			to++
			out = append(out, text[to])
		case c != '\\':
			out = append(out, c)
		}
	}

	return string(out), to, !quoted
}

// shownKeys are the parameters whose values are not secret: libpq's, those of a bucket's URL, and the server settings
// that people write into a URL. Every other value is hidden, since a custom setting (app.token) can be a secret.
var shownKeys = strings.Fields(`host hostaddr port dbname database user passfile require_auth channel_binding connect_timeout
	client_encoding application_name fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count
	tcp_user_timeout gssencmode sslmode ssl sslnegotiation sslcompression sslcert sslkey sslcertmode sslrootcert sslcrl sslcrldir
	sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version min_protocol_version max_protocol_version krbsrvname krbspn
	gsslib gssdelegation service servicefile target_session_attrs load_balance_hosts max_connections
	search_path timezone datestyle role work_mem maintenance_work_mem temp_buffers statement_timeout lock_timeout
	endpoint path_style region serverless sse sse_kms_key_id`)

// hiddenKeys are libpq's parameters that are secrets or can hold one.
var hiddenKeys = []string{"password", "sslpassword", "options"}

// known reports whether a keyword is libpq's, or a server setting that is allowed beside them.
func known(key string) bool {
	return slices.Contains(shownKeys, key) || slices.Contains(hiddenKeys, key) || strings.Contains(key, ".")
}

// option is one setting in `options`: -c name=value or --name=value.
var option = regexp.MustCompile(`^(?:-c\s*|--)([A-Za-z_][A-Za-z0-9_.-]*)=((?:\\.|[^\s\\])*)$`)

var optionParts = regexp.MustCompile(`(?:-c\s+)?(?:\\.|[^\s\\])+`)

// concealed returns a parameter's value as it may be shown, and whether anything in it was struck out.
func concealed(key, value string) (shown string, struckOut bool) {
	switch {
	case value == "" || onlyRefs(value), key == "secret" && strings.HasPrefix(value, "arn:"): // which names one
		return value, false
	case key == "options":
		shown = optionParts.ReplaceAllStringFunc(value, concealedOption)
		return shown, shown != value
	case !slices.Contains(shownKeys, strings.ToLower(key)) || maskPasswords(value) != value:
		return struck, true
	}
	return value, false
}

// concealedOption is concealed for one setting in `options`: the server's own settings hold no secrets.
func concealedOption(part string) string {
	m := option.FindStringSubmatch(part)
	switch {
	case len(m) == 0:
		return struck
	case onlyRefs(m[2]), !strings.ContainsAny(m[1], ".-") && !secretParam.MatchString(m[1]):
		return part
	}

	return strings.TrimSuffix(part, m[2]) + struck
}

// minOpaque is the length in bytes from which a hidden value is struck out wherever it appears. A shorter one may be an
// ordinary word that occurs in every message, so it counts as a secret only under a secret's name.
const minOpaque = 12

func isSecret(key, value string) bool {
	return secretParam.MatchString(key) || strings.ContainsAny(key, ".") && len(value) >= minOpaque
}

// masked returns a location's text as it may be shown: what is or can be a secret is struck out, its references stay.
// keep gets each secret as written and as decoded. masked is false for a text that cannot be parsed and may be
// anything.
func (r *refs) masked(keep func(raw, plain string)) (string, bool) {
	text := r.tokenised
	switch {
	case keywordForm.MatchString(text):
		return r.maskedKeywords(keep)
	case strings.Contains(text, "://"):
		if u, err := url.Parse(text); err != nil || u.Opaque != "" {
			return "", false
		}
		return r.written(r.maskedURL(keep)), true
	case strings.HasPrefix(text, "duckdb:"):
	case schemeLike.MatchString(text), strings.Contains(text, "@"): // a malformed URL
		return "", false
	}

	return r.written(text), true
}

func (r *refs) maskedKeywords(keep func(raw, plain string)) (string, bool) {
	list, err := settings(r.tokenised)
	if err != nil {
		return "", false
	}

	var out strings.Builder
	at := 0
	for _, s := range list {
		if !known(s.key) {
			return "", false
		}

		shown, struckOut := concealed(s.key, r.written(s.value))
		if !struckOut {
			continue
		}

		out.WriteString(r.tokenised[at:s.from] + quotedValue(shown))
		at = s.to
		if isSecret(s.key, s.value) {
			keep(r.tokenised[s.from:s.to], s.value)
		}
	}

	out.WriteString(r.tokenised[at:])
	return r.written(out.String()), true
}

// quotedValue writes a value in the keyword form, quoted where needed.
func quotedValue(value string) string {
	if value != "" && !strings.ContainsAny(value, blanks+`'\`) {
		return value
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// maskedURL is masked for a tokenised URL.
func (r *refs) maskedURL(keep func(raw, plain string)) string {
	text := r.tokenised
	begin := strings.Index(text, "://") + len("://")
	end := begin + len(text[begin:])
	if n := strings.IndexAny(text[begin:], "/?#"); n >= 0 {
		end = begin + n
	}

	authority, rest := text[begin:end], text[end:]
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		if user, password, ok := strings.Cut(authority[:at], ":"); ok && password != "" && !onlyRefs(r.written(password)) {
			keep(password, percent(password))
			authority = user + ":" + struck + authority[at:]
		}
	}

	path, query, ok := strings.Cut(rest, "?")
	if ok {
		pairs := strings.Split(query, "&")
		for i, pair := range pairs {
			pairs[i] = r.maskedPair(pair, keep)
		}
		path += "?" + strings.Join(pairs, "&")
	}

	return text[:begin] + authority + path
}

func (r *refs) maskedPair(pair string, keep func(raw, plain string)) string {
	key, value, ok := strings.Cut(pair, "=")
	plain := percent(value)
	shown, struckOut := concealed(percent(key), r.written(plain))
	if !ok || !struckOut {
		return pair
	}
	if isSecret(percent(key), plain) {
		keep(value, plain)
	}
	return key + "=" + strings.ReplaceAll(url.PathEscape(shown), url.PathEscape(struck), struck)
}

// percent decodes percent escapes as libpq does: a plus sign stays a plus sign.
func percent(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// fromKeywords returns the URL equivalent to the keyword form. As in libpq, the last of a repeated keyword counts, and
// an empty one counts as absent.
func fromKeywords(list []setting, expanded func(string) string) *url.URL {
	query := url.Values{}
	for _, s := range list {
		query.Del(s.key)
		if value := expanded(s.value); value != "" {
			query.Set(s.key, value)
		}
	}

	return &url.URL{Scheme: "postgres", Path: "/", RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20")}
}

// Database returns what a warehouse's location identifies, without who connects and how: moving a password into the
// environment, or writing the URL as keywords, does not make it another database.
func Database(written string) string {
	r := referencesIn(written)
	parts := map[string]string{}
	switch u, err := url.Parse(r.tokenised); {
	case keywordForm.MatchString(r.tokenised):
		list, err := settings(r.tokenised)
		if err != nil {
			return written
		}
		for _, s := range list {
			parts[s.key] = s.value
		}
	case err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql":
		return written
	default:
		parts["host"], parts["port"], parts["dbname"] = u.Hostname(), u.Port(), strings.TrimPrefix(u.Path, "/")
		for pair := range strings.SplitSeq(u.RawQuery, "&") {
			key, value, _ := strings.Cut(pair, "=")
			parts[percent(key)] = percent(value)
		}
	}

	var kept []string
	for key, value := range parts {
		asks := slices.ContainsFunc(how, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
		if shown, _ := concealed(key, value); shown != "" && !asks {
			kept = append(kept, key+"="+shown)
		}
	}

	slices.Sort(kept)
	return "postgres " + r.written(strings.Join(kept, " "))
}

// how are the parameters that say who connects, and how.
var how = []string{"user", "pass", "ssl", "connect_timeout", "max_connections", "application_name", "fallback_application_name", "keepalives",
	"channel_binding", "require_auth"}
