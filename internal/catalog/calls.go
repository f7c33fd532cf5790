package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// How Hive reads and writes Parquet, by the names of its classes.
const (
	parquetSerDe  = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
	parquetInput  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
	parquetOutput = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
)

// Call is a call of the Data Catalog's API, in the words of its documentation: what `aws glue` takes as --cli-input-json.
type Call struct {
	Operation string          `json:"operation"`
	Input     json.RawMessage `json:"input"`
}

// Calls make the tables in a database of the Data Catalog where none of them is yet.
func Calls(database string, tables []Table, results []IcebergTable) ([]Call, error) {
	inputs := []any{&glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: &database}}}
	for _, t := range tables {
		inputs = append(inputs, &glue.CreateTableInput{DatabaseName: &database, TableInput: tableInput(t, nil)})
		for some := range slices.Chunk(t.Partitions, most) {
			inputs = append(inputs, &glue.BatchCreatePartitionInput{DatabaseName: &database, TableName: &t.Name, PartitionInputList: partitionInputs(t, some)})
		}
	}
	for i := range results {
		inputs = append(inputs, &glue.CreateTableInput{DatabaseName: &database, TableInput: results[i].input(nil)})
	}

	operations := map[string]string{"*glue.CreateDatabaseInput": "CreateDatabase", "*glue.CreateTableInput": "CreateTable", "*glue.BatchCreatePartitionInput": "BatchCreatePartition"}
	calls := make([]Call, len(inputs))
	for i, input := range inputs {
		body, err := json.Marshal(input)
		if err != nil {
			return nil, fmt.Errorf("encoding a call of the Data Catalog: %w", err)
		}
		var open any
		if err := json.Unmarshal(body, &open); err != nil {
			return nil, fmt.Errorf("encoding a call of the Data Catalog: %w", err)
		}
		if body, err = json.Marshal(withoutNothing(open)); err != nil {
			return nil, fmt.Errorf("encoding a call of the Data Catalog: %w", err)
		}
		calls[i] = Call{operations[fmt.Sprintf("%T", input)], body}
	}
	return calls, nil
}

// withoutNothing leaves out what a structure of the SDK does not say: it has no names for JSON, and its members are null or 0 then.
func withoutNothing(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if member == nil || member == float64(0) || member == false || member == "" {
				delete(v, name)
				continue
			}
			v[name] = withoutNothing(member)
		}
	case []any:
		for i := range v {
			v[i] = withoutNothing(v[i])
		}
	}
	return value
}

// tableInput is the table as the Data Catalog takes it. Parameters that others gave it stay.
func tableInput(t Table, parameters map[string]string) *types.TableInput {
	all := map[string]string{"EXTERNAL": "TRUE"}
	for name, value := range parameters {
		all[name] = value
	}
	for _, p := range t.properties() {
		all[p[0]] = p[1]
	}

	input := &types.TableInput{Name: &t.Name, Description: aws.String(t.comment()), TableType: aws.String("EXTERNAL_TABLE"), Parameters: all,
		StorageDescriptor: storage(t, t.Location)}
	if t.Key != "" {
		input.PartitionKeys = []types.Column{{Name: &t.Key, Type: aws.String("string")}}
	}
	return input
}

func storage(t Table, location string) *types.StorageDescriptor {
	columns := make([]types.Column, len(t.Columns))
	for i, c := range t.Columns {
		spelled, _ := dataCatalogSpelling.of(c.Stored)
		columns[i] = types.Column{Name: aws.String(c.Name), Type: &spelled}
		if c.Comment != "" {
			columns[i].Comment = aws.String(c.Comment)
		}
	}
	return &types.StorageDescriptor{Columns: columns, Location: &location, InputFormat: aws.String(parquetInput), OutputFormat: aws.String(parquetOutput),
		SerdeInfo: &types.SerDeInfo{SerializationLibrary: aws.String(parquetSerDe), Parameters: map[string]string{"serialization.format": "1"}}}
}

// propertyColumns of a partition is a hash of the columns that it was made with: the Data Catalog keeps a list of them with each.
const propertyColumns = "hindcast.columns"

func partitionInputs(t Table, partitions []Partition) []types.PartitionInput {
	hash := t.columnsHash()
	inputs := make([]types.PartitionInput, len(partitions))
	for i, p := range partitions {
		inputs[i] = types.PartitionInput{Values: []string{p.Value}, StorageDescriptor: storage(t, p.Location), Parameters: map[string]string{
			propertyColumns: hash, "hindcast.generation": strconv.Itoa(p.Generation), "hindcast.rows": strconv.FormatInt(p.Rows, 10)}}
	}
	return inputs
}

func (t Table) columnsHash() string {
	hash := sha256.New()
	for _, c := range t.Columns {
		spelled, _ := dataCatalogSpelling.of(c.Stored)
		_, _ = fmt.Fprintf(hash, "%q %q %q\n", c.Name, spelled, c.Comment)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}
