package drivers

import (
	"context"
	"net/url"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/glue"
	"github.com/hindcast/hindcast/internal/engine/spark"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/sparkhome"
)

// awsGlue opens Glue.
func awsGlue(p *hindcast.Pipeline, o EngineOptions) (engine.Engine, engine.Binder, error) {
	home, err := sparkBeside(p, "Glue "+p.Transform.Glue.Version, hindcast.GlueSpark[p.Transform.Glue.Version])
	if err != nil {
		return nil, nil, err
	}
	e, err := openGlue(p, o)
	if err != nil {
		return nil, nil, err
	}
	binder, err := bindBeside(p, o, home)
	return e, binder, err
}

// bindBeside is what binds SQL for an engine that has no session that could be asked: a Spark of this machine, of the same line.
func bindBeside(p *hindcast.Pipeline, o EngineOptions, home sparkhome.Home) (engine.Binder, error) {
	local := p.Transform.Spark
	local = hindcast.Spark{Master: "local[*]", Submit: local.Submit, Python: local.Python}
	session, err := spark.Open(spark.Options{Submit: home.Submit, Version: home.Version, Env: sparkEnvironment(p, home), Spark: local, Dir: spark.DefaultDir(),
		Capacity: engine.Capacity{Slots: 1, Memory: o.Room.Memory, Threads: o.Room.Cores}, Log: o.Log, Says: o.Says})
	if err != nil {
		return nil, err
	}
	return sparkBinder{spark.NewBinder(session), duckDB(p, o)}, nil
}

// sparkBeside is the Spark of this machine that binds SQL for what runs another one of the same line.
func sparkBeside(p *hindcast.Pipeline, what, version string) (sparkhome.Home, error) {
	line := majorMinor(version)
	home, err := sparkhome.Find(context.Background(), sparkhome.Options{Submit: p.Transform.Spark.Submit, Python: p.Transform.Spark.Python, Version: line, Places: p.Places})
	if err == nil || hindcast.AsError(err).Code != hindcast.ESpark {
		return home, err
	}
	e := *hindcast.AsError(err)
	e.Message = what + " runs Spark " + line + ", and one on this machine has to say what the SQL gives: " + e.Message
	return home, &e
}

func majorMinor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// openGlue opens Glue without what binds.
func openGlue(p *hindcast.Pipeline, o EngineOptions) (*glue.Engine, error) {
	g := p.Transform.Glue
	if err := inBucket(p, o.Store); err != nil {
		return nil, err
	}
	clients, err := glue.Connect(context.Background(), g.Region)
	if err != nil {
		return nil, err
	}
	scripts, folder, err := scriptsAt(p, o.Store, g.Script, "_hindcast/glue/")
	if err != nil {
		return nil, err
	}
	prices, err := Prices(p)
	if err != nil {
		return nil, err
	}
	price := func(g hindcast.Glue) hindcast.Rate { return prices.Glue(clients.Region, g) }
	rate := price(g)
	capacity := glue.Capacity(p.Run, g, &rate)
	if o.Slots > 0 {
		capacity.Slots = o.Slots
	}
	return glue.Open(glue.Options{Glue: g, Spark: p.Transform.Spark, Name: GlueJobs(o.Tags), Store: o.Store, Scripts: scripts, Folder: folder,
		Clients: clients, Capacity: capacity, Price: price, Log: o.Log}), nil
}

// GlueJobs is what the names of a pipeline's jobs begin with, which has the tags of its work.
func GlueJobs(tags string) string {
	return "hindcast-" + strings.ReplaceAll(strings.TrimSuffix(tags, "/"), "/", "-")
}

// inBucket refuses a lake that no service of AWS's reaches.
func inBucket(p *hindcast.Pipeline, store objstore.Store) error {
	if _, bucket := store.(*s3.Store); bucket {
		return nil
	}
	return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: p.Places["lake"],
		Message: "the engine " + p.Transform.Engine + " needs a lake in a bucket: it reads and writes nothing else", Next: "write lake: s3://BUCKET/PREFIX"}
}

// scriptsAt is where the script of runs is put: below the lake, or where the pipeline says, by the same endpoint.
func scriptsAt(p *hindcast.Pipeline, lake objstore.Store, at, below string) (objstore.Store, string, error) {
	if at == "" {
		return lake, below, nil
	}
	u, err := url.Parse(at)
	if err != nil {
		return nil, "", err // the decoder has refused it
	}
	if p.Lake.URL != nil {
		u.RawQuery = p.Lake.URL.RawQuery
	}
	store, err := s3.Open(context.Background(), u)
	return store, "", err
}
