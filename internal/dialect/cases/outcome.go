package cases

import (
	"fmt"
	"regexp"
)

// The outcomes of a case on an engine. The last two break the promise: the answer is neither right nor refused.
const (
	Equal   = "equal"   // the rows are right
	Raised  = "raised"  // the run raises the error that the warehouse raises
	Refused = "refused" // by the translator, with a code
	Guarded = "guarded" // by the translation in the run: it meets a value that it would treat otherwise than the warehouse
	Failed  = "FAILED"  // the engine raises an error that the warehouse does not
	Wrong   = "WRONG"   // other rows than the warehouse's, or rows where it raises an error
)

// Ran is what became of a case on an engine: one of the three.
type Ran struct {
	Refused string // the code of the first refusal
	Raised  string // the engine's message
	Result  Result
}

// Outcome says which outcome that is, and for a broken promise how the result differs.
func (c Case) Outcome(r Ran) (outcome, why string) {
	switch {
	case r.Refused != "":
		return Refused, ""
	case r.Raised != "" && guard.MatchString(r.Raised):
		return Guarded, ""
	case r.Raised != "" && c.Want.Error == "":
		return Failed, r.Raised
	case r.Raised != "":
		if !raises(c.Want.Error, r.Raised) {
			return Failed, fmt.Sprintf("the error is not %s: %s", c.Want.Error, r.Raised)
		}
		return Raised, ""
	case c.Want.Error != "":
		return Wrong, fmt.Sprintf("%d rows, not the error %s", len(r.Result.Rows), c.Want.Error)
	}

	if different := c.Difference(r.Result); different != "" {
		return Wrong, different
	}
	return Equal, ""
}

// guard matches what translations raise where a value is not as they need it.
var guard = regexp.MustCompile(`a text ends in a blank, which does not count|of other characters than (those of )?ASCII|the year of a date before the year 1|the epoch of an infinite time|a date before the year 1`)

// messages are what engines, and the guards in translations, say of the errors that data decide on.
var messages = map[string]*regexp.Regexp{
	"division_by_zero":               regexp.MustCompile(`(?i)divi(sion|de)[ _]by[ _]zero`),
	"numeric_value_out_of_range":     regexp.MustCompile(`(?i)overflow|out[ _]of[ _]range|could not (be )?cast|failed to cast|NUMERIC_VALUE|CAST_INVALID_INPUT|precision`),
	"invalid_text_representation":    regexp.MustCompile(`(?i)could not convert|CAST_INVALID_INPUT|invalid input|failed to cast`),
	"string_data_right_truncation":   regexp.MustCompile(`(?i)too long|EXCEED_LIMIT_LENGTH|longer`),
	"cardinality_violation":          regexp.MustCompile(`(?i)more than one row|SCALAR_SUBQUERY_TOO_MANY_ROWS`),
	"invalid_datetime_format":        regexp.MustCompile(`(?i)invalid|could not|CAST_INVALID_INPUT|CANNOT_PARSE`),
	"datetime_field_overflow":        regexp.MustCompile(`(?i)out of range|not in timestamp range|overflow|could not|CAST_INVALID_INPUT|invalid`),
	"substring_error":                regexp.MustCompile(`(?i)negative`),
	"not_null_violation":             regexp.MustCompile(`(?i)not null|NOT_NULL`),
	"invalid_argument_for_logarithm": regexp.MustCompile(`(?i)logarithm`),
	"invalid_parameter_value":        regexp.MustCompile(`(?i)invalid|must|not recognized|unknown|zero|position|range`),
}

func raises(condition, message string) bool {
	if !AtRun(condition) {
		return true // a statement that is wrong in itself is refused by the engine, too, in its own words
	}
	form, known := messages[condition]
	return known && form.MatchString(message)
}
