package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if os.Getenv(tripEnv) != "" {
		os.Exit(tripMain(os.Args[1:]))
	}
	testscript.Main(m, map[string]func(){"edged": main})
}

// TestScripts runs the command line in testdata/script; what a running node does
// is in the TestE2E… functions.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// TestExitCodes tells wrong usage from failure, which scripts cannot.
func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want int
	}{
		{[]string{"-version"}, exitOK},
		{[]string{"-h"}, exitOK},
		{nil, exitUsage},
		{[]string{"-nothing"}, exitUsage},
		{[]string{"-check"}, exitUsage},
		{[]string{"-version", "more"}, exitUsage},
		{[]string{"-config"}, exitUsage},
		{[]string{"-check", "-config", "testdata/none.toml"}, exitError},
		{[]string{"-config", "testdata/none.toml"}, exitError},
	} {
		if got := command(tt.args, t.Output(), t.Output()); got != tt.want {
			t.Errorf("edged %q: exit code %d, want %d", tt.args, got, tt.want)
		}
	}
}
