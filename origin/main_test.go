package origin_test

import (
	"testing"

	"go.uber.org/goleak"

	"edged/internal/edgetest"
)

// fasthttp's reaper sleeps on after the last connection is gone.
func TestMain(m *testing.M) {
	edgetest.Main(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"))
}
