// Package notify tells webhooks and commands what happened to a run. What is told, and where a notification that failed is
// said, is left to package cli.
package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pause"
)

// Event is what is told. docs/reference/events.md has it as a schema.
type Event struct {
	Event       hindcast.Occasion `json:"event"`
	Text        string            `json:"text"` // all of it in a line, for people
	Pipeline    string            `json:"pipeline"`
	Environment string            `json:"environment,omitempty"`
	Run         string            `json:"run,omitempty"` // none if the run could not begin
	At          time.Time         `json:"at"`
	Host        string            `json:"host"`
	ExitCode    *int              `json:"exit_code,omitempty"` // once it has ended
	Seconds     float64           `json:"seconds,omitempty"`   // that it was worked on, over all resumes
	Slices      map[string]int    `json:"slices,omitempty"`    // in each state
	Rows        int64             `json:"rows,omitempty"`      // committed
	Errors      []Failure         `json:"errors,omitempty"`    // the first ones
	Next        string            `json:"next,omitempty"`      // what to do about it
}

// Failure is an error, and the slices that met it.
type Failure struct {
	Code    hindcast.Code `json:"code"`
	Message string        `json:"message"`
	Slices  []string      `json:"slices,omitempty"` // the first ones
}

// Notifier tells of events.
type Notifier struct {
	List []hindcast.Notify
	Dir  string                   // in which commands are started
	Safe func(text string) string // strikes secrets
	// Said hears of a notification that failed, without secrets.
	Said func(text string)
	// Wait is between two tries; nil is a pause of that time.
	Wait func(ctx context.Context, d time.Duration) error
}

// Tell tells all who are to hear of the event, one after the other, and returns when they have heard or their time is over.
func (n *Notifier) Tell(ctx context.Context, e Event) {
	for i := range n.List {
		to := &n.List[i]
		if !slices.Contains(to.On, e.Event) {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, to.Timeout)
		err := n.send(bounded, to, e)
		if err != nil && bounded.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("no answer within %s", to.Timeout)
		}
		cancel()
		if err != nil {
			n.Said(n.Safe(fmt.Sprintf("the notification to %s failed: %v", named(to), err)))
		}
	}
}

func named(to *hindcast.Notify) string {
	if len(to.Command) > 0 {
		return to.Command[0]
	}
	return to.URL.Written
}

func (n *Notifier) send(ctx context.Context, to *hindcast.Notify, e Event) error {
	body, err := n.body(to, e)
	if err != nil {
		return err
	}
	if len(to.Command) > 0 {
		return n.start(ctx, to.Command, body)
	}
	return n.post(ctx, to.URL.URL, body)
}

// body is what is sent, without secrets.
func (n *Notifier) body(to *hindcast.Notify, e Event) ([]byte, error) {
	e.Text, e.Next = n.Safe(e.Text), n.Safe(e.Next)
	e.Errors = slices.Clone(e.Errors)
	for i := range e.Errors {
		e.Errors[i].Message = n.Safe(e.Errors[i].Message)
	}
	if to.As == hindcast.BodySlack {
		return json.Marshal(slack(e))
	}
	return json.Marshal(e)
}

// tries is how often a webhook is called that does not answer, or says that it cannot now.
const tries = 3

// post sends a body to a webhook. A redirection is an error: whatever is secret in the URL would go elsewhere.
func (n *Notifier) post(ctx context.Context, to *url.URL, body []byte) (err error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	wait := n.Wait
	if wait == nil {
		wait = pause.For
	}
	for try := range tries {
		if try > 0 {
			if stopped := wait(ctx, time.Second<<(try-1)); stopped != nil {
				return err
			}
		}
		again := false
		if again, err = once(ctx, client, to, body); err == nil || !again {
			return err
		}
	}
	return err
}

// once is one try, and whether another may succeed.
func once(ctx context.Context, client *http.Client, to *url.URL, body []byte) (again bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the URL cannot be called")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "hindcast")
	answer, err := client.Do(request)
	if err != nil {
		if e, is := errors.AsType[*url.Error](err); is { // which shows the whole URL
			err = e.Err
		}
		return true, err
	}
	defer func() { _ = answer.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, mostSaid)) // for people only
	if answer.StatusCode/100 == 2 {
		return false, nil
	}
	err = errors.New("it answered " + answer.Status)
	if text := oneLine(said); text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	return answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests, err
}

// start gives the body to a command, and ends it with all that it started when ctx ends.
func (n *Notifier) start(ctx context.Context, command []string, body []byte) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Stdin = n.Dir, bytes.NewReader(body)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // for what left its group and keeps the output open
	said := &tail{}
	cmd.Stdout, cmd.Stderr = said, said
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // it ended well, and what it left behind is its own
		return nil
	}
	if text := oneLine(said.text); err != nil && text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}

// mostSaid is how much of an answer is looked at.
const mostSaid = 500

// tail keeps the end of what is written.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-mostSaid):]
	return len(p), nil
}

func oneLine(text []byte) string { return strings.Join(strings.Fields(string(text)), " ") }
