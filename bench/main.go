// Command bench measures hindcast against its peers in one run, so that only ratios of the same minutes are compared,
// and writes the table of docs/benchmarks.md. Start it with bench/run. docs/benchmarks.md says what the goals are, and
// why a figure misses one.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bench is one run of the benchmarks.
type bench struct {
	hindcast string // the program
	self     string // this program, for what runs in separate processes
	dir      string // for data; removed at the end
	quick    bool
	peers    bool
	threads  int
	watching bool // whether to watch the processes' memory, which costs time
	rows     []row
}

// figure is one group of measurements.
type figure struct {
	name    string
	measure func(*bench, context.Context) error
}

var figures = []figure{
	{"transform", (*bench).transform},
	{"wide", (*bench).wide},
	{"checksums", (*bench).checksums},
	{"first", (*bench).first},
	{"small", (*bench).small},
	{"tiny", (*bench).tiny},
	{"hours", (*bench).hours},
	{"supervisor", (*bench).supervisor},
	{"memory", (*bench).memory},
	{"postgres", (*bench).moves},
	{"swap", (*bench).swaps},
	{"change", (*bench).change},
	{"whole", (*bench).wholeTransaction},
	{"history", (*bench).wholeHistory},
	{"postgres-memory", (*bench).postgresMemory},
	{"lake", (*bench).lakeInS3},
	{"spark", (*bench).onSpark},
	{"glue", (*bench).onGlue},
	{"translation", (*bench).translation},
}

func main() {
	if len(os.Args) > 1 {
		if role := roles[os.Args[1]]; role != nil {
			exit(role(os.Args[2:]))
		}
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(run(ctx))
}

// roles are what bench starts itself as.
var roles = map[string]func(args []string) error{"bare": bare, "supervise": supervise, "spent": spentHere}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context) error {
	b := &bench{threads: 2}
	var names []string
	for _, f := range figures {
		names = append(names, f.name)
	}

	only := flag.String("only", "", "measure these figures only, separated by commas: "+strings.Join(names, ", "))
	doc := flag.String("write", "docs/benchmarks.md", "the page whose table is replaced, if all figures are measured in full")
	keep := flag.Bool("keep", false, "keep the data folder")
	flag.StringVar(&b.hindcast, "hindcast", "bin/hindcast", "the program to measure")
	flag.BoolVar(&b.quick, "quick", false, "smaller data, one repetition: under two minutes, writes nothing")
	flag.BoolVar(&b.peers, "peers", true, "measure dbt and SQLMesh too; installs them on first use")
	flag.Parse()

	if err := b.prepare(); err != nil {
		return err
	}

	if *keep {
		fmt.Println("data in", b.dir)
	} else {
		defer func() { _ = os.RemoveAll(b.dir) }()
	}

	began := time.Now()
	for _, f := range figures {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), f.name) {
			continue
		}
		if err := f.measure(b, ctx); err != nil {
			return fmt.Errorf("measuring %s: %w", f.name, err)
		}
	}

	table := b.table()
	fmt.Printf("\n%s\n%s; took %.0f s\n", table, b.machine(), time.Since(began).Seconds())
	if b.quick || *only != "" || *doc == "" {
		return nil
	}

	return b.write(*doc, table, time.Since(began))
}

// prepare finds the programs and makes the data folder.
func (b *bench) prepare() (err error) {
	if b.hindcast, err = filepath.Abs(b.hindcast); err != nil {
		return err
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}

	b.dir, err = os.MkdirTemp("", "hindcast-bench-")
	return err
}

// say reports progress.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// size is full, or small in a quick run.
func (b *bench) size(full, small int) int {
	if b.quick {
		return small
	}
	return full
}
