package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// System is where tables are made.
type System struct {
	Name     string // as people call it
	spelling spelling
}

// The systems, by the words of the command line.
var (
	Athena   = System{"Athena", hiveSpelling}
	Glue     = System{"the Data Catalog", dataCatalogSpelling}
	Hive     = System{"Hive", hiveSpelling}
	Spectrum = System{"Redshift Spectrum", redshiftSpelling}
)

// most is how many partitions one statement or call may add.
const most = 100

// Properties that say whose a table is.
const (
	propertyPipeline = "hindcast.pipeline"
	propertyLake     = "hindcast.lake"
	propertyOf       = "hindcast.table"
)

// properties are a table's own, by name: all of them are compared when somebody asks whose the table is.
func (t Table) properties() [][2]string {
	return [][2]string{{"classification", "parquet"}, {propertyLake, t.Lake}, {propertyPipeline, t.Pipeline}, {propertyOf, t.Of + " " + t.Source}}
}

func (t Table) comment() string {
	return fmt.Sprintf("%s %s of pipeline %s, made by hindcast", t.Of, t.Source, t.Pipeline)
}

// HiveStatements make the tables in a database, in the dialect that Hive, Athena and Spark share, each without a semicolon. They
// fail where a table of that name is there already.
func HiveStatements(database string, tables []Table) []string {
	list := []string{HiveDatabase(database)}
	for _, t := range tables {
		list = append(list, hiveTable(database, t))
		list = append(list, hiveWords.partitions(database, t, t.Partitions)...)
	}
	return list
}

// HiveDatabase makes the database.
func HiveDatabase(database string) string {
	return "CREATE DATABASE IF NOT EXISTS " + backQuoted(database)
}

func hiveTable(database string, t Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE EXTERNAL TABLE %s.%s (\n", backQuoted(database), backQuoted(t.Name))
	for i, c := range t.Columns {
		spelled, _ := hiveSpelling.of(c.Stored)
		fmt.Fprintf(&b, "  %s %s", backQuoted(c.Name), spelled)
		if c.Comment != "" {
			b.WriteString(" COMMENT " + hiveText(c.Comment))
		}
		b.WriteString(separator(i, len(t.Columns)))
	}
	b.WriteString(")\nCOMMENT " + hiveText(t.comment()) + "\n")
	if t.Key != "" {
		b.WriteString("PARTITIONED BY (" + backQuoted(t.Key) + " string)\n")
	}
	b.WriteString("STORED AS PARQUET\nLOCATION " + hiveText(t.Location) + "\nTBLPROPERTIES (\n")
	properties := t.properties()
	for i, p := range properties {
		b.WriteString("  " + hiveText(p[0]) + " = " + hiveText(p[1]) + separator(i, len(properties)))
	}
	b.WriteString(")")
	return b.String()
}

func separator(i, of int) string {
	if i+1 < of {
		return ",\n"
	}
	return "\n"
}

// words are how a dialect quotes names and texts.
type words struct{ name, text func(string) string }

var (
	hiveWords     = words{backQuoted, hiveText}
	redshiftWords = words{doubleQuoted, redshiftText}
)

// partitions add partitions to a table.
func (w words) partitions(database string, t Table, partitions []Partition) (list []string) {
	for some := range slices.Chunk(partitions, most) {
		var b strings.Builder
		fmt.Fprintf(&b, "ALTER TABLE %s.%s ADD IF NOT EXISTS", w.name(database), w.name(t.Name))
		for _, p := range some {
			fmt.Fprintf(&b, "\n  PARTITION (%s = %s) LOCATION %s", w.name(t.Key), w.text(p.Value), w.text(p.Location))
		}
		list = append(list, b.String())
	}
	return list
}

// SpectrumStatements make an external schema over a database of the Data Catalog, and the tables in it.
func SpectrumStatements(schema string, tables []Table) []string {
	list := []string{fmt.Sprintf("CREATE EXTERNAL SCHEMA IF NOT EXISTS %s\nFROM DATA CATALOG DATABASE %s\nIAM_ROLE default\nCREATE EXTERNAL DATABASE IF NOT EXISTS",
		doubleQuoted(schema), redshiftText(schema))}
	for _, t := range tables {
		list = append(list, spectrumTable(schema, t))
		list = append(list, redshiftWords.partitions(schema, t, t.Partitions)...)
	}
	return list
}

func spectrumTable(schema string, t Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE EXTERNAL TABLE %s.%s (\n", doubleQuoted(schema), doubleQuoted(t.Name))
	for i, c := range t.Columns {
		spelled, _ := redshiftSpelling.of(c.Stored)
		b.WriteString("  " + doubleQuoted(c.Name) + " " + spelled + separator(i, len(t.Columns)))
	}
	b.WriteString(")\n")
	if t.Key != "" {
		longest := 10
		for _, p := range t.Partitions {
			longest = max(longest, len(p.Value))
		}
		b.WriteString("PARTITIONED BY (" + doubleQuoted(t.Key) + " varchar(" + strconv.Itoa(longest) + "))\n")
	}
	b.WriteString("STORED AS PARQUET\nLOCATION " + redshiftText(t.Location) + "\nTABLE PROPERTIES (")
	for i, p := range t.properties() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(redshiftText(p[0]) + " = " + redshiftText(p[1]))
	}
	b.WriteString(")")
	return b.String()
}
