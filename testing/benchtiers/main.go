package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// experiment measures one thing and reports its figures.
type experiment struct {
	name string
	run  func(ctx context.Context, b *bench) error
}

// experiments lists them in the order of the table.
func experiments() []experiment {
	return []experiment{
		{"memory", runMemory},
		{"index", runIndex},
		{"write", runWrite},
		{"amplification", runAmplification},
		{"sick", runSick},
		{"crash", runCrash},
		{"purge", runPurge},
		{"encryption", runEncryption},
	}
}

// bench is what an experiment works with.
type bench struct {
	dir   string // its own, empty, removed afterwards
	edged *edged
	scale float64 // share of the full size
	rows  *[]figure
	name  string
}

// n returns a number of things, scaled, and at least least.
func (b *bench) n(full, least int) int { return max(least, int(float64(full)*b.scale)) }

// report adds a row to the table.
func (b *bench) report(what, unit string, value float64, g goal) {
	f := figure{Experiment: b.name, What: what, Unit: unit, Value: value, Goal: g}
	*b.rows = append(*b.rows, f)
	fmt.Fprintln(os.Stderr, f)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "benchtiers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("benchtiers", flag.ContinueOnError)
	only := f.String("run", "", "comma-separated experiments (default all)")
	scale := f.Float64("scale", 1, "share of the full size")
	dir := f.String("dir", "", "folder for disks (default the system's for temporary files)")
	if err := f.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	programs, err := os.MkdirTemp(*dir, "benchtiers-edged-")
	if err != nil {
		return err
	}
	var rows []figure
	built := &edged{path: filepath.Join(programs, "edged")}
	for _, e := range chosen {
		err = errors.Join(err, carryOut(ctx, e, built, *dir, *scale, &rows))
	}
	err = errors.Join(err, os.RemoveAll(programs))
	fmt.Print(table(rows))
	return err
}

// choose returns the experiments named in a comma-separated list, all for "".
func choose(list string) ([]experiment, error) {
	all := experiments()
	if list == "" {
		return all, nil
	}
	var chosen []experiment
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(all, func(e experiment) bool { return e.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no experiment is called %q", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// carryOut runs one experiment in a directory of its own.
func carryOut(ctx context.Context, e experiment, built *edged, parent string, scale float64, rows *[]figure) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(parent, "benchtiers-"+e.name+"-")
	if err != nil {
		return err
	}
	err = e.run(ctx, &bench{dir: dir, edged: built, scale: scale, rows: rows, name: e.name})
	if err != nil {
		err = fmt.Errorf("%s: %w", e.name, err)
	}
	return errors.Join(err, os.RemoveAll(dir))
}
