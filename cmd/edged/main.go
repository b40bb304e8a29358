// Command edged is an edge cache daemon for video delivery.
//
//	edged -config FILE          run
//	edged -check -config FILE   report every error of the configuration; exit 0 or 1
//	edged -demo                 an origin with a bundled title, an edge in front, a player page
//	edged -version
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"edged/internal/config"
	"edged/internal/crash"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

const usageText = `edged is an edge cache daemon for video delivery.

  edged -config FILE           run with this configuration
  edged -check -config FILE    check the configuration, list every error, exit 0 or 1
  edged -demo                  play the bundled title through an edge on loopback
  edged -version               print the version

SIGHUP reads configuration and certificates again, SIGTERM drains and stops.

Options:
`

// flags are the command line.
type flags struct {
	config    string
	check     bool
	demo      bool
	demoPort  int
	noBrowser bool
	version   bool
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == crash.Arg {
		os.Exit(crash.Main())
	}
	os.Exit(command(os.Args[1:], os.Stdout, os.Stderr))
}

// command runs edged with the given arguments and returns its exit code.
func command(args []string, stdout, stderr io.Writer) int {
	f, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case f.version:
		fmt.Fprintln(stdout, "edged", version())
		return exitOK
	case f.demo:
		return runDemo(f, stdout, stderr)
	case f.config == "":
		fmt.Fprintln(stderr, "edged: which configuration? Use -config FILE, or -demo to look around.")
		return exitUsage
	}
	c, err := config.Load(f.config)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitError
	}
	if f.check {
		fmt.Fprintf(stdout, "%s: configuration is good: %d sites\n", f.config, len(c.Sites))
		return exitOK
	}
	stderr = divert(stderr)
	if err := run(f.config, c, stderr); err != nil {
		fmt.Fprintln(stderr, "edged:", err)
		return exitError
	}
	return exitOK
}

// divert has a crash printed without values, and returns where messages go.
func divert(stderr io.Writer) io.Writer {
	if stderr != os.Stderr {
		return stderr
	}
	own, err := crash.Divert(func(own *os.File, err error) {
		fmt.Fprintln(own, "edged: the process that redacts traces has ended: a crash would leave none until the next start:", err)
	})
	if err != nil {
		fmt.Fprintln(stderr, "edged: a crash would print values that it worked on:", err)
		return stderr
	}
	return own
}

func parseFlags(args []string, stderr io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("edged", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		fmt.Fprint(stderr, usageText)
		set.PrintDefaults()
	}
	set.StringVar(&f.config, "config", "", "configuration `FILE` (TOML)")
	set.BoolVar(&f.check, "check", false, "check the configuration and exit")
	set.BoolVar(&f.demo, "demo", false, "run the demonstration on loopback")
	set.IntVar(&f.demoPort, "demo-port", 8080, "first `PORT` of the demonstration; 0 takes free ones")
	set.BoolVar(&f.noBrowser, "no-browser", false, "with -demo: do not open the player page")
	set.BoolVar(&f.version, "version", false, "print the version and exit")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		fmt.Fprintf(stderr, "edged: unexpected argument %q\n", set.Arg(0))
		return f, errors.New("unexpected argument")
	}
	return f, nil
}

// version is what the build recorded: a tag, or the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && v == "devel" {
			v += " " + s.Value[:min(12, len(s.Value))]
		}
	}
	return v + " " + info.GoVersion
}
