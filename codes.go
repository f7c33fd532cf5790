package hindcast

// The error codes. docs/reference/errors.md documents the cause and next step of each; a test keeps the two in step.
const (
	EInternal      Code = "E-INTERNAL"       // a fault of hindcast itself
	EUsage         Code = "E-USAGE"          // a command line that cannot be understood
	EYAML          Code = "E-YAML"           // the pipeline file is not YAML
	EKey           Code = "E-KEY"            // an unknown key in the pipeline file
	EValue         Code = "E-VALUE"          // a value of the wrong form or out of range
	EFileMissing   Code = "E-FILE-MISSING"   // a file that the pipeline names does not exist
	ESecret        Code = "E-SECRET"         // ${VAR} is not set, ${file:PATH} cannot be read, or a secret is not allowed there
	ESQLSyntax     Code = "E-SQL-SYNTAX"     // the SQL does not parse
	ESQLTable      Code = "E-SQL-TABLE"      // the SQL names a table that is neither a fact nor a dimension
	ESQLColumn     Code = "E-SQL-COLUMN"     // the SQL names a column that does not exist
	ESQLParam      Code = "E-SQL-PARAM"      // :name without a value
	ESQLNotSelect  Code = "E-SQL-NOT-SELECT" // the transform is not a single SELECT
	ESQLAccess     Code = "E-SQL-ACCESS"     // the SQL reads files or the network by itself
	ESQL           Code = "E-SQL"            // any other error of the user's SQL
	EWarehouse     Code = "E-WAREHOUSE"      // the warehouse cannot be reached or answers with an error
	EWarehouseBusy Code = "E-WAREHOUSE-BUSY" // the database is open in another process, which is named
	EPermission    Code = "E-PERMISSION"     // permission denied
	EDiskFull      Code = "E-DISK-FULL"      // no space left
	ETableMissing  Code = "E-TABLE-MISSING"  // a fact's or dimension's table does not exist
	EType          Code = "E-TYPE"           // a type that cannot be carried
	ETarget        Code = "E-TARGET"         // the target's columns do not fit the result's
	EOverflow      Code = "E-OVERFLOW"       // a value does not fit the target's type
	EOutside       Code = "E-OUTSIDE"        // a result row whose time is NULL or outside its slice
	EKeyViolated   Code = "E-KEY-VIOLATED"   // the target's key is NULL or not unique in a slice
	ECheck         Code = "E-CHECK"          // a check failed
	ELeaseHeld     Code = "E-LEASE-HELD"     // another process runs this pipeline
	EFenced        Code = "E-FENCED"         // another process took over this run
	EChanged       Code = "E-CHANGED"        // what was to be replaced is not what was expected
	EParquet       Code = "E-PARQUET"        // a Parquet file is corrupt or does not match its manifest
	EJournal       Code = "E-JOURNAL"        // a journal is corrupt
	EFormat        Code = "E-FORMAT"         // a record was written by a newer hindcast, in a format that this one does not know
	EManifest      Code = "E-MANIFEST"       // a manifest, plan or catalog entry is corrupt
	ESource        Code = "E-SOURCE"         // the source lost rows that an earlier generation has
	ESpark         Code = "E-SPARK"          // Spark, or what it needs to run, is missing or of another version
	EGlue          Code = "E-GLUE"           // AWS Glue refuses a job or a run, or cannot be reached
	EMemory        Code = "E-MEMORY"         // out of memory
	EBudget        Code = "E-BUDGET"         // the budget is reached
	EHook          Code = "E-HOOK"           // a hook failed, or contains transaction control
	ETimeout       Code = "E-TIMEOUT"        // an attempt took longer than attempt_timeout
	EWorker        Code = "E-WORKER"         // a worker process died
	EPlanChanged   Code = "E-PLAN-CHANGED"   // resume finds another warehouse or engine version than the plan's
	ERun           Code = "E-RUN"            // no such run, or the run is not in a state for the request
	ESlices        Code = "E-SLICES"         // --slices names no slice of the history
	ELake          Code = "E-LAKE"           // the lake cannot be read or written
	ECatalog       Code = "E-CATALOG"        // the Data Catalog or Athena refused something, or a table there is somebody else's
	EBucket        Code = "E-BUCKET"         // the lake's bucket does not exist, or is in another region
	ECredentials   Code = "E-CREDENTIALS"    // no credentials for the lake, or rejected ones
	EClock         Code = "E-CLOCK"          // this machine's clock is too far from the server's
	EUnreachable   Code = "E-UNREACHABLE"    // the lake's server does not answer
	EOutput        Code = "E-OUTPUT"         // standard output cannot be written
	EServe         Code = "E-SERVE"          // the server's address or folder cannot be used
	EStopped       Code = "E-STOPPED"        // our own stop
	ELost          Code = "E-LOST"           // a planned slice has no committed row at the end of the run
)
