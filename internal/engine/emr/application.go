package emr

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/emrserverless"
	"github.com/aws/aws-sdk-go-v2/service/emrserverless/types"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsspark"
)

// ready reports whether the application takes runs. One that is stopped, and does not start by itself, is started.
func (e *Engine) ready(ctx context.Context) (bool, error) {
	e.opening.Lock()
	defer e.opening.Unlock()
	if e.open {
		return true, nil
	}
	id := e.options.EMR.Application
	a, err := describe(ctx, e.options.Client, e.service, id)
	if err != nil {
		return false, err
	}
	switch a.State {
	case types.ApplicationStateStarted:
		e.open = true
	case types.ApplicationStateCreated, types.ApplicationStateStopped:
		if startsItself(a) {
			e.open = true // a run starts it
			break
		}
		if err := e.startApplication(ctx, id); err != nil {
			return false, err
		}
		e.says("the application " + id + " of EMR Serverless is started: it does not start by itself")
	case types.ApplicationStateTerminated:
		return false, &hindcast.Error{Code: hindcast.EEMR, Class: hindcast.ClassPermanent, Message: "the application " + id + " of EMR Serverless is TERMINATED", Next: terminatedNext}
	case types.ApplicationStateCreating, types.ApplicationStateStarting, types.ApplicationStateStopping:
		fallthrough // it becomes another one by itself
	default:
		e.says("the application " + id + " of EMR Serverless is " + string(a.State) + ": runs wait for it")
	}
	return e.open, nil
}

// close has the application be asked again.
func (e *Engine) close() {
	e.opening.Lock()
	defer e.opening.Unlock()
	e.open = false
}

// startApplication starts an application. It takes minutes, after which the application is STARTED.
func (e *Engine) startApplication(ctx context.Context, id string) error {
	_, err := awsspark.Call(ctx, e.service, "emr-serverless:StartApplication", func(ctx context.Context) (*emrserverless.StartApplicationOutput, error) {
		return e.options.Client.StartApplication(ctx, &emrserverless.StartApplicationInput{ApplicationId: &id})
	})
	if err == nil {
		return nil
	}
	said := *hindcast.AsError(e.service.Fault("emr-serverless:StartApplication", err))
	if awsspark.MeaningOf(err) == awsspark.Full {
		said.Next = "ask for a higher quota of EMR Serverless, Max concurrent vCPUs per account, or give the application a smaller initialCapacity"
	}
	return &said
}

// says tells people what they wait for, once.
func (e *Engine) says(what string) {
	if what != e.said {
		e.said = what
		e.options.Says(what)
	}
}
