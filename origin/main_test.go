package origin_test

import (
	"testing"

	"go.uber.org/goleak"
)

// fasthttp's reaper sleeps on after the last connection is gone.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"))
}
