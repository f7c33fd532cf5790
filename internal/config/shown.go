package config

import (
	"regexp"
	"strings"
)

// locationKey is what begins a value that may hold a secret, in block and in flow style.
var locationKey = regexp.MustCompile(`^(\s*(?:.*[{,]\s*)?["']?(?:warehouse|lake)["']?\s*:\s*)(.*)$`)

// secretKey is what begins a setting of Spark whose value is a secret, in block and in flow style.
var secretKey = regexp.MustCompile(`(?i)^(.*\bspark\.[\w.-]*(?:` + secretNames + `)[\w.-]*["']?\s*:\s*)(.*)$`)

// settingOption is a secret among the options that a setting holds.
var settingOption = regexp.MustCompile(`(?i)(-D[\w.-]*(?:` + secretWords + `)[\w.-]*=)([^\s"',}]+)`)

// shown is a pipeline file's text as an excerpt may show it. A location that cannot be parsed is struck out as a whole,
// as is one that spans lines: any piece of it may be part of a password.
func shown(text string) string {
	lines := strings.Split(maskMatch(settingOption, maskPasswords(text), ""), "\n")
	top, base, inside := -1, 0, false // how far the file's keys are indented, and the one whose value is a secret; whether that value goes on
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		rest := line[indent:]
		if top < 0 && rest != "" && rest[0] != '#' && rest != "---" {
			top = indent
		}
		if strings.TrimSpace(rest) == "" {
			continue
		}

		if inside && indent > base {
			lines[i] = line[:indent] + struck
			continue
		}

		inside, base = false, indent
		if m := locationKey.FindStringSubmatch(line); len(m) > 0 && (indent == top || strings.Contains(m[1], "{")) {
			lines[i], inside = m[1]+shownValue(m[2]), true
		} else if m := secretKey.FindStringSubmatch(line); len(m) > 0 {
			if inside = true; strings.Trim(anyRef.ReplaceAllString(m[2], ""), ` "'{},`) != "" {
				lines[i] = m[1] + struck
			}
		}
	}

	return strings.Join(lines, "\n")
}

// plainComment is a comment after a plain YAML value.
var plainComment = regexp.MustCompile(`\s+#.*$`)

// shownValue is a location's text in the file, with quotes and comment.
func shownValue(text string) string {
	quote, inner, after := "", plainComment.ReplaceAllString(text, ""), ""
	if strings.TrimSpace(inner) == "" {
		return text
	}
	if strings.ContainsRune("{[|>&*!", rune(inner[0])) && len(strings.TrimSpace(inner)) > 1 {
		return struck // not a text on one line
	}

	if text[0] == '"' || text[0] == '\'' {
		quote = text[:1]
		end := strings.LastIndex(text[1:], quote) + 1
		if end == 0 {
			return struck
		}
		inner, after = text[1:end], text[end+1:]
	} else {
		after = text[len(inner):]
	}

	r := referencesIn(inner)
	masked, ok := r.masked(func(string, string) {})
	if !ok {
		return struck
	}

	return quote + masked + quote + after
}

var (
	urlPassword = regexp.MustCompile(`(://[^\s:/@"']*:)([^\s"']+)@`)
	urlSecret   = regexp.MustCompile(`(?i)([?&](?:pass|passwo?r?d|sslpassword|passphrase|secret[a-z_-]*|token|access_?key[a-z_-]*)=)([^\s&"']+)`)
	// A quoted value extends to its closing quote, wherever that is: in malformed text it is safer to strike too much.
	keywordSecret = regexp.MustCompile(`(?i)(\b(?:pass|passwo?r?d|sslpassword|passphrase)\s*=\s*)('(?:[^'\\\n]|\\.)*'?|(?:[^\s'"&\\]|\\.)+)`)
)

// maskPasswords strikes literal passwords in URLs; ${VAR} stays. It is for text that may not have been parsed: for
// parsed text there is the Redactor.
func maskPasswords(text string) string {
	text = maskMatch(urlPassword, text, "@")
	text = maskMatch(urlSecret, text, "")
	return maskMatch(keywordSecret, text, "")
}

// maskMatch strikes the second group of each match of form, unless it is only references.
func maskMatch(form *regexp.Regexp, text, after string) string {
	return form.ReplaceAllStringFunc(text, func(found string) string {
		m := form.FindStringSubmatch(found)
		if onlyRefs(m[2]) {
			return found
		}

		return m[1] + struck + after
	})
}
