package duckdb

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

// Needed asks a worker which columns results depend on.
func (p *Pool) Needed(ctx context.Context, q engine.Query, checks []engine.Check) (needed map[string][]string, err error) {
	err = p.with(ctx, func(w *child.Process) error {
		return w.Call(ctx, "needed", bindParams{q, checks}, &needed)
	})
	return needed, err
}

// Needed is Used of SQL that means the same and of which DuckDB leaves out more columns. It reads every column of a CTE
// that it keeps because the CTE is named twice, and every column of what is joined to a DISTINCT or a UNION, although
// nothing looks at them.
func (r *Runner) Needed(ctx context.Context, q engine.Query, checks []engine.Check) (map[string][]string, error) {
	return r.used(ctx, q, checks, r.inlined, []string{inlining})
}

// inlining is pruning, with the optimizer that writes CTEs where they are named.
const inlining = "list_filter(list(name), lambda n: n NOT IN ('unused_columns', 'projection_pullup', 'cte_inlining'))"

// mostScans bounds how often CTEs within CTEs are repeated when each is written where it is named.
const mostScans = 1000

// inlined writes every CTE where it is named, and puts DISTINCT and UNION in subqueries of their own. A statement that
// DuckDB cannot write again, or that would grow too long, is returned as is.
func (r *Runner) inlined(ctx context.Context, statement string) string {
	tree, err := r.syntaxTree(ctx, statement)
	if err != nil || recursive(tree) || scans(tree, map[string]int{}) > mostScans {
		return statement
	}
	wrapper, err := r.syntaxTree(ctx, "SELECT * FROM (SELECT 1)")
	if err != nil {
		return statement
	}
	template, err := json.Marshal(wrapper)
	if err != nil {
		return statement
	}
	text, err := json.Marshal(inline(tree, template))
	if err != nil {
		return statement
	}
	var written string
	if err := r.conn.QueryRowContext(ctx, "SELECT json_deserialize_sql("+duck.String(string(text))+"::JSON)").Scan(&written); err != nil {
		return statement
	}
	return written
}

// syntaxTree is parsed, with its numbers as they are written.
func (r *Runner) syntaxTree(ctx context.Context, statement string) (tree any, err error) {
	var text string
	if err := r.conn.QueryRowContext(ctx, "SELECT CAST(json_serialize_sql("+duck.String(statement)+") AS VARCHAR)").Scan(&text); err != nil {
		return nil, duck.Translate(err)
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	err = decoder.Decode(&tree)
	return tree, err
}

func inline(node any, template []byte) any {
	switch n := node.(type) {
	case []any:
		for i := range n {
			n[i] = inline(n[i], template)
		}
	case map[string]any:
		for key, v := range n {
			n[key] = inline(v, template)
		}
		if _, cte := n["materialized"]; cte {
			n["materialized"] = "CTE_MATERIALIZE_NEVER"
		}
		if distinct(n) {
			return subquery(n, template)
		}
	}
	return node
}

// recursive reports whether a CTE names itself: it cannot be written where it is named.
func recursive(node any) bool {
	switch n := node.(type) {
	case []any:
		return slices.ContainsFunc(n, recursive)
	case map[string]any:
		if n["type"] == "RECURSIVE_CTE_NODE" {
			return true
		}
		for _, v := range n {
			if recursive(v) {
				return true
			}
		}
	}
	return false
}

// distinct reports whether a query node compares whole rows.
func distinct(n map[string]any) bool {
	if n["type"] == "SET_OPERATION_NODE" && n["setop_type"] != nil {
		return n["setop_all"] != true
	}
	modifiers, _ := n["modifiers"].([]any)
	return n["type"] == "SELECT_NODE" && slices.ContainsFunc(modifiers, func(m any) bool {
		modifier, _ := m.(map[string]any)
		return modifier["type"] == "DISTINCT_MODIFIER"
	})
}

// subquery is SELECT * FROM (the node).
func subquery(n map[string]any, template []byte) any {
	var wrapper struct {
		Statements []struct {
			Node map[string]any `json:"node"`
		} `json:"statements"`
	}
	decoder := json.NewDecoder(bytes.NewReader(template))
	decoder.UseNumber()
	if decoder.Decode(&wrapper) != nil || len(wrapper.Statements) != 1 {
		return n
	}

	outer := wrapper.Statements[0].Node
	from, _ := outer["from_table"].(map[string]any)
	inner, _ := from["subquery"].(map[string]any)
	if inner == nil {
		return n
	}
	inner["node"] = n
	return outer
}

// scans counts the tables that a statement names once every CTE is written where it is named, up to a little more than
// mostScans. A name is taken for the last CTE of that name.
func scans(node any, ctes map[string]int) int {
	total := 0
	switch n := node.(type) {
	case []any:
		for _, v := range n {
			total += scans(v, ctes)
		}
	case map[string]any:
		ctesOf := n["cte_map"]
		if m, is := ctesOf.(map[string]any); is {
			list, _ := m["map"].([]any)
			for _, entry := range list {
				e, _ := entry.(map[string]any)
				name, _ := e["key"].(string)
				ctes[strings.ToLower(name)] = max(1, scans(e["value"], ctes))
			}
		}
		for key, v := range n {
			if key != "cte_map" {
				total += scans(v, ctes)
			}
		}
		if name, _ := n["table_name"].(string); n["type"] == "BASE_TABLE" {
			total += max(1, ctes[strings.ToLower(name)])
		}
	}
	return min(total, 2*mostScans)
}
