//go:build unix

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/pythontest"
)

// glue NAME [ARGS]: starts hindcast serve as NAME at a port that is free, and sets GLUE to its address and AWS_ENDPOINT_URL with it;
// $AWS_PYTHON is a Python that has the clients of AWS, for which there are keys and a region.
func glue(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: glue NAME [ARGS]")
	}
	w := worldOf(ts)
	start(ts, false, append([]string{args[0], "hindcast", "serve", "--json", "--glue", "127.0.0.1:0"}, args[1:]...))
	said := filepath.Join(w.dir, args[0]+".out")
	waitFor(ts, false, []string{said, `\n`})
	text, err := os.ReadFile(said)
	ts.Check(err)
	var is struct{ Glue string }
	ts.Check(json.NewDecoder(strings.NewReader(string(text))).Decode(&is))
	for name, value := range map[string]string{"GLUE": is.Glue, "AWS_ENDPOINT_URL": is.Glue, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true", "HOME": ts.MkAbs("."),
		"AWS_PYTHON": pythontest.Python(w.test, "aws")} {
		ts.Setenv(name, value)
	}
}
