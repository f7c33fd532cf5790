package sqltext

// UUID is a regular expression, to be matched whole, of the texts that PostgreSQL reads as a uuid. DuckDB reads others too, with
// hyphens in any place.
const UUID = `(?i)([0-9a-f]{4}-?){7}[0-9a-f]{4}|[{]([0-9a-f]{4}-?){7}[0-9a-f]{4}[}]`
