// Command gen derives the small tables in internal/demo/sample from the FOCUS sample of cloud billing. Run it by hand
// when the sample or the intended shape changes; package demo knows what the tables are for.
//
//	go run ./internal/demo/gen focus_sample.csv internal/demo/sample
package main

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// row is one line of the sample, by column name; NULL in the sample is the empty text.
type row map[string]string

// counts is how often each key occurs.
type counts map[string]int

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gen focus_sample.csv OUTPUT-FOLDER")
		os.Exit(1)
	}
	if err := derive(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func derive(source, dir string) error {
	rows, err := read(source)
	if err != nil {
		return fmt.Errorf("reading %s: %w", source, err)
	}

	for name, table := range map[string][][]string{
		"skus.csv":             skus(rows),
		"offers.csv":           offers(rows),
		"accounts.csv":         accounts(rows),
		"account_services.csv": accountServices(rows),
		"tags.csv":             tags(rows),
	} {
		if err := write(filepath.Join(dir, name), table); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}

	return nil
}

// read returns the usage lines; the few credits and adjustments of the sample are too rare to draw from.
func read(path string) ([]row, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}

	records, err := csv.NewReader(file).ReadAll()
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}

	var rows []row
	for _, record := range records[1:] {
		r := row{}
		for i, name := range records[0] {
			if record[i] != "NULL" {
				r[name] = record[i]
			}
		}

		if r["ChargeCategory"] == "Usage" && r["SkuId"] != "" && r["SubAccountId"] != "" {
			rows = append(rows, r)
		}
	}

	return rows, nil
}

// grouped returns rows by the value of a column, and the values in order.
func grouped(rows []row, column string) (map[string][]row, []string) {
	groups := map[string][]row{}
	for _, r := range rows {
		groups[r[column]] = append(groups[r[column]], r)
	}

	keys := make([]string, 0, len(groups))
	for key := range groups {
		keys = append(keys, key)
	}

	slices.Sort(keys)
	return groups, keys
}

// skus returns one line per SKU: its most common attributes, how often it names a resource, and the quartiles of the
// quantity per line.
func skus(rows []row) [][]string {
	table := [][]string{{"sku_id", "provider_name", "service_name", "service_category", "pricing_unit", "list_unit_price",
		"sku_description", "resource_kind", "resource_percent", "q0", "q1", "q2", "q3", "q4"}}
	groups, keys := grouped(rows, "SkuId")
	for _, key := range keys {
		group := groups[key]
		price := decimal(commonest(group, "ListUnitPrice"), 10)
		line := []string{key, commonest(group, "ProviderName"), commonest(group, "ServiceName"), commonest(group, "ServiceCategory"),
			commonest(group, "PricingUnit"), price, commonest(group, "ChargeDescription")}
		line = append(line, resource(group)...)
		table = append(table, append(line, quartiles(group)...))
	}

	return table
}

func offers(rows []row) [][]string {
	n := counts{}
	for _, r := range rows {
		n[r["SkuId"]+"|"+r["RegionId"]]++
	}
	return n.table("sku_id", "region_id", "weight")
}

// accounts returns the accounts by weight, the heaviest first.
func accounts(rows []row) [][]string {
	n := counts{}
	for _, r := range rows {
		n[strings.Join([]string{r["SubAccountId"], r["SubAccountName"], r["BillingAccountId"], r["ProviderName"]}, "|")]++
	}

	table := n.table("account_id", "account_name", "billing_account_id", "provider_name", "weight")
	slices.SortStableFunc(table[1:], heavier)
	return table
}

func accountServices(rows []row) [][]string {
	n := counts{}
	for _, r := range rows {
		n[r["SubAccountId"]+"|"+r["ServiceName"]]++
	}
	return n.table("account_id", "service_name", "weight")
}

// tags returns each account's lines without tags and its three most common tags, of the sample's usual form.
func tags(rows []row) [][]string {
	table := [][]string{{"account_id", "application", "environment", "weight"}}
	groups, keys := grouped(rows, "SubAccountId")
	for _, key := range keys {
		n := counts{}
		for _, r := range groups[key] {
			var tag struct{ Application, Environment string }
			if json.Unmarshal([]byte(r["Tags"]), &tag) != nil || tag.Application == "" {
				tag.Environment = ""
			}
			n[strings.Join([]string{key, tag.Application, tag.Environment}, "|")]++
		}

		lines := n.table()[1:]
		slices.SortStableFunc(lines, heavier)
		table = append(table, lines[:min(4, len(lines))]...)
	}

	return table
}

// heavier orders lines by their last field, the weight, the heaviest first.
func heavier(a, b []string) int {
	x, _ := strconv.Atoi(a[len(a)-1])
	y, _ := strconv.Atoi(b[len(b)-1])
	return cmp.Compare(y, x)
}

// table splits the keys at | and adds the count, ordered by key.
func (n counts) table(header ...string) [][]string {
	table := make([][]string, 0, len(n)+1)
	for key, count := range n {
		table = append(table, append(strings.Split(key, "|"), strconv.Itoa(count)))
	}
	slices.SortFunc(table, slices.Compare)
	return slices.Insert(table, 0, header)
}

func commonest(group []row, column string) string {
	n := counts{}
	for _, r := range group {
		n[r[column]]++
	}

	best := ""
	for value, count := range n {
		if count > n[best] || count == n[best] && value < best {
			best = value
		}
	}

	return best
}

var shortID = regexp.MustCompile(`^([a-z]{1,4})-[0-9a-z]{8,}$`)

// kinds are short names for the sample's types of resources, and for the prefixes of its scrambled ids.
var kinds = map[string]string{
	"volume": "vol", "bootvolume": "vol", "vom": "vol", "Disk": "vol", "instance": "i", "i": "i", "bucket": "bkt",
	"distribution": "dst", "vnic": "nic", "vpn": "vpn", "Storage account": "sta", "Azure Machine Learning workspace": "mlw",
	"Kubernetes service": "aks", "MySQL server": "sql", "Virtual machine scale set": "vms",
}

// resource returns a kind of resource, as a prefix for ids, and the percentage of lines that name one.
func resource(group []row) []string {
	n := 0
	for _, r := range group {
		if r["ResourceId"] != "" {
			n++
		}
	}

	kind := kinds[commonest(group, "ResourceType")]
	if match := shortID.FindStringSubmatch(commonest(group, "ResourceId")); kind == "" && match != nil {
		kind = kinds[match[1]]
	}
	if kind == "" {
		kind = "res"
	}

	return []string{kind, strconv.Itoa(n * 100 / len(group))}
}

func quartiles(group []row) []string {
	var values []float64
	for _, r := range group {
		value, _ := strconv.ParseFloat(r["PricingQuantity"], 64)
		values = append(values, math.Abs(value)) // negative ones are corrections, which the demo makes itself
	}

	slices.Sort(values)
	var out []string
	for q := range 5 {
		out = append(out, decimal(strconv.FormatFloat(values[q*(len(values)-1)/4], 'f', 12, 64), 8))
	}

	return out
}

// decimal rounds decimal text to at most the given places; empty text is 0.
func decimal(text string, places int) string {
	value, _ := strconv.ParseFloat(text, 64)
	rounded := strconv.FormatFloat(value, 'f', places, 64)
	return strings.TrimSuffix(strings.TrimRight(rounded, "0"), ".")
}

func write(path string, table [][]string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(csv.NewWriter(file).WriteAll(table), file.Close())
}
