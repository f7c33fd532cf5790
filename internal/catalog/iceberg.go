package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/hindcast/hindcast"
)

// IcebergTable is an Iceberg table of results, whose metadata is in the lake. The Data Catalog names the metadata that is current.
type IcebergTable struct {
	Table                                            // without partitions; Columns have types of Hive as Stored
	IDs      []int                                   // of the columns
	Metadata string                                  // the location of the metadata
	Key      string                                  // its key in the lake
	Ours     func(other string) bool                 // whether metadata elsewhere is the lake's too
	Stands   func(ctx context.Context) (bool, error) // whether the metadata's snapshot is still one of the table
}

// Iceberg gives the tables of results with the names that they and their columns have in the Data Catalog, in lower case. E-TYPE names all
// that it cannot have; E-VALUE a column of theirs that Without names: which columns an Iceberg table has its metadata says, to all who read it.
func (s Source) Iceberg(results []IcebergTable) ([]IcebergTable, error) {
	b := &builder{source: s, system: Glue}
	for i := range results {
		t := &results[i]
		if column := s.leavesOut(t.Source); column != "" {
			return nil, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("--without names %s, and the results in %s are an Iceberg table, whose columns its own metadata says", column, t.Source),
				Next:    "leave the column out of the SQL, or out of --without"}
		}
		of := b.table("result", t.Name)
		t.Name, t.Of, t.Pipeline, t.Lake = of.Name, of.Of, of.Pipeline, of.Lake
		t.Columns = b.shown(t)
		b.tables = append(b.tables, t.Table)
	}
	b.collisions()
	return results, b.refused()
}

// leavesOut is a column of the results in a target that Without names; "" if it names none.
func (s Source) leavesOut(target string) string {
	for _, name := range s.Without {
		if dot := strings.LastIndexByte(name, '.'); dot > 0 && strings.EqualFold(name[:dot], target) {
			return name
		}
	}
	return ""
}

// shown are an Iceberg table's columns with their names in lower case, as programs see them that read it through the Data Catalog.
func (b *builder) shown(t *IcebergTable) (list []Column) {
	known := map[string]string{}
	for _, c := range t.Columns {
		name := strings.ToLower(c.Name)
		if text := misnamed(name, known); text != "" {
			b.faults = append(b.faults, fault{table: t.Source, column: c.Name, text: t.Source + "." + c.Name + ": " + text, Next: "give the column another name in the SQL"})
		}
		known[name] = c.Name
		c.Name = name
		list = append(list, c)
	}
	return list
}

// MetadataPins keeps metadata that a table of the Data Catalog names from being deleted. *lake.Lake is one.
type MetadataPins interface {
	PinMetadata(ctx context.Context, catalog, table string, keys []string) error
}

// Parameters by which programs know an Iceberg table.
const (
	parameterType     = "table_type"
	parameterMetadata = "metadata_location"
	parameterPrevious = "previous_metadata_location"
	typeIceberg       = "ICEBERG"
)

// RegisterIceberg makes the tables of the Data Catalog name the metadata that is current in the lake. A table is changed only if it is as
// it was looked at. It returns what was done, as Apply does. E-CATALOG if a table of that name is somebody else's, before anything is
// changed, or if others have committed to one.
func RegisterIceberg(ctx context.Context, c DataCatalog, pins MetadataPins, database string, tables []IcebergTable) (changes []Change, err error) {
	_, err = c.GetDatabase(ctx, &glue.GetDatabaseInput{Name: &database})
	none := missing(err)
	if err != nil && !none {
		return nil, failed("looking for database "+database+" in the Data Catalog", err)
	}

	states := make([]state, len(tables))
	for i, t := range tables {
		if none {
			continue
		}
		if states[i], err = readState(ctx, c, database, t.Name); err != nil {
			return nil, err
		}
		if err := t.foreign(states[i], database); err != nil {
			return nil, err
		}
	}
	if none && len(tables) > 0 {
		if err := (Direct{c}).Database(ctx, database); err != nil {
			return nil, err
		}
	}
	for i, t := range tables {
		change, err := t.register(ctx, c, pins, database, states[i])
		if err != nil {
			return changes, err
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// foreign is E-CATALOG for a table that is not of this pipeline and lake, or to which others have committed.
func (t *IcebergTable) foreign(s state, database string) error {
	if err := s.foreign(database, t.Table); err != nil || s.table == nil {
		return err
	}
	at := s.table.Parameters[parameterMetadata]
	if at == "" || t.Ours(at) {
		return nil
	}
	return &hindcast.Error{Code: hindcast.ECatalog, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("table %s.%s names the metadata %s, which hindcast did not write: somebody else has committed to the table", database, t.Name, at),
		Next:    "drop it there, which deletes no file of the lake, and run the command again; let nobody else write to it"}
}

func (t *IcebergTable) register(ctx context.Context, c DataCatalog, pins MetadataPins, database string, s state) (Change, error) {
	change, name := Change{Table: t.Table}, database+"."+t.Name
	is := s.table != nil && strings.EqualFold(s.table.Parameters[parameterType], typeIceberg)
	switch {
	case s.table == nil:
		change.Make = true
	case !is: // results were kept as Parquet before
		change.Make, change.Again = true, true
	case s.table.Parameters[parameterMetadata] != t.Metadata:
		change.Alter = true
	default:
		return change, pins.PinMetadata(ctx, database, t.Name, []string{t.Key})
	}

	keys := []string{t.Key}
	if change.Alter {
		was := strings.TrimPrefix(s.table.Parameters[parameterMetadata], strings.TrimSuffix(t.Metadata, t.Key))
		keys = append(keys, was)
	}
	if err := pins.PinMetadata(ctx, database, t.Name, keys); err != nil {
		return change, err
	}
	stands, err := t.Stands(ctx) // a run that expires it from now on finds the pin
	if err != nil {
		return change, err
	}
	if !stands {
		return change, &hindcast.Error{Code: hindcast.ECatalog, Class: hindcast.ClassTransient,
			Message: fmt.Sprintf("the snapshot that table %s was to name has expired meanwhile", name), Next: "run the command again"}
	}
	if err := t.write(ctx, c, database, s, change); err != nil {
		return change, err
	}

	now, err := readState(ctx, c, database, t.Name)
	if err != nil {
		return change, err
	}
	if now.table == nil || now.table.Parameters[parameterMetadata] != t.Metadata {
		return change, &hindcast.Error{Code: hindcast.ECatalog, Class: hindcast.ClassPermanent, Message: fmt.Sprintf("table %s of the Data Catalog is not what was made", name),
			Next: "if somebody else changes it, or is in another region (AWS_REGION), mend that; then run the command again"}
	}
	return change, pins.PinMetadata(ctx, database, t.Name, []string{t.Key})
}

func (t *IcebergTable) write(ctx context.Context, c DataCatalog, database string, s state, change Change) error {
	name := database + "." + t.Name
	if change.Alter {
		_, err := c.UpdateTable(ctx, &glue.UpdateTableInput{DatabaseName: &database, TableInput: t.input(s.table), VersionId: s.table.VersionId, SkipArchive: aws.Bool(true)})
		var changed *types.ConcurrentModificationException
		var stale *types.VersionMismatchException
		if errors.As(err, &changed) || errors.As(err, &stale) {
			return &hindcast.Error{Code: hindcast.ECatalog, Class: hindcast.ClassTransient, Cause: err,
				Message: fmt.Sprintf("table %s of the Data Catalog was changed by somebody else meanwhile", name), Next: "run the command again"}
		}
		return failed("altering table "+name, err)
	}

	if change.Again {
		if _, err := c.DeleteTable(ctx, &glue.DeleteTableInput{DatabaseName: &database, Name: &t.Name}); err != nil && !missing(err) {
			return failed("dropping table "+name, err)
		}
	}
	_, err := c.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: &database, TableInput: t.input(nil)})
	if exists(err) { // somebody else made one meanwhile: the look afterwards finds it
		return nil
	}
	return failed("making table "+name, err)
}

// input is the table as the Data Catalog takes it. What others said of it stays.
func (t *IcebergTable) input(is *types.Table) *types.TableInput {
	parameters := map[string]string{}
	if is != nil {
		maps.Copy(parameters, is.Parameters)
		parameters[parameterPrevious] = is.Parameters[parameterMetadata]
	}
	for _, p := range t.properties() {
		if p[0] != "classification" {
			parameters[p[0]] = p[1]
		}
	}
	parameters["EXTERNAL"], parameters[parameterType], parameters[parameterMetadata] = "TRUE", typeIceberg, t.Metadata

	columns := make([]types.Column, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = types.Column{Name: aws.String(c.Name), Type: aws.String(c.Stored), Parameters: map[string]string{
			"iceberg.field.id": strconv.Itoa(t.IDs[i]), "iceberg.field.current": "true", "iceberg.field.optional": "true"}}
	}
	return &types.TableInput{Name: &t.Name, Description: aws.String(t.comment()), TableType: aws.String("EXTERNAL_TABLE"), Parameters: parameters,
		StorageDescriptor: &types.StorageDescriptor{Columns: columns, Location: &t.Location}}
}
