package server

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain also plays the client process of the benchmarks and the process that
// runs out of file descriptors.
func TestMain(m *testing.M) {
	if f := children[os.Getenv(childEnv)]; f != nil {
		if err := f(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m,
		// fasthttp's clock: started once, never stopped.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

const childEnv = "EDGED_SERVER_TEST_CHILD"
