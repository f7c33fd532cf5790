package pgcopy

// codec converts a wire format's values to and from vectors.
type codec struct {
	decode func(c *column, row int, b []byte) error
	encode func(s *sender, out []byte, row int) ([]byte, error) // appends the length and the value
	size   int                                                  // the required length of a value; 0 is any
	sums   bool                                                 // totals of it are kept
	skip   bool                                                 // the value is not stored
}

var codecs = [...]codec{
	wireNone: {
		decode: func(c *column, _ int, _ []byte) error { return c.corrupt("is of no known type") },
		encode: func(s *sender, out []byte, _ int) ([]byte, error) { return out, s.misfit("a value of no known type") },
	},
	wireBool:      {decode: (*column).bool, encode: (*sender).bool, size: 1},
	wireInt2:      {decode: (*column).int2, encode: (*sender).int2, size: 2, sums: true},
	wireInt4:      {decode: (*column).int4, encode: (*sender).int4, size: 4, sums: true},
	wireInt8:      {decode: (*column).int8, encode: (*sender).int8, size: 8, sums: true},
	wireOID:       {decode: (*column).oid, encode: (*sender).oid, size: 4, sums: true},
	wireFloat4:    {decode: (*column).float4, encode: (*sender).float4, size: 4},
	wireFloat8:    {decode: (*column).float8, encode: (*sender).float8, size: 8},
	wireNumeric:   {decode: (*column).numeric, encode: (*sender).numeric, sums: true},
	wireText:      {decode: (*column).text, encode: (*sender).text},
	wirePadded:    {decode: (*column).padded, encode: (*sender).padded},
	wireByte:      {decode: (*column).byte, encode: (*sender).byte, size: 1},
	wireBytea:     {decode: (*column).bytea, encode: (*sender).bytea},
	wireUUID:      {decode: (*column).uuid, encode: (*sender).uuid, size: 16},
	wireDate:      {decode: (*column).date, encode: (*sender).date, size: 4},
	wireTime:      {decode: (*column).time, encode: (*sender).time, size: 8},
	wireTimeTZ:    {decode: (*column).timeTZ, encode: (*sender).timeTZ, size: 12},
	wireTimestamp: {decode: (*column).timestamp, encode: (*sender).timestamp, size: 8},
	wireInterval:  {decode: (*column).interval, encode: (*sender).intervals, size: 16},
	wireJSONB:     {decode: (*column).jsonb, encode: (*sender).jsonb},
	wireArray:     {decode: (*column).array, encode: (*sender).array},
	wireSkip:      {decode: func(*column, int, []byte) error { return nil }, skip: true},
}
