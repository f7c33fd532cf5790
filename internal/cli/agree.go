package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
)

// agreeFlag is --yes of the commands that publish.
func agreeFlag(flags *pflag.FlagSet, yes *bool) {
	flags.BoolVar(yes, "yes", false, "publish in a protected environment without being asked")
}

// agreement is what asks before anything is published in a protected environment; nil where nobody has to be asked. It is an
// error if nobody can be: then nothing may be done.
func (a *app) agreement(p *hindcast.Pipeline, yes bool) (func(ctx context.Context, p *plan.Plan, left []string) error, error) {
	if !p.Protected() || yes {
		return nil, nil
	}
	if in, ok := a.in.(*os.File); !ok || !term.IsTerminal(int(in.Fd())) || a.json {
		return nil, &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Place: p.Places["environments."+p.Environment],
			Message: fmt.Sprintf("the environment %s is protected, and nobody can be asked here; nothing was done", p.Environment),
			Next:    "to publish in it without being asked, add --yes"}
	}
	target := fmt.Sprintf("%s of %s", strings.Join(p.Targets(), ", "), p.Warehouse)
	return func(ctx context.Context, p *plan.Plan, left []string) error { return a.ask(ctx, p, target, left) }, nil
}

// ask asks whether the slices may be published. Any answer but yes is a refusal, as is the end of the input.
func (a *app) ask(ctx context.Context, p *plan.Plan, target string, left []string) error {
	if len(left) == 0 {
		return nil
	}
	which := p.Label(left[0])
	if last := len(left) - 1; last > 0 {
		which += " to " + p.Label(left[last])
	}
	does, question := "publishes", "Publish?"
	if p.Undo != "" {
		does, question = "undoes what "+p.Undo+" published of", "Undo?"
	}
	_, _ = fmt.Fprintf(a.err, "%s is protected. This %s %s (%s) in %s.\n%s [y/N] ",
		p.Pipeline.Environment, does, numbers.Counted(len(left), "slice"), which, a.plain(a.redactor.String(target)), question)

	answered := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.in).ReadString('\n') // what came before an end of the input is the answer
		answered <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		_, _ = fmt.Fprintln(a.err)
		return context.Cause(ctx)
	case answer := <-answered:
		if answer == "y" || answer == "yes" {
			return nil
		}
	}
	return &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "not agreed to: nothing was changed", Next: "run it again when you like"}
}
