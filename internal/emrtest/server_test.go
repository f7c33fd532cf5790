package emrtest_test

import (
	"context"
	_ "embed"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/emrtest"
	"github.com/hindcast/hindcast/internal/glueserver/jobs"
	"github.com/hindcast/hindcast/internal/pythontest"
)

// runner runs scripts that end as their argument --ends says, or do not end before they are stopped.
type runner struct{ stop chan struct{} }

func (r runner) Run(ctx context.Context, t jobs.Task, began func()) (jobs.End, error) {
	began()
	switch t.Arguments["--ends"] {
	case "well":
		return jobs.End{}, nil
	case "badly":
		return jobs.End{Failed: true, Message: "told to"}, nil
	}
	select {
	case <-r.stop:
		return jobs.End{Failed: true, Message: "killed"}, nil
	case <-ctx.Done():
		return jobs.End{}, ctx.Err()
	}
}

func (r runner) Stop(context.Context, jobs.Task) error {
	r.stop <- struct{}{}
	return nil
}

func (runner) Forget(string) error { return nil }

func (runner) Log(string, jobs.Stream) (io.ReadSeekCloser, error) { return nil, fs.ErrNotExist }

//go:embed testdata/clients.py
var clients string

// boto3 drives the server through the life of an application and of runs. Each answer is held to botocore's model of the service: nothing is
// missing that it requires, nothing is of another type, or outside of its bounds.
func TestBoto3(t *testing.T) {
	t.Parallel()
	server := emrtest.New(emrtest.Options{Runner: runner{make(chan struct{}, 1)}, Rule: func(op string, n int) emrtest.Fault {
		switch {
		case op == "GetApplication" && n == 1:
			return emrtest.Throttled
		case op == "StartJobRun" && n == 1:
			return emrtest.LostAnswer
		case op == "StartJobRun" && n == 2:
			return emrtest.Broken
		}
		return emrtest.None
	}})
	web := httptest.NewServer(server)
	defer server.Close()
	defer web.Close()

	command := exec.CommandContext(t.Context(), pythontest.Python(t, "aws"), "-c", clients)
	command.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+web.URL, "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret", "AWS_DEFAULT_REGION=us-east-1", "AWS_CONFIG_FILE=/dev/null")
	out, err := command.CombinedOutput()
	if want := "a run was started once\nSUCCESS FAILED CANCELLED\nTERMINATED\n"; err != nil || string(out) != want {
		t.Errorf("%v\n%s", err, out)
	}
	for _, body := range server.Called("StartJobRun")[:3] {
		if !strings.Contains(body, `"clientToken"`) || body != server.Called("StartJobRun")[0] {
			t.Errorf("another request: %s", body)
		}
	}
}
