package house

import (
	"path"
	"slices"
	"strings"
	"testing"
)

const anything = "*"

// row says which of our packages a package may import, and why it exists. Names are folders from the repository's root,
// without "internal/"; "." is the root package, the nouns.
type row struct {
	pkg string
	may []string
	why string
}

// importMap is the architecture: plan → unload → transform → load, contracts before drivers, and one package that joins
// them. A package cannot come to depend by accident on what it may not import.
var importMap = []row{
	{".", nil, "the nouns depend on nothing"},

	// Pure: text and time in, values out.
	{"sqltext", []string{"."}, "reads SQL text without running it"},
	{"parallel", nil, "many small things side by side"},
	{"pause", nil, "waits that end when they are given up"},
	{"numbers", nil, "numbers as people read them"},
	{"process", nil, "which process is which"},
	{"datatype", nil, "which type holds the values of two others"},
	{"config", []string{".", "sqltext", "datatype", "numbers"}, "decodes the pipeline file; datatype knows the types that it may declare"},
	{"cost", []string{"."}, "prices, as a table with a date"},
	{"plan", []string{".", "dialect", "sqltext", "datatype", "numbers"}, "decides what a run does and why; what SQL means decides it, and translating is pure"},

	// The warehouse's SQL, for another engine. Pure: text in, text out.
	{"dialect/lex", []string{"sqltext"}, "cuts SQL into tokens, each with its place; sqltext knows where a comment ends"},
	{"dialect/ast", []string{"dialect/lex"}, "the syntax tree, each node with its place"},
	{"dialect/parse", []string{"dialect/ast", "dialect/lex"}, "reads a SELECT of PostgreSQL or Redshift"},
	{"dialect/sem", []string{"dialect/lex"}, "operations of one meaning each, in no dialect"},
	{"dialect/regex", nil, "regular expressions of the source, and whether engines match the same by them"},
	{"dialect/bind", []string{"dialect/ast", "dialect/lex", "dialect/regex", "dialect/sem"}, "what names, operators and functions mean in the source"},
	{"dialect/emit", []string{"dialect/lex", "dialect/sem", "sqltext"}, "how an engine spells the operations, or that it cannot"},
	{"dialect", []string{".", "dialect/ast", "dialect/bind", "dialect/emit", "dialect/lex", "dialect/parse", "dialect/sem"}, "the warehouse's SQL as an engine's, or refused"},

	// Contracts, each with its conformance suite.
	{"objstore", []string{".", "pause"}, "contract of where bytes are kept"},
	{"objstore/objstoretest", []string{".", "objstore"}, "suite of the contract"},
	{"warehouse", []string{".", "sqltext", "datatype", "numbers"}, "contract of what history comes from and results go to"},
	{"warehouse/warehousetest", []string{".", "duck", "hosted", "warehouse"}, "suite of the contract, and what the drivers' own tests share; DuckDB writes and reads its files"},
	{"engine", []string{".", "sqltext", "numbers"}, "contract of what runs a slice's SQL; sqltext is pure and puts the parameters in"},
	{"engine/enginetest", []string{".", "engine", "duck", "s3test"}, "suite of the contract; DuckDB writes and reads its files, which may be objects of a bucket"},

	// What drivers stand on.
	{"child", []string{"."}, "worker processes and the protocol with them"},
	{"hosted", []string{".", "child", "warehouse"}, "a warehouse in a process of its own"},
	{"duck", []string{".", "datatype", "sqltext"}, "what all users of DuckDB share: opening, quoting, types, errors"},
	{"sparkhome", []string{".", "numbers"}, "finds an installation of Spark; the engine runs it, doctor shows it"},
	{"sparksql", []string{".", "datatype", "engine", "sqltext"}, "what all engines that run Spark share: what a session is asked, its Python, types, errors"},
	{"awsquery", []string{".", "pause"}, "calls of AWS services that are asked too little for a client of their own"},
	{"awsredshift", []string{".", "awsquery"}, "which Redshift a URL names, and what AWS says of it: who connects, looks, prices and resizes means the same one"},
	{"awsspark", []string{".", "engine", "objstore", "sparksql", "pause"}, "what engines share that have a service of AWS run Spark: calls, the script, requests and ends, the life of work"},
	{"pgclient", []string{".", "sqltext", "warehouse", "pause"}, "what drivers of servers that speak PostgreSQL's protocol share: connections, rows, names, errors, status rows"},
	{"pgcopy", []string{".", "duck", "datatype"}, "rows between PostgreSQL's binary COPY and Parquet"},

	// Drivers know their contract and no sibling.
	{"objstore/file", []string{".", "objstore"}, "a folder as an object store"},
	{"objstore/s3", []string{".", "objstore", "pause"}, "a bucket as an object store"},
	{"warehouse/duckdb", []string{".", "warehouse", "hosted", "child", "duck", "sqltext", "numbers", "pause"}, "a DuckDB file as a warehouse"},
	{"warehouse/postgres", []string{".", "warehouse", "hosted", "child", "datatype", "duck", "pause", "pgclient", "pgcopy", "sqltext", "numbers"}, "a PostgreSQL database as a warehouse"},
	{"warehouse/redshift", []string{".", "awsquery", "awsredshift", "warehouse", "hosted", "child", "objstore", "datatype", "pgclient", "sqltext", "numbers", "parallel", "pause"},
		"Amazon Redshift as a warehouse; UNLOAD and COPY go by way of the lake's bucket, credentials and the Data API by AWS's"},
	{"engine/spark", []string{".", "engine", "process", "sparkhome", "sparksql", "numbers"}, "Spark applications that outlive their supervisor, by spark-submit"},
	{"engine/glue", []string{".", "awsspark", "engine", "numbers", "objstore", "parallel", "pause"}, "runs of AWS Glue jobs; what they read and write is the lake's bucket"},
	{"engine/emr", []string{".", "awsspark", "engine", "objstore", "pause"}, "job runs of EMR Serverless; what they read and write is the lake's bucket"},
	{"engine/duckdb", []string{".", "engine", "child", "duck", "datatype", "sqltext"}, "DuckDB in worker processes"},
	{"drivers", []string{".", "awsredshift", "awsspark", "cost", "engine", "engine/duckdb", "engine/emr", "engine/glue", "engine/spark", "sparkhome", "warehouse", "warehouse/duckdb", "warehouse/postgres", "warehouse/redshift", "objstore",
		"objstore/file", "objstore/s3", "hosted", "child"}, "the one place that names every driver"},

	// What a run keeps, in an object store.
	{"chunks", []string{"."}, "where a Parquet file's columns are, and their checksums: the lake takes and compares them, the cache fetches by them"},
	{"lake", []string{".", "objstore", "chunks", "parallel", "pause"}, "files, manifests, catalog"},
	{"iceberg", []string{".", "datatype", "duck", "objstore", "chunks", "parallel", "pause"}, "kept results as an Iceberg table; duck knows what a type is stored as, chunks what a footer says"},
	{"journal", []string{".", "objstore", "parallel"}, "durable events"},
	{"scratch", []string{"."}, "one process's own folder, for a remote lake"},
	{"lease", []string{".", "objstore", "lake", "journal", "process", "pause"}, "who may run a pipeline; the lake lays down where its records lie, and journals have earlier fences"},
	{"cache", []string{".", "objstore", "chunks"}, "local copies of files in an object store; it declares what it needs of the store"},

	// A run. These see contracts, never drivers.
	{"resize", []string{".", "awsquery", "awsredshift", "pause"}, "the size of a Redshift warehouse around a run's loads, and whose it is"},
	{"survey", []string{".", "sqltext", "datatype", "plan", "engine", "iceberg", "warehouse", "lake", "numbers"}, "asks what a plan needs to know; sqltext shows the lines of SQL that is refused"},
	{"machine", []string{"plan", "lake", "numbers"}, "what this machine leaves to a run; the lake knows how much of a disk is free"},
	{"attempt", []string{".", "plan", "engine", "warehouse", "lake", "chunks", "datatype", "supervisor", "numbers"}, "one try at one slice; it is the supervisor's worker"},
	{"verify", []string{".", "plan", "warehouse", "lake", "chunks", "numbers"}, "compares source, lake and target with what is said of them"},
	{"catalog", []string{".", "datatype", "pause"}, "the lake's tables in the words of other systems; it declares what it needs of the lake"},
	{"session", []string{".", "plan", "survey", "journal", "lease", "lake", "cache", "scratch", "objstore", "engine", "warehouse", "drivers",
		"child", "machine", "config"}, "a pipeline with lake, warehouse and engine open: joins the contracts with what is named in the file"},
	{"preflight", []string{".", "awsquery", "awsredshift", "numbers"}, "asks an AWS account what a run needs of it; it declares what it needs of the bucket"},
	{"query", []string{".", "session", "plan", "engine", "warehouse", "lake"}, "an ad hoc query over one slice"},
	{"notebook", []string{".", "session", "query", "plan", "engine", "sqltext", "config"}, "a slice as a Jupyter notebook; config strikes secrets out"},
	{"trial", []string{".", "session", "plan", "attempt", "supervisor", "engine", "lake", "numbers", "view"}, "slices at several sizes of the engine, in a lake aside"},
	{"why", []string{".", "session", "plan", "journal", "numbers", "view"}, "where a published slice came from, by the records of runs"},
	{"diff", []string{".", "session", "plan", "lake", "warehouse", "duck", "datatype", "numbers", "view"}, "rows of slices before and after, over their files; DuckDB compares them"},
	{"clean", []string{".", "session", "plan", "journal", "lake", "lease", "config", "view"}, "what runs have left that nothing needs; who holds the lease deletes it"},
	{"watch", []string{".", "session", "plan", "journal", "lease", "drivers", "engine", "config", "pause"}, "runs seen from outside, by the lake alone"},
	{"run", []string{".", "session", "watch", "plan", "attempt", "supervisor", "resize", "journal", "lease", "lake", "iceberg", "objstore", "warehouse", "child", "config", "pause"},
		"begins and resumes runs: joins all of the above"},
	{"supervisor", []string{".", "plan", "numbers", "pause"}, "parallelism, retries, stop, resume, over interfaces of its own"},

	// The Glue API, served: a server of its own beside the runs above, which it starts as processes.
	{"glueserver", []string{".", "glueserver/catalog", "glueserver/jobs", "glueserver/ledger"}, "the wire of the Glue API"},
	{"glueserver/catalog", []string{"glueserver/jobs", "glueserver/ledger"}, "databases, tables and partitions; faults and the writer are the jobs'"},
	{"glueserver/jobs", []string{"glueserver/ledger"}, "jobs, runs and their states; it declares what it needs of whoever runs scripts"},
	{"glueserver/ledger", []string{"."}, "the server's durable records"},
	{"glueserver/launch", []string{"glueserver/jobs", "process", "sparkhome"}, "runs of pipelines and scripts, as processes that outlive the server"},

	// What people see, and where everything is joined.
	{"view", []string{".", "plan"}, "folds events and plan into what is shown; pure"},
	{"screen", []string{".", "plan", "view", "numbers"}, "plan, board and report as text"},
	{"scaffold", []string{".", "plan", "sqltext", "warehouse", "numbers"}, "writes the files that a pipeline begins with"},
	{"demo", []string{".", "duck", "numbers"}, "makes the demo's folder and tables"},
	{"demo/gen", nil, "makes the embedded distributions from the sample; run by hand, not shipped"},
	{"notify", []string{".", "pause"}, "tells webhooks and commands what happened to a run"},
	{"cli", []string{anything}, "joins everything, one file a command"},
	{"cmd/hindcast", []string{"cli"}, "main"},

	// For tests and for the repository itself.
	{"drivers/driverstest", []string{"drivers"}, "test binaries as workers"},
	{"awsspark/awssparktest", []string{"glueserver/jobs", "pythontest", "s3test", "sparktest"}, "scripts of services of AWS in real Sparks"},
	{"dialect/cases", nil, "the dialects' corpus: what is right, and how an answer differs from it"},
	{"emrtest", []string{"glueserver/jobs"}, "a stand-in for EMR Serverless; what runs scripts is a Runner of the Glue API's"},
	{"glueserver/glueservertest", nil, "faults before a served Glue API"},
	{"eventschema", nil, "checks events against the published schema"},
	{"checkout", nil, "where this repository is, for tests"},
	{"s3test", []string{"checkout"}, "a real S3 server, and a proxy that injects faults"},
	{"house", nil, "the rules of this repository"},
	{"preflight/preflighttest", []string{"pythontest"}, "a stand-in for an AWS account"},
	{"pgtest", nil, "a throw-away PostgreSQL for tests"},
	{"redshifttest", []string{"pgtest", "s3test"}, "a stand-in for Redshift in front of the PostgreSQL and the S3 server of tests"},
	{"redshifttest/standin", []string{"pgtest", "redshifttest", "s3test"}, "runs the stand-ins by hand; main"},
	{"redshifttest/control", nil, "a stand-in for Redshift's control plane"},
	{"redshifttest/dataapi", []string{"redshifttest", "redshifttest/control"}, "a stand-in for the Data API in front of that"},
	{"sparktest", []string{"pythontest"}, "a real standalone cluster of Spark"},
	{"pythontest", []string{"checkout"}, "programs of Python for tests, as tests/python lists them"},
	{"tests/chaos", nil, "kills whole runs at random instants; tests only"},
}

// outside says which packages may import a library whose types would otherwise spread through the program.
var outside = []row{
	{"github.com/duckdb/duckdb-go", []string{"duck", "pgcopy", "engine/duckdb", "warehouse/duckdb"},
		"cgo and DuckDB's types stay behind the contracts"},
	{"github.com/aws/", []string{"awsquery", "engine/emr", "awsspark", "engine/glue", "objstore/s3", "catalog", "s3test", "glueserver", "redshifttest"}, "the SDK's types stay behind the contract; the served API verifies signatures by signing again"},
	{"github.com/jackc/pgx", []string{"pgclient", "pgcopy", "pgtest", "redshifttest", "redshifttest/dataapi", "warehouse/postgres", "warehouse/redshift"},
		"only drivers of servers that speak its protocol do, and what stands in for such servers"},
	{"github.com/zeebo/xxh3", []string{"pgcopy"}, "only its sums are Content"},
	{"github.com/spf13/cobra", []string{"cli"}, "only the command line knows its library"},
	{"github.com/parquet-go/parquet-go", []string{"chunks", "redshifttest", "warehouse/redshift"},
		"chunks locates a file's bytes, and Redshift's COPY takes a shape that no engine writes; the rest of Parquet is the engine's"},
}

// short converts a folder or an import path below the module to the map's spelling.
func short(name string) string {
	name = strings.TrimPrefix(strings.TrimPrefix(name, module), "/")
	if name == "" {
		return "."
	}
	return strings.TrimPrefix(name, "internal/")
}

// ours reports whether an import path lies in this module.
func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// forTests reports whether a package exists for tests only: suites beside contracts, schema, rules; or to try out by hand what they use.
func forTests(pkg string) bool {
	return pkg == "eventschema" || pkg == "house" || pkg == "dialect/cases" || strings.HasSuffix(pkg, "test") || strings.HasPrefix(pkg, "redshifttest/")
}

// siblings reports whether two packages are drivers of the same contract.
func siblings(a, b string) bool {
	contract := path.Dir(a)
	return a != b && contract == path.Dir(b) && slices.Contains([]string{"engine", "warehouse", "objstore"}, contract) &&
		!forTests(a) && !forTests(b)
}

// allowed reports whether a file of pkg may import the package named, and if not, why not.
func allowed(rows map[string]row, pkg, imported string, test bool) (bool, string) {
	if siblings(pkg, imported) {
		return false, "a driver knows its contract and no sibling"
	}
	if test {
		return true, ""
	}
	if forTests(imported) && !forTests(pkg) {
		return false, imported + " is for tests only"
	}

	may := rows[pkg].may
	if slices.Contains(may, anything) || slices.Contains(may, imported) {
		return true, ""
	}

	return false, "the import map allows " + strings.Join(may, ", ")
}

func rowsByPackage(t *testing.T, table []row) map[string]row {
	t.Helper()
	rows := map[string]row{}
	for _, r := range table {
		if _, twice := rows[r.pkg]; twice {
			t.Errorf("%s has two rows", r.pkg)
		}
		if r.why == "" {
			t.Errorf("the row of %s does not say why", r.pkg)
		}
		rows[r.pkg] = r
	}

	return rows
}

// apart reports whether a folder is outside the map: benchmarks are a separate module and import what they measure.
func apart(dir string) bool { return dir == "bench" || strings.HasPrefix(dir, "bench/") }

func TestImportMap(t *testing.T) {
	rows := rowsByPackage(t, importMap)
	for _, file := range goFiles(t) {
		if apart(file.dir) {
			continue
		}
		pkg := short(file.dir)
		if _, known := rows[pkg]; !known {
			t.Errorf("%s: package %s is not in the import map: add a row and say why", file.path, pkg)
			continue
		}

		for _, spec := range file.ast.Imports {
			imported := unquote(t, spec.Path.Value)
			if !ours(imported) {
				continue
			}
			if ok, why := allowed(rows, pkg, short(imported), file.test); !ok && short(imported) != pkg {
				t.Errorf("%s: %s imports %s: %s", positions.Position(spec.Pos()), pkg, short(imported), why)
			}
		}
	}
}

func TestImportMapHasNoStaleRows(t *testing.T) {
	present := map[string]bool{}
	for dir := range goDirs(t) {
		present[short(dir)] = true
	}

	rows := rowsByPackage(t, importMap)
	for pkg, r := range rows {
		if !present[pkg] {
			t.Errorf("the import map has a row for %s, which does not exist", pkg)
		}
		for _, may := range r.may {
			if _, known := rows[may]; may != anything && !known {
				t.Errorf("the row of %s allows %s, which has no row", pkg, may)
			}
		}
	}
}

func TestRootIsPure(t *testing.T) {
	for _, file := range goFiles(t) {
		if file.dir != "." || file.test {
			continue
		}
		for _, spec := range file.ast.Imports {
			imported := unquote(t, spec.Path.Value)
			first, _, _ := strings.Cut(imported, "/")
			if strings.Contains(first, ".") {
				t.Errorf("%s: the root package imports the standard library only, not %s", positions.Position(spec.Pos()), imported)
			}
			if slices.Contains([]string{"os", "net", "net/http", "database/sql", "os/exec"}, imported) {
				t.Errorf("%s: the root package does no I/O: not %s", positions.Position(spec.Pos()), imported)
			}
		}
	}
}

func TestLibrariesStayBehindTheirPackages(t *testing.T) {
	for _, file := range goFiles(t) {
		if file.test || apart(file.dir) {
			continue
		}
		for _, spec := range file.ast.Imports {
			imported := unquote(t, spec.Path.Value)
			for _, library := range outside {
				if strings.HasPrefix(imported, library.pkg) && !slices.Contains(library.may, short(file.dir)) {
					t.Errorf("%s: %s is for %s: %s", positions.Position(spec.Pos()), library.pkg, strings.Join(library.may, ", "),
						library.why)
				}
			}
		}
	}
}

// TestAllowed shows that the rules bite: a map that allowed everything would pass all tests above.
func TestAllowed(t *testing.T) {
	rows := rowsByPackage(t, importMap)
	cases := []struct {
		pkg, imported string
		test, want    bool
	}{
		{"plan", ".", false, true},
		{".", "plan", false, false},
		{"plan", "warehouse", false, false},
		{"plan", "warehouse", true, true},
		{"attempt", "engine", false, true},
		{"attempt", "engine/duckdb", false, false},
		{"attempt", "engine/duckdb", true, true},
		{"engine/duckdb", "engine/enginetest", true, true},
		{"engine/duckdb", "engine/enginetest", false, false},
		{"engine/duckdb", "warehouse/duckdb", false, false},
		{"cli", "drivers", false, true},
		{"cli", "eventschema", false, false},
		{"cli", "eventschema", true, true},
		{"supervisor", "attempt", false, false},
	}
	for _, c := range cases {
		if got, why := allowed(rows, c.pkg, c.imported, c.test); got != c.want {
			t.Errorf("%s imports %s (test %t): got %t (%s), want %t", c.pkg, c.imported, c.test, got, why, c.want)
		}
	}
}
