//go:build unix

package dataapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
)

func (s *Server) describeStatement(body []byte) (any, *refusal) {
	var in struct {
		ID   string `json:"Id"`
		Wait *int   `json:"WaitTimeSeconds"`
	}
	if refused := decode(body, &in); refused != nil {
		return nil, refused
	}
	if in.Wait != nil && (*in.Wait < 1 || *in.Wait > longestWait) {
		return nil, invalid("WaitTimeSeconds must be between 1 and %d", longestWait)
	}
	s.mutex.Lock()
	st, p, refused := s.find(in.ID)
	s.mutex.Unlock()
	if refused != nil {
		return nil, refused
	}
	st.wait(in.Wait)

	s.mutex.Lock()
	defer s.mutex.Unlock()
	out := st.named()
	out["Id"], out["Status"], out["CreatedAt"], out["UpdatedAt"] = in.ID, st.status, st.made.Unix(), st.made.Unix()
	out["RedshiftPid"], out["HasResultSet"], out["Duration"] = st.pid, st.hasResult(), 1
	out["RedshiftQueryId"], out["ResultFormat"] = 0, "JSON"
	if st.failed != "" {
		out["Error"] = st.failed
	}
	if !st.batch || in.ID != st.id {
		out["QueryString"], out["ResultRows"], out["ResultSize"] = p.sql, p.count(), p.size()
		return out, nil
	}

	subs := make([]map[string]any, len(st.parts))
	for i := range st.parts {
		p := &st.parts[i]
		subs[i] = map[string]any{"Id": st.id + ":" + strconv.Itoa(i+1), "Status": p.status, "QueryString": p.sql, "HasResultSet": p.hasResult(),
			"ResultRows": p.count(), "ResultSize": p.size(), "CreatedAt": st.made.Unix(), "UpdatedAt": st.made.Unix(), "Duration": 1, "RedshiftQueryId": 0}
		if p.failed != "" {
			subs[i]["Error"] = p.failed
		}
	}
	out["SubStatements"] = subs
	return out, nil
}

// count is the number of rows that were given or changed; -1 of what has none.
func (p *part) count() int64 {
	switch {
	case p.result == nil:
		return -1
	case p.hasResult():
		return int64(len(p.result.Rows))
	}
	return p.rows
}

func (p *part) size() int64 {
	if p.result == nil {
		return -1
	}
	bytes := 0
	for _, row := range p.result.Rows {
		for _, value := range row {
			bytes += len(value)
		}
	}
	return int64(bytes)
}

func (s *Server) getStatementResult(body []byte) (any, *refusal) {
	var in struct {
		ID        string `json:"Id"`
		NextToken string
		Wait      *int `json:"WaitTimeSeconds"`
	}
	if refused := decode(body, &in); refused != nil {
		return nil, refused
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	st, p, refused := s.find(in.ID)
	switch {
	case refused != nil:
		return nil, refused
	case st.batch && in.ID == st.id:
		return nil, invalid("Query is a batch: its statements have results")
	case p.status != "FINISHED" || !p.hasResult():
		return nil, missing("Query does not have result. Please check query status with DescribeStatement.")
	}

	first := 0
	if in.NextToken != "" {
		var err error
		if first, err = strconv.Atoi(in.NextToken); err != nil || first < 1 || first >= len(p.result.Rows) {
			return nil, invalid("NextToken is not valid")
		}
	}
	last := min(len(p.result.Rows), first+pageRows)
	out := map[string]any{"TotalNumRows": len(p.result.Rows), "ColumnMetadata": columns(p.result), "Records": records(p.result, first, last)}
	if last < len(p.result.Rows) {
		out["NextToken"] = strconv.Itoa(last)
	}
	return out, nil
}

// Numbers of PostgreSQL's types whose values have a form of their own.
const (
	oidBool   = 16
	oidInt8   = 20
	oidInt2   = 21
	oidInt4   = 23
	oidOID    = 26
	oidFloat4 = 700
	oidFloat8 = 701
)

func columns(r *pgconn.Result) []map[string]any {
	names := map[uint32]string{oidBool: "bool", oidInt8: "int8", oidInt2: "int2", oidInt4: "int4", oidOID: "oid", oidFloat4: "float4", oidFloat8: "float8"}
	list := make([]map[string]any, len(r.FieldDescriptions))
	for i, f := range r.FieldDescriptions {
		name, known := names[f.DataTypeOID]
		if !known {
			name = "varchar"
		}
		list[i] = map[string]any{"name": f.Name, "label": f.Name, "typeName": name, "nullable": 1, "isCaseSensitive": true, "isSigned": true}
	}
	return list
}

func records(r *pgconn.Result, first, last int) [][]map[string]any {
	list := make([][]map[string]any, 0, last-first)
	for _, row := range r.Rows[first:last] {
		record := make([]map[string]any, len(row))
		for i, value := range row {
			record[i] = field(value, r.FieldDescriptions[i].DataTypeOID)
		}
		list = append(list, record)
	}
	return list
}

// field is a value in the form that its type has.
func field(value []byte, oid uint32) map[string]any {
	text := string(value)
	switch {
	case value == nil:
		return map[string]any{"isNull": true}
	case oid == oidBool:
		return map[string]any{"booleanValue": text == "t"}
	case oid == oidInt2 || oid == oidInt4 || oid == oidInt8 || oid == oidOID:
		n, _ := strconv.ParseInt(text, 10, 64) // the server's own number
		return map[string]any{"longValue": n}
	case oid == oidFloat4 || oid == oidFloat8:
		if f, err := strconv.ParseFloat(text, 64); err == nil && f-f == 0 { // neither infinite nor NaN, which JSON does not have
			return map[string]any{"doubleValue": f}
		}
	}
	return map[string]any{"stringValue": text}
}

func (s *Server) cancelStatement(body []byte) (any, *refusal) {
	var in struct {
		ID string `json:"Id"`
	}
	if refused := decode(body, &in); refused != nil {
		return nil, refused
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	st, _, refused := s.find(in.ID)
	if refused != nil {
		return nil, refused
	}
	select {
	case <-st.done:
		return nil, invalid("Could not cancel a query that is already in %s state", st.status)
	default:
	}
	st.halted = true
	if st.pid == 0 { // it has not connected yet
		st.halt()
	} else if err := st.session.conn.CancelRequest(context.Background()); err != nil {
		return nil, &refusal{http.StatusInternalServerError, "InternalServerException", err.Error()}
	}
	return map[string]bool{"Status": true}, nil
}
