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
	case r.Raised != "" && c.Want.Error == "" && otherForm.MatchString(r.Raised):
		return Guarded, ""
	case r.Raised != "" && c.Want.Error == "":
		return Failed, r.Raised
	case r.Raised != "":
		if !Raises(c.Want.Error, r.Raised) {
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
var guard = regexp.MustCompile(`a text ends in a blank, which does not count|of other characters than (those of )?ASCII|the year of a date before the year 1|the epoch of an infinite time|a date before the year 1|a quotient has more digits than|an average of numbers beyond|a sum of what is not finite|a deviation of numbers beyond|a percentile of what is not a number|must be zero or more|in a time zone|must be computed from one to the next|a number that no DECIMAL holds|JSON whose meaning is not settled|the hash of NULL is not settled|the parts of an empty text are not settled|STRTOL of a text that`)

// otherForm matches what translations raise of texts that are not written as the dates and times that they read, and engines of numbers
// with more digits than they hold. The warehouse does not have some of them either.
var otherForm = regexp.MustCompile(`invalid input syntax for type (date|timestamp|numeric by a pattern)|cannot be represented as Decimal\(38, \d+\)`)

// messages are what engines, and the guards in translations, say of the errors that data decide on. Translations test texts before they
// are cast, so what an engine says of a text that it does not cast is that its value is out of range.
var messages = map[string]*regexp.Regexp{
	"division_by_zero":                    regexp.MustCompile(`(?i)(divi(sion|de)|remainder)[ _]by[ _]zero`),
	"numeric_value_out_of_range":          regexp.MustCompile(`(?i)(value|number|cast).*out[ _]of[ _]range|overflow|could not (be )?(cast|convert)|failed to cast|NUMERIC_VALUE|CAST_OVERFLOW|CAST_INVALID_INPUT`),
	"invalid_text_representation":         regexp.MustCompile(`(?i)invalid input syntax for type (smallint|integer|bigint|numeric|double|boolean|json)`),
	"string_data_right_truncation":        regexp.MustCompile(`(?i)too long|EXCEED_LIMIT_LENGTH`),
	"cardinality_violation":               regexp.MustCompile(`(?i)several rows of FROM match|more than one row|SCALAR_SUBQUERY_TOO_MANY_ROWS`),
	"invalid_datetime_format":             regexp.MustCompile(`(?i)invalid input syntax for type (date|timestamp)`),
	"datetime_field_overflow":             regexp.MustCompile(`(?i)(date|time|timestamp|interval).*(out of range|overflow|not in timestamp range)|(out of range|overflow|cannot be).*(date|time|interval)|invalid input syntax for type (date|timestamp)|CAST_INVALID_INPUT|CAST_OVERFLOW|infinite dates|overflow in multiplication of int|does not fit integer|invalid date`),
	"substring_error":                     regexp.MustCompile(`(?i)negative substring length`),
	"not_null_violation":                  regexp.MustCompile(`(?i)not null|NOT_NULL`),
	"invalid_argument_for_power_function": regexp.MustCompile(`(?i)square root of a negative|negative power|non-integer power`),
	"invalid_argument_for_logarithm":      regexp.MustCompile(`(?i)logarithm`),
	"invalid_parameter_value":             regexp.MustCompile(`(?i)must be|not recognized|unknown (time ?zone|unit)|field position|array length of a non-array`),
}

// Raises reports whether a message is what an engine says of an error of PostgreSQL's. A statement that is wrong in itself the engine
// refuses, too, in its own words.
func Raises(condition, message string) bool {
	if !AtRun(condition) {
		return true
	}
	form, known := messages[condition]
	return known && form.MatchString(message)
}
