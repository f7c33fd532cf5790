package cli

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/s3test"
	"github.com/hindcast/hindcast/internal/sparktest"
)

// blocks GUIDE: writes what a page of the guide has, in its order: its commands as guide-1.sh and on, what is printed below the n-th of
// them as guide-n.want, and its Python as loop.py. Where the page has the address of its Glue API, commands have $GLUE.
func blocks(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: blocks GUIDE")
	}
	body, err := os.ReadFile(filepath.Join(worldOf(ts).source, "../../../../docs/guide", args[0]))
	ts.Check(err)
	address := strings.NewReplacer("http://127.0.0.1:9443", "$GLUE", "127.0.0.1:9443", "${GLUE#http://}")
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```(sh|text|python)\n(.*?)```").FindAllStringSubmatch(string(body), -1) {
		name, text := "loop.py", block[2]
		switch block[1] {
		case "sh":
			commands++
			name, text = fmt.Sprintf("guide-%d.sh", commands), address.Replace(text)
		case "text":
			name = fmt.Sprintf("guide-%d.want", commands)
		}
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}

// standin SPARK: starts what the command standin starts, and writes what that writes to standin.env. GLUE is set to an address at which a
// server can listen, and IVY to a folder that has what that Spark needs for a bucket.
func startStandIns(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: standin SPARK")
	}
	w := worldOf(ts)
	w.server = s3test.Start(w.test)
	s := redshifttest.Start(w.test, w.server)
	w.postgres, w.redshift = s.Backend(), s
	ts.Check(os.WriteFile(ts.MkAbs("standin.env"), []byte(redshifttest.Variables(s, w.server, w.server.Bucket(w.test))), 0o600))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv("GLUE", "http://"+listener.Addr().String())
	ts.Check(listener.Close())
	ts.Setenv("IVY", sparktest.S3A(w.test, args[0]))
}

// timed is what a run says by how long it takes: lines of progress, which a fast one has none of, and what it costs.
var timed = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d \d+/\d+ slices, .*\n|^  cost .*, by how long they ran\n`)

// screen [-sort] N: runs guide-N.sh of `blocks`, in a shell that has standin.env, and compares what it prints with what the page has below
// it, both as `tidy` prints them. Where the page has only some of its lines, one after the other, as much is compared. With ! its last command has to
// fail, and what it prints on standard error is compared as well.
func printedScreen(ts *testscript.TestScript, neg bool, args []string) {
	sorted := len(args) > 0 && args[0] == "-sort"
	if sorted {
		args = args[1:]
	}
	if len(args) != 1 {
		ts.Fatalf("usage: screen [-sort] N")
	}
	block := filepath.Join(worldOf(ts).dir, "guide-"+args[0])
	into := ""
	if neg {
		into = "exec 2>&1; "
	}
	if err := ts.Exec("sh", "-ec", into+". $HOME/standin.env; . "+block+".sh"); (err != nil) != neg {
		ts.Fatalf("it ended with %v", err)
	}
	comparable := func(name string) string { return tidyText(ts, timed.ReplaceAllString(ts.ReadFile(name), ""), sorted) }
	want, got := comparable(block+".want"), comparable("stdout")
	if !strings.Contains("\n"+got, "\n"+want) {
		ts.Fatalf("it prints:\n%s\nand the page has:\n%s", got, want)
	}
}
