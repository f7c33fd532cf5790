package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// translation is what `hindcast sql --translate` is asked for.
type translation struct {
	on, explain             bool
	from, to, schema, order string
	params                  []string // NAME=TYPE
}

func (t *translation) flags(flags *pflag.FlagSet) {
	flags.BoolVar(&t.on, "translate", false, "translate SQL of a warehouse for an engine, and run nothing: standard input to standard output")
	flags.StringVar(&t.from, "dialect", "", "with --translate: the dialect of the SQL, postgres or redshift")
	flags.StringVar(&t.to, "to", "duckdb", "with --translate: the engine, duckdb, spark (3.5), spark35 or spark40")
	flags.StringVar(&t.schema, "schema", "", "with --translate: a file with the CREATE TABLE statements of what the SQL names")
	flags.StringVar(&t.order, "collation", "", "with --translate: the database's collation; what depends on the order of texts is only translated with C")
	flags.StringArrayVar(&t.params, "param", nil, "with --translate: the type of a parameter of the SQL, such as rate=numeric(10,2)")
	flags.BoolVar(&t.explain, "explain", false, "with --translate: say on standard error of each part that was changed why")
}

// translate writes the SQL for an engine, or says what of it is refused.
func (a *app) translate(ctx context.Context, t translation, file string, args []string) error {
	text, name, err := a.toTranslate(ctx, file, args)
	if err != nil {
		return err
	}
	o := dialect.Options{From: dialect.Source(t.from), To: dialect.Target(t.to), Settings: dialect.Settings{Collation: t.order}, Params: t.types()}
	if t.to == "spark" {
		o.To = dialect.Spark35
	}
	if t.from == "" {
		return &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: "--translate needs to know what the SQL is written in",
			Next: "add --dialect postgres or --dialect redshift"}
	}
	if o.Schema, err = a.readSchema(ctx, t.schema, o.From); err != nil {
		return err
	}
	r, err := dialect.Translate(text, o)
	if refused, ok := errors.AsType[dialect.Refusals](err); ok {
		for i, r := range refused {
			if r.Code == hindcast.ESQLTable && t.schema == "" {
				refused[i].Instead = "give the CREATE TABLE statements of what the SQL names: --schema FILE"
			}
			if name, is := strings.CutPrefix(r.At.In(text), ":"); is && o.Params[name] == "" {
				refused[i].Instead = "say it: --param " + name + "=TYPE"
			}
		}
		return errors.Join(refused.Errors(text, name, sqltext.Excerpt)...)
	}
	if err != nil {
		return err
	}
	if a.json {
		return json.NewEncoder(a.out).Encode(r)
	}
	if t.explain {
		for _, c := range r.Changes {
			line, column := dialect.Position(text, c.At.Start)
			fmt.Fprintf(a.err, "%d:%d  %s\n    %s\n  → %s\n", line, column, c.Why, firstLine(c.At.In(text)), firstLine(c.Text))
		}
	}
	_, err = io.WriteString(a.out, r.SQL)

	return err
}

// firstLine is a text's first line, with a mark if there are more.
func firstLine(text string) string {
	line, _, more := strings.Cut(text, "\n")
	if more {
		line += " …"
	}
	return line
}

// types are those of the parameters: those of a slice's bounds and of the run's time need not be given.
func (t *translation) types() map[string]string {
	types := map[string]string{"slice_start": "date", "slice_end": "date", "run_time": "timestamp with time zone"}
	for _, p := range t.params {
		name, typ, _ := strings.Cut(p, "=")
		types[strings.TrimPrefix(name, ":")] = typ
	}
	return types
}

// toTranslate is the SQL, and the name of the file it stands in.
func (a *app) toTranslate(ctx context.Context, file string, args []string) (text, name string, err error) {
	switch {
	case len(args) == 1:
		return args[0], "", nil
	case file != "":
		text, err := readText(ctx, file, "correct --sql")
		return text, file, err
	}
	all, err := io.ReadAll(io.LimitReader(a.in, 8<<20))
	if err != nil {
		return "", "", &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: "standard input cannot be read: " + err.Error(), Next: "give the SQL on standard input"}
	}

	return string(all), "", nil
}

func readText(ctx context.Context, file, next string) (string, error) {
	text, err := config.ReadFile(ctx, file)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", &hindcast.Error{Code: hindcast.EFileMissing, Class: hindcast.ClassPermanent, Message: err.Error(), Next: next}
	}
	return string(text), nil
}

// readSchema reads the tables that the SQL may name; none without a file.
func (a *app) readSchema(ctx context.Context, file string, from dialect.Source) (dialect.Schema, error) {
	if file == "" {
		return dialect.Schema{}, nil
	}
	text, err := readText(ctx, file, "correct --schema")
	if err != nil {
		return dialect.Schema{}, err
	}
	s, err := dialect.ReadSchema(text, from)
	if refused, ok := errors.AsType[dialect.Refusals](err); ok {
		return s, errors.Join(refused.Errors(text, file, sqltext.Excerpt)...)
	}

	return s, err
}
