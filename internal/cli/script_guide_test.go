package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
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
