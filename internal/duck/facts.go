package duck

import (
	"context"
	"strings"

	"github.com/hindcast/hindcast"
)

// FactsOf looks at the text columns of a query's rows. The query is an expression for FROM.
func FactsOf(ctx context.Context, db Querier, columns []hindcast.Column, from string) (map[string]hindcast.Facts, error) {
	var list, names []string
	for _, c := range columns {
		if c.Type == "VARCHAR" {
			name := Name(c.Name)
			names = append(names, c.Name)
			list = append(list, "coalesce(bool_and(NOT ends_with("+name+", ' ')), true)", "coalesce(bool_and(strlen("+name+") = length("+name+")), true)")
		}
	}
	if len(names) == 0 {
		return nil, nil
	}

	holds := make([]bool, len(list))
	dest := make([]any, len(list))
	for i := range holds {
		dest[i] = &holds[i]
	}
	if err := db.QueryRowContext(ctx, "SELECT "+strings.Join(list, ", ")+" FROM "+from).Scan(dest...); err != nil {
		return nil, Translate(err)
	}
	facts := map[string]hindcast.Facts{}
	for i, name := range names {
		facts[name] = hindcast.Facts{NoBlanks: holds[2*i], ASCII: holds[2*i+1]}
	}
	return facts, nil
}
