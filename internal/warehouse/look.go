package warehouse

import (
	"context"

	"github.com/hindcast/hindcast"
)

// Marker is a Warehouse that counts the changes to its tables: its Properties say so.
type Marker interface {
	// Marks returns what is counted of each table; one of which nothing is counted is absent.
	Marks(ctx context.Context, tables []string) (map[string]hindcast.Mark, error)
}
