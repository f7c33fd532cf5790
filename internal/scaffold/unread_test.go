package scaffold

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// read says what becomes of tables of these names: the patterns of groups with how many tables they have, what is put aside with
// why, and the rest.
func read(names ...string) (list []string) {
	var tables []warehouse.Table
	for _, name := range names {
		tables = append(tables, warehouse.Table{Name: name, Columns: []hindcast.Column{{Name: "n", Type: "INTEGER"}}})
	}
	var found Found
	groups, lone, single := group(found.sort(tables))
	if len(groups) == 0 {
		groups = found.split(lone)
		lone = nil
	}
	for _, members := range groups {
		text := fmt.Sprintf("%d of %s", len(members), members[0].pattern)
		if or := either(members); or != "" {
			text += " or " + or
		}
		list = append(list, text)
	}
	for _, members := range lone {
		list = append(list, "lone "+members[0].table.Name)
	}
	for _, u := range found.Unread {
		why := map[string]string{whyWeekly: "week", whyWorded: "month's name", whySplit: "more than the time"}[u.Why]
		if why == "" {
			why = strings.TrimSuffix(strings.TrimPrefix(u.Why, "the time in the names can be read in several ways; if "), " is right, make it a fact")
		}
		list = append(list, fmt.Sprintf("%d not read: %s", len(u.Tables), why))
	}
	for _, t := range single {
		list = append(list, "single "+t.Name)
	}
	return list
}

// What no placeholder stands for, or what could be read in several ways, is put aside with the reason, and never guessed.
func TestNamesAreReadAlike(t *testing.T) {
	for _, c := range []struct{ names, want string }{
		{"s_2020_01 s_2020_02", "2 of s_{yyyy}_{mm}"},
		{"s_2020_8 s_2020_9 s_2020_10 s_2020_11", "4 of s_{yyyy}_{m}"},
		{"s_2020_10 s_2020_11", "2 of s_{yyyy}_{mm}"},
		{"s_2020_1 s_2020_2 s_2020_03 s_2020_10", "2 of s_{yyyy}_{mm}; 2 of s_{yyyy}_{m}"},
		{"s_2020_1_5 s_2020_1_10 s_2020_11_5", "3 of s_{yyyy}_{m}_{d}"},
		{"s_2020_01_5 s_2020_01_10 s_2020_11_5", "3 of s_{yyyy}_{mm}_{d}"},
		{"s_2020_01_05 s_2020_01_10", "2 of s_{yyyy}_{mm}_{dd}"},
		{"s_2020_1 t_2020_01 t_2020_02", "2 of t_{yyyy}_{mm}; single s_2020_1"},
		{"sales_jan_2020 sales_feb_2020 sales_2021_March", "3 not read: month's name"},
		{"salesJan2020 salesFeb2020", "2 not read: month's name"},
		{"maybe_2020 decade_2020 o_2020_01 o_2020_02", "2 of o_{yyyy}_{mm}; lone decade_2020; lone maybe_2020"},
		{"plan_mar_2020 o_2020_01 o_2020_02", "2 of o_{yyyy}_{mm}; lone plan_mar_2020"},
		{"ventas_enero_2020 ventas_febrero_2020", "2 not read: more than the time"},
		{"s_2020w01 s_2020w02", "2 not read: week"},
		{"s_20_01 s_20_02", "2 not read: s_{yy}_{mm}"},
		{"s_20_01_30 s_20_01_31", "2 not read: s_{yy}_{mm}_{dd}"},
		{"s_2401 s_2402", "2 not read: s_{yy}{mm}"},
		{"s_1911 s_1912 s_2001", "3 not read: s_{yy}{mm}"},
		{"s_2001 s_2002 s_2003", "3 of s_{yyyy} or s_{yy}{mm}"},
		{"s_2019 s_2020 s_2021", "3 of s_{yyyy}"},
		{"s_200130 s_200131 s_200201", "3 not read: s_{yy}{mm}{dd}"},
		{"s_202001 s_202002", "2 of s_{yyyy}{mm}"},
		{"s_01_30_2020 s_01_31_2020 s_02_01_2020", "3 not read: s_{mm}_{dd}_{yyyy}"},
		{"s_30_01_2020 s_31_01_2020 s_01_02_2020", "3 of s_{dd}_{mm}_{yyyy}"},
		{"s_05_01_2020 s_06_01_2020", "2 of s_{dd}_{mm}_{yyyy} or s_{mm}_{dd}_{yyyy}"},
		{"v_10_20 accounts", "single accounts; single v_10_20"},
	} {
		got := strings.Join(read(strings.Fields(c.names)...), "; ")
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.names, got, c.want)
		}
	}
}

// Tables of one stem in two spellings are one fact's: the spelling that has most of them stays.
func TestSpellings(t *testing.T) {
	var tables []warehouse.Table
	for _, name := range strings.Fields("s_2020_01 s_2020_02 S_202003 s_202004 s_202005 s_20200601 s_20200602 other_2020") {
		tables = append(tables, warehouse.Table{Name: name})
	}
	groups, _, _ := group(tables)
	facts := make([]Fact, len(groups))
	for i, members := range groups {
		facts[i] = Fact{Table: members[0].pattern, Tables: len(members)}
	}
	spellings(groups, facts)
	var got []string
	for _, f := range facts {
		got = append(got, f.Table+" "+f.Other)
	}
	slices.Sort(got)
	if want := []string{"S_{yyyy}{mm} ", "s_{yyyy}_{mm} S_{yyyy}{mm}", "s_{yyyy}{mm}{dd} "}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
