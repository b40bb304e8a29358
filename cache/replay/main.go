package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run is main without the process.
func run(args []string, out, diagnostics io.Writer) error {
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.SetOutput(diagnostics)
	room := flags.String("capacity", "1%,2%,5%,10%,20%", "capacities: shares of the trace's footprint, or sizes")
	requests := flags.Int("requests", 600_000, "length of the synthetic traces")
	seed := flags.Uint64("seed", 1, "of the synthetic traces")
	tune := flags.Bool("sweep", false, "compare parameters of S3-FIFO instead of policies")
	if err := flags.Parse(args); err != nil {
		return err
	}
	capacities, err := parseCapacities(*room)
	if err != nil {
		return err
	}
	contenders := policies()
	if *tune {
		contenders = sweep()
	}
	traces, err := load(flags.Args(), diagnostics)
	if err != nil {
		return err
	}
	if len(traces) == 0 {
		traces = synthetic(*requests, *seed)
	}
	return compare(out, traces, capacities, contenders)
}

// load reads access logs as one trace each.
func load(names []string, diagnostics io.Writer) ([]trace, error) {
	var traces []trace
	for _, name := range names {
		t, bad, err := readLog(name)
		if err != nil {
			return nil, err
		}
		if bad > 0 {
			fmt.Fprintf(diagnostics, "%s: %d lines are no records\n", name, bad)
		}
		traces = append(traces, t)
	}
	return traces, nil
}
