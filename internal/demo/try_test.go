package demo

import ("testing";"context";"path/filepath";"time";"github.com/hindcast/hindcast/internal/duck";"fmt")

func TestTry(t *testing.T) {
	p := filepath.Join(t.TempDir(), "w.duckdb")
	s := time.Now()
	g, err := Generate(context.Background(), Options{Path: p})
	fmt.Println(g, err, time.Since(s))
	if err != nil { t.Fatal(err) }
	db, _ := duck.Open(context.Background(), duck.Options{Path: p})
	defer db.Close()
	for _, q := range []string{
		"SELECT pg_size_pretty(sum(database_size::VARCHAR::INT)) FROM (SELECT 1 as database_size)",
	    "SELECT charge_category, count(*), sum(cost), min(cost), max(cost) from billing_2016_01 group by 1",
	    "SELECT charge_category, count(*), sum(cost), min(cost), max(cost) from billing_2021_11 group by 1",
	    "SELECT count(distinct account_id), count(distinct service_name), count(distinct resource_id), count(resource_id), count(tags), count(region_id), count(*) from billing_2016_01",
	    "SELECT count(distinct account_id), count(distinct service_name), count(distinct resource_id), count(resource_id), count(tags), count(region_id), count(*) from billing_2021_11",
		"SELECT count(*), null from (select distinct date_trunc('month', usage_date), account_id, service_name from billing_2016_01)",
		"SELECT count(*), null from (select distinct date_trunc('month', usage_date), account_id, service_name from billing_2021_11)",
		"FROM billing_2021_11 LIMIT 12",
		"FROM accounts ORDER BY random() LIMIT 12",
		"SELECT account_id, count(*), sum(cost) from billing_2019_11 group by all order by 2 desc limit 10",
		"SELECT service_name, count(*), sum(cost) from billing_2019_11 group by all order by 2 desc limit 10",
		"SELECT sum(n), null from (select count(*) n, line_id from billing_2019_11 where line_id - 24*1e9::bigint != 0 group by 2)",
	} {
		rows, err := db.Query(q)
		if err != nil { fmt.Println(q, err); continue }
		cols, _ := rows.Columns()
		fmt.Println(q)
		for rows.Next() {
			v := make([]any, len(cols)); ptr := make([]any, len(cols))
			for i := range v { ptr[i] = &v[i] }
			rows.Scan(ptr...)
			for i := range v { if x, ok := v[i].(time.Time); ok { v[i] = x.Format("2006-01-02T15:04:05") } }
			fmt.Println(v...)
		}
	}
}
