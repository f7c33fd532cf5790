package sem

// Op is an operation with one meaning, whatever dialect it was written in.
type Op uint8

// The operations. N, Text and Not are the expression's.
const (
	OpInvalid Op = iota // what was refused already

	// Values.
	OpNull
	OpBool
	OpInt         // Text are the digits
	OpDecimal     // Text is the number without an exponent
	OpFloat       // Text is the number
	OpText        // Text is the value
	OpDate        // Text is YYYY-MM-DD
	OpTimestamp   // Text is YYYY-MM-DD HH:MM:SS.ffffff
	OpInterval    // Months, Days, Micros
	OpColumn      //
	OpParam       // Text is the name
	OpRaw         // Text as it is: a column that the translator names
	OpName        // Text as a name, which does not stand in the user's text
	OpNow         // the run's instant, with a zone
	OpNowCivil    // the run's instant in UTC, without a zone
	OpNowSeconds  // the same, cut to seconds
	OpToday       // the run's date in UTC
	OpScalarQuery // a query's one value
	OpExists      // whether a query has rows
	OpInQuery     // whether a query gives the value; Not
	OpRowInQuery  // whether a query gives the row, where unknown counts as false

	// Conditions.
	OpAnd
	OpOr
	OpNot
	OpIs           // Text is null, true, false or unknown; Not
	OpDistinctFrom // Not
	OpCompare      // Text is = <> < <= > >=
	OpBetween      // Not
	OpIn           // of a list; Not
	OpLike         // Text is the escape, "" for none; Not
	OpCase         // WHEN, THEN, …, ELSE
	OpCaseOf       // operand, WHEN, THEN, …, ELSE
	OpCoalesce
	OpNullIf   // NULL if the first two are equal, else the third
	OpDecode   // DECODE: NULL equals NULL
	OpNVL2     // the second unless the first is NULL, else the third
	OpGreatest // NULLs count only if there is nothing else
	OpLeast

	// Arithmetic. Numbers are exact unless the name says Float; an overflow raises.
	OpAdd
	OpSubtract
	OpMultiply
	OpIntDivide     // cut towards zero; by zero raises
	OpIntModulo     // has the dividend's sign; by zero raises
	OpDecimalDivide // to S digits behind the point, cut (N = 0) or rounded (N = 1); by zero raises. A third argument is one divided by the second: the product is exact
	OpNumericDivide // as PostgreSQL divides numerics: the values decide on how many digits the quotient is rounded to
	OpNegate
	OpPlus
	OpFloatAdd
	OpFloatSubtract
	OpFloatMultiply
	OpFloatDivide
	OpFloatNegate
	OpAbs
	OpRound // to N digits behind the point, half away from zero
	OpTruncate
	OpCeiling
	OpFloor
	OpDecimalModulo // has the dividend's sign; by zero raises
	OpRoundFloat    // to a whole number, half to even
	OpTruncateFloat
	OpCeilingFloat
	OpFloorFloat
	OpSqrt // of a negative number raises
	OpLn   // of zero and less raises
	OpLog10
	OpExp   // an overflow or underflow raises
	OpPower // so does what has no result
	OpSign
	OpBitsBoth   // of two integers, the bits that both have
	OpBitsEither //
	OpBitsDiffer //
	OpBitsOther  // of an integer, the bits that it does not have
	OpShiftLeft  // of an integer, by fewer bits than it has
	OpShiftRight // with its sign

	// Conversions.
	OpSame           // a value as it is
	OpWiden          // an exact number as a type that holds all of its values
	OpIntToInt       // what does not fit raises
	OpToDecimal      // to a decimal; rounded half away from zero
	OpDecimalToInt   // rounded half away from zero
	OpFloatToInt     // rounded half to even
	OpFloatToDecimal // of its first 15 digits, 6 of a real, rounded half away from zero
	OpToFloat        // an exact number to a float
	OpTextToInt
	OpTextToDecimal
	OpTextToDate      // of YYYY-MM-DD; anything else raises
	OpTextToTimestamp // of YYYY-MM-DD[ HH:MM[:SS[.ffffff]]]; anything else raises
	OpToText          // a number, date or timestamp as PostgreSQL writes it
	OpBoolToText      // true, false
	OpBoolToInt
	OpIntToBool
	OpCutText         // the first N characters; N = 0 does nothing
	OpCutBytes        // the same where N are bytes: other characters than ASCII's raise where that matters
	OpDateToTimestamp //
	OpTimestampToDate
	OpToInstant // a timestamp or date of UTC as an instant
	OpFromInstant

	// Texts.
	OpConcat     // NULL if either is
	OpConcatSkip // leaves out NULLs
	OpUpper
	OpLower
	OpLength
	OpSubstring // from, and length if there is one; positions before 1 count
	OpTrim      // Text is both, leading or trailing; the second is a set of characters
	OpPosition  // of the second in the first, from 1; 0 if it is not
	OpReplace
	OpLeft // N characters, or as many as the second argument says if N is -1; below zero, all but as many, unless Not: then it raises
	OpRight
	OpSplitPart
	OpRepeat
	OpReverse
	OpPadLeft
	OpPadRight
	OpMD5
	OpSHA1
	OpSHA2  // of N bits
	OpTitle // each word's first letter as a capital, the others small
	OpTranslate
	OpStartsWith
	OpBytes        // how many bytes the text has in UTF-8
	OpASCII        // the first character's number; 0 of the empty text
	OpHex          // an integer in hexadecimal digits; Not: below zero it raises
	OpConcatWith   // the rest with the first between them; leaves out NULLs
	OpTruthLetter  // t or f
	OpTimeToText   // a timestamp as Form says; Text is the pattern
	OpTextToMoment // a text as a timestamp, as Form says; any other text raises
	OpNumberToText // an exact number as Form says
	OpTextToNumber // a text as a decimal, as Form says; any other text raises
	OpMatches      // whether a text has a match; Text is the pattern as package regex writes it; Not
	OpMatchReplace // a text with its matches replaced, as Form says
	OpMatchFound   // the match in a text, as Form says
	OpMatchCount   // how many matches a text has
	OpMatchPlace   // where the first match begins, from 1; 0 if there is none
	OpOnlyASCII    // the text; one of other characters than ASCII's raises
	OpTrimKey      // without trailing blanks, as a key to compare by
	OpFitText      // the first N characters, or bytes where Text is bytes; what is longer, unless by blanks, raises
	OpNotNull      // the value; NULL raises
	OpBlankGuard   // the text; one with trailing blanks raises
	OpPart         // of a text that is divided by the second, the part with a number from 1; NULL where there is none
	OpPartCount    // how many there are; Text is what the source calls that
	OpJSONText     // of a text that is JSON, the text of the value at the keys and positions that follow, NULL where there is none; N is what it may be; Not: what is not JSON is NULL; Text is array where the text is to be one
	OpJSONLength   // how many elements a text that is a JSON array has; Not
	OpJSONType     // what the value at the keys and positions in a text that is JSON is, in PostgreSQL's words
	OpFNV          // the hash FNV-1a of a text or an integer; a second argument is the hash before it
	OpCRC          // CRC-32C of a text's bytes, in hexadecimal digits
	OpTextInBase   // a text as a number of the base N; one that its documentation does not tell of raises
	OpJSONValid    // whether a text is JSON: an object or array where Text says so
	OpOneSpelling  // the one text of a group of texts that are equal but for trailing blanks; several raise; Not says that there are grouping sets, and it is NULL in those without it

	// Arrays. Positions count from 1, and one that is not there is NULL.
	OpArray       // of the arguments
	OpArrayConcat // of two; one that is NULL counts as one without elements, unless both are
	OpElement     // of an array, at a position
	OpArrayLength // how many elements; Not: NULL where there are none
	OpArrayAny    // whether the second, a condition of an OpElementName, is true of an element of the first; Not: of all elements
	OpElementName // an element in the condition of an OpArrayAny
	OpParts       // of a text that is divided by the second; none of an empty text
	OpArrayText   // the texts of an array that are not NULL, with Text between them
	OpUnnest      // a query of the elements as rows, in their order; Not: with their positions

	// Dates and times.
	OpAddDays
	OpSubtractDays
	OpDaysBetween // of two dates
	OpAddInterval // Text is + or -; months, then days, then the rest
	OpDateTrunc   // Text is the part
	OpExtract     // Text is the part
	OpExtractSeconds
	OpEpoch
	OpDateAdd  // Text is the part: amount, time
	OpDateDiff // Text is the part: how many of its boundaries lie between
	OpLastDay
	OpSinceEpoch    // the instant so many seconds after 1970 began; what is out of range raises
	OpDistance      // an interval as the distance of a frame's end: Months, Days, Micros
	OpIntervalTimes // Months, Days and Micros, a number of times: no engine's value by itself, as the next two
	OpTimeBetween   // two timestamps' difference
	OpAge           // the same in years, months and days
	OpAddTimes      // Text is + or -; Months, Days and Micros, a number of times
	OpAddSpan       // Text is + or -; microseconds
	OpMicrosBetween // of two timestamps
	OpSpanPart      // Text is the part; of microseconds
	OpAgePart       // Text is the part; of the age of two timestamps
	OpAtZone        // Text is the zone; a timestamp there as an instant
	OpInZone        // Text is the zone; an instant as a timestamp there
	OpMakeDate      // year, month, day; a date that does not exist raises
	OpDayMicros     // hour, minute, microseconds of the minute: how many of a day have gone; what is out of range raises
	OpAddMonths     // to a timestamp; the last day of a month becomes that of another
	OpMonthsBetween // of two dates: the days as parts of 31
	OpNextDay       // the next day of the week N, from 0 for Sunday
	OpTimeCompare   // -1, 0 or 1
	OpSeries        // of integers, each a row: from, to, step
	OpTimeSeries    // of timestamps: from, to; each Months, Days and Micros after the one before it

	// Aggregates, also over a window.
	OpCountRows
	OpCount
	OpSumInt   // of smallint and integer, as bigint
	OpSumExact // as a decimal
	OpSumFloat //
	OpAvgInt   // of integers, cut to an integer
	OpAvgExact // to S digits behind the point, cut (N = 0) or rounded (N = 1)
	OpAvgFloat
	OpAvgNumeric // as PostgreSQL averages exact numbers: an OpNumericDivide of the sum by the count
	OpMin
	OpMax
	OpBitAnd     // of integers
	OpBitOr      //
	OpBitXor     //
	OpDeviation  // of floats: Text is stddev_samp, stddev_pop, var_samp or var_pop
	OpJoinText   // of texts in the order of Keys, with Text between them; N is the most bytes that it may have, 0 if there is no limit
	OpDiscrete   // the first value in the order of its one key that has at least the share Text of the values up to it
	OpContinuous // the value at the share Text of the floats in the order of its one key, between two values if need be
	OpMiddle     // of integers, with one digit behind the point
	OpGather     // in an array, in the order of Keys; NULL where there are no rows
	OpMode       // the most frequent value; of several the first in the order of its one key
	OpEvery
	OpAnyValue // of those that are not NULL; which one is not said
	OpAny

	// Functions of a window alone.
	OpRowNumber
	OpRank
	OpDenseRank
	OpPercentRank
	OpCumeDist
	OpNtile
	OpLag        // Text is ignore where NULLs do not count
	OpLead       //
	OpFirstValue // Text is ignore where NULLs do not count
	OpLastValue  //
	OpNthValue   //
	OpRatio      // of a value to the sum of all, as a float
	OpGrouping   // a bit for each key of a grouping set, which is 1 where the row is not grouped by it
	OpRow        // several values as one, which is never NULL itself

	Ops // how many operations there are
)
