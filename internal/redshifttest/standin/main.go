//go:build unix

// Command standin runs what tests have in place of Amazon Redshift and S3, to try hindcast out by hand without an account: an S3
// server with a bucket, and the stand-in for Redshift in front of a PostgreSQL. All three and what they hold are thrown away at its
// end. What they know of AWS is package redshifttest's to say.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/s3test"
)

func main() {
	if len(os.Args) != 2 || strings.HasPrefix(os.Args[1], "-") {
		_, _ = fmt.Fprintln(os.Stderr, "usage: standin FILE\nFILE gets the variables by which to reach what is started, for a shell to read.")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	s := &stage{ctx: ctx}
	defer s.clear()

	s3 := s3test.Start(s)
	redshift := redshifttest.Start(s, s3)
	text := redshifttest.Variables(redshift, s3, s3.Bucket(s))
	if err := os.WriteFile(os.Args[1], []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	defer func() { _ = os.Remove(os.Args[1]) }() // nothing is there any more

	_, _ = fmt.Printf("Stand-ins for Amazon Redshift and S3 run until Ctrl-C. In another terminal:\n\n  . %s\n", os.Args[1])
	<-ctx.Done()
}

// stage stands in for the test that what is started belongs to.
type stage struct {
	testing.TB // what is not below is not asked for
	ctx        context.Context
	ends       []func()
}

func (s *stage) Helper() {}

func (s *stage) Context() context.Context { return s.ctx }

func (s *stage) Cleanup(end func()) { s.ends = append(s.ends, end) }

func (s *stage) TempDir() string {
	dir, err := os.MkdirTemp("", "standin")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (s *stage) Fatal(args ...any) {
	s.say(fmt.Sprint(args...))
	s.clear()
	os.Exit(1)
}

func (s *stage) Fatalf(format string, args ...any) { s.Fatal(fmt.Sprintf(format, args...)) }

func (s *stage) Error(args ...any) { s.say(fmt.Sprint(args...)) }

func (s *stage) Errorf(format string, args ...any) { s.Error(fmt.Sprintf(format, args...)) }

func (s *stage) Logf(format string, args ...any) { s.Error(fmt.Sprintf(format, args...)) }

func (s *stage) say(text string) { _, _ = fmt.Fprintln(os.Stderr, "standin: "+text) }

// clear ends what was started, the last first.
func (s *stage) clear() {
	ends := s.ends
	s.ends = nil
	for _, end := range slices.Backward(ends) {
		end()
	}
}
