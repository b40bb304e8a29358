package main

import (
	"os"
	"strings"
	"testing"

	"edged/internal/edge"
)

// TestDetailsAreDocumented holds that operators can look up every word that
// Cache-Status and the log may say about a request.
func TestDetailsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for d := edge.DetailNone + 1; d < edge.NumDetails; d++ {
		if !strings.Contains(string(text), "| `"+d.String()+"` |") {
			t.Errorf("docs/operations.md does not explain the detail %q", d)
		}
	}
	for f := edge.ForwardNone + 1; f < edge.NumForwards; f++ {
		if !strings.Contains(string(text), "`fwd="+f.String()+"`") {
			t.Errorf("docs/operations.md does not explain fwd=%s", f)
		}
	}
}
