package plan

import (
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

func TestAsNew(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2024, 1, 3, h, 0, 0, 0, time.UTC) }
	of := func(from, to int) *hindcast.Manifest {
		return &hindcast.Manifest{CreatedAt: at(to), Seconds: at(to).Sub(at(from)).Seconds()}
	}
	settled := &Unit{Interval: hindcast.Interval{Start: at(0).AddDate(0, 0, -2), End: at(0).AddDate(0, 0, -1)}}
	unsettled := &Unit{Interval: hindcast.Interval{Start: at(0).AddDate(0, 0, -1), End: at(0)}}
	p := &Plan{CreatedAt: at(12), Pipeline: hindcast.Pipeline{History: hindcast.History{TimeZone: "UTC", Settle: hindcast.Period{N: 1, Unit: hindcast.Days}}}}
	tests := map[string]struct {
		unit  *Unit
		m     *hindcast.Manifest
		fresh bool
		want  bool
	}{
		"settled, before":              {settled, of(10, 11), false, false},
		"settled, while it was made":   {settled, of(11, 13), false, true},
		"settled, after":               {settled, of(12, 13), false, true},
		"settled, while, asked for":    {settled, of(11, 13), true, false},
		"settled, after, asked for":    {settled, of(13, 14), true, true},
		"unsettled, before":            {unsettled, of(10, 11), false, false},
		"unsettled, while it was made": {unsettled, of(11, 13), false, false},
		"unsettled, after it was made": {unsettled, of(12, 13), false, true},
		"unsettled, after, asked for":  {unsettled, of(13, 23), true, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p.Fresh = test.fresh
			if is := p.AsNew(test.unit, test.m); is != test.want {
				t.Errorf("as new: %v, want %v", is, test.want)
			}
		})
	}
}

func TestServes(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2024, 1, n, 0, 0, 0, 0, time.UTC) }
	columns := func(names ...string) (list []hindcast.Column) {
		for _, name := range names {
			list = append(list, hindcast.Column{Name: name, Type: "DATE"})
		}
		return list
	}
	manifest := func(change func(m *hindcast.Manifest)) *hindcast.Manifest {
		m := &hindcast.Manifest{Interval: hindcast.Interval{Start: day(1), End: day(2)}, Source: "sales", Database: "postgres:1/2 postgres://h/db", Access: "x", Time: "day",
			Columns: columns("day", "a", "b"), Sums: hindcast.Sums{Rows: 10}}
		change(m)
		return m
	}
	same := func(*hindcast.Manifest) {}
	absent := columns("day", "a", "b")
	absent[2].Absent = true
	used := hindcast.Fact{Time: "day", Used: true}
	all := hindcast.Fact{Time: "day"}
	listed := hindcast.Fact{Time: "day", Columns: []string{"b", "a", "day"}}

	tests := map[string]struct {
		fact    hindcast.Fact
		columns []hindcast.Column
		current *hindcast.Manifest
		change  func(m *hindcast.Manifest)
		want    bool
	}{
		"the same":                         {all, columns("day", "a", "b"), nil, same, true},
		"in another order":                 {listed, columns("b", "a", "day"), nil, same, true},
		"in another order, as its own":     {listed, columns("b", "a", "day"), manifest(same), same, true},
		"in another order than its own":    {listed, columns("day", "a", "b"), manifest(func(m *hindcast.Manifest) { m.Columns = columns("b", "a", "day") }), same, false},
		"in another order than its table":  {all, columns("b", "a", "day"), nil, same, false},
		"in the order of its own":          {all, columns("day", "a", "b"), manifest(same), same, true},
		"by another URL":                   {all, columns("day", "a", "b"), nil, func(m *hindcast.Manifest) { m.Database = "postgres:1/2 postgres://other/db" }, false},
		"another one by the same URL":      {all, columns("day", "a", "b"), nil, func(m *hindcast.Manifest) { m.Database = "postgres:1/3 postgres://h/db" }, false},
		"another database":                 {all, columns("day", "a", "b"), nil, func(m *hindcast.Manifest) { m.Database = "postgres:1/3" }, false},
		"no database":                      {all, columns("day", "a", "b"), nil, func(m *hindcast.Manifest) { m.Database = "" }, false},
		"another access":                   {all, columns("day", "a", "b"), nil, func(m *hindcast.Manifest) { m.Access = "y" }, false},
		"of before there was one":          {all, columns("day", "a", "b"), nil, func(m *hindcast.Manifest) { m.Access = "" }, false},
		"another table":                    {all, columns("day", "a", "b"), nil, func(m *hindcast.Manifest) { m.Source = "sold" }, false},
		"another time":                     {all, columns("day", "a", "b"), nil, func(m *hindcast.Manifest) { m.Interval.End = day(3) }, false},
		"another time column":              {all, columns("day", "a", "b"), nil, func(m *hindcast.Manifest) { m.Time = "a" }, false},
		"no table":                         {all, columns("day", "a", "b"), nil, func(m *hindcast.Manifest) { m.Missing = true }, false},
		"a column more":                    {all, columns("day", "a"), nil, same, false},
		"a column less":                    {all, columns("day", "a", "b", "c"), nil, same, false},
		"another type":                     {all, columns("day", "a", "b"), nil, func(m *hindcast.Manifest) { m.Columns[1].Type = "BIGINT" }, false},
		"as text":                          {all, columns("day", "a", "b"), nil, func(m *hindcast.Manifest) { m.Columns[1].Text = true }, false},
		"used, of more":                    {used, absent, nil, same, true},
		"used, in another order":           {used, columns("b", "a", "day"), nil, same, false},
		"used, of fewer":                   {used, columns("day", "a", "b", "c"), nil, same, false},
		"used, of one that is gone":        {used, columns("day", "a"), nil, same, false},
		"used, of more than its own had":   {used, absent, manifest(func(m *hindcast.Manifest) { m.Columns = columns("day", "a") }), same, false},
		"used, of what its own had":        {used, absent[:2], manifest(func(m *hindcast.Manifest) { m.Columns = columns("day", "a") }), func(m *hindcast.Manifest) { m.Columns = columns("day", "a") }, true},
		"fewer rows than its own":          {all, columns("day", "a", "b"), manifest(func(m *hindcast.Manifest) { m.Sums.Rows = 11 }), same, false},
		"fewer rows than of another table": {all, columns("day", "a", "b"), manifest(func(m *hindcast.Manifest) { m.Sums.Rows, m.Source = 11, "sold" }), same, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			u := Unit{Interval: hindcast.Interval{Start: day(1), End: day(2)}, Source: "sales", Columns: test.columns}
			if is := u.Serves(manifest(test.change), test.fact, test.current, "postgres:1/2 postgres://h/db", "x"); is != test.want {
				t.Errorf("serves: %v, want %v", is, test.want)
			}
		})
	}
}

func TestGrew(t *testing.T) {
	was := &hindcast.Mark{Inserted: 10, Updated: 2, Deleted: 1, Stored: "7"}
	tests := map[string]struct {
		is   *hindcast.Mark
		want bool
	}{
		"the same":                 {was, true},
		"rows came":                {&hindcast.Mark{Inserted: 12, Updated: 2, Deleted: 1, Stored: "7"}, true},
		"rows changed":             {&hindcast.Mark{Inserted: 10, Updated: 3, Deleted: 1, Stored: "7"}, false},
		"rows went":                {&hindcast.Mark{Inserted: 10, Updated: 2, Deleted: 2, Stored: "7"}, false},
		"all were written again":   {&hindcast.Mark{Inserted: 10, Updated: 2, Deleted: 1, Stored: "8"}, false},
		"the counters began again": {&hindcast.Mark{Stored: "7"}, false},
		"no counters":              {nil, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if is := Grew(was, test.is); is != test.want {
				t.Errorf("grew: %v, want %v", is, test.want)
			}
		})
	}
}
