package hosted_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/hosted"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// The test binary is also the owner's process.
func TestMain(m *testing.M) {
	if os.Getenv("HOSTED_TEST") == "owner" {
		fatal := func(err error) bool { return strings.Contains(err.Error(), "fatal") }
		if err := hosted.Serve(os.Stdin, os.Stdout, hosted.Driver{Open: openFake, Fatal: fatal}); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

type options struct {
	Password string `json:"password"`
}

// fake is a warehouse that tells what its process is.
type fake struct {
	warehouse.Warehouse
	options options
}

func openFake(_ context.Context, o json.RawMessage) (warehouse.Warehouse, error) {
	w := &fake{}
	if err := json.Unmarshal(o, &w.options); err != nil {
		return nil, err
	}
	if w.options.Password == "wrong" {
		return nil, &hindcast.Error{Code: hindcast.EPermission, Class: hindcast.ClassPermanent, Message: "wrong password"}
	}
	return w, nil
}

func (w *fake) Properties() warehouse.Properties {
	return warehouse.Properties{Name: "fake", Version: "1"}
}

func (w *fake) Tables(context.Context) ([]warehouse.Table, error) {
	return []warehouse.Table{{Name: w.options.Password}, {Name: strings.Join(append(os.Args, os.Environ()...), " ")},
		{Rows: int64(os.Getpid())}}, nil
}

func (w *fake) Bounds(_ context.Context, table, _ string) (first, last time.Time, err error) {
	return time.Unix(1, 0).UTC(), time.Unix(2, 0).UTC(), nil
}

func (w *fake) Fence(_ context.Context, pipeline string) (int64, error) {
	switch pipeline {
	case "dies":
		os.Exit(3)
	case "fatal":
		return 0, errors.New("a fatal fault")
	}
	return 7, nil
}

func (w *fake) Close() error { return nil }

func spec() child.Spec {
	return child.Spec{Name: "warehouse", Path: os.Args[0], Env: []string{"HOSTED_TEST=owner"}, Stderr: os.Stderr}
}

func open(t *testing.T, o options) *hosted.Client {
	t.Helper()
	c, err := hosted.Open(t.Context(), spec(), o, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Options may hold a password: what everybody on the machine can see of a process does not show it.
func TestOptionsAreSeenByTheProcessOnly(t *testing.T) {
	c := open(t, options{Password: "hunter2"})
	tables, err := c.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if tables[0].Name != "hunter2" || strings.Contains(tables[1].Name, "hunter2") {
		t.Errorf("got %q; arguments and environment are %q", tables[0].Name, tables[1].Name)
	}
	if c.Properties().Name != "fake" {
		t.Errorf("properties: %+v", c.Properties())
	}
	if first, last, err := c.Bounds(t.Context(), "t", "c"); err != nil || first.Unix() != 1 || last.Unix() != 2 {
		t.Errorf("bounds: %v, %v, %v", first, last, err)
	}
}

// The error of an open is the driver's own, and leaves no process.
func TestAnOpenThatFails(t *testing.T) {
	_, err := hosted.Open(t.Context(), spec(), options{Password: "wrong"}, time.Minute)
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EPermission {
		t.Errorf("got %v", err)
	}
}

// pid asks the owner's process for its id.
func pid(t *testing.T, c *hosted.Client) int64 {
	t.Helper()
	tables, err := c.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tables[2].Rows
}

// A dead owner costs the call that it had; the next call starts another, with the same options.
func TestAnOwnerThatDiesIsReplaced(t *testing.T) {
	c := open(t, options{Password: "hunter2"})
	first := pid(t, c)
	_, err := c.Fence(t.Context(), "dies")
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EWorker || e.Class != hindcast.ClassTransient {
		t.Errorf("the call that it had: %v", err)
	}
	second := pid(t, c)
	c.KillOwner()
	third := pid(t, c)
	if first == second || second == third {
		t.Errorf("owners were %d, %d and %d", first, second, third)
	}
}

// After an error that leaves the warehouse of no use its process is replaced.
func TestAFatalErrorEndsTheOwner(t *testing.T) {
	c := open(t, options{})
	first := pid(t, c)
	if _, err := c.Fence(t.Context(), "fatal"); err == nil || !strings.Contains(err.Error(), "fatal fault") {
		t.Errorf("got %v", err)
	}
	for { // it ends after its answer was sent; a call that it still takes is lost with it
		tables, err := c.Tables(t.Context())
		if err != nil {
			continue
		}
		if tables[2].Rows != first {
			return
		}
	}
}

func TestAClosedWarehouseStaysClosed(t *testing.T) {
	for name, end := range map[string]func(*hosted.Client) error{
		"close": func(c *hosted.Client) error { return c.Close() },
		"kill":  func(c *hosted.Client) error { _, err := c.Kill(); return err },
	} {
		c := open(t, options{})
		if err := end(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, err := c.Fence(t.Context(), "p")
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EStopped {
			t.Errorf("%s: a call after it gives %v", name, err)
		}
	}
}
