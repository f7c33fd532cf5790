// Package drivers is the one place that names every driver: it turns what a pipeline file says into a lake, a
// warehouse and an engine, by hand. Nothing registers itself. What is done with them is the caller's responsibility.
package drivers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsspark"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/engine"
	enginedb "github.com/hindcast/hindcast/internal/engine/duckdb"
	"github.com/hindcast/hindcast/internal/engine/emr"
	"github.com/hindcast/hindcast/internal/engine/glue"
	"github.com/hindcast/hindcast/internal/engine/spark"
	"github.com/hindcast/hindcast/internal/hosted"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/file"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/sparkhome"
	"github.com/hindcast/hindcast/internal/warehouse"
	warehousedb "github.com/hindcast/hindcast/internal/warehouse/duckdb"
	warehousepg "github.com/hindcast/hindcast/internal/warehouse/postgres"
	warehousers "github.com/hindcast/hindcast/internal/warehouse/redshift"
)

// Lake opens the pipeline's lake. A folder is created at the first write; a bucket must exist.
func Lake(p *hindcast.Pipeline) (objstore.Store, error) {
	switch p.Lake.Scheme {
	case "file":
		return file.Open(p.Lake.Path)
	case "s3":
		store, err := s3.Open(context.Background(), p.Lake.URL) // which does not connect yet
		if err != nil {
			e := *hindcast.AsError(err)
			e.Place = p.Places["lake"]
			return nil, &e
		}

		return store, nil
	}
	return nil, notYet("lake", p, p.Lake, "a folder or s3://bucket/prefix")
}

func notYet(key string, p *hindcast.Pipeline, l hindcast.Location, instead string) error {
	return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: p.Places[key],
		Message: fmt.Sprintf("this hindcast has no driver for %s: %s", key, l.Scheme), Next: "use " + instead}
}

// WarehouseOptions bound the warehouse's process.
type WarehouseOptions struct {
	ReadOnly bool
	Memory   int64
	Spill    string
	Log      io.Writer
	Aside    string            // the prefix in a lake's bucket of what is on its way between bucket and warehouse
	Died     func(child.Death) // is called when a process ended by itself; may be nil
}

// Warehouse opens the pipeline's warehouse, which results are loaded into.
func Warehouse(ctx context.Context, p *hindcast.Pipeline, o WarehouseOptions) (warehouse.Warehouse, error) {
	return open(ctx, p, o, side{name: "warehouse", key: "warehouse", at: p.Warehouse, session: p.Session, places: sessionPlaces(p, "load.session", p.Session)})
}

// Source opens the warehouse that history is read from, where that is another one. Nothing is written there.
func Source(ctx context.Context, p *hindcast.Pipeline, o WarehouseOptions) (warehouse.Warehouse, error) {
	o.ReadOnly = true
	return open(ctx, p, o, side{name: "source", key: "source.warehouse", at: p.Source, session: p.SourceSession,
		places: sessionPlaces(p, "source.session", p.SourceSession)})
}

// side is one of the two warehouses of a pipeline.
type side struct {
	name    string // of its process
	key     string // in the pipeline file
	at      hindcast.Location
	session []string
	places  []hindcast.Place // of the statements of session
}

func open(ctx context.Context, p *hindcast.Pipeline, o WarehouseOptions, s side) (warehouse.Warehouse, error) {
	var w *hosted.Client
	var err error
	switch s.at.Scheme {
	case "duckdb":
		w, err = warehousedb.Open(ctx, worker(p, s.name, roleDuckDB, o.Log, o.Died), warehousedb.Options{Path: s.at.Path,
			ReadOnly: o.ReadOnly, Memory: o.Memory, Spill: o.Spill, Session: s.session, TimeZone: p.History.TimeZone})
	case "postgres":
		w, err = warehousepg.Open(ctx, worker(p, s.name, rolePostgres, o.Log, o.Died), warehousepg.Options{URL: s.at.URL.String(),
			ReadOnly: o.ReadOnly, Memory: o.Memory, Session: s.session, Places: s.places})
	case "redshift":
		w, err = warehousers.Open(ctx, worker(p, s.name, roleRedshift, o.Log, o.Died), redshift(p, o, s))
	default:
		return nil, notYet(s.key, p, s.at, "duckdb:FILE, postgres://USER:${PASSWORD}@HOST/DATABASE or redshift://USER:${PASSWORD}@HOST:5439/DATABASE")
	}

	if err != nil {
		return nil, err // rather than a nil *Client
	}

	return w, nil
}

// redshift are the options of a Redshift, which reaches the lake's bucket by itself. A pipeline of no more than a warehouse, as
// init has it, has none.
func redshift(p *hindcast.Pipeline, o WarehouseOptions, s side) warehousers.Options {
	options := warehousers.Options{URL: s.at.URL.String(), ReadOnly: o.ReadOnly, Session: s.session, Places: s.places,
		Spill: o.Spill, Role: p.Redshift.Role, Region: p.Redshift.Region, MaxFile: p.Redshift.MaxFileSize, Aside: o.Aside}
	if p.Lake.Scheme == "s3" {
		options.Lake = p.Lake.URL.String()
	}
	return options
}

// bucket opens a lake's bucket for a warehouse that reads and writes it by itself.
func bucket(ctx context.Context, lake string) (objstore.Store, error) {
	u, err := url.Parse(lake)
	if err != nil {
		return nil, err
	}
	return s3.Open(ctx, u)
}

// sessionPlaces returns the position of each statement of a key.
func sessionPlaces(p *hindcast.Pipeline, key string, session []string) []hindcast.Place {
	places := make([]hindcast.Place, len(session))
	for i := range places {
		places[i] = p.Places[fmt.Sprintf("%s.%d", key, i)]
	}
	return places
}

// EngineOptions bound the engine and the binder.
type EngineOptions struct {
	Room    engine.Room // on this machine
	Slots   int         // how many a frozen plan runs in parallel; 0 leaves it to the engine
	Spill   string
	Store   objstore.Store // the lake's
	Tags    string         // what the tags of the pipeline's work begin with
	Allowed []string       // folders that the SQL's inputs and results are in
	Log     io.Writer
	Says    func(what string) // hears what somebody has to wait for; may be nil
	Died    func(child.Death) // is called when a process ended by itself; may be nil
}

// Engine opens the pipeline's engine and its binder. For DuckDB both are one pool of workers: the first starts at once
// in the background, the others on demand.
func Engine(p *hindcast.Pipeline, o EngineOptions) (engine.Engine, engine.Binder, error) {
	switch p.Transform.Engine {
	case "duckdb":
		pool := duckDB(p, o)
		pool.Warm()
		return pool, pool, nil
	case "spark":
		return apacheSpark(p, o)
	case "glue":
		return awsGlue(p, o)
	case "emr-serverless":
		return emrServerless(p, o)
	}
	return nil, nil, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: p.Places["transform.engine"],
		Message: "this hindcast has no engine " + strconv.Quote(p.Transform.Engine), Next: "use duckdb, spark, glue or emr-serverless"}
}

func duckDB(p *hindcast.Pipeline, o EngineOptions) *enginedb.Pool {
	start := func(n int) child.Spec { return worker(p, fmt.Sprintf("worker %d", n), roleEngine, o.Log, o.Died) }
	capacity := enginedb.Capacity(o.Room, p.Run)
	if o.Slots > 0 {
		capacity.Slots = o.Slots
	}
	return enginedb.NewPool(start, capacity, enginedb.RunnerOptions{Allowed: append(o.Allowed, fileFolders(p)...), Spill: o.Spill})
}

// apacheSpark opens Spark, as it is installed on this machine. DuckDB looks at the user's own files for it.
func apacheSpark(p *hindcast.Pipeline, o EngineOptions) (engine.Engine, engine.Binder, error) {
	home, err := findSpark(p)
	if err != nil {
		return nil, nil, err
	}
	env := sparkEnvironment(p, home)
	capacity := spark.Capacity(o.Room, p.Run, p.Transform.Spark, env)
	if o.Slots > 0 {
		capacity.Slots = o.Slots
	}
	bucket, err := sparkBucket(p, home, o.Store)
	if err != nil {
		return nil, nil, err
	}
	e, err := spark.Open(spark.Options{Submit: home.Submit, Version: home.Version, Env: env, Spark: p.Transform.Spark, Bucket: bucket,
		Dir: spark.DefaultDir(), Capacity: capacity, Log: o.Log, Says: o.Says})
	if err != nil {
		return nil, nil, err
	}
	return e, sparkBinder{spark.NewBinder(e), duckDB(p, o)}, nil
}

// sparkBinder asks Spark of SQL, and DuckDB of the user's own files.
type sparkBinder struct {
	*spark.Binder
	files *enginedb.Pool
}

// Scan is DuckDB's.
func (b sparkBinder) Scan(ctx context.Context, s engine.Search) (engine.Scanned, error) {
	return b.files.Scan(ctx, s)
}

// Strays is DuckDB's.
func (b sparkBinder) Strays(ctx context.Context, t engine.Table, zone string) (hindcast.Strays, error) {
	return b.files.Strays(ctx, t, zone)
}

// Close ends the processes of both.
func (b sparkBinder) Close() error { return errors.Join(b.Binder.Close(), b.files.Close()) }

// sparkBucket is how a cluster reaches the lake's bucket; nil where the lake is a folder, or Spark works with plain files of this
// machine, as it does with local[…].
func sparkBucket(p *hindcast.Pipeline, home sparkhome.Home, store objstore.Store) (func(context.Context) (spark.Bucket, error), error) {
	remote, is := store.(*s3.Store)
	if !is || hindcast.LocalMaster(p.Transform.Spark.Master) {
		return nil, nil
	}
	need, fault := home.S3A(p.Transform.Spark, p.Places)
	if fault != nil {
		return nil, fault
	}

	return func(ctx context.Context) (spark.Bucket, error) { // when an application starts: the region is known by then, and keys are fresh
		a := remote.Access()
		keys, err := remote.Keys(ctx)
		return spark.Bucket{Name: a.Bucket, Endpoint: a.Endpoint, Region: a.Region, PathStyle: a.PathStyle, SSE: a.SSE, SSEKey: a.SSEKey,
			Hadoop: home.Hadoop, Package: need.Package, Keys: spark.Keys(keys)}, err
	}, nil
}

func findSpark(p *hindcast.Pipeline) (sparkhome.Home, error) {
	is := p.Transform.Spark
	return sparkhome.Find(context.Background(), sparkhome.Options{Submit: is.Submit, Python: is.Python, Version: is.Version, Places: p.Places})
}

// sparkEnvironment is what Spark's scripts and clients are given: this process's environment, which may name clusters and
// their credentials, without what holds a secret of the pipeline file.
func sparkEnvironment(p *hindcast.Pipeline, home sparkhome.Home) []string {
	env := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, value, _ := strings.Cut(variable, "=")
		secret := slices.ContainsFunc(p.Secrets, func(s string) bool { return s != "" && strings.Contains(value, s) })
		return secret && !strings.HasPrefix(name, "AWS_")
	})
	env = append(env, "SPARK_HOME="+home.SparkHome, "PYSPARK_PYTHON="+home.Python, "PYSPARK_DRIVER_PYTHON="+home.Python)
	if home.JavaHome != "" {
		env = append(env, "JAVA_HOME="+home.JavaHome)
	}
	return env
}

// EngineVersion is the pipeline's engine, without opening it.
func EngineVersion(p *hindcast.Pipeline) (engine.Properties, error) {
	switch p.Transform.Engine {
	case "spark":
		home, err := findSpark(p)
		return spark.Properties(home.Version), err
	case "glue":
		return glue.Properties(p.Transform.Glue), nil
	case "emr-serverless":
		return emr.Properties(p.Transform.EMR), nil
	}
	return enginedb.Properties(), nil
}

// Elsewhere reports whether the work of the pipeline's engine runs on other machines, as its Properties say, without opening it.
func Elsewhere(p *hindcast.Pipeline) bool {
	if p.Transform.Engine == "spark" {
		return !hindcast.LocalMaster(p.Transform.Spark.Master)
	}
	return p.Transform.Engine == "glue" || p.Transform.Engine == "emr-serverless"
}

// Remains are what supervisors that have died may have left of a run of the pipeline, as that was frozen: DuckDB's processes die with their
// supervisor, Spark's, Glue's and EMR Serverless's do not. Spark's on this machine are found whichever engine the pipeline has.
func Remains(p *hindcast.Pipeline, store objstore.Store, tags string) (engine.Remains, error) {
	switch p.Transform.Engine {
	case "glue":
		e, err := openGlue(p, EngineOptions{Store: store, Tags: tags})
		return awsspark.Remains{Engine: e}, err
	case "emr-serverless":
		e, err := emrRemains(p, EngineOptions{Store: store})
		return awsspark.Remains{Engine: e}, err
	}
	return spark.Remains{Dir: spark.DefaultDir(), Env: os.Environ()}, nil
}

// fileFolders are the folders of the user's own Parquet files: the path before the first component with a wildcard.
func fileFolders(p *hindcast.Pipeline) []string {
	var folders []string
	add := func(glob string) {
		if glob == "" {
			return
		}

		folder := p.Dir
		if filepath.IsAbs(glob) {
			folder = "/"
		}

		names := strings.Split(filepath.Clean(glob), "/")
		for _, name := range names[:len(names)-1] {
			if strings.ContainsAny(name, `*?[{\`) {
				break
			}
			folder = filepath.Join(folder, name)
		}

		folders = append(folders, folder)
	}

	for _, f := range p.Facts {
		add(f.Files)
	}

	for _, d := range p.Dims {
		add(d.Files)
	}

	return folders
}

// private are the variables that a child needs beyond those of any process: libpq's, and those by which the user's own
// DuckDB statements reach buckets. An engine reads only files on this machine.
var private = map[string][]string{
	rolePostgres: {"PG*"},
	roleRedshift: {"PGPASSWORD", "PGPASSFILE", "AWS_*", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"},
	roleDuckDB:   {"AWS_*", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"},
}

// worker is how this program starts itself as a child.
func worker(p *hindcast.Pipeline, name, role string, log io.Writer, died func(child.Death)) child.Spec {
	return child.Spec{Name: name, Path: Self(), Args: []string{"worker", role}, Stderr: log, Died: died, Private: private[role], Secrets: p.Secrets}
}

// Self is the path by which this program was called: a link may matter (a test binary that acts as several programs).
func Self() string {
	if path, err := exec.LookPath(os.Args[0]); err == nil {
		if abs, err := filepath.Abs(path); err == nil {
			return abs
		}
	}

	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}

	return path
}

// The roles of a child process.
const (
	roleEngine   = "engine"
	roleDuckDB   = "warehouse-duckdb"
	rolePostgres = "warehouse-postgres"
	roleRedshift = "warehouse-redshift"
)

// ServeWorker is `hindcast worker ROLE`: the code inside a child process.
func ServeWorker(role string, in io.Reader, out io.Writer) error {
	switch role {
	case roleEngine:
		return enginedb.Serve(in, out)
	case roleDuckDB:
		return warehousedb.Serve(in, out)
	case rolePostgres:
		return warehousepg.Serve(in, out)
	case roleRedshift:
		return warehousers.Serve(in, out, bucket)
	}
	return fmt.Errorf("no such worker: %s", role)
}

// Object reads an object whose URL is s3://bucket/key, with the credentials that a lake in that bucket would have.
func Object(ctx context.Context, location string) ([]byte, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, err
	}
	folder, key := path.Split(u.Path)
	u.Scheme, u.Path = "s3", folder
	store, err := s3.Open(ctx, u)
	if err != nil {
		return nil, err
	}
	body, _, err := store.Get(ctx, key)
	return body, err
}
