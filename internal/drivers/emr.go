package drivers

import (
	"context"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/emr"
)

// emrServerless opens EMR Serverless, once its application says that it can run the pipeline's slices, and how many at once.
func emrServerless(p *hindcast.Pipeline, o EngineOptions) (engine.Engine, engine.Binder, error) {
	c := p.Transform.EMR
	home, err := sparkBeside(p, "EMR Serverless's "+c.Release, c.Spark())
	if err != nil {
		return nil, nil, err
	}
	if err := inBucket(p, o.Store); err != nil {
		return nil, nil, err
	}
	client, err := emr.Connect(context.Background(), c.Region)
	if err != nil {
		return nil, nil, err
	}
	application, err := emr.Describe(context.Background(), client, c)
	if err != nil {
		return nil, nil, err
	}
	e, err := openEMR(p, o, client, application)
	if err != nil {
		return nil, nil, err
	}
	binder, err := bindBeside(p, o, home)
	return e, binder, err
}

// openEMR opens EMR Serverless without what binds. What is to be found again needs no application that is described.
func openEMR(p *hindcast.Pipeline, o EngineOptions, client emr.Client, application *hindcast.EMRApplication) (*emr.Engine, error) {
	c := p.Transform.EMR
	scripts, folder, err := scriptsAt(p, o.Store, c.Script, "_hindcast/emr/")
	if err != nil {
		return nil, err
	}
	prices, err := Prices(p)
	if err != nil {
		return nil, err
	}
	rate := prices.EMR(client.Region, c)
	capacity := emr.Capacity(p.Run, c, application, &rate)
	if o.Slots > 0 {
		capacity.Slots = o.Slots
	}
	price := func(vcpu, gb float64) float64 { return prices.EMRUse(client.Region, vcpu, gb) }
	return emr.Open(emr.Options{EMR: c, Price: price, Spark: p.Transform.Spark, Store: o.Store, Scripts: scripts, Folder: folder, Client: client, Capacity: capacity,
		Log: o.Log, Says: o.Says}), nil
}

// EMRApplication is what EMR Serverless says of the pipeline's application. An error beside it is why that could never run its slices.
func EMRApplication(ctx context.Context, p *hindcast.Pipeline) (*hindcast.EMRApplication, error) {
	client, err := emr.Connect(ctx, p.Transform.EMR.Region)
	if err != nil {
		return nil, err
	}
	a, err := emr.Look(ctx, client, p.Transform.EMR.Application)
	if err != nil {
		return nil, err
	}
	return a, emr.Unfit(*a, p.Transform.EMR)
}

// emrRemains are the runs that a supervisor which died may have left.
func emrRemains(p *hindcast.Pipeline, o EngineOptions) (engine.Engine, error) {
	if err := inBucket(p, o.Store); err != nil {
		return nil, err
	}
	client, err := emr.Connect(context.Background(), p.Transform.EMR.Region)
	if err != nil {
		return nil, err
	}
	return openEMR(p, o, client, nil)
}
