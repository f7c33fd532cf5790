package catalog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/hindcast/hindcast"
)

// AthenaClient is what is needed of Athena's API. *athena.Client is one.
type AthenaClient interface {
	StartQueryExecution(context.Context, *athena.StartQueryExecutionInput, ...func(*athena.Options)) (*athena.StartQueryExecutionOutput, error)
	GetQueryExecution(context.Context, *athena.GetQueryExecutionInput, ...func(*athena.Options)) (*athena.GetQueryExecutionOutput, error)
}

// Statements makes changes by statements that Athena runs, one after the other.
type Statements struct {
	Client    AthenaClient
	WorkGroup string                                     // "" is the account's primary one
	Output    string                                     // the S3 URL for Athena's own results; "" is the work group's
	Wait      func(context.Context, time.Duration) error // waits between looks at a statement
}

// ByColumns is Maker's: a partition that a statement adds has the table's columns.
func (Statements) ByColumns() bool { return false }

// Database is Maker's.
func (s Statements) Database(ctx context.Context, name string) error {
	return s.run(ctx, HiveDatabase(name))
}

// Change is Maker's.
func (s Statements) Change(ctx context.Context, database string, c Change) error {
	for _, statement := range changeStatements(database, c) {
		if err := s.run(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// changeStatements make a table what is wanted. Columns cannot all be altered by statements: a table that has other ones
// is dropped, which touches no file, and made again.
func changeStatements(database string, c Change) (list []string) {
	table := backQuoted(database) + "." + backQuoted(c.Table.Name)
	add := c.Add
	switch {
	case c.Again, c.Alter:
		list, add = append(list, "DROP TABLE IF EXISTS "+table, hiveTable(database, c.Table)), c.Table.Partitions
		return append(list, hiveWords.partitions(database, c.Table, add)...)
	case c.Make:
		list = append(list, hiveTable(database, c.Table))
	}

	list = append(list, hiveWords.partitions(database, c.Table, add)...)
	key := backQuoted(c.Table.Key)
	for _, p := range c.Move {
		list = append(list, fmt.Sprintf("ALTER TABLE %s PARTITION (%s = %s) SET LOCATION %s", table, key, hiveText(p.Value), hiveText(p.Location)))
	}
	for some := range slices.Chunk(c.Remove, most) {
		var gone []string
		for _, value := range some {
			gone = append(gone, "PARTITION ("+key+" = "+hiveText(value)+")")
		}
		list = append(list, "ALTER TABLE "+table+" DROP IF EXISTS "+strings.Join(gone, ", "))
	}
	return list
}

// run runs one statement to its end. A request that is sent again after an answer was lost starts nothing a second time.
func (s Statements) run(ctx context.Context, statement string) error {
	input := &athena.StartQueryExecutionInput{QueryString: &statement, ClientRequestToken: aws.String("hindcast-" + rand.Text())}
	if s.WorkGroup != "" {
		input.WorkGroup = &s.WorkGroup
	}
	if s.Output != "" {
		input.ResultConfiguration = &types.ResultConfiguration{OutputLocation: &s.Output}
	}

	started, err := s.Client.StartQueryExecution(ctx, input)
	if err != nil {
		return inStatement(failed("starting a statement in Athena", err), statement)
	}

	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		is, err := s.Client.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: started.QueryExecutionId})
		if err != nil {
			return inStatement(failed("asking Athena for the end of a statement", err), statement)
		}
		if over, err := ended(is.QueryExecution); over {
			return inStatement(err, statement)
		}
		if err := s.Wait(ctx, pause); err != nil {
			return err
		}
	}
}

// ended reports whether a statement is over, and how it failed.
func ended(is *types.QueryExecution) (over bool, err error) {
	switch is.Status.State {
	case types.QueryExecutionStateSucceeded:
		return true, nil
	case types.QueryExecutionStateFailed, types.QueryExecutionStateCancelled:
		return true, &hindcast.Error{Code: hindcast.ECatalog, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("Athena's statement %s ended as %s: %s", aws.ToString(is.QueryExecutionId), is.Status.State, aws.ToString(is.Status.StateChangeReason)),
			Next:    "mend what it says, then run the command again: statements before it have been run, and are not run again"}
	case types.QueryExecutionStateQueued, types.QueryExecutionStateRunning:
	}
	return false, nil
}

// inStatement shows the statement with the error.
func inStatement(err error, statement string) error {
	e, ok := errors.AsType[*hindcast.Error](err)
	if !ok {
		return err
	}
	shown := *e
	shown.Detail = append(slices.Clone(e.Detail), strings.Split(statement, "\n")...)
	if len(shown.Detail) > 30 {
		shown.Detail = append(shown.Detail[:30], "…")
	}
	if strings.Contains(e.Message, "output location") {
		shown.Next = "name a place for Athena's own results with --output s3://BUCKET/PREFIX/, or a work group that has one with --workgroup"
	}
	return &shown
}
