package server

import (
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"

	"edged/internal/edgetest"
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
	startClock()
	edgetest.Main(m,
		// fasthttp's clock: started once, never stopped.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

const childEnv = "EDGED_SERVER_TEST_CHILD"

// startClock starts fasthttp's clock, so that it is never started, and waited
// for, inside a synctest bubble.
func startClock() {
	ours, theirs := net.Pipe()
	ours.Close()
	_ = (&fasthttp.Server{LazyRequestTime: true, Handler: func(*fasthttp.RequestCtx) {}}).ServeConn(theirs)
}
