package glueserver

import (
	"context"
	"regexp"

	"github.com/hindcast/hindcast/internal/glueserver/catalog"
	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

func (s *Server) catalogOperations() map[string]operation {
	return map[string]operation{
		"CreateDatabase":       call(s.createDatabase),
		"UpdateDatabase":       call(s.updateDatabase),
		"DeleteDatabase":       call(s.deleteDatabase),
		"GetDatabase":          call(s.getDatabase),
		"GetDatabases":         call(s.getDatabases),
		"CreateTable":          call(s.createTable),
		"UpdateTable":          call(s.updateTable),
		"DeleteTable":          call(s.deleteTable),
		"BatchDeleteTable":     call(s.batchDeleteTable),
		"GetTable":             call(s.getTable),
		"GetTables":            call(s.getTables),
		"CreatePartition":      call(s.createPartition),
		"UpdatePartition":      call(s.updatePartition),
		"DeletePartition":      call(s.deletePartition),
		"BatchCreatePartition": call(s.batchCreatePartition),
		"BatchUpdatePartition": call(s.batchUpdatePartition),
		"BatchDeletePartition": call(s.batchDeletePartition),
		"GetPartition":         call(s.getPartition),
		"BatchGetPartition":    call(s.batchGetPartition),
		"GetPartitions":        call(s.getPartitions),
	}
}

type databaseRequest struct {
	Name          string
	DatabaseInput catalog.Object
}

func given(input catalog.Object, what string) error {
	if input == nil {
		return jobs.Faultf(jobs.InvalidInput, "%s must not be null", what)
	}
	return nil
}

func (s *Server) createDatabase(_ context.Context, r databaseRequest) (any, error) {
	if err := given(r.DatabaseInput, "DatabaseInput"); err != nil {
		return nil, err
	}
	return nothing{}, s.catalog.CreateDatabase(r.DatabaseInput)
}

func (s *Server) updateDatabase(_ context.Context, r databaseRequest) (any, error) {
	if err := given(r.DatabaseInput, "DatabaseInput"); err != nil {
		return nil, err
	}
	return nothing{}, s.catalog.UpdateDatabase(r.Name, r.DatabaseInput)
}

func (s *Server) deleteDatabase(_ context.Context, r databaseRequest) (any, error) {
	return nothing{}, s.catalog.DeleteDatabase(r.Name)
}

func (s *Server) getDatabase(_ context.Context, r databaseRequest) (any, error) {
	is, err := s.catalog.Database(r.Name)
	return struct{ Database catalog.Object }{is}, err
}

// mostTables is how many databases, or tables, an answer has at most.
const mostTables = 100

type pageRequest struct {
	NextToken  string
	MaxResults *int
}

func (r pageRequest) page(most int) (after string, count int, err error) {
	if count, err = page(r.MaxResults, most, most); err != nil {
		return "", 0, err
	}
	after, err = position(r.NextToken)
	return after, count, err
}

func (s *Server) getDatabases(_ context.Context, r pageRequest) (any, error) {
	after, most, err := r.page(mostTables)
	if err != nil {
		return nil, err
	}
	list, next, err := s.catalog.Databases(after, most)
	return struct {
		DatabaseList []catalog.Object
		NextToken    string `json:",omitempty"`
	}{list, token(next)}, err
}

type tableRequest struct {
	DatabaseName string
	Name         string
	VersionID    string `json:"VersionId"`
	TableInput   catalog.Object
}

func (s *Server) createTable(_ context.Context, r tableRequest) (any, error) {
	if err := given(r.TableInput, "TableInput"); err != nil {
		return nil, err
	}
	return nothing{}, s.catalog.CreateTable(r.DatabaseName, r.TableInput)
}

func (s *Server) updateTable(_ context.Context, r tableRequest) (any, error) {
	if err := given(r.TableInput, "TableInput"); err != nil {
		return nil, err
	}
	return nothing{}, s.catalog.UpdateTable(r.DatabaseName, r.VersionID, r.TableInput)
}

func (s *Server) deleteTable(_ context.Context, r tableRequest) (any, error) {
	return nothing{}, s.catalog.DeleteTable(r.DatabaseName, r.Name)
}

func (s *Server) batchDeleteTable(_ context.Context, r struct {
	DatabaseName   string
	TablesToDelete []string
}) (any, error) {
	if err := atMost("TablesToDelete", len(r.TablesToDelete), mostTables); err != nil {
		return nil, err
	}
	type failure struct {
		TableName   string
		ErrorDetail errorDetail
	}
	failures := []failure{}
	for _, name := range r.TablesToDelete {
		err := s.catalog.DeleteTable(r.DatabaseName, name)
		fault, known := err.(*jobs.Fault) //nolint:errorlint // a bare one, never wrapped
		if known {
			failures = append(failures, failure{name, errorDetail{fault.Name, fault.Message}})
		} else if err != nil {
			return nil, err
		}
	}
	return struct{ Errors []failure }{failures}, nil
}

func atMost(what string, count, most int) error {
	if count > most {
		return jobs.Faultf(jobs.InvalidInput, "%s must have at most %d members; it has %d", what, most, count)
	}
	return nil
}

func (s *Server) getTable(_ context.Context, r tableRequest) (any, error) {
	is, err := s.catalog.Table(r.DatabaseName, r.Name)
	return struct{ Table catalog.Object }{is}, err
}

func (s *Server) getTables(_ context.Context, r struct {
	pageRequest
	DatabaseName string
	Expression   string
}) (any, error) {
	after, most, err := r.page(mostTables)
	if err != nil {
		return nil, err
	}
	pattern, err := regexp.Compile("^(?:" + r.Expression + ")$")
	if err != nil {
		return nil, jobs.Faultf(jobs.InvalidInput, "Expression is not a regular expression: %v", err)
	}
	list, next, err := s.catalog.Tables(r.DatabaseName, after, most, func(name string) bool { return r.Expression == "" || pattern.MatchString(name) })
	return struct {
		TableList []catalog.Object
		NextToken string `json:",omitempty"`
	}{list, token(next)}, err
}

// tableNamed is the table of a request about partitions.
type tableNamed struct {
	DatabaseName string
	TableName    string
}

type valueList struct{ Values []string }

// one changes one partition.
func (s *Server) one(r tableNamed, change catalog.PartitionChange) (any, error) {
	faults, err := s.catalog.Partitions(r.DatabaseName, r.TableName, []catalog.PartitionChange{change})
	if err == nil && len(faults) > 0 {
		err = faults[0].Err
	}
	return nothing{}, err
}

func (s *Server) createPartition(_ context.Context, r struct {
	tableNamed
	PartitionInput catalog.Object
}) (any, error) {
	if err := given(r.PartitionInput, "PartitionInput"); err != nil {
		return nil, err
	}
	return s.one(r.tableNamed, catalog.PartitionChange{Input: r.PartitionInput})
}

func (s *Server) updatePartition(_ context.Context, r struct {
	tableNamed
	PartitionValueList []string
	PartitionInput     catalog.Object
}) (any, error) {
	if err := given(r.PartitionInput, "PartitionInput"); err != nil {
		return nil, err
	}
	return s.one(r.tableNamed, catalog.PartitionChange{Values: notNil(r.PartitionValueList), Input: r.PartitionInput})
}

func (s *Server) deletePartition(_ context.Context, r struct {
	tableNamed
	PartitionValues []string
}) (any, error) {
	return s.one(r.tableNamed, catalog.PartitionChange{Values: notNil(r.PartitionValues)})
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// How many partitions one request has at most.
const (
	mostCreated = 100
	mostDeleted = 25
	mostGot     = 1000
)

type partitionFailure struct {
	PartitionValues    []string `json:",omitempty"`
	PartitionValueList []string `json:",omitempty"`
	ErrorDetail        errorDetail
}

// several changes partitions and answers what could not be changed. AlreadyExists is such an answer, and no error.
func (s *Server) several(r tableNamed, changes []catalog.PartitionChange, updating bool) (any, error) {
	faults, err := s.catalog.Partitions(r.DatabaseName, r.TableName, changes)
	if err != nil {
		return nil, err
	}
	failures := []partitionFailure{}
	for _, f := range faults {
		is := partitionFailure{ErrorDetail: errorDetail{f.Err.Name, f.Err.Message}}
		if updating {
			is.PartitionValueList = f.Values
		} else {
			is.PartitionValues = f.Values
		}
		failures = append(failures, is)
	}
	return struct{ Errors []partitionFailure }{failures}, nil
}

func (s *Server) batchCreatePartition(_ context.Context, r struct {
	tableNamed
	PartitionInputList []catalog.Object
}) (any, error) {
	if err := atMost("PartitionInputList", len(r.PartitionInputList), mostCreated); err != nil {
		return nil, err
	}
	var changes []catalog.PartitionChange
	for _, input := range r.PartitionInputList {
		if err := given(input, "PartitionInputList"); err != nil {
			return nil, err
		}
		changes = append(changes, catalog.PartitionChange{Input: input})
	}
	return s.several(r.tableNamed, changes, false)
}

func (s *Server) batchUpdatePartition(_ context.Context, r struct {
	tableNamed
	Entries []struct {
		PartitionValueList []string
		PartitionInput     catalog.Object
	}
}) (any, error) {
	if err := atMost("Entries", len(r.Entries), mostCreated); err != nil {
		return nil, err
	}
	var changes []catalog.PartitionChange
	for _, e := range r.Entries {
		if err := given(e.PartitionInput, "PartitionInput"); err != nil {
			return nil, err
		}
		changes = append(changes, catalog.PartitionChange{Values: notNil(e.PartitionValueList), Input: e.PartitionInput})
	}
	return s.several(r.tableNamed, changes, true)
}

func (s *Server) batchDeletePartition(_ context.Context, r struct {
	tableNamed
	PartitionsToDelete []valueList
}) (any, error) {
	if err := atMost("PartitionsToDelete", len(r.PartitionsToDelete), mostDeleted); err != nil {
		return nil, err
	}
	var changes []catalog.PartitionChange
	for _, p := range r.PartitionsToDelete {
		changes = append(changes, catalog.PartitionChange{Values: notNil(p.Values)})
	}
	return s.several(r.tableNamed, changes, false)
}

func (s *Server) getPartition(_ context.Context, r struct {
	tableNamed
	PartitionValues []string
}) (any, error) {
	is, err := s.catalog.Partition(r.DatabaseName, r.TableName, notNil(r.PartitionValues))
	return struct{ Partition catalog.Object }{is}, err
}

func (s *Server) batchGetPartition(_ context.Context, r struct {
	tableNamed
	PartitionsToGet []valueList
}) (any, error) {
	if err := atMost("PartitionsToGet", len(r.PartitionsToGet), mostGot); err != nil {
		return nil, err
	}
	if _, err := s.catalog.Table(r.DatabaseName, r.TableName); err != nil {
		return nil, err
	}
	found := []catalog.Object{}
	for _, p := range r.PartitionsToGet {
		if is, err := s.catalog.Partition(r.DatabaseName, r.TableName, notNil(p.Values)); err == nil {
			found = append(found, is)
		}
	}
	return struct {
		Partitions      []catalog.Object
		UnprocessedKeys []valueList
	}{found, []valueList{}}, nil
}

func (s *Server) getPartitions(_ context.Context, r struct {
	pageRequest
	tableNamed
	Expression string
	Segment    *struct{ SegmentNumber, TotalSegments int }
}) (any, error) {
	after, most, err := r.page(mostGot)
	if err != nil {
		return nil, err
	}
	search := catalog.Search{Database: r.DatabaseName, Table: r.TableName, Expression: r.Expression, After: after, Most: most}
	if r.Segment != nil {
		search.Segment, search.Of = r.Segment.SegmentNumber, r.Segment.TotalSegments
		if search.Of < 1 || search.Of > 10 || search.Segment < 0 || search.Segment >= search.Of {
			return nil, jobs.Faultf(jobs.InvalidInput, "Segment must be one of at most 10 segments")
		}
	}
	list, next, err := s.catalog.Find(search)
	return struct {
		Partitions []catalog.Object
		NextToken  string `json:",omitempty"`
	}{list, token(next)}, err
}
