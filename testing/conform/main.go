package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// limit bounds the whole run.
const limit = 10 * time.Minute

// options are the command line.
type options struct {
	suite, id, json string
	list            bool
}

func main() {
	var o options
	flag.StringVar(&o.suite, "suite", "", "`DIR` of a checkout of the suite (required)")
	flag.StringVar(&o.id, "id", "", "run one `TEST` only and show what it did")
	flag.StringVar(&o.json, "json", "", "write the suite's results to `FILE`")
	flag.BoolVar(&o.list, "list", false, "list every test that is not passed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "conform:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if _, err := os.Stat(filepath.Join(o.suite, "test-engine", "cli.mjs")); o.suite == "" || err != nil {
		return errors.New("-suite (SUITE_DIR) must name a checkout of github.com/http-tests/cache-tests")
	}
	dir, err := os.MkdirTemp("", "conform-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	s := &suite{dir: o.suite, work: dir}
	defer s.close()
	if err := s.start(ctx); err != nil {
		return err
	}
	if o.id != "" {
		return s.runOne(ctx, o.id)
	}
	results, err := s.runAll(ctx)
	if err != nil {
		return err
	}
	if o.json != "" {
		if err := os.WriteFile(o.json, results, 0o644); err != nil {
			return err
		}
	}
	return s.report(ctx, results, o.list)
}
