package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast/internal/drivers"
	enginedb "github.com/hindcast/hindcast/internal/engine/duckdb"
)

const workerName = "worker"

// workerCommand is the inside of a child process; people have no use for it.
func (a *app) workerCommand() *cobra.Command {
	return &cobra.Command{Use: workerName + " ROLE", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return drivers.ServeWorker(args[0], a.in, a.out) }}
}

// Version is set when a release is built.
var Version = "0.1.0-dev"

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Show the version", Args: cobra.NoArgs, Example: "  hindcast version",
		RunE: func(*cobra.Command, []string) error {
			revision := ""
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" && len(s.Value) >= 12 {
						revision = " (" + s.Value[:12] + ")"
					}
				}
			}
			_, err := fmt.Fprintf(a.out, "hindcast %s%s, DuckDB %s, %s %s/%s\n", Version, revision, enginedb.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		}}
}
