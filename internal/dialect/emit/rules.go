package emit

import (
	"slices"
	"sync"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// rule is how an engine spells an operation. keep says that the source's own spelling means the same there; form and write spell it
// otherwise, and where the source does not spell it at all.
type rule struct {
	keep    bool
	form    string
	write   func(*printer, *sem.Expr, []text) text
	refusal string // why the engine cannot
	instead string
	why     string // why the text is changed
	// mayGuard says that this is why only where it is written as a CASE
	mayGuard bool
	guards   string // a further reason, where it is written as a CASE
	filters  bool   // write sees to FILTER: a NULL in place of what it leaves out would count
	except   []except
}

// except is where the engine would answer otherwise than the source, though not everywhere: it is refused there.
type except struct {
	when             func(*sem.Expr) bool
	refusal, instead string
}

// tables are the engines' rules, once they are asked for.
var tables struct {
	once        sync.Once
	duck, spark [sem.Ops]rule
}

func rules(e Engine) *[sem.Ops]rule {
	tables.once.Do(func() {
		tables.duck, tables.spark = duckRules(shared()), sparkRules(shared())
	})
	if e.spark() {
		return &tables.spark
	}
	return &tables.duck
}

// Reasons that several rules share.
const (
	byZero    = "division by zero raises in the source"
	roundsOdd = "the engine would round or type it otherwise"
	asciiOnly = "the engine changes letters that the source leaves"
	blanks    = "trailing blanks do not count in the source"
	farYears  = "years before 1 and after 9999 mean something else to the engine"
	endless   = "infinite times mean something else to the engine"
)

// shared are the rules of all engines.
func shared() (r [sem.Ops]rule) {
	lay(&r, sharedValues(), sharedFunctions(), sharedTimes(), sharedFloats(), sharedParts(), sharedArrays(), map[sem.Op]rule{
		sem.OpCRC:        {write: crc, why: "the engine computes no CRC-32C"},
		sem.OpTextInBase: {write: inBase, why: "the engine takes other texts for numbers"},
	})
	return r
}

// lay puts rules over others.
func lay(r *[sem.Ops]rule, all ...map[sem.Op]rule) {
	for _, some := range all {
		for op, one := range some {
			r[op] = one
		}
	}
}

// sharedValues are those of values, conditions and arithmetic.
func sharedValues() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpInvalid:       {refusal: "this was refused"},
		sem.OpNull:          {keep: true, form: "CAST(NULL AS $t)"},
		sem.OpBool:          {keep: true, form: "$x"},
		sem.OpInt:           {keep: true, write: integer},
		sem.OpDecimal:       {write: decimalLiteral},
		sem.OpFloat:         {form: "CAST('$x' AS DOUBLE)"},
		sem.OpText:          {write: textLiteral},
		sem.OpDate:          {form: "DATE '$x'"},
		sem.OpTimestamp:     {form: "$t '$x'"},
		sem.OpInterval:      {refusal: "an interval by itself is not translated", instead: "add it to a date or timestamp"},
		sem.OpColumn:        {write: column},
		sem.OpParam:         {keep: true, form: ":$x"},
		sem.OpRaw:           {form: "$x"},
		sem.OpName:          {write: givenName},
		sem.OpFitText:       {write: fitText, why: "what is longer than the column raises in the source"},
		sem.OpNotNull:       {write: notNull, why: "the column is NOT NULL"},
		sem.OpScalarQuery:   {keep: true, form: "($q)"},
		sem.OpExists:        {keep: true, form: "EXISTS ($q)"},
		sem.OpInQuery:       {keep: true, write: inQuery},
		sem.OpRowInQuery:    {write: rowInQuery, why: "a row with NULL in it means something else to the engine"},
		sem.OpIs:            {write: is},
		sem.OpDecode:        {write: decode},
		sem.OpAnd:           {keep: true, write: chain(" AND ")},
		sem.OpOr:            {keep: true, write: chain(" OR ")},
		sem.OpNot:           {keep: true, form: "(NOT @1)"},
		sem.OpCompare:       {keep: true, form: "(@1 $x @2)"},
		sem.OpBetween:       {keep: true},
		sem.OpIn:            {keep: true},
		sem.OpCase:          {keep: true, write: whens},
		sem.OpCaseOf:        {keep: true},
		sem.OpCoalesce:      {write: coalesce, why: "the engine may compute what is not needed, and raise", mayGuard: true},
		sem.OpNullIf:        {form: "CASE WHEN @1 = @2 THEN NULL ELSE $3 END"},
		sem.OpNVL2:          {form: "CASE WHEN @1 IS NOT NULL THEN $2 ELSE $3 END"},
		sem.OpGreatest:      {keep: true, write: function("greatest")},
		sem.OpLeast:         {keep: true, write: function("least")},
		sem.OpAdd:           {write: arithmetic("+")},
		sem.OpSubtract:      {write: arithmetic("-")},
		sem.OpMultiply:      {write: arithmetic("*")},
		sem.OpBitsBoth:      {form: "(@1 & @2)"},
		sem.OpBitsEither:    {form: "(@1 | @2)"},
		sem.OpBitsOther:     {form: "(~ @1)"}, // ~- is another operator to DuckDB
		sem.OpNegate:        {keep: true, form: "(-@1)"},
		sem.OpPlus:          {keep: true, form: "(+@1)"},
		sem.OpFloatAdd:      {write: floating("+"), why: "an overflow raises in the source"},
		sem.OpFloatSubtract: {write: floating("-"), why: "an overflow raises in the source"},
		sem.OpFloatMultiply: {write: floating("*"), why: "an overflow raises in the source"},
		sem.OpFloatDivide:   {write: floating("/"), why: byZero},
		sem.OpFloatNegate:   {keep: true, form: "(-@1)"},
		sem.OpAbs:           {form: "abs($1)"},
		sem.OpRound:         {write: cutDigits("round($1, $n)"), why: roundsOdd},
		sem.OpCeiling:       {form: "CAST(ceil($1) AS $t)", why: roundsOdd},
	}
}

// sharedFunctions are the rest: conversions, texts, times, aggregates.
func sharedFunctions() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpFloor:           {form: "CAST(floor($1) AS $t)", why: roundsOdd},
		sem.OpSame:            {write: asIs, why: "the cast changes nothing"},
		sem.OpWiden:           {write: widened, why: "the engine would compute with fewer digits"},
		sem.OpIntToInt:        {form: "CAST($1 AS $t)"},
		sem.OpToDecimal:       {form: "CAST($1 AS $t)"},
		sem.OpDecimalToInt:    {form: "CAST(round($1, 0) AS $t)", why: roundsOdd},
		sem.OpToFloat:         {form: "CAST($1 AS $t)"},
		sem.OpToText:          {write: shown, guards: farYears},
		sem.OpBoolToText:      {form: "CASE WHEN @1 THEN 'true' WHEN NOT @1 THEN 'false' END"},
		sem.OpBoolToInt:       {form: "CAST($1 AS $t)"},
		sem.OpIntToBool:       {form: "(@1 <> 0)"},
		sem.OpCutText:         {write: cutText, why: "the engine does not cut texts"},
		sem.OpDateToTimestamp: {form: "CAST($1 AS $t)"},
		sem.OpTimestampToDate: {form: "CAST($1 AS DATE)"},
		sem.OpConcat:          {keep: true, form: "(@1 || @2)"},
		sem.OpReplace:         {write: replace},
		sem.OpLeft:            {write: ending("left")},
		sem.OpRight:           {write: ending("right")},
		sem.OpSplitPart:       {write: splitPart},
		sem.OpRepeat:          {write: repeat},
		sem.OpPadLeft:         {write: pad("lpad")},
		sem.OpPadRight:        {write: pad("rpad")},
		sem.OpSHA1:            {form: "sha1($1)"},
		sem.OpTranslate:       {form: "translate($1, $2, $3)"},
		sem.OpConcatWith:      {write: function("concat_ws")},
		sem.OpTruthLetter:     {form: "CASE WHEN @1 THEN 't' WHEN NOT @1 THEN 'f' END"},
		sem.OpMD5:             {form: "md5($1)"},
		sem.OpTextToInt:       {write: read(` *[+-]?[0-9]+ *`), why: "the engine reads other texts as numbers, too"},
		sem.OpTextToDate:      {write: read(`[0-9]{4}-[0-9]{2}-[0-9]{2}`), why: "the engine reads other texts as dates"},
		sem.OpTextToTimestamp: {write: read(`[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?)?`), why: "the engine reads other texts as timestamps"},
		sem.OpASCII:           {form: "ascii($1)"},
		sem.OpOneSpelling:     {write: oneSpelling, why: blanks},
		sem.OpTextToDecimal:   {write: read(` *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *`), why: "the engine reads other texts as numbers, too"},
		sem.OpTimeToText:      {write: timeToText, why: "engines have other patterns", guards: farYears},
		sem.OpTextToMoment:    {write: textToMoment, why: "engines have other patterns, and read other texts by them"},
		sem.OpNumberToText:    {write: numberToText, why: "engines have other patterns"},
		sem.OpSinceEpoch:      {write: instantOf},
		sem.OpMatches:         {write: matches, why: "engines spell regular expressions otherwise"},
		sem.OpMatchReplace:    {write: matchReplace, why: "engines spell regular expressions otherwise"},
		sem.OpMatchFound:      {write: matchFound, why: "engines spell regular expressions otherwise"},
		sem.OpMatchCount:      {write: matchCount, why: "engines spell regular expressions otherwise"},
		sem.OpMatchPlace:      {write: matchPlace, why: "engines spell regular expressions otherwise"},
		sem.OpTextToNumber:    {write: textToNumber, why: "engines have other patterns"},
		sem.OpSubstring:       {write: substring, why: "positions before 1 count in the source"},
		sem.OpAddInterval:     {write: addInterval},
		sem.OpDateAdd:         {write: dateAdd},
		sem.OpExtract:         {write: extract, guards: farYears},
		sem.OpLastDay:         {form: "last_day($1)"},
		sem.OpCountRows:       {keep: true, form: "count(*)$w"},
		sem.OpCount:           {keep: true, form: "count($d$1)$w"},
		sem.OpAvgFloat:        {write: avgFloat, why: "an overflow raises in the source"},
		sem.OpSumFloat:        {write: sumFloat, why: "an overflow raises in the source"},
		sem.OpMin:             {keep: true, form: "min($1)$w"},
		sem.OpMax:             {keep: true, form: "max($1)$w"},
		sem.OpEvery:           {form: "bool_and($1)$w"},
		sem.OpAnyValue:        {form: "any_value($1)$w"},
		sem.OpAny:             {form: "bool_or($1)$w"},
		sem.OpPercentRank:     {keep: true, form: "percent_rank()$w"},
		sem.OpCumeDist:        {keep: true, form: "cume_dist()$w"},
		sem.OpNtile:           {form: "CAST(ntile($1)$w AS $t)"},
		sem.OpLag:             {write: neighbour("lag"), why: "the engine would give the default the value's type"},
		sem.OpLead:            {write: neighbour("lead"), why: "the engine would give the default the value's type"},
		sem.OpFirstValue:      {keep: true, write: edge("first_value")},
		sem.OpLastValue:       {keep: true, write: edge("last_value")},
		sem.OpNthValue:        {keep: true, write: edge("nth_value")},
		sem.OpBitAnd:          {form: "bit_and($d$1)$w"},
		sem.OpBitOr:           {form: "bit_or($d$1)$w"},
		sem.OpBitXor:          {form: "bit_xor($d$1)$w"},
		sem.OpDeviation:       {write: deviation, why: "what is not finite, or overflows, is told apart"},
		sem.OpDiscrete:        {write: discrete, why: "the engine counts and rounds otherwise"},
		sem.OpContinuous:      {write: continuous, why: "the engine counts and rounds otherwise"},
		sem.OpMiddle:          {write: middle, why: "the engine would give a floating-point number"},
		sem.OpRatio:           {write: ratio},
	}
}

func duckRules(r [sem.Ops]rule) [sem.Ops]rule {
	lay(&r, duckValues(), duckAggregates(), duckTimes(), duckFloats(), duckJSON(), duckArrays())
	return r
}

const epochDuck = "CAST(CAST(epoch_us(CAST($1 AS TIMESTAMP)) AS DECIMAL(20,0)) * 0.000001 AS $t)"

// duckValues are DuckDB's own rules of values, conditions, conversions, texts and times.
func duckValues() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpToFloat:        {write: toFloatDuck},
		sem.OpNow:            {form: "now()"},
		sem.OpNowCivil:       {form: "CAST(now() AT TIME ZONE 'UTC' AS TIMESTAMP)"},
		sem.OpNowSeconds:     {form: "CAST(date_trunc('second', now() AT TIME ZONE 'UTC') AS TIMESTAMP)"},
		sem.OpToday:          {form: "CAST(now() AT TIME ZONE 'UTC' AS DATE)"},
		sem.OpDistinctFrom:   {keep: true},
		sem.OpLike:           {write: like, why: "a backslash escapes in the source's LIKE"},
		sem.OpIntDivide:      {write: divideInt, why: "integers are divided as integers in the source", guards: byZero},
		sem.OpIntModulo:      {write: moduloInt, why: byZero, mayGuard: true},
		sem.OpDecimalDivide:  {write: divideDecimal, why: "the engine would divide decimals as floating-point numbers", guards: byZero},
		sem.OpNumericDivide:  {write: divideNumeric, why: "the engine would divide decimals as floating-point numbers", guards: byZero},
		sem.OpAvgNumeric:     {write: avgNumeric, why: "the engine would average exact numbers as floating-point numbers"},
		sem.OpTruncate:       {write: cutDigits("trunc($1, $n)"), why: roundsOdd},
		sem.OpFloatToInt:     {write: floatToIntDuck},
		sem.OpCutBytes:       {form: "CASE WHEN strlen($1) > $n AND strlen($1) <> length($1) THEN error('a text of other characters than ASCII''s is cut by bytes') ELSE left($1, $n) END", why: "the engine does not cut texts"},
		sem.OpToInstant:      {form: "(CAST($1 AS TIMESTAMP) AT TIME ZONE 'UTC')"},
		sem.OpFromInstant:    {form: "(@1 AT TIME ZONE 'UTC')"},
		sem.OpConcatSkip:     {write: function("concat")},
		sem.OpUpper:          {keep: true, form: "CASE WHEN strlen($1) <> length($1) THEN error('upper() of other characters than ASCII''s') ELSE upper($1) END", why: asciiOnly},
		sem.OpLower:          {keep: true, form: "CASE WHEN strlen($1) <> length($1) THEN error('lower() of other characters than ASCII''s') ELSE lower($1) END", why: asciiOnly},
		sem.OpReverse:        {form: "CASE WHEN strlen($1) <> length($1) THEN error('reverse() of other characters than ASCII''s') ELSE reverse($1) END", why: "the engine keeps marks behind their letters"},
		sem.OpSHA2:           {write: sha2Duck},
		sem.OpTitle:          {form: "CASE WHEN strlen($1) <> length($1) THEN error('initcap() of other characters than ASCII''s') WHEN $1 = '' THEN '' ELSE list_aggregate(list_transform(regexp_extract_all($1, '[A-Za-z0-9]+|[^A-Za-z0-9]+'), lambda hindcast_word: upper(left(hindcast_word, 1)) || lower(substring(hindcast_word, 2))), 'string_agg', '') END", why: asciiOnly},
		sem.OpBytes:          {form: "CAST(strlen($1) AS INTEGER)"},
		sem.OpStartsWith:     {form: "starts_with($1, $2)"},
		sem.OpBitsDiffer:     {form: "xor($1, $2)"},
		sem.OpShiftLeft:      {write: shiftLeftDuck, why: "the engine raises where a bit is lost, and of what is below zero"},
		sem.OpShiftRight:     {form: "(@1 >> $2)"},
		sem.OpHex:            {write: hex("to_hex")},
		sem.OpOnlyASCII:      {form: "CASE WHEN strlen($1) <> length($1) THEN error('a pattern''s class and a text of other characters than ASCII''s') ELSE $1 END", why: "the locale decides which other characters are in a class"},
		sem.OpLength:         {form: "CAST(length($1) AS INTEGER)"},
		sem.OpTrim:           {write: trimDuck},
		sem.OpPosition:       {form: "CAST(strpos($1, $2) AS INTEGER)"},
		sem.OpTrimKey:        {form: "rtrim($1, ' ')", why: blanks},
		sem.OpBlankGuard:     {form: "CASE WHEN @1 LIKE '% ' THEN error('a text ends in a blank, which does not count in the source') ELSE $1 END", why: blanks},
		sem.OpAddDays:        {write: addDays("+"), why: "a date that is out of range raises in the source", mayGuard: true},
		sem.OpSubtractDays:   {write: addDays("-"), why: "a date that is out of range raises in the source", mayGuard: true},
		sem.OpDaysBetween:    {write: finite("CAST(@1 - @2 AS INTEGER)", "CASE WHEN isinf($1) OR isinf($2) THEN error('cannot subtract infinite dates') ELSE CAST(@1 - @2 AS INTEGER) END"), why: "infinite dates raise in the source", mayGuard: true},
		sem.OpDateTrunc:      {write: dateTrunc},
		sem.OpExtractSeconds: {form: "CAST(CAST(date_part('microseconds', $1) AS DECIMAL(18,0)) * 0.000001 AS $t)"},
		sem.OpEpoch:          {write: finite(epochDuck, "CASE WHEN isinf($1) THEN error('the epoch of an infinite time') ELSE "+epochDuck+" END"), guards: endless},
		sem.OpDateDiff:       {form: "datediff('$x', $1, $2)"},
		sem.OpRow:            {write: function("row")},
		sem.OpDistance:       {write: distance},
	}
}

// duckAggregates are DuckDB's own rules of aggregates and windows.
func duckAggregates() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpSumInt:    {write: sumDuck("BIGINT"), why: "the engine would give a type that files do not hold"},
		sem.OpSumExact:  {write: sumDuck("$t"), why: "the engine would give another type"},
		sem.OpAvgInt:    {write: avgInt, why: "integers have an integer average in the source"},
		sem.OpAvgExact:  {write: avgExact, why: "the engine would average decimals as floating-point numbers"},
		sem.OpJoinText:  {write: joinTextDuck},
		sem.OpMode:      {write: modeDuck, why: "the engine takes any of several values"},
		sem.OpGrouping:  {write: groupingDuck, why: "the engine would give another type"},
		sem.OpRowNumber: {keep: true, form: "row_number()$w"},
		sem.OpRank:      {keep: true, form: "rank()$w"},
		sem.OpDenseRank: {keep: true, form: "dense_rank()$w"},
	}
}

func sparkRules(r [sem.Ops]rule) [sem.Ops]rule {
	lay(&r, sparkValues(), sparkAggregates(), sparkTimes(), sparkFloats(), sparkJSON(), sparkArrays())
	r[sem.OpInQuery].except = []except{
		{misreadsNull, "Spark takes NULL for false in [NOT] IN (query) that stands here", "write it as a condition of WHERE that AND joins to the others"},
		listsOuter, emptyGroup,
	}
	r[sem.OpExists].except = []except{{ofAggregate, "Spark takes an aggregate behind EXISTS for no row", "compare the aggregate in a query without EXISTS"}, listsOuter, emptyGroupInFrom}
	r[sem.OpRowInQuery].except = []except{listsOuter, emptyGroup}
	r[sem.OpScalarQuery] = rule{write: scalarSpark, except: []except{listsOuter, severalRows, emptyGroupInFrom}}
	r[sem.OpColumn].except = []except{
		{func(e *sem.Expr) bool { return e.Far }, "Spark finds columns of the query directly around this one, but not of those further out", "join the tables"},
		{func(e *sem.Expr) bool { return e.Field }, "a column of the inner query has this table's name, and Spark takes that", "give the table another alias"},
	}

	return r
}

// sparkValues are Spark's own rules of values, conditions, conversions, texts and times.
func sparkValues() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpNow:            {form: "current_timestamp()"},
		sem.OpNowCivil:       {form: "CAST(current_timestamp() AS TIMESTAMP_NTZ)"},
		sem.OpNowSeconds:     {form: "CAST(date_trunc('SECOND', current_timestamp()) AS TIMESTAMP_NTZ)"},
		sem.OpToday:          {form: "CAST(current_timestamp() AS DATE)"},
		sem.OpDistinctFrom:   {write: distinctSpark},
		sem.OpLike:           {write: like, why: "texts and patterns escape otherwise"},
		sem.OpIntDivide:      {form: "CAST(@1 div @2 AS $t)", why: "integers are divided as integers in the source"},
		sem.OpIntModulo:      {form: "(@1 % @2)"},
		sem.OpDecimalDivide:  {write: divideDecimalSpark, why: "the engine gives a quotient of decimals other digits"},
		sem.OpNumericDivide:  {write: divideNumeric, why: "the engine gives a quotient of decimals other digits"},
		sem.OpAvgNumeric:     {write: avgNumeric, why: "the engine gives an average of exact numbers other digits"},
		sem.OpTruncate:       {form: "CAST(CASE WHEN @1 < 0 THEN ceil($1, $n) ELSE floor($1, $n) END AS $t)"},
		sem.OpFloatToInt:     {write: floatToIntSpark, why: roundsOdd},
		sem.OpCutBytes:       {form: "CASE WHEN octet_length($1) > $n AND octet_length($1) <> length($1) THEN raise_error('a text of other characters than those of ASCII is cut by bytes') ELSE left($1, $n) END", why: "the engine does not cut texts"},
		sem.OpToInstant:      {form: "CAST(CAST($1 AS TIMESTAMP_NTZ) AS TIMESTAMP_LTZ)"},
		sem.OpFromInstant:    {form: "CAST($1 AS TIMESTAMP_NTZ)"},
		sem.OpNull:           {form: "CAST(NULL AS $t)", why: "Spark's NULL has no type"},
		sem.OpGreatest:       {write: extreme("greatest")},
		sem.OpLeast:          {write: extreme("least")},
		sem.OpConcatSkip:     {write: concatSkipSpark, why: "NULLs are left out in the source"},
		sem.OpUpper:          {keep: true, form: "CASE WHEN octet_length($1) <> length($1) THEN raise_error('upper() of other characters than those of ASCII') ELSE upper($1) END", why: asciiOnly},
		sem.OpLower:          {keep: true, form: "CASE WHEN octet_length($1) <> length($1) THEN raise_error('lower() of other characters than those of ASCII') ELSE lower($1) END", why: asciiOnly},
		sem.OpReverse:        {form: "reverse($1)"},
		sem.OpSHA2:           {form: "sha2($1, $n)"},
		sem.OpTitle:          {form: "CASE WHEN octet_length($1) <> length($1) THEN raise_error('initcap() of other characters than those of ASCII') ELSE array_join(transform(regexp_extract_all($1, '[A-Za-z0-9]+|[^A-Za-z0-9]+', 0), hindcast_word -> concat(upper(left(hindcast_word, 1)), lower(substring(hindcast_word, 2)))), '') END", why: asciiOnly},
		sem.OpBytes:          {form: "octet_length($1)"},
		sem.OpStartsWith:     {form: "startswith($1, $2)"},
		sem.OpBitsDiffer:     {form: "(@1 ^ @2)"},
		sem.OpShiftLeft:      {form: "shiftleft($1, $2)"},
		sem.OpShiftRight:     {form: "shiftright($1, $2)"},
		sem.OpHex:            {write: hex("hex")},
		sem.OpOnlyASCII:      {form: "CASE WHEN octet_length($1) <> length($1) THEN raise_error('a pattern and a text of other characters than those of ASCII') ELSE $1 END", why: "the locale decides which other characters are in a class"},
		sem.OpLength:         {form: "length($1)"},
		sem.OpTrim:           {write: trimSpark},
		sem.OpPosition:       {form: "instr($1, $2)"},
		sem.OpTrimKey:        {form: "trim(TRAILING ' ' FROM $1)", why: blanks},
		sem.OpBlankGuard:     {form: "CASE WHEN @1 LIKE '% ' THEN raise_error('a text ends in a blank, which does not count in the source') ELSE $1 END", why: blanks},
		sem.OpAddDays:        {write: addDaysSpark("date_add", "+"), why: "a date that is out of range raises in the source", mayGuard: true},
		sem.OpSubtractDays:   {write: addDaysSpark("date_sub", "-"), why: "a date that is out of range raises in the source", mayGuard: true},
		sem.OpDaysBetween:    {form: "datediff($1, $2)"},
		sem.OpDateTrunc:      {write: dateTruncSpark},
		sem.OpExtractSeconds: {form: "CAST(extract(SECOND FROM $1) AS $t)"},
		sem.OpEpoch:          {write: epochSpark},
		sem.OpDateDiff:       {write: dateDiffSpark},
		sem.OpRow:            {write: function("struct")},
		sem.OpDistance:       {refusal: "this is not written for Spark"},
	}
}

// sparkAggregates are Spark's own rules of aggregates and windows.
func sparkAggregates() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpSumInt:    {form: "sum($d$1)$w"},
		sem.OpAnyValue:  {form: "any_value($1, true)$w", why: "a NULL is not taken in the source"},
		sem.OpSumExact:  {write: sumSpark, why: "the engine would give another type"},
		sem.OpAvgInt:    {write: avgIntSpark, why: "integers have an integer average in the source"},
		sem.OpJoinText:  {write: joinTextSpark, why: "the engine has no such function"},
		sem.OpMode:      {refusal: "Spark takes any of several most frequent values", instead: "count by GROUP BY, and take the first by row_number()"},
		sem.OpGrouping:  {write: groupingSpark, why: Spelling},
		sem.OpAvgExact:  {write: avgCutSpark, why: "the engine gives an average of decimals other digits"},
		sem.OpRowNumber: {form: "CAST(row_number()$w AS BIGINT)"},
		sem.OpRank:      {form: "CAST(rank()$w AS BIGINT)"},
		sem.OpDenseRank: {form: "CAST(dense_rank()$w AS BIGINT)"},
	}
}

// misreadsNull is true of IN (query) that is neither a filter itself nor part of one: a NULL is false to Spark 3.5 and 4.0 there, and NOT
// makes that true.
func misreadsNull(e *sem.Expr) bool { return e.N != sem.OnlyTruth }

// listsOuter is a query in whose select list stands a column of a query around it.
var listsOuter = except{func(e *sem.Expr) bool {
	return hasItem(e.Query.Slots, outer)
}, "Spark takes no column of a query around this one in its select list", "compare it in the inner query's WHERE"}

// severalRows is a query as a value that depends on the row around it, and of which Spark could not tell that it gives one row.
var severalRows = except{func(e *sem.Expr) bool { return !e.Query.Plain && e.Query.Outer },
	"Spark takes a query as a value that depends on the row around it only without GROUP BY, DISTINCT, an order and a limit", "join the tables, or aggregate"}

// outer reports whether an expression reads a query around its own.
func outer(e *sem.Expr) bool {
	if e == nil {
		return false
	}
	return e.Outer || outer(e.Filter) || slices.ContainsFunc(e.Args, outer) ||
		slices.ContainsFunc(e.Keys, func(k sem.Key) bool { return outer(k.X) }) ||
		e.Over != nil && slices.ContainsFunc(e.Over.Slots, func(s sem.Slot) bool { return outer(s.Expr) })
}

// emptyGroup is a query that reads one around it and aggregates: of no rows Spark gives no row, and the source gives one.
var emptyGroup = except{func(e *sem.Expr) bool {
	return e.Query.Outer && anyExpr(e.Query.Slots, aggregates) || emptyGroupWithin(e.Query.Slots)
}, noEmptyGroup, compareAggregate}

// emptyGroupInFrom is one that has such a query in FROM. An aggregate in the select list of a query as a value is computed of no rows by Spark, too.
var emptyGroupInFrom = except{func(e *sem.Expr) bool { return emptyGroupWithin(e.Query.Slots) }, noEmptyGroup, compareAggregate}

const (
	noEmptyGroup     = "where an aggregate has no rows, Spark gives no row in a query that depends on the row around it"
	compareAggregate = "join to a query with GROUP BY, and give what it lacks by coalesce()"
)

// emptyGroupWithin reports whether a query in FROM, of WITH or of a set operation is an emptyGroup.
func emptyGroupWithin(slots []sem.Slot) bool {
	return slices.ContainsFunc(slots, func(s sem.Slot) bool {
		return s.Query != nil && (s.Query.Outer && anyExpr(s.Query.Slots, aggregates) || emptyGroupWithin(s.Query.Slots)) || emptyGroupWithin(s.Slots)
	})
}

// ofAggregate is true of EXISTS with an aggregate in its query, which over no rows is a row all the same.
func ofAggregate(e *sem.Expr) bool { return anyExpr(e.Query.Slots, aggregates) }

// anyExpr reports whether something is true of an expression of a SELECT.
func anyExpr(slots []sem.Slot, is func(*sem.Expr) bool) bool {
	return slices.ContainsFunc(slots, func(s sem.Slot) bool { return is(s.Expr) || s.Kind == sem.SlotSelect && anyExpr(s.Slots, is) })
}

// hasItem reports whether something is true of an item of a select list.
func hasItem(slots []sem.Slot, is func(*sem.Expr) bool) bool {
	return slices.ContainsFunc(slots, func(s sem.Slot) bool {
		return s.Item() && is(s.Expr) || s.Kind == sem.SlotSelect && hasItem(s.Slots, is)
	})
}

// aggregates reports whether an expression makes one row of many.
func aggregates(e *sem.Expr) bool {
	if e == nil {
		return false
	}
	return e.Aggregates() && e.Over == nil || slices.ContainsFunc(e.Args, aggregates)
}
