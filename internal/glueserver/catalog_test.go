package glueserver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/hindcast/hindcast/internal/glueserver"
)

// table makes a database with a table that has two partition keys.
func (w *world) table() {
	w.t.Helper()
	if _, err := w.client.CreateDatabase(w.t.Context(), &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: aws.String("Costs"),
		Description: aws.String("d"), Parameters: map[string]string{"a": "b"}}}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.client.CreateTable(w.t.Context(), &glue.CreateTableInput{DatabaseName: aws.String("costs"), TableInput: tableInput("Billing", "bigint")}); err != nil {
		w.t.Fatal(err)
	}
}

func tableInput(name, kind string) *types.TableInput {
	return &types.TableInput{Name: &name, TableType: aws.String("EXTERNAL_TABLE"), Parameters: map[string]string{"classification": "parquet"},
		PartitionKeys: []types.Column{{Name: aws.String("slice"), Type: aws.String("date")}, {Name: aws.String("n"), Type: aws.String("int")}},
		StorageDescriptor: &types.StorageDescriptor{Location: aws.String("s3://b/billing/"), Columns: []types.Column{{Name: aws.String("cost"), Type: &kind}},
			SerdeInfo: &types.SerDeInfo{SerializationLibrary: aws.String("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe")}}}
}

func partition(slice string, n int) types.PartitionInput {
	return types.PartitionInput{Values: []string{slice, fmt.Sprint(n)}, StorageDescriptor: &types.StorageDescriptor{Location: aws.String("s3://b/billing/" + slice)}}
}

// Databases, tables and partitions are kept as they were given, in lower case, over a restart.
func TestCatalog(t *testing.T) {
	w := serve(t, glueserver.Options{})
	w.table()
	db, table := aws.String("costs"), aws.String("billing")
	out, err := w.client.BatchCreatePartition(t.Context(), &glue.BatchCreatePartitionInput{DatabaseName: db, TableName: table,
		PartitionInputList: []types.PartitionInput{partition("2016-01-01", 1), partition("2016-03-01", 2), partition("2016-03-01", 2), {Values: []string{"x"}}}})
	if err != nil || len(out.Errors) != 2 || *out.Errors[0].ErrorDetail.ErrorCode != "AlreadyExistsException" || *out.Errors[1].ErrorDetail.ErrorCode != "InvalidInputException" {
		t.Fatalf("%+v, %v", out, err)
	}
	moved := partition("2016-03-01", 2)
	moved.StorageDescriptor.Location = aws.String("s3://b/moved")
	if _, err := w.client.UpdatePartition(t.Context(), &glue.UpdatePartitionInput{DatabaseName: db, TableName: table, PartitionValueList: []string{"2016-03-01", "2"}, PartitionInput: &moved}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.UpdateTable(t.Context(), &glue.UpdateTableInput{DatabaseName: db, VersionId: aws.String("0"), TableInput: tableInput("billing", "double")}); err != nil {
		t.Fatal(err)
	}
	_, err = w.client.UpdateTable(t.Context(), &glue.UpdateTableInput{DatabaseName: db, VersionId: aws.String("0"), TableInput: tableInput("billing", "int")})
	faults[*types.ConcurrentModificationException](t, err)

	w.again()
	is, err := w.client.GetTable(t.Context(), &glue.GetTableInput{DatabaseName: aws.String("COSTS"), Name: aws.String("BILLING")})
	if err != nil {
		t.Fatal(err)
	}
	if got := is.Table; *got.Name != "billing" || *got.VersionId != "1" || *got.StorageDescriptor.Columns[0].Type != "double" || got.Parameters["classification"] != "parquet" ||
		len(got.PartitionKeys) != 2 || got.CreateTime == nil || got.UpdateTime.Before(*got.CreateTime) {
		t.Errorf("%+v", got)
	}
	one, err := w.client.GetPartition(t.Context(), &glue.GetPartitionInput{DatabaseName: db, TableName: table, PartitionValues: moved.Values})
	if err != nil || *one.Partition.StorageDescriptor.Location != "s3://b/moved" || one.Partition.CreationTime == nil {
		t.Errorf("%+v, %v", one, err)
	}

	if _, err := w.client.DeleteTable(t.Context(), &glue.DeleteTableInput{DatabaseName: db, Name: table}); err != nil {
		t.Fatal(err)
	}
	w.again()
	_, err = w.client.GetPartitions(t.Context(), &glue.GetPartitionsInput{DatabaseName: db, TableName: table})
	faults[*types.EntityNotFoundException](t, err)
	if _, err := w.client.CreateTable(t.Context(), &glue.CreateTableInput{DatabaseName: db, TableInput: tableInput("billing", "int")}); err != nil {
		t.Fatal(err)
	}
	if all, err := w.client.GetPartitions(t.Context(), &glue.GetPartitionsInput{DatabaseName: db, TableName: table}); err != nil || len(all.Partitions) > 0 {
		t.Errorf("a new table has %d partitions, %v", len(all.Partitions), err)
	}
	_, err = w.client.CreateDatabase(t.Context(), &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: db}})
	faults[*types.AlreadyExistsException](t, err)
}

// Partitions are found page by page, by expressions over their keys, and in segments that make up the whole.
func TestPartitions(t *testing.T) {
	w := serve(t, glueserver.Options{})
	w.table()
	db, table := aws.String("costs"), aws.String("billing")
	var list []types.PartitionInput
	for n := range 12 {
		list = append(list, partition(fmt.Sprintf("2016-%02d-01", n+1), n+1))
	}
	list = append(list, partition("__HIVE_DEFAULT_PARTITION__", 99))
	if _, err := w.client.BatchCreatePartition(t.Context(), &glue.BatchCreatePartitionInput{DatabaseName: db, TableName: table, PartitionInputList: list}); err != nil {
		t.Fatal(err)
	}
	find := func(in glue.GetPartitionsInput) (numbers []string, err error) {
		in.DatabaseName, in.TableName = db, table
		for pages := glue.NewGetPartitionsPaginator(w.client, &in); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				return nil, err
			}
			for _, p := range page.Partitions {
				numbers = append(numbers, p.Values[1])
			}
		}
		return numbers, nil
	}
	for expression, want := range map[string]string{
		"":                     "1 2 3 4 5 6 7 8 9 10 11 12 99",
		"n > 9":                "10 11 12 99",
		"N >= 9 AND n<>99":     "9 10 11 12",
		"slice = '2016-03-01'": "3",
		"slice between date '2016-03-01' and '2016-05-01'": "3 4 5",
		"slice NOT BETWEEN '2016-03-01' AND '2016-12-31'":  "1 2",
		"n in (3, '4', 1000) or (n = 7 and not n = 8)":     "3 4 7",
		"slice LIKE '2016-1_-%'":                           "10 11 12",
		"slice IS NULL":                                    "99",
		"slice IS NOT NULL AND n < 2":                      "1",
		"slice < '2016-02'":                                "1",
	} {
		if got, err := find(glue.GetPartitionsInput{Expression: &expression, MaxResults: aws.Int32(2)}); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v; want %s", expression, got, err, want)
		}
	}
	for _, expression := range []string{"cost = 1", "n =", "n = 1 n", "n ~ 1", "n = 'x'", "(n = 1", "n BETWEEN 1", "n IN ()", "'"} {
		_, err := find(glue.GetPartitionsInput{Expression: &expression})
		faults[*types.InvalidInputException](t, err)
	}
	var all []string
	for segment := range int32(3) {
		some, err := find(glue.GetPartitionsInput{Segment: &types.Segment{SegmentNumber: segment, TotalSegments: aws.Int32(3)}})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	if slices.Sort(all); len(slices.Compact(all)) != 13 {
		t.Errorf("three segments have %v", all)
	}
}
