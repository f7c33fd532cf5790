// Package catalog keeps the Data Catalog of the Glue API that hindcast serves: databases, tables and partitions, as they were given.
// No file of a table is looked at.
package catalog

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
	"github.com/hindcast/hindcast/internal/glueserver/ledger"
)

// Object is a JSON object whose members are those that a client gave, and a few of ours.
type Object map[string]json.RawMessage

// text is a member that is a string; "" if it is none.
func (o Object) text(name string) string {
	var is string
	_ = json.Unmarshal(o[name], &is) // what has another type is not a text
	return is
}

// with is a copy with further members.
func (o Object) with(members map[string]any) Object {
	copied := maps.Clone(o)
	for name, value := range members {
		copied[name] = marshal(value)
	}
	return copied
}

func marshal(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // of strings, numbers and objects that were JSON
	}
	return text
}

// Catalog is safe for parallel use. What is written is durable before it is seen.
type Catalog struct {
	ledger  jobs.Writer
	writing *sync.Mutex
	now     func() time.Time

	mutex      sync.RWMutex // guards what follows
	databases  map[string]Object
	tables     map[string]map[string]Object            // by database
	partitions map[string]map[string]map[string]Object // by database, table, and values
}

// The prefixes of the ledger's keys; what follows is a JSON list of names.
const (
	databaseKey  = "database/"
	tableKey     = "table/"
	partitionKey = "partition/"
)

func key(prefix string, names ...string) string { return prefix + string(marshal(names)) }

// New makes a catalog without contents: Load gives it those that were kept. writing is held while it writes.
func New(writer jobs.Writer, writing *sync.Mutex, now func() time.Time) *Catalog {
	return &Catalog{ledger: writer, writing: writing, now: now, databases: map[string]Object{}, tables: map[string]map[string]Object{},
		partitions: map[string]map[string]map[string]Object{}}
}

// Load takes a value of an earlier catalog, if it is one.
func (c *Catalog) Load(change ledger.Change) error {
	prefix, rest, _ := strings.Cut(change.Key, "/")
	switch prefix + "/" {
	case databaseKey, tableKey, partitionKey:
	default:
		return nil
	}
	var names []string
	if err := json.Unmarshal([]byte(rest), &names); err != nil {
		return err
	}
	var is Object
	if err := json.Unmarshal(change.Value, &is); err != nil {
		return err
	}
	c.set(names, is)
	return nil
}

// set replaces a record, or removes it with all that belongs to it.
func (c *Catalog) set(names []string, is Object) {
	switch len(names) {
	case 1:
		if is == nil {
			delete(c.databases, names[0])
			delete(c.tables, names[0])
			delete(c.partitions, names[0])
			return
		}
		c.databases[names[0]] = is
	case 2:
		within(c.tables, names[0], names[1], is)
		if is == nil {
			delete(c.partitions[names[0]], names[1])
		}
	case 3:
		if c.partitions[names[0]] == nil {
			c.partitions[names[0]] = map[string]map[string]Object{}
		}
		within(c.partitions[names[0]], names[1], names[2], is)
	}
}

func within(all map[string]map[string]Object, of, name string, is Object) {
	if is == nil {
		delete(all[of], name)
		return
	}
	if all[of] == nil {
		all[of] = map[string]Object{}
	}
	all[of][name] = is
}

// record is a change of one.
type record struct {
	prefix string
	names  []string
	is     Object // nil removes it
}

// commit makes changes durable, and then seen. writing is held.
func (c *Catalog) commit(records ...record) error {
	if len(records) == 0 {
		return nil
	}
	changes := make([]ledger.Change, len(records))
	for i, r := range records {
		changes[i] = ledger.Delete(key(r.prefix, r.names...))
		if r.is != nil {
			changes[i] = ledger.Put(key(r.prefix, r.names...), r.is)
		}
	}
	if err := c.ledger.Write(changes...); err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, r := range records {
		c.set(r.names, r.is)
	}
	return nil
}

// folded is a name as the catalog has it, as Hive does: in lower case.
func folded(what, name string) (string, error) {
	return strings.ToLower(name), jobs.CheckName(what, name)
}

func missing(what, name string) error {
	return jobs.Faultf(jobs.EntityNotFound, "%s %s not found.", what, name)
}

func exists(what, name string) error {
	return jobs.Faultf(jobs.AlreadyExists, "%s %s already exists.", what, name)
}

// page is a part of objects in the order of their names.
func page(all map[string]Object, after string, most int, take func(Object) (bool, error)) (list []Object, next string, err error) {
	list = []Object{}
	last := ""
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name <= after && after != "" {
			continue
		}
		taken, err := take(all[name])
		if err != nil {
			return nil, "", err
		}
		if !taken {
			continue
		}
		if len(list) == most {
			return list, last, nil
		}
		list, last = append(list, all[name]), name
	}
	return list, "", nil
}

func every(Object) (bool, error) { return true, nil }

// at is the moment of a record.
func (c *Catalog) at() float64 { return float64(c.now().UnixMilli()) / 1000 }

// CreateDatabase makes a database.
func (c *Catalog) CreateDatabase(input Object) error {
	name, err := folded("Name", input.text("Name"))
	if err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.databases[name] != nil {
		return exists("Database", name)
	}
	return c.commit(record{databaseKey, []string{name}, input.with(map[string]any{"Name": name, "CreateTime": c.at()})})
}

// UpdateDatabase replaces what is said of a database; its name stays.
func (c *Catalog) UpdateDatabase(name string, input Object) error {
	name = strings.ToLower(name)
	c.writing.Lock()
	defer c.writing.Unlock()
	is := c.databases[name]
	if is == nil {
		return missing("Database", name)
	}
	return c.commit(record{databaseKey, []string{name}, input.with(map[string]any{"Name": name, "CreateTime": is["CreateTime"]})})
}

// DeleteDatabase removes a database with its tables.
func (c *Catalog) DeleteDatabase(name string) error {
	name = strings.ToLower(name)
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.databases[name] == nil {
		return missing("Database", name)
	}
	var records []record
	for table := range c.tables[name] {
		records = append(records, c.removal(name, table)...)
	}
	return c.commit(append(records, record{databaseKey, []string{name}, nil})...)
}

// Database is a database.
func (c *Catalog) Database(name string) (Object, error) {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	if is := c.databases[strings.ToLower(name)]; is != nil {
		return is, nil
	}
	return nil, missing("Database", name)
}

// Databases are those after a name.
func (c *Catalog) Databases(after string, most int) ([]Object, string, error) {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	return page(c.databases, after, most, every)
}

// CreateTable makes a table.
func (c *Catalog) CreateTable(database string, input Object) error {
	database = strings.ToLower(database)
	name, err := folded("Name", input.text("Name"))
	if err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	switch {
	case c.databases[database] == nil:
		return missing("Database", database)
	case c.tables[database][name] != nil:
		return exists("Table", name)
	}
	now := c.at()
	return c.commit(record{tableKey, []string{database, name}, table(input, database, name, now, now, "0")})
}

func table(input Object, database, name string, created, updated any, version string) Object {
	t := input.with(map[string]any{"Name": name, "DatabaseName": database, "CreateTime": created, "UpdateTime": updated, "VersionId": version,
		"IsRegisteredWithLakeFormation": false})
	if t["Retention"] == nil {
		t["Retention"] = json.RawMessage("0")
	}
	return t
}

// UpdateTable replaces what is said of a table. With a version it is refused if the table has another one by now.
func (c *Catalog) UpdateTable(database, version string, input Object) error {
	database = strings.ToLower(database)
	name, err := folded("Name", input.text("Name"))
	if err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	is := c.tables[database][name]
	switch {
	case is == nil:
		return missing("Table", name)
	case version != "" && version != is.text("VersionId"):
		return jobs.Faultf(jobs.ConcurrentModification, "Table %s has version %s by now, not %s", name, is.text("VersionId"), version)
	}
	return c.commit(record{tableKey, []string{database, name}, table(input, database, name, is["CreateTime"], c.at(), following(is.text("VersionId")))})
}

// DeleteTable removes a table with its partitions.
func (c *Catalog) DeleteTable(database, name string) error {
	database, name = strings.ToLower(database), strings.ToLower(name)
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.tables[database][name] == nil {
		return missing("Table", name)
	}
	return c.commit(c.removal(database, name)...)
}

func (c *Catalog) removal(database, name string) (records []record) {
	for values := range c.partitions[database][name] {
		records = append(records, record{partitionKey, []string{database, name, values}, nil})
	}
	return append(records, record{tableKey, []string{database, name}, nil})
}

// Table is a table.
func (c *Catalog) Table(database, name string) (Object, error) {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	if is := c.tables[strings.ToLower(database)][strings.ToLower(name)]; is != nil {
		return is, nil
	}
	return nil, missing("Table", name)
}

// Tables are those of a database after a name that take is true of.
func (c *Catalog) Tables(database, after string, most int, take func(name string) bool) ([]Object, string, error) {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	database = strings.ToLower(database)
	if c.databases[database] == nil {
		return nil, "", missing("Database", database)
	}
	return page(c.tables[database], after, most, func(o Object) (bool, error) { return take(o.text("Name")), nil })
}

// following is the version after another one.
func following(version string) string {
	var n int
	_ = json.Unmarshal([]byte(cmp.Or(version, "0")), &n) // it is one of ours
	return string(marshal(n + 1))
}
