//go:build unix

package redshift_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/s3test"
)

// Rights that are lacking are told with the statements that grant them, which then suffice.
func TestRights(t *testing.T) {
	s := begin(t, s3test.Start(t), `CREATE SCHEMA private; CREATE TABLE private.sales (day date, n bigint); CREATE TABLE result (day date, n bigint); REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
	s.User(t, "loader", "its-password")
	o := s.options()
	o.URL = "redshift://loader:its-password@" + s.Address() + "/" + s.Name
	w := s.open(t, o)

	_, err := w.Describe(t.Context(), []string{"private.sales", "result"})
	e := hindcast.AsError(err)
	if e == nil || e.Code != hindcast.EPermission {
		t.Fatalf("got %v", err)
	}
	hidden, err := w.Hidden(t.Context())
	if err != nil || len(hidden) != 2 || !strings.HasPrefix(hidden[0], "1 table of schema \"private\" may not be read") {
		t.Errorf("%q, %v", hidden, err)
	}
	advice, err := w.Advise(t.Context(), nil, target)
	if err != nil || len(advice) != 4 {
		t.Errorf("%q, %v", advice, err)
	}

	_, grants, _ := strings.Cut(e.Next, ": ")
	for _, told := range advice {
		_, grant, _ := strings.Cut(told, ": ")
		grants += " " + grant
	}
	s.Exec(t, grants)
	if tables, err := w.Describe(t.Context(), []string{"private.sales", "result"}); err != nil || len(tables) != 2 {
		t.Errorf("%+v, %v", tables, err)
	}
	if advice, err := w.Advise(t.Context(), nil, target); err != nil || len(advice) > 0 {
		t.Errorf("%q, %v", advice, err)
	}
	prepare(t, w, 1)
	if _, err := january(t, "r1", 1).Into(t.Context(), w); err != nil {
		t.Errorf("with these rights: %v", err)
	}
}

// A URL that leads nowhere says what to do.
func TestURLsThatLeadNowhere(t *testing.T) {
	s := begin(t, s3test.Start(t), "")
	for url, says := range map[string]string{
		"redshift://postgres:wrong@" + s.Address() + "/" + s.Name: "correct user and password",
		"redshift://postgres@127.0.0.1:1/d?connect_timeout=2":     "security group",
		"redshift://u@h":                        "it names no host, or no database",
		"redshift://u@h/d?sslmode=maybe":        "sslmode",
		"redshift://u@h/d?max_connections=none": "max_connections",
		"redshift://u@h/d?options=-c":           "options is not one of its parameters",
		strings.Replace(s.URL("redshift"), "127.0.0.1", "localhost", 1) + "?sslmode=verify-full&sslrootcert=" + s.Certificate(): "as the server's certificate names it",
	} {
		o := s.options()
		o.URL = url
		err := s.fails(t, o)
		if e := hindcast.AsError(err); e == nil || !strings.Contains(e.Message+e.Next, says) || strings.Contains(e.Message+e.Next, "wrong") {
			t.Errorf("%s: %v, %q", url, err, e.Next)
		}
	}
}
