// Command hindcast runs SQL over the whole history of a data warehouse. See hindcast --help.
package main

import (
	"context"
	"os"

	"github.com/hindcast/hindcast/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
