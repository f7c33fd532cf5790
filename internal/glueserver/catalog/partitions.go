package catalog

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

// Column is a partition key of a table.
type Column struct {
	Name string
	Type string
}

// keys are a table's partition keys.
func (o Object) keys() []Column {
	var list []Column
	_ = json.Unmarshal(o["PartitionKeys"], &list) // a table without has none
	return list
}

// Values are a partition's, as a record is named by them.
func (o Object) values() []string {
	var list []string
	_ = json.Unmarshal(o["Values"], &list)
	return list
}

// Fault is what became of one partition of several.
type Fault struct {
	Values []string
	Err    *jobs.Fault
}

// tableOf is a table in the catalog's own spelling. writing or mutex is held.
func (c *Catalog) tableOf(database, name string) (db, table string, is Object, err error) {
	db, table = strings.ToLower(database), strings.ToLower(name)
	if is = c.tables[db][table]; is == nil {
		return db, table, nil, missing("Table", table)
	}
	return db, table, is, nil
}

func fitting(table Object, values []string) *jobs.Fault {
	if want := len(table.keys()); want != len(values) {
		return jobs.Faultf(jobs.InvalidInput, "The number of partition keys do not match the number of partition values: %d and %d", want, len(values))
	}
	return nil
}

// Partitions changes several partitions of a table at once: each is created, replaced or removed, or a fault says why not.
func (c *Catalog) Partitions(database, name string, changes []PartitionChange) ([]Fault, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	db, table, is, err := c.tableOf(database, name)
	if err != nil {
		return nil, err
	}
	var records []record
	faults, seen := []Fault{}, map[string]bool{}
	for _, change := range changes {
		list, fault := c.changed(db, table, is, change, seen)
		if fault != nil {
			faults = append(faults, Fault{change.named(), fault})
			continue
		}
		records = append(records, list...)
	}
	return faults, c.commit(records...)
}

// PartitionChange creates a partition (Input alone), replaces it (both), or removes it (Values alone).
type PartitionChange struct {
	Values []string // of the partition that is there
	Input  Object
}

func (p PartitionChange) named() []string {
	if p.Values != nil {
		return p.Values
	}
	return p.Input.values()
}

// changed are the records of a change; seen has the partitions that earlier ones of the same request made.
func (c *Catalog) changed(db, table string, of Object, change PartitionChange, seen map[string]bool) ([]record, *jobs.Fault) {
	there := func(values []string) bool {
		return c.partitions[db][table][string(marshal(values))] != nil || seen[string(marshal(values))]
	}
	var records []record
	at := func(values []string, is Object) {
		records = append(records, record{partitionKey, []string{db, table, string(marshal(values))}, is})
	}

	created := any(c.at())
	if change.Values != nil {
		if !there(change.Values) {
			return nil, jobs.Faultf(jobs.EntityNotFound, "Partition %s not found.", marshal(change.Values))
		}
		created = c.partitions[db][table][string(marshal(change.Values))]["CreationTime"]
		at(change.Values, nil)
	}
	if change.Input != nil {
		values := change.Input.values()
		if change.Values != nil && len(values) == 0 {
			values = change.Values
		}
		if fault := fitting(of, values); fault != nil {
			return nil, fault
		}
		if there(values) && !slices.Equal(values, change.Values) {
			return nil, jobs.Faultf(jobs.AlreadyExists, "Partition already exists: %s", marshal(values))
		}
		seen[string(marshal(values))] = true
		at(values, change.Input.with(map[string]any{"Values": values, "DatabaseName": db, "TableName": table, "CreationTime": created}))
	}
	return records, nil
}

// Partition is the partition of those values.
func (c *Catalog) Partition(database, name string, values []string) (Object, error) {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	db, table, _, err := c.tableOf(database, name)
	if err != nil {
		return nil, err
	}
	if is := c.partitions[db][table][string(marshal(values))]; is != nil {
		return is, nil
	}
	return nil, jobs.Faultf(jobs.EntityNotFound, "Partition %s not found.", marshal(values))
}

// Search looks for partitions.
type Search struct {
	Database, Table string
	Expression      string // "" is true of all
	After           string
	Most            int
	Segment, Of     int // of Of segments only that one; Of 0 is all
}

// Find finds partitions in the order of their values, and where the next page begins; "" if there is none.
func (c *Catalog) Find(s Search) ([]Object, string, error) {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	db, table, is, err := c.tableOf(s.Database, s.Table)
	if err != nil {
		return nil, "", err
	}
	keys := is.keys()
	matches, err := compile(s.Expression, keys)
	if err != nil {
		return nil, "", err
	}
	return page(c.partitions[db][table], s.After, s.Most, func(o Object) (bool, error) {
		values := o.values()
		if s.Of > 0 && segment(values, s.Of) != s.Segment {
			return false, nil
		}
		return matches(values)
	})
}

// segment is which of several segments values are in.
func segment(values []string, of int) int {
	sum := 0
	for _, b := range marshal(values) {
		sum = (sum*31 + int(b)) % of
	}
	return sum
}
