package spark

import (
	"encoding/json"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// What Spark 3.5.9 and 4.0.5 say of faults, cut short, and what becomes of it.
func TestWhatBecomesOfSparksErrors(t *testing.T) {
	for text, want := range map[string]hindcast.Error{
		`{"type": "Py4JJavaError", "message": "An error occurred while calling o97.parquet.\n: org.apache.spark.SparkException: Job aborted.", "chain": [
			{"type": "org.apache.spark.SparkException", "message": "Job aborted due to stage failure: Task 0 in stage 3.0 failed 1 times"},
			{"type": "java.lang.OutOfMemoryError", "message": "Java heap space"}]}`: {Code: hindcast.EMemory, Class: hindcast.ClassResource},
		`{"type": "Py4JJavaError", "message": "x", "chain": [{"type": "org.apache.spark.SparkException",
			"message": "Job aborted due to stage failure: Task 0 in stage 3.0 failed 4 times, most recent failure: Lost task 0.3 in stage 3.0: ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: worker lost"}]}`: {Code: hindcast.EWorker, Class: hindcast.ClassTransient},
		`{"type": "Py4JNetworkError", "message": "Answer from Java side is empty"}`:                                                   {Code: hindcast.EWorker, Class: hindcast.ClassTransient},
		`{"type": "Py4JJavaError", "message": "x", "chain": [{"type": "java.io.IOException", "message": "No space left on device"}]}`: {Code: hindcast.EDiskFull, Class: hindcast.ClassTransient},
		`{"type": "ArithmeticException", "message": "[CAST_OVERFLOW] The value 300 of the type \"INT\" cannot be cast to \"TINYINT\" due to an overflow. SQLSTATE: 22003",
			"classes": ["CAST_OVERFLOW"]}`: {Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Message: `The value 300 of the type "INT" cannot be cast to "TINYINT" due to an overflow.`},
		`{"type": "AnalysisException", "message": "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name ` + "`tier`" + ` cannot be resolved.; line 2 pos 2;\n'Project", "classes": ["UNRESOLVED_COLUMN.WITH_SUGGESTION"], "offset": 14}`: {
			Code: hindcast.ESQLColumn, Class: hindcast.ClassPermanent, Message: "A column with name `tier` cannot be resolved.", Place: hindcast.Place{File: "x.sql", Line: 2, Column: 3}},
		`{"type": "ParseException", "message": "\n[PARSE_SYNTAX_ERROR] Syntax error at or near ':'.(line 2, pos 2)\n\n== SQL ==", "classes": ["PARSE_SYNTAX_ERROR"], "line": 2, "column": 2}`: {
			Code: hindcast.ESQLSyntax, Class: hindcast.ClassPermanent, Message: "Syntax error at or near ':'.", Place: hindcast.Place{File: "x.sql", Line: 2, Column: 3}},
		`{"type": "SparkRuntimeException", "message": "[USER_RAISED_EXCEPTION] hindcast<<type:facts.id>>"}`:   {Code: hindcast.EType, Class: hindcast.ClassPermanent},
		`{"type": "SparkRuntimeException", "message": "[USER_RAISED_EXCEPTION] hindcast<<absent:facts.id>>"}`: {Code: hindcast.EParquet, Class: hindcast.ClassTransient},
	} {
		var is said
		if err := json.Unmarshal([]byte(text), &is); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		q := engine.Query{SQL: "SELECT day,\n  tier FROM facts", File: "x.sql"}
		e := hindcast.AsError(translate(&is, q, frozen{text: q.SQL}))
		if e.Code != want.Code || e.Class != want.Class || want.Message != "" && (e.Message != want.Message || e.Place != want.Place && want.Place.Line > 0) {
			t.Errorf("%s\nbecame %+v", text, e)
		}
	}
}

// The key of what Spark said of SQL does not depend on the times that a run gives its parameters; all else counts.
func TestTimesOfParametersAreNoPartOfAQuestion(t *testing.T) {
	bind := func(sql, start, rate string) string {
		q, err := engine.Bound("spark", sql, "x.sql", map[string]string{"slice_start": start, "rate": rate})
		if err != nil {
			t.Fatal(err)
		}
		return untimed(q)
	}
	const sql = "SELECT :slice_start AS a, :rate AS b, DATE '2020-01-01' AS c, ':rate' AS d"
	first := bind(sql, "TIMESTAMP '2020-01-01 00:00:00'", "1.10")
	if other := bind(sql, "TIMESTAMP '2021-02-03 00:00:00'", "1.10"); other != first {
		t.Errorf("%s\n%s", first, other)
	}
	if other := bind(sql, "TIMESTAMP '2020-01-01 00:00:00'", "1.1"); other == first {
		t.Error("another rate, whose type is another, is the same question")
	}
	if other := bind("SELECT :slice_start AS a, :rate AS b, DATE '2020-01-02' AS c, ':rate' AS d", "TIMESTAMP '2020-01-01 00:00:00'", "1.10"); other == first {
		t.Error("another date that the user wrote is the same question")
	}
}
