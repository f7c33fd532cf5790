package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/hindcast/hindcast"
)

// DataCatalog is what is needed of the Data Catalog's API. *glue.Client is one.
type DataCatalog interface {
	GetDatabase(context.Context, *glue.GetDatabaseInput, ...func(*glue.Options)) (*glue.GetDatabaseOutput, error)
	CreateDatabase(context.Context, *glue.CreateDatabaseInput, ...func(*glue.Options)) (*glue.CreateDatabaseOutput, error)
	GetTable(context.Context, *glue.GetTableInput, ...func(*glue.Options)) (*glue.GetTableOutput, error)
	CreateTable(context.Context, *glue.CreateTableInput, ...func(*glue.Options)) (*glue.CreateTableOutput, error)
	UpdateTable(context.Context, *glue.UpdateTableInput, ...func(*glue.Options)) (*glue.UpdateTableOutput, error)
	DeleteTable(context.Context, *glue.DeleteTableInput, ...func(*glue.Options)) (*glue.DeleteTableOutput, error)
	GetPartitions(context.Context, *glue.GetPartitionsInput, ...func(*glue.Options)) (*glue.GetPartitionsOutput, error)
	BatchCreatePartition(context.Context, *glue.BatchCreatePartitionInput, ...func(*glue.Options)) (*glue.BatchCreatePartitionOutput, error)
	BatchUpdatePartition(context.Context, *glue.BatchUpdatePartitionInput, ...func(*glue.Options)) (*glue.BatchUpdatePartitionOutput, error)
	BatchDeletePartition(context.Context, *glue.BatchDeletePartitionInput, ...func(*glue.Options)) (*glue.BatchDeletePartitionOutput, error)
}

// Change is what makes a table of the Data Catalog the one that is wanted.
type Change struct {
	Table  Table
	Make   bool        // it is not there
	Again  bool        // it is there, and has to be made again: Make is set, too
	Alter  bool        // its columns, properties or location are others
	Add    []Partition // that are not there
	Move   []Partition // whose location, or columns, are others
	Remove []string    // values of partitions that are not wanted
	Same   int         // partitions that are as they should be

	parameters map[string]string // that the table has
}

// None reports whether nothing is to be done.
func (c Change) None() bool {
	return !c.Make && !c.Alter && len(c.Add)+len(c.Move)+len(c.Remove) == 0
}

// Text says what is done, for people.
func (c Change) Text() string {
	var does []string
	switch {
	case c.Again:
		does = append(does, "made again")
	case c.Make:
		does = append(does, "made")
	case c.Alter:
		does = append(does, "altered")
	}
	for _, part := range []struct {
		n    int
		does string
	}{{len(c.Add), "added"}, {len(c.Move), "moved"}, {len(c.Remove), "removed"}, {c.Same, "unchanged"}} {
		if part.n > 0 {
			does = append(does, fmt.Sprintf("%d %s", part.n, part.does))
		}
	}
	if len(does) == 0 {
		return "unchanged"
	}
	return strings.Join(does, ", ")
}

// state is what the Data Catalog has of a table.
type state struct {
	table      *types.Table // nil if there is none
	partitions map[string]types.Partition
}

func readState(ctx context.Context, c DataCatalog, database, name string) (s state, err error) {
	found, err := c.GetTable(ctx, &glue.GetTableInput{DatabaseName: &database, Name: &name})
	if missing(err) {
		return s, nil
	}
	if err != nil {
		return s, failed("reading table "+database+"."+name+" of the Data Catalog", err)
	}

	s.table, s.partitions = found.Table, map[string]types.Partition{}
	if len(s.table.PartitionKeys) == 0 {
		return s, nil
	}
	pages := glue.NewGetPartitionsPaginator(c, &glue.GetPartitionsInput{DatabaseName: &database, TableName: &name, ExcludeColumnSchema: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return s, failed("reading the partitions of "+database+"."+name, err)
		}
		for _, p := range page.Partitions {
			s.partitions[strings.Join(p.Values, "/")] = p
		}
	}
	return s, nil
}

// missing reports whether the error says that something does not exist.
func missing(err error) bool {
	var none *types.EntityNotFoundException
	return errors.As(err, &none)
}

// foreign is E-CATALOG for a table that is not of this pipeline and lake.
func (s state) foreign(database string, t Table) error {
	if s.table == nil {
		return nil
	}
	whose := s.table.Parameters[propertyPipeline]
	e := &hindcast.Error{Code: hindcast.ECatalog, Class: hindcast.ClassPermanent,
		Next: "choose another database with --database, or drop that table if nobody needs it"}
	switch {
	case whose == "":
		e.Message = fmt.Sprintf("table %s.%s is there already, and hindcast did not make it", database, t.Name)
	case whose != t.Pipeline:
		e.Message = fmt.Sprintf("table %s.%s is there already, and is of pipeline %s", database, t.Name, whose)
	case s.table.Parameters[propertyLake] != t.Lake:
		e.Message = fmt.Sprintf("table %s.%s is there already, and is of another lake, %s", database, t.Name, s.table.Parameters[propertyLake])
	default:
		return nil
	}
	return e
}

// change compares a table with what there is. byColumns asks for partitions that were made with these columns, too.
func (s state) change(t Table, byColumns bool) Change {
	c := Change{Table: t}
	if s.table == nil {
		c.Make, c.Add = true, t.Partitions
		return c
	}

	wanted := tableInput(t, s.table.Parameters)
	c.parameters = s.table.Parameters
	if !sameColumns(wanted.PartitionKeys, s.table.PartitionKeys, false) {
		c.Make, c.Again, c.Add = true, true, t.Partitions
		return c
	}
	c.Alter = !s.sameTable(t, wanted)

	hash, used := t.columnsHash(), map[string]bool{}
	for _, p := range t.Partitions {
		used[p.Value] = true
		is, there := s.partitions[p.Value]
		switch {
		case !there:
			c.Add = append(c.Add, p)
		case is.StorageDescriptor == nil || !sameLocation(is.StorageDescriptor.Location, p.Location) || byColumns && is.Parameters[propertyColumns] != hash:
			c.Move = append(c.Move, p)
		default:
			c.Same++
		}
	}
	for _, value := range slices.Sorted(maps.Keys(s.partitions)) {
		if !used[value] {
			c.Remove = append(c.Remove, value)
		}
	}
	return c
}

func (s state) sameTable(t Table, wanted *types.TableInput) bool {
	is := s.table.StorageDescriptor
	return is != nil && sameColumns(wanted.StorageDescriptor.Columns, is.Columns, true) && sameLocation(is.Location, *wanted.StorageDescriptor.Location) &&
		aws.ToString(is.InputFormat) == parquetInput && is.SerdeInfo != nil && aws.ToString(is.SerdeInfo.SerializationLibrary) == parquetSerDe &&
		!slices.ContainsFunc(t.properties(), func(p [2]string) bool { return s.table.Parameters[p[0]] != p[1] })
}

func sameColumns(a, b []types.Column, comments bool) bool {
	return slices.EqualFunc(a, b, func(x, y types.Column) bool {
		return *x.Name == aws.ToString(y.Name) && plainType(*x.Type) == plainType(aws.ToString(y.Type)) && (!comments || aws.ToString(x.Comment) == aws.ToString(y.Comment))
	})
}

// plainType is a type without what others may write differently.
var plainType = strings.NewReplacer("`", "", " ", "").Replace

// sameLocation takes no notice of the slash at the end, which Hive's metastore leaves out.
func sameLocation(is *string, want string) bool {
	return strings.TrimSuffix(aws.ToString(is), "/") == strings.TrimSuffix(want, "/")
}
