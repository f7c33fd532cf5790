package sparksql

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// What Spark 3.5.9 and 4.0.5 say of faults, cut short, and what becomes of it.
func TestWhatBecomesOfSparksErrors(t *testing.T) {
	for text, want := range map[string]hindcast.Error{
		`{"type": "Py4JJavaError", "message": "An error occurred while calling o97.parquet.\n: org.apache.spark.SparkException: Job aborted.", "chain": [
			{"type": "org.apache.spark.SparkException", "message": "Job aborted due to stage failure: Task 0 in stage 3.0 failed 1 times"},
			{"type": "java.lang.OutOfMemoryError", "message": "Java heap space"}]}`: {Code: hindcast.EMemory, Class: hindcast.ClassResource},
		`{"type": "Py4JJavaError", "message": "x", "chain": [{"type": "org.apache.spark.SparkException",
			"message": "Job aborted due to stage failure: Task 0 in stage 3.0 failed 4 times, most recent failure: Lost task 0.3 in stage 3.0: ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: worker lost"}]}`: {Code: hindcast.EWorker, Class: hindcast.ClassTransient},
		`{"type": "Py4JJavaError", "message": "x", "chain": [{"type": "org.apache.spark.SparkException",
			"message": "Job aborted due to stage failure: Task 1 in stage 2.0 failed 4 times, most recent failure: Lost task 1.3 in stage 2.0: ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: Command exited with code 52"}]}`: {Code: hindcast.EMemory, Class: hindcast.ClassResource},
		`{"type": "Py4JJavaError", "message": "x", "chain": [{"type": "org.apache.spark.SparkException",
			"message": "Job aborted due to stage failure: … ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: Container killed by YARN for exceeding physical memory limits. 5.5 GB of 5.5 GB physical memory used. Consider boosting spark.executor.memoryOverhead."}]}`: {Code: hindcast.EMemory, Class: hindcast.ClassResource},
		`{"type": "Py4JJavaError", "message": "x", "chain": [{"type": "org.apache.spark.SparkException",
			"message": "Job aborted due to stage failure: … ExecutorLostFailure (executor 2 exited caused by one of the running tasks) Reason: The executor with id 2 exited with exit code 137(SIGKILL, possible container OOM)."}]}`: {Code: hindcast.EMemory, Class: hindcast.ClassResource},
		`{"type": "Py4JJavaError", "message": "x", "chain": [{"type": "org.apache.spark.SparkException",
			"message": "Job aborted due to stage failure: … ExecutorLostFailure (executor 2 exited unrelated to the running tasks) Reason: Container container_1700000000000_0001_01_000003 on host: node7 was preempted."}]}`: {Code: hindcast.EWorker, Class: hindcast.ClassTransient},
		`{"type": "Py4JNetworkError", "message": "Answer from Java side is empty"}`:                                                   {Code: hindcast.EWorker, Class: hindcast.ClassTransient},
		`{"type": "Py4JJavaError", "message": "x", "chain": [{"type": "java.io.IOException", "message": "No space left on device"}]}`: {Code: hindcast.EDiskFull, Class: hindcast.ClassTransient},
		`{"type": "ArithmeticException", "message": "[CAST_OVERFLOW] The value 300 of the type \"INT\" cannot be cast to \"TINYINT\" due to an overflow. SQLSTATE: 22003",
			"classes": ["CAST_OVERFLOW"]}`: {Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Message: `The value 300 of the type "INT" cannot be cast to "TINYINT" due to an overflow.`},
		`{"type": "AnalysisException", "message": "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name ` + "`tier`" + ` cannot be resolved.; line 2 pos 2;\n'Project", "classes": ["UNRESOLVED_COLUMN.WITH_SUGGESTION"], "offset": 14}`: {
			Code: hindcast.ESQLColumn, Class: hindcast.ClassPermanent, Message: "A column with name `tier` cannot be resolved.", Place: hindcast.Place{File: "x.sql", Line: 2, Column: 3}},
		`{"type": "ParseException", "message": "\n[PARSE_SYNTAX_ERROR] Syntax error at or near ':'.(line 2, pos 2)\n\n== SQL ==", "classes": ["PARSE_SYNTAX_ERROR"], "line": 2, "column": 2}`: {
			Code: hindcast.ESQLSyntax, Class: hindcast.ClassPermanent, Message: "Syntax error at or near ':'.", Place: hindcast.Place{File: "x.sql", Line: 2, Column: 3}},
		// of what Spark advises only what can be followed: sessions are ANSI's, and the settings of a pipeline file are free
		`{"type": "NumberFormatException", "message": "[CAST_INVALID_INPUT] The value 'a. b' of the type \"STRING\" cannot be cast to \"INT\" because it is malformed. Correct the value as per the syntax, or change its target type. Use ` + "`try_cast`" + ` to tolerate malformed input and return NULL instead. If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error. SQLSTATE: 22018"}`: {
			Code: hindcast.ESQL, Class: hindcast.ClassPermanent, Message: "The value 'a. b' of the type \"STRING\" cannot be cast to \"INT\" because it is malformed. Correct the value as per the syntax, or change its target type. Use `try_cast` to tolerate malformed input and return NULL instead."},
		`{"type": "ArithmeticException", "message": "[DIVIDE_BY_ZERO] Division by zero. Use ` + "`try_divide`" + ` to tolerate divisor being 0 and return NULL instead. If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error. SQLSTATE: 22012\n== SQL (line 1, position 8) =="}`: {
			Code: hindcast.ESQL, Class: hindcast.ClassPermanent, Message: "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead."},
		`{"type": "AnalysisException", "message": "[DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION] Cannot resolve \"CAST(d AS INT)\" due to data type mismatch: cannot cast \"DATE\" to \"INT\" with ANSI mode on. If you have to cast \"DATE\" to \"INT\", you can set \"spark.sql.ansi.enabled\" as 'false'.; line 1 pos 7;\n'Project"}`: {
			Code: hindcast.ESQL, Class: hindcast.ClassPermanent, Message: "Cannot resolve \"CAST(d AS INT)\" due to data type mismatch: cannot cast \"DATE\" to \"INT\" with ANSI mode on."},
		`{"type": "SparkDateTimeException", "message": "If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error."}`: {
			Code: hindcast.ESQL, Class: hindcast.ClassPermanent, Message: "If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error."},
		`{"type": "AnalysisException", "message": "[HASH_MAP_TYPE] Input cannot contain elements of the \"MAP\" type. To restore previous behavior set \"spark.sql.legacy.allowHashOnMapType\" to \"true\"."}`: {
			Code: hindcast.ESQL, Class: hindcast.ClassPermanent, Message: "Input cannot contain elements of the \"MAP\" type. To restore previous behavior set \"spark.sql.legacy.allowHashOnMapType\" to \"true\"."},
		`{"type": "SparkRuntimeException", "message": "[USER_RAISED_EXCEPTION] hindcast<<type:facts.id>>"}`:   {Code: hindcast.EType, Class: hindcast.ClassPermanent},
		`{"type": "SparkRuntimeException", "message": "[USER_RAISED_EXCEPTION] hindcast<<absent:facts.id>>"}`: {Code: hindcast.EParquet, Class: hindcast.ClassTransient},
		// what a guard in translated SQL says
		`{"type": "Py4JJavaError", "message": "An error", "chain": [{"type": "org.apache.spark.SparkRuntimeException", "message": "[USER_RAISED_EXCEPTION] division by zero<<22012#2>> SQLSTATE: P0001"}]}`: {
			Code: hindcast.ESQLRaised, Class: hindcast.ClassPermanent, Message: "division by zero (SQLSTATE 22012)", Place: hindcast.Place{File: "x.sql", Line: 2, Column: 3}},
		`{"type": "SparkRuntimeException", "message": "[USER_RAISED_EXCEPTION] a text ends in a blank<<#1>>"}`: {
			Code: hindcast.EDialect, Class: hindcast.ClassPermanent, Message: "a text ends in a blank", Place: hindcast.Place{File: "x.sql", Line: 1, Column: 8}},
		// what the views are made of is in the plan that Spark shows behind the error, and has not been evaluated
		`{"type": "AnalysisException", "message": "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column nosuch cannot be resolved; line 1 pos 7;\n'Project ['nosuch]\n+- Project [if ((d < x)) cast(raise_error(USER_RAISED_EXCEPTION, map(errorMessage, hindcast!!infinite:facts.day>>)) as date)]", "classes": ["UNRESOLVED_COLUMN.WITH_SUGGESTION"]}`: {
			Code: hindcast.ESQLColumn, Class: hindcast.ClassPermanent, Message: "A column nosuch cannot be resolved"},
		`{"type": "Py4JJavaError", "message": "An error occurred while calling o9.parquet.\n: org.apache.spark.SparkException: Job aborted due to stage failure: java.lang.RuntimeException: hindcast!!infinite:facts.day>>\n\tat org"}`: {
			Code: hindcast.EType, Class: hindcast.ClassPermanent},
	} {
		var is said
		if err := json.Unmarshal([]byte(text), &is); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		q := engine.Query{SQL: "SELECT day,\n  tier FROM facts", File: "x.sql", Original: "SELECT day,\n  tier FROM facts", Guards: []sqltext.Guard{{At: 7, End: 10}, {At: 14, End: 18}}}
		e := hindcast.AsError(translate(&is, q, frozen{text: q.SQL}))
		if e.Code != want.Code || e.Class != want.Class || want.Message != "" && (e.Message != want.Message || e.Place != want.Place && want.Place.Line > 0) {
			t.Errorf("%s\nbecame %+v", text, e)
		}
	}
}

// What s3a says of a bucket, by Hadoop 3.3.4 and 3.4.1 against versitygw, cut short.
func TestWhatBecomesOfErrorsOfABucket(t *testing.T) {
	for text, want := range map[string]hindcast.Error{
		`{"message": "x", "chain": [{"type": "java.nio.file.AccessDeniedException", "message": "s3a://bucket-2/x/y: getFileStatus on s3a://bucket-2/x/y: com.amazonaws.services.s3.model.AmazonS3Exception: Forbidden (Service: Amazon S3; Status Code: 403; Error Code: 403 Forbidden; Request ID: 1W"},
			{"type": "com.amazonaws.services.s3.model.AmazonS3Exception", "message": "Forbidden (Service: Amazon S3; Status Code: 403; Error Code: 403 Forbidden; Request ID: 1W"}]}`: {
			Code: hindcast.EPermission, Class: hindcast.ClassPermanent, Message: "Spark may not use the lake's bucket: s3a://bucket-2/x/y: 403"},
		`{"message": "x", "chain": [{"type": "java.nio.file.AccessDeniedException", "message": "s3a://bucket-2/x/y: getFileStatus on s3a://bucket-2/x/y: software.amazon.awssdk.services.s3.model.S3Exception: null (Service: S3, Status Code: 403, Request ID: GG"},
			{"type": "software.amazon.awssdk.services.s3.model.S3Exception", "message": "null (Service: S3, Status Code: 403, Request ID: GG"}]}`: {
			Code: hindcast.EPermission, Class: hindcast.ClassPermanent, Message: "Spark may not use the lake's bucket: s3a://bucket-2/x/y: 403"},
		`{"message": "x", "chain": [{"type": "java.nio.file.AccessDeniedException", "message": "s3a://bucket-2/x/y/_temporary/0: getFileStatus on s3a://bucket-2/x/y/_temporary/0: software.amazon.awssdk.services.s3.model.S3Exception: The AWS Access Key Id you provided does not exist in our records. (Service: S3, Sta"},
			{"type": "software.amazon.awssdk.services.s3.model.S3Exception", "message": "The AWS Access Key Id you provided does not exist in our records. (Service: S3, Status Code: 403, Request ID: QB"}]}`: {
			Code: hindcast.ECredentials, Class: hindcast.ClassPermanent, Message: "the lake's bucket does not take Spark's credentials: s3a://bucket-2/x/y/_temporary/0: 403 The AWS Access Key Id you provided does not exist in our records."},
		`{"message": "x", "chain": [{"type": "org.apache.hadoop.fs.s3a.UnknownStoreException", "message": "` + "`s3a://bucket-4/x/y'" + `: getFileStatus on s3a://bucket-4/x/y: software.amazon.awssdk.services.s3.model.NoSuchBucketException: The specified bucket does not exist. (Service: S3, Status Code: 404, Request ID: F8T"},
			{"type": "software.amazon.awssdk.services.s3.model.NoSuchBucketException", "message": "The specified bucket does not exist. (Service: S3, Status Code: 404, Request ID: F8T"}]}`: {
			Code: hindcast.EBucket, Class: hindcast.ClassPermanent, Message: "Spark does not find the lake's bucket: s3a://bucket-4/x/y: 404 The specified bucket does not exist."},
		`{"message": "x", "chain": [{"type": "java.net.ConnectException", "message": "getFileStatus on s3a://bucket-5/x/y: software.amazon.awssdk.core.exception.SdkClientException: Unable to execute HTTP request: Connect to 127.0.0.1:7 [/127.0.0.1] failed: Connection refused:"},
			{"type": "software.amazon.awssdk.core.exception.SdkClientException", "message": "Unable to execute HTTP request: Connect to 127.0.0.1:7 [/127.0.0.1] failed: Connection refused"}, {"type": "java.net.ConnectException", "message": "Connection refused"}]}`: {
			Code: hindcast.ELake, Class: hindcast.ClassTransient, Message: "Spark does not reach the lake's bucket: s3a://bucket-5/x/y: Connection refused"},
		`{"message": "java.lang.RuntimeException: java.lang.ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem not found"}`: {
			Code: hindcast.ESpark, Class: hindcast.ClassPermanent, Message: "Spark has no hadoop-aws that fits it: java.lang.RuntimeException: java.lang.ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem not found"},
		`{"message": "x", "chain": [{"type": "org.apache.spark.SparkException", "message": "Job aborted due to stage failure: ExecutorLostFailure (executor 1 exited) while reading s3a://bucket/x"}]}`:                   {Code: hindcast.EWorker, Class: hindcast.ClassTransient},
		`{"message": "x", "classes": ["FAILED_READ_FILE.NO_HINT"], "chain": [{"type": "org.apache.spark.SparkException", "message": "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file s3a://bucket/x."}]}`: {Code: hindcast.EParquet, Class: hindcast.ClassTransient},
	} {
		var is said
		if err := json.Unmarshal([]byte(text), &is); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		e := hindcast.AsError(translate(&is, engine.Query{}, frozen{}))
		if e.Code != want.Code || e.Class != want.Class || want.Message != "" && (e.Message != want.Message || e.Next == "") {
			t.Errorf("%s\nbecame %+v", text, e)
		}
	}
}

func TestWhatToWriteInPlaceOfQUALIFY(t *testing.T) {
	q := engine.Query{Dialect: "spark", SQL: "SELECT a FROM facts\nQUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1", File: "x.sql"}
	is := &said{Type: "ParseException", Message: "[PARSE_SYNTAX_ERROR] Syntax error at or near '('.(line 2, pos 18)", Classes: []string{"PARSE_SYNTAX_ERROR"}, Line: 2, Column: 18}
	if e := hindcast.AsError(translate(is, q, frozen{text: q.SQL})); !strings.Contains(e.Next, "no QUALIFY") {
		t.Errorf("%+v", e)
	}
}
