package child

import (
	"os"
	"slices"
	"strings"
)

// public are the variables that a child is started with: what a process needs to run anywhere. * matches any rest of a
// name. Any other variable of this process may be a secret, and a process's initial environment can be read from
// outside for as long as it lives.
var public = []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TZ", "TZDIR", "TMPDIR", "XDG_*",
	"GODEBUG", "GOGC", "GOMEMLIMIT", "GOTRACEBACK", "GOCOVERDIR", "LD_*", "DYLD_*", "MALLOC_*", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HINDCAST_*"}

// environment returns the variables of this process with these names.
func environment(names []string) []string {
	var out []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if slices.ContainsFunc(names, func(pattern string) bool {
			prefix, open := strings.CutSuffix(pattern, "*")
			return name == pattern || open && strings.HasPrefix(name, prefix)
		}) {
			out = append(out, variable)
		}
	}

	return out
}

// secret reports whether a variable's value contains a secret.
func (s Spec) secret(variable string) bool {
	_, value, _ := strings.Cut(variable, "=")
	return slices.ContainsFunc(s.Secrets, func(secret string) bool { return secret != "" && strings.Contains(value, secret) })
}

// started is the environment that a child is started with.
func (s Spec) started() []string {
	return append(slices.DeleteFunc(environment(public), s.secret), s.Env...)
}

// sent is what a child is given over its standard input once it runs: its private variables, and the public ones that
// contain a secret. A user name in a URL is a secret, and HOME may contain it.
func (s Spec) sent() [][]byte {
	held := slices.DeleteFunc(environment(public), func(variable string) bool { return !s.secret(variable) })
	var out [][]byte
	for _, variable := range append(held, environment(s.Private)...) {
		out = append(out, []byte(variable)) // bytes, since JSON would change what is not UTF-8
	}
	return out
}

// take sets the variables in the child, for its libraries too.
func take(variables [][]byte) {
	for _, variable := range variables {
		name, value, _ := strings.Cut(string(variable), "=")
		_ = os.Setenv(name, value) // it was a variable in the parent
	}
}
