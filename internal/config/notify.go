package config

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
)

var formWebhook = Form{Name: "webhook URL", secrets: true, Right: "write https://HOST/PATH; what is secret in it as ${VAR} or ${file:PATH}",
	Schema: patterned(`^https?://`)}

var (
	occasions = []string{string(hindcast.OnStarted), string(hindcast.OnFinished), string(hindcast.OnFailed), string(hindcast.OnStopped)}
	bodies    = []string{string(hindcast.BodyJSON), string(hindcast.BodySlack)}
)

func notifyKeys() []Key {
	return []Key{
		{Path: "notify", Form: formList, Else: "nobody is told", Example: "[{on: [failed], url: \"https://hooks.example/${PASSWORD}\", as: slack}]",
			Meaning: "Who is told how a run goes. A notification that fails is reported on standard error, and does not affect the run."},
		{Path: "notify.*", Form: formObject, Meaning: "One notification: exactly one of `url` and `command`.",
			begin: func(d *decoder, _ value) {
				d.p.Notify = append(d.p.Notify, hindcast.Notify{On: []hindcast.Occasion{hindcast.OnFailed, hindcast.OnFinished}})
			},
			set: func(d *decoder, v value) { d.checkNotify(v) }},
		{Path: "notify.*.on", Form: formOccasions, Else: "[failed, finished]", Example: "[failed, finished]",
			Meaning: "What it tells of: a run has started, has finished with every slice proven, has failed (or could not begin), was stopped.",
			set:     func(d *decoder, v value) { d.notify().On = d.occasionsOf(v) }},
		{Path: "notify.*.url", Form: formWebhook, Else: "`command` is needed", Example: "\"https://hooks.example/${PASSWORD}\"",
			Meaning: "A webhook, to which the event is sent by POST. Of the URL only scheme and host are ever shown.",
			set:     func(d *decoder, v value) { d.notify().URL = d.webhook(v) }},
		{Path: "notify.*.as", Form: choice(bodies...), Default: string(hindcast.BodyJSON), Example: "slack",
			Meaning: "What is sent to the URL: the event as JSON, or a message as Slack and those that copy it take it.",
			set:     func(d *decoder, v value) { d.notify().As = hindcast.Body(d.oneOf(v, bodies...)) }},
		{Path: "notify.*.command", Form: formTexts, Schema: map[string]any{"minItems": 1}, Else: "`url` is needed", Example: "[./page.sh, ops]",
			Meaning: "A program and its arguments, which gets the event as JSON on standard input. It is started in the pipeline file's folder, without a shell.",
			set:     func(d *decoder, v value) { d.notify().Command = d.textsOf(v) }},
		{Path: "notify.*.timeout", Form: formDuration, Default: "10s", Example: "30s",
			Meaning: "How long it may take, repeated tries included.",
			set:     func(d *decoder, v value) { d.notify().Timeout = d.positive(v) }},
	}
}

var formOccasions = Form{Name: "list of " + choice(occasions...).Name, Right: "write a list of " + strings.Join(occasions, ", "), kind: texts,
	Schema: map[string]any{"type": "array", "minItems": 1, "items": choice(occasions...).Schema}}

func (d *decoder) notify() *hindcast.Notify { return &d.p.Notify[len(d.p.Notify)-1] }

func (d *decoder) occasionsOf(v value) (list []hindcast.Occasion) {
	if len(v.items) == 0 {
		d.bad(v, formOccasions.Right, "is empty")
	}
	for _, item := range v.items {
		if text := strings.TrimSpace(item.text); slices.Contains(occasions, text) {
			list = append(list, hindcast.Occasion(text))
		} else {
			d.bad(item, formOccasions.Right, "%q is not one of them", text)
		}
	}
	return list
}

// webhook decodes a webhook's URL. All of it after the host is a secret: whoever knows it can post.
func (d *decoder) webhook(v value) hindcast.Location {
	r, missing, ok := d.referencesIf(v, !d.env.LakeAlone)
	scheme := ""
	if m := urlScheme.FindStringSubmatch(r.tokenised); m != nil {
		scheme = m[1]
	}
	switch {
	case !ok:
		return hindcast.Location{}
	case scheme != "https" && scheme != "http":
		d.bad(v, formWebhook.Right, "does not begin with https:// or http://")
		return hindcast.Location{}
	case missing != nil:
		return hindcast.Location{Written: hostAlone(v.text), Scheme: scheme}
	}

	loc := d.remote(v, r, scheme, formWebhook.Right)
	if loc.URL == nil {
		return loc
	}
	if loc.URL.Host == "" {
		d.bad(v, formWebhook.Right, "names no host")
	}
	d.secretURL(v.text, loc.URL)
	loc.Written = hostAlone(loc.Written)
	return loc
}

// secretURL remembers a URL as a secret, as it is written and as it is meant.
func (d *decoder) secretURL(written string, u *url.URL) {
	if path := u.RequestURI(); path != "/" {
		d.secret(u.Host + path)
		_, after, _ := strings.Cut(written, "://")
		d.secret(after)
	}
	for _, part := range strings.FieldsFunc(u.RequestURI(), func(r rune) bool { return strings.ContainsRune("/?&=", r) }) {
		if len(part) >= tokenLength {
			d.secret(part)
		}
	}
}

// tokenLength is the length from which a part of a URL is likely a token, and no word.
const tokenLength = 12

// hostAlone is a URL without what follows its host.
func hostAlone(written string) string {
	scheme, rest, _ := strings.Cut(written, "://")
	if i := strings.IndexAny(rest, "/?"); i >= 0 && rest[i:] != "/" {
		rest = rest[:i] + "/" + struck
	}
	return scheme + "://" + rest
}

func (d *decoder) checkNotify(v value) {
	n := d.notify()
	switch {
	case (n.URL.Written == "") == (len(n.Command) == 0):
		what := "neither url: nor command: is there"
		if len(n.Command) > 0 {
			what = "url: and command: are both there"
		}
		d.fail(hindcast.EValue, v.key, 1, "write exactly one of the two", "%s: %s", v.path, what)
	case len(n.Command) > 0 && n.As != hindcast.BodyJSON:
		d.fail(hindcast.EValue, d.p.Places[v.path+".as"], utf8.RuneCountInString("as"), "leave it out",
			"%s.as: a command always gets JSON", v.path)
	}
}
