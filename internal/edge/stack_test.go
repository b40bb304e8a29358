package edge

import (
	"net/netip"
	"strings"
	"testing"
)

//go:noinline
func stackOf(a netip.Addr, b [4]byte) string {
	if !a.IsValid() || b[0] == 0 {
		return ""
	}
	return Stack()
}

// A stack in the error log names calls, not what they were called with.
func TestStackHasNoValues(t *testing.T) {
	a := netip.MustParseAddr("203.0.113.241")
	got := stackOf(a, a.As4())
	if !strings.Contains(got, "edge.stackOf stack_test.go:") || !strings.Contains(got, "edge.TestStackHasNoValues") {
		t.Errorf("stack is %q", got)
	}
	for _, bad := range []string{"0x", "cb0071f1", "\n", "("} {
		if strings.Contains(got, bad) {
			t.Errorf("%q is in the stack %q", bad, got)
		}
	}
}
