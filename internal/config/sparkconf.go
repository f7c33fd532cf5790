package config

import "strings"

// reserved are the settings of Spark that hindcast sets itself, and why nobody else may. A name that ends with a dot is all
// that begin with it.
var reserved = map[string]string{
	"spark.sql.ansi.enabled":                               ansi,
	"spark.sql.ansi.doubleQuotedIdentifiers":               `"a name" in double quotes must be a name, and not a text`,
	"spark.sql.session.timeZone":                           zone,
	"spark.sql.timestampType":                              zone,
	"spark.sql.parquet.outputTimestampType":                timestamps,
	"spark.sql.parquet.compression.codec":                  "the lake's files have one codec",
	"spark.sql.parquet.writeLegacyFormat":                  "decimals must be written as everybody reads them",
	"spark.sql.parquet.binaryAsString":                     sameTypes,
	"spark.sql.parquet.int96AsTimestamp":                   sameTypes,
	"spark.sql.parquet.int96TimestampConversion":           calendar,
	"spark.sql.parquet.inferTimestampNTZ.enabled":          sameTypes,
	"spark.sql.parquet.datetimeRebaseModeInRead":           calendar,
	"spark.sql.parquet.datetimeRebaseModeInWrite":          calendar,
	"spark.sql.parquet.int96RebaseModeInRead":              calendar,
	"spark.sql.parquet.int96RebaseModeInWrite":             calendar,
	"spark.sql.legacy.parquet.":                            calendar,
	"spark.sql.timeType.enabled":                           "a TIME can be computed and not written",
	"spark.sql.caseSensitive":                              sameText,
	"spark.sql.variable.substitute":                        "a ${…} in a text would be replaced by settings and environment variables",
	"spark.sql.parser.escapedStringLiterals":               sameText,
	"spark.sql.legacy.consecutiveStringLiterals.enabled":   sameText,
	"spark.sql.legacy.allowNegativeScaleOfDecimal":         sameTypes,
	"spark.sql.legacy.parser.":                             sameText,
	"spark.sql.parser.quotedRegexColumnNames":              sameText,
	"spark.sql.runSQLOnFiles":                              "the SQL reads facts and dimensions, and no file by its name",
	"spark.sql.legacy.timeParserPolicy":                    "a text must not be one date in one version and another date in the next",
	"spark.sql.legacy.ctePrecedencePolicy":                 "a query of WITH must be the innermost of its name everywhere",
	"spark.sql.storeAssignmentPolicy":                      ansi,
	"spark.sql.legacy.charVarcharAsString":                 "a text must keep to its length",
	"spark.sql.parquet.enableNestedColumnVectorizedReader": "files are read in one way",
	"spark.sql.debug.maxToStringFields":                    whole,
	"spark.sql.maxMetadataStringLength":                    whole,
	"spark.sql.parquet.aggregatePushdown":                  statistics,
	"spark.sql.optimizer.nestedPredicatePushdown.":         statistics,
	"spark.sql.files.ignoreCorruptFiles":                   lost,
	"spark.sql.files.ignoreMissingFiles":                   lost,

	"spark.master":                "write the key `master`",
	"spark.app.name":              "a run finds its applications again by their names",
	"spark.submit.deployMode":     "the driver runs beside hindcast, which answers for it",
	"spark.executor.instances":    "write the key `executors`",
	"spark.executor.memory":       "write the key `executor_memory`",
	"spark.executor.cores":        "write the key `cores`",
	"spark.cores.max":             "write the keys `executors` and `cores`",
	"spark.jars.packages":         "write the key `packages`",
	"spark.pyspark.python":        "write the key `python`",
	"spark.pyspark.driver.python": "write the key `python`",

	"spark.hadoop.fs.s3a.endpoint":                   bucket,
	"spark.hadoop.fs.s3a.endpoint.region":            bucket,
	"spark.hadoop.fs.s3a.path.style.access":          bucket,
	"spark.hadoop.fs.s3a.directory.marker.retention": bucket,
	"spark.hadoop.fs.s3a.input.stream.type":          bucket,
}

const (
	ansi       = "without ANSI a bad cast or a division by zero is NULL, and integers wrap around"
	zone       = "times would depend on the machine's zone"
	calendar   = "old dates would be moved between calendars"
	timestamps = "only timestamps of microseconds are read everywhere"
	sameTypes  = "the lake says which type a column has"
	sameText   = "the SQL must mean the same everywhere"
	whole      = "hindcast reads the plans that Spark prints, and needs them whole"
	lost       = "rows would be left out without a word"
	statistics = "many writers' statistics leave NaN out, and rows would be missing"
	bucket     = "the lake's URL says how its bucket is reached"
)

// early are settings of Spark that cannot be secrets, and why. Secrets are whispered to the session, which is there after
// spark-submit has read these, or they stand in command lines that everybody on the machine can read. A name that ends with a dot is
// all that begin with it.
var early = map[string]string{
	"spark.driver.memory":               beforeSession,
	"spark.driver.memoryOverhead":       beforeSession,
	"spark.driver.cores":                beforeSession,
	"spark.driver.extraClassPath":       beforeSession,
	"spark.driver.extraLibraryPath":     beforeSession,
	"spark.driver.userClassPathFirst":   beforeSession,
	"spark.driver.extraJavaOptions":     commandLine,
	"spark.driver.defaultJavaOptions":   commandLine,
	"spark.executor.extraJavaOptions":   commandLine,
	"spark.executor.defaultJavaOptions": commandLine,
	"spark.executor.extraClassPath":     commandLine,
	"spark.jars":                        beforeSession,
	"spark.jars.":                       beforeSession,
	"spark.files":                       beforeSession,
	"spark.archives":                    beforeSession,
	"spark.submit.":                     beforeSession,
	"spark.kerberos.":                   beforeSession,
	"spark.yarn.keytab":                 beforeSession,
	"spark.yarn.principal":              beforeSession,
	"spark.yarn.dist.":                  beforeSession,
}

const (
	beforeSession = "spark-submit reads it before there is a session, to which secrets are given"
	commandLine   = "it would stand in a command line, where everybody on the machine can read it"
)

// tooEarly reports whether a setting of Spark cannot be a secret, and why.
func tooEarly(name string) (why string, is bool) { return among(early, name) }

// Reserved reports whether hindcast sets this setting of Spark itself, and why.
func Reserved(name string) (why string, ours bool) { return among(reserved, name) }

// among finds a setting, whatever its case, by its name or the beginning of that.
func among(settings map[string]string, name string) (why string, is bool) {
	for own, reason := range settings {
		if strings.EqualFold(own, name) || strings.HasSuffix(own, ".") && len(name) > len(own) && strings.EqualFold(name[:len(own)], own) {
			return reason, true
		}
	}
	return "", false
}
