package drivers

import (
	"context"
	"net/url"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/cost"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/glue"
	"github.com/hindcast/hindcast/internal/engine/spark"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/sparkhome"
)

// awsGlue opens Glue. It has no session that could be asked of SQL: a Spark of this machine is, of the same line as Glue's.
func awsGlue(p *hindcast.Pipeline, o EngineOptions) (engine.Engine, engine.Binder, error) {
	home, err := sparkForGlue(p)
	if err != nil {
		return nil, nil, err
	}
	e, err := openGlue(p, o)
	if err != nil {
		return nil, nil, err
	}
	local := p.Transform.Spark
	local = hindcast.Spark{Master: "local[*]", Submit: local.Submit, Python: local.Python}
	session, err := spark.Open(spark.Options{Submit: home.Submit, Version: home.Version, Env: sparkEnvironment(p, home), Spark: local, Dir: spark.DefaultDir(),
		Capacity: engine.Capacity{Slots: 1, Memory: o.Room.Memory, Threads: o.Room.Cores}, Log: o.Log, Says: o.Says})
	if err != nil {
		return nil, nil, err
	}
	return e, sparkBinder{spark.NewBinder(session), duckDB(p, o)}, nil
}

// sparkForGlue is the Spark of this machine that binds SQL for Glue.
func sparkForGlue(p *hindcast.Pipeline) (sparkhome.Home, error) {
	line := majorMinor(hindcast.GlueSpark[p.Transform.Glue.Version])
	home, err := sparkhome.Find(context.Background(), sparkhome.Options{Submit: p.Transform.Spark.Submit, Python: p.Transform.Spark.Python, Version: line, Places: p.Places})
	if err == nil || hindcast.AsError(err).Code != hindcast.ESpark {
		return home, err
	}
	e := *hindcast.AsError(err)
	e.Message = "Glue " + p.Transform.Glue.Version + " runs Spark " + line + ", and one on this machine has to say what the SQL gives: " + e.Message
	return home, &e
}

func majorMinor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// openGlue opens Glue without what binds.
func openGlue(p *hindcast.Pipeline, o EngineOptions) (*glue.Engine, error) {
	g := p.Transform.Glue
	if _, bucket := o.Store.(*s3.Store); !bucket {
		return nil, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: p.Places["lake"],
			Message: "the engine glue needs a lake in a bucket: it reads and writes nothing else", Next: "write lake: s3://BUCKET/PREFIX"}
	}
	clients, err := glue.Connect(context.Background(), g.Region)
	if err != nil {
		return nil, err
	}
	scripts, folder, err := glueScripts(p, o.Store)
	if err != nil {
		return nil, err
	}
	rate := cost.Glue(clients.Region, g)
	capacity := glue.Capacity(p.Run, g, &rate)
	if o.Slots > 0 {
		capacity.Slots = o.Slots
	}
	return glue.Open(glue.Options{Glue: g, Spark: p.Transform.Spark, Name: "hindcast-" + strings.TrimSuffix(o.Tags, "/"), Store: o.Store, Scripts: scripts, Folder: folder,
		Clients: clients, Capacity: capacity, Log: o.Log}), nil
}

// glueScripts is where the jobs' script is put: below the lake, or where the pipeline says, by the same endpoint.
func glueScripts(p *hindcast.Pipeline, lake objstore.Store) (objstore.Store, string, error) {
	at := p.Transform.Glue.Script
	if at == "" {
		return lake, "_hindcast/glue/", nil
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
