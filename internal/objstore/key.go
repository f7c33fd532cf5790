package objstore

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"sort"
	"strings"
)

// Escape turns any name into one safe component of a key: letters, digits, "_", "-" and "." stay, all other bytes
// become %XX, and so does a leading "." or "_", which would hide the component from people or engines. The empty name
// becomes "%". Unescape reverses it; different names never give the same component.
func Escape(name string) string {
	if name == "" {
		return "%"
	}

	const digits = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(name) + 8)

	for i := range len(name) {
		c := name[i]
		if plain(c) && (i > 0 || c != '.' && c != '_') {
			b.WriteByte(c)
			continue
		}

		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}

	return b.String()
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

// Unescape returns the name from which Escape made the component. It fails on what Escape does not make.
func Unescape(part string) (string, error) {
	name := ""
	if part != "%" {
		var err error
		if name, err = url.PathUnescape(part); err != nil {
			return "", fmt.Errorf("unescaping %q: %w", part, err)
		}
	}

	if Escape(name) != part {
		return "", fmt.Errorf("unescaping %q: not an escaped name", part)
	}

	return name, nil
}

// Location returns what a person can open for a key or prefix of the store: an absolute path or a URL.
func Location(store Store, key string) string {
	if local, ok := store.(Local); ok {
		return local.File(key)
	}
	return strings.TrimSuffix(store.URL(), "/") + "/" + key
}

// CheckKey returns what is wrong with a key, or nil: it has no empty, "." or ".." component, no leading or trailing
// slash and no zero byte. Drivers call it on every key that they are given.
func CheckKey(key string) error {
	if key == "" || key[0] == '/' || path.Clean(key) != key || key == "." || key == ".." ||
		strings.HasPrefix(key, "../") || strings.ContainsRune(key, 0) {
		return fmt.Errorf("key %q is not of the form a/b/c", key)
	}
	return nil
}

// CheckFolder is CheckKey for a prefix that names a whole folder: it must end in "/".
func CheckFolder(prefix string) error {
	folder, ok := strings.CutSuffix(prefix, "/")
	if !ok {
		return fmt.Errorf("prefix %q does not end in a slash", prefix)
	}
	return CheckKey(folder)
}

// Folders returns the names of the folders directly below prefix, sorted: from the store itself if it is Foldered, and
// otherwise from a list of everything below.
func Folders(ctx context.Context, store Store, prefix string) ([]string, error) {
	if f, ok := store.(Foldered); ok {
		return f.Folders(ctx, prefix)
	}

	infos, err := store.List(ctx, prefix)
	if err != nil {
		return nil, err
	}

	var names []string
	seen := map[string]bool{}
	for _, info := range infos {
		name, _, below := strings.Cut(strings.TrimPrefix(info.Key, prefix), "/")
		if below && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}

	sort.Strings(names)
	return names, nil
}
