//go:build unix

package cli

import (
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/preflight/preflighttest"
)

// account starts a stand-in for an AWS account, and sets the variables by which all commands find it; ENDPOINT is where it is, SHOP
// the address of its cluster shop.
// account deny ACTION…: those may not be called any more. account decide ACTION DECISION: simulations of the action end so.
// account quota CODE VALUE: a quota of Glue.
func account(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	switch {
	case neg:
	case len(args) == 0:
		w.account = preflighttest.Start(w.test)
		for _, pair := range append(w.account.Env(), "ENDPOINT="+w.account.Endpoint, "SHOP="+w.account.Address) {
			name, value, _ := strings.Cut(pair, "=")
			ts.Setenv(name, value)
			w.vars = append(w.vars, pair)
		}
		return
	case args[0] == "deny" && len(args) > 1:
		for _, action := range args[1:] {
			w.account.Deny(action)
		}
		return
	case args[0] == "decide" && len(args) == 3:
		w.account.Decide(args[1], args[2])
		return
	case args[0] == "quota" && len(args) == 3:
		value, err := strconv.ParseFloat(args[2], 64)
		ts.Check(err)
		w.account.Quota(args[1], value)
		return
	}
	ts.Fatalf("usage: account [deny ACTION…|decide ACTION DECISION|quota CODE VALUE]")
}
