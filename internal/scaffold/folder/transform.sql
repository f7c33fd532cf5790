-- {{.Title}}
--
-- One SELECT, which hindcast runs over each slice of history and which needs no template: {{.Fact}} means the
-- slice's rows. Every column of it becomes a column of {{.Target.Table}}. A row whose {{.Target.Time}} is NULL or outside
-- of its slice fails the slice.
--
-- :slice_start and :slice_end are the slice's bounds (the end does not belong to it), :run_time is when the run
-- began, and each of `params` in hindcast.yml has its name: WHERE cost * :rate > 1
--
-- Try it on one slice:  hindcast sql "SELECT * FROM {{escaped .Fact}} LIMIT 10"
SELECT
{{range .Lines}}    {{.}}
{{end}}FROM {{.Fact}} AS {{.Alias}}
{{range .Joins}}-- {{.}}
{{end}}GROUP BY ALL
