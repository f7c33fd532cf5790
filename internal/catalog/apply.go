package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/hindcast/hindcast"
)

// Pins is what keeps generations that a table points at from being deleted. *lake.Lake is one.
type Pins interface {
	PinAlso(ctx context.Context, catalog, table string, generations []*hindcast.Manifest) error
	Pin(ctx context.Context, catalog, table string, generations []*hindcast.Manifest) error
}

// Maker makes changes of tables. Each is safe to repeat.
type Maker interface {
	// Database makes the database, which is not there.
	Database(ctx context.Context, name string) error
	// Change makes a table what is wanted. What goes, goes last.
	Change(ctx context.Context, database string, c Change) error
	// ByColumns reports whether partitions have columns of their own, which Change keeps up to date.
	ByColumns() bool
}

// Apply makes the tables in a database of the Data Catalog what they should be, by the maker, and looks afterwards whether they are.
// It returns what was done. E-CATALOG if a table of that name is somebody else's, before anything is changed, or if
// something was refused: what was done until then holds, and the next Apply goes on.
func Apply(ctx context.Context, c DataCatalog, by Maker, pins Pins, database string, tables []Table) ([]Change, error) {
	_, err := c.GetDatabase(ctx, &glue.GetDatabaseInput{Name: &database})
	none := missing(err)
	if err != nil && !none {
		return nil, failed("looking for database "+database+" in the Data Catalog", err)
	}

	var changes []Change
	if changes, err = compare(ctx, c, by, database, tables, none); err != nil {
		return nil, err
	}
	for _, t := range tables {
		if err := pins.PinAlso(ctx, database, t.Name, t.Generations); err != nil {
			return nil, err
		}
	}

	if none {
		if err := by.Database(ctx, database); err != nil {
			return nil, err
		}
	}
	for _, change := range changes {
		if change.None() {
			continue
		}
		if err := by.Change(ctx, database, change); err != nil {
			return nil, err
		}
	}
	return changes, check(ctx, c, by, pins, database, changes)
}

// compare says what is to be done to each table; E-CATALOG if one is somebody else's.
func compare(ctx context.Context, c DataCatalog, by Maker, database string, tables []Table, none bool) ([]Change, error) {
	changes := make([]Change, len(tables))
	for i, t := range tables {
		var is state
		var err error
		if !none {
			if is, err = readState(ctx, c, database, t.Name); err != nil {
				return nil, err
			}
		}
		if err := is.foreign(database, t); err != nil {
			return nil, err
		}
		changes[i] = is.change(t, by.ByColumns())
	}
	return changes, nil
}

// check reads what was changed again, and lets go of the generations that the tables pointed at before.
func check(ctx context.Context, c DataCatalog, by Maker, pins Pins, database string, changes []Change) error {
	for _, was := range changes {
		if !was.None() {
			is, err := readState(ctx, c, database, was.Table.Name)
			if err != nil {
				return err
			}
			if left := is.change(was.Table, by.ByColumns()); !left.None() {
				return &hindcast.Error{Code: hindcast.ECatalog, Class: hindcast.ClassPermanent,
					Message: fmt.Sprintf("table %s.%s of the Data Catalog is not what was made: still to be %s", database, was.Table.Name, left.Text()),
					Next:    "if somebody else changes it, or is in another region (AWS_REGION), mend that; then run the command again"}
			}
		}
		if err := pins.Pin(ctx, database, was.Table.Name, was.Table.Generations); err != nil {
			return err
		}
	}
	return nil
}

// Direct makes changes by the Data Catalog's own API.
type Direct struct{ Client DataCatalog }

// ByColumns is Maker's: the API keeps columns with each partition.
func (Direct) ByColumns() bool { return true }

// Database is Maker's.
func (d Direct) Database(ctx context.Context, name string) error {
	_, err := d.Client.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: &name}})
	if exists(err) {
		return nil
	}
	return failed("making database "+name+" in the Data Catalog", err)
}

// exists reports whether the error says that something is there already: of another process, or of an answer that was lost.
func exists(err error) bool {
	var there *types.AlreadyExistsException
	return errors.As(err, &there)
}

// Change is Maker's.
func (d Direct) Change(ctx context.Context, database string, c Change) error {
	name := database + "." + c.Table.Name
	if c.Again {
		if _, err := d.Client.DeleteTable(ctx, &glue.DeleteTableInput{DatabaseName: &database, Name: &c.Table.Name}); err != nil && !missing(err) {
			return failed("dropping table "+name, err)
		}
	}
	switch {
	case c.Make:
		_, err := d.Client.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: &database, TableInput: tableInput(c.Table, nil)})
		if err != nil && !exists(err) { // if somebody else made one meanwhile, the look afterwards finds it
			return failed("making table "+name, err)
		}
	case c.Alter:
		_, err := d.Client.UpdateTable(ctx, &glue.UpdateTableInput{DatabaseName: &database, TableInput: tableInput(c.Table, c.parameters)})
		if err != nil {
			return failed("altering table "+name, err)
		}
	}

	for some := range slices.Chunk(c.Add, most) {
		if err := d.add(ctx, database, c.Table, some); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(c.Move, most) {
		if err := d.move(ctx, database, c.Table, some); err != nil {
			return err
		}
	}
	return d.remove(ctx, database, c)
}

// add makes partitions; those that are there already, of an answer that was lost, are made what they should be.
func (d Direct) add(ctx context.Context, database string, t Table, partitions []Partition) error {
	doing := "adding partitions to " + database + "." + t.Name
	out, err := d.Client.BatchCreatePartition(ctx, &glue.BatchCreatePartitionInput{DatabaseName: &database, TableName: &t.Name, PartitionInputList: partitionInputs(t, partitions)})
	if err != nil {
		return failed(doing, err)
	}

	var again []Partition
	for _, fault := range out.Errors {
		if fault.ErrorDetail == nil || aws.ToString(fault.ErrorDetail.ErrorCode) != "AlreadyExistsException" {
			return refused(doing, fault.PartitionValues, fault.ErrorDetail)
		}
		for _, p := range partitions {
			if slices.Equal(fault.PartitionValues, []string{p.Value}) {
				again = append(again, p)
			}
		}
	}
	if len(again) == 0 {
		return nil
	}
	return d.move(ctx, database, t, again)
}

func (d Direct) move(ctx context.Context, database string, t Table, partitions []Partition) error {
	doing := "moving partitions of " + database + "." + t.Name
	inputs := partitionInputs(t, partitions)
	entries := make([]types.BatchUpdatePartitionRequestEntry, len(inputs))
	for i := range inputs {
		entries[i] = types.BatchUpdatePartitionRequestEntry{PartitionInput: &inputs[i], PartitionValueList: inputs[i].Values}
	}

	out, err := d.Client.BatchUpdatePartition(ctx, &glue.BatchUpdatePartitionInput{DatabaseName: &database, TableName: &t.Name, Entries: entries})
	if err != nil {
		return failed(doing, err)
	}
	for _, fault := range out.Errors {
		return refused(doing, fault.PartitionValueList, fault.ErrorDetail)
	}
	return nil
}

// mostDeleted is how many partitions a call may delete.
const mostDeleted = 25

func (d Direct) remove(ctx context.Context, database string, c Change) error {
	doing := "removing partitions of " + database + "." + c.Table.Name
	for some := range slices.Chunk(c.Remove, mostDeleted) {
		var values []types.PartitionValueList
		for _, value := range some {
			values = append(values, types.PartitionValueList{Values: []string{value}})
		}
		out, err := d.Client.BatchDeletePartition(ctx, &glue.BatchDeletePartitionInput{DatabaseName: &database, TableName: &c.Table.Name, PartitionsToDelete: values})
		if err != nil {
			return failed(doing, err)
		}
		for _, fault := range out.Errors {
			if fault.ErrorDetail != nil && aws.ToString(fault.ErrorDetail.ErrorCode) == "EntityNotFoundException" {
				continue // it is gone
			}
			return refused(doing, fault.PartitionValues, fault.ErrorDetail)
		}
	}
	return nil
}

// refused is what the Data Catalog says of one partition among others.
func refused(doing string, values []string, detail *types.ErrorDetail) error {
	if detail == nil {
		detail = &types.ErrorDetail{}
	}
	return &hindcast.Error{Code: hindcast.ECatalog, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("%s: %s: %s: %s", doing, strings.Join(values, "/"), cmp.Or(aws.ToString(detail.ErrorCode), "refused"), aws.ToString(detail.ErrorMessage)),
		Next:    "mend what it says, then run the command again: what was done until then stays"}
}
