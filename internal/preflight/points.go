package preflight

import "strings"

// Point is something that no stand-in can tell, and how whoever has an account finds it out.
type Point struct {
	Topic    string   `json:"topic"`
	Question string   `json:"question"`
	Tell     string   `json:"tell"` // what to do, and what to report
	pages    []string // what the pages say of it, by which a test finds what has no point here
}

// points are those of what the pipeline uses. The guides list the same.
func (l *look) points() []Point {
	list := []Point{}
	for _, p := range open {
		redshift := strings.HasPrefix(l.Pipeline.Warehouse.Scheme, "redshift")
		switch p.Topic {
		case "glue":
			if l.onGlue() {
				list = append(list, p)
			}
		case "emr":
			if l.onEMR() {
				list = append(list, p)
			}
		case "redshift":
			if redshift {
				list = append(list, p)
			}
		default:
			if l.Bucket != nil {
				list = append(list, p)
			}
		}
	}
	return list
}

// open are all such points.
var open = []Point{
	{"glue", "whether GetJobRuns has a run at once after StartJobRun lost its answer",
		"after a run in which a start lost its answer: does `aws glue get-job-runs` show two runs with the same --hindcast_tag?", []string{"GetJobRuns has a run at once"}},
	{"glue", "whether a run that was stopped is retried where max_retries is set",
		"set glue.max_retries: 1, stop a run; does `aws glue get-job-runs` show an _attempt_1 that began later?", []string{"retries a run that was stopped"}},
	{"glue", "how many calls a second Glue takes",
		"run 36 slices; does CloudTrail have ThrottlingException for GetJobRuns, and how often?", []string{"How many calls a second"}},
	{"glue", "whether GetJob echoes a role as it was given",
		"`aws glue get-job --job-name JOB --query Job.Role`: a name, or an ARN?", []string{"GetJob echoes a role"}},
	{"glue", "whether Amazon's file system behind s3:// differs from Hadoop's",
		"run one slice, then `hindcast verify`: its exit code, and what it lists", []string{"file system behind"}},
	{"glue", "whether Amazon's Spark differs from the one here",
		"run the same slice with --engine duckdb; do the sums of `hindcast verify` agree?", []string{"as Amazon builds them"}},
	{"glue", "which worker types FLEX takes, and prices of other regions, of R workers and of Glue 6.0",
		"start one run so: the refusal's text, or the bill's price for its DPU-hours", []string{"Which worker types FLEX takes"}},
	{"glue", "what results are encrypted with",
		"`aws s3api head-object` of a file of results: ServerSideEncryption", []string{"Encryption"}},

	{"emr", "for how long EMR Serverless knows a client token",
		"after a run in which a start lost its answer: does `aws emr-serverless list-job-runs` show two runs of the same name?", []string{"EMR Serverless knows a client token"}},
	{"emr", "how soon a list has a new run",
		"kill hindcast just after a start, then `hindcast resume`: does `aws emr-serverless list-job-runs` show one run of the slice, or two?", []string{"How soon a list has a new run"}},
	{"emr", "whether a worker has exactly the size that was asked for, and how soon what a run is billed for is there",
		"`aws emr-serverless get-job-run` of a run that has just ended, and an hour later: billedResourceUtilization", []string{"Whether a worker of exactly the size", "How soon EMR Serverless says what it bills"}},
	{"emr", "what a start answers while the application stops, and what a run's details say after its timeout",
		"stop the application while a run starts, and once set emr_serverless.timeout: 1m: the error's text, and stateDetails", []string{"a start while it stops"}},
	{"emr", "when the log of a run that failed is there",
		"each \"it has no log in\" of an error: is there one in that folder a minute later?", []string{"When the log of a run that failed is there"}},
	{"emr", "how many calls a second other users of the account leave",
		"run 36 slices; does CloudTrail have ThrottlingException for ListJobRuns and StartJobRun, and how often?", []string{"How many calls a second other users"}},
	{"emr", "whether Amazon's Spark differs from the one here, also in an application with subnets",
		"run the same slice with --engine duckdb; do the sums of `hindcast verify` agree?", []string{"How Spark as Amazon builds it differs"}},

	{"redshift", "whether COPY takes INT64 timestamps, and decimals in INT32 and INT64",
		"COPY a file that DuckDB wrote into a table of such columns: the error's text, or the values", []string{"INT64 timestamps, or decimals"}},
	{"redshift", "whether COPY of Parquet takes a column list, REGION, and a content_length that is not the file's",
		"try each with one file: the error's text", []string{"take a column list", "REGION with COPY", "`content_length` is not"}},
	{"redshift", "what COPY makes of strings and nested columns in SUPER",
		"COPY one file with SERIALIZETOJSON: is_varchar() and is_object() of the column", []string{"A string that COPY loads into SUPER", "Nested columns in SUPER"}},
	{"redshift", "what UNLOAD writes for TIME, and for TIMESTAMPTZ where the session is not in UTC",
		"UNLOAD a row of each: what DuckDB's parquet_schema() and a SELECT show", []string{"What UNLOAD writes for TIME", "The instant of TIMESTAMPTZ"}},
	{"redshift", "whether slices without rows write a file, and how MAXFILESIZE cuts",
		"UNLOAD a table of one row, and one of some GB: the names and sizes in the manifests", []string{"slices without rows", "MAXFILESIZE"}},
	{"redshift", "what FNV_HASH and the texts of errors are",
		"SELECT FNV_HASH('a'); and each E-WAREHOUSE that shows a text of Redshift's which the guide lacks", []string{"FNV_HASH", "The text of most errors"}},
	{"redshift", "how many UNLOADs and COPYs run at once",
		"the time of `hindcast unload --force` with max_connections=2, 4 and 8 in the warehouse's URL", nil},

	{"athena", "whether Athena keeps microseconds of timestamp",
		"`hindcast ddl athena --apply`, then SELECT a timestamp that has them", []string{"microseconds of `timestamp`"}},
	{"athena", "whether Athena takes backquotes in a struct's fields",
		"the same, with a struct column: the error's text", []string{"backquotes in a struct's fields"}},
	{"athena", "whether Spectrum reads DuckDB's INT64 timestamps and decimals of 9 and 18 digits",
		"run what `hindcast ddl spectrum` prints, SELECT such columns: the error's text, or the values", []string{"Spectrum reads DuckDB's"}},
	{"athena", "what the limits and throttling of the Data Catalog are",
		"`hindcast ddl glue --apply` over thousands of partitions: how long, and what was throttled", []string{"limits and throttling of the Data Catalog"}},
}
