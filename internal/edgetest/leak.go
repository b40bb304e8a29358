package edgetest

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Main is the TestMain of a package with goroutines: it runs the tests, and fails when
// a goroutine is left that the options do not excuse. Those that are about to end have
// Patience to do so: goleak itself waits for less than half a second, which a loaded
// machine may take.
func Main(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(&patient{m, options}, options...)
}

// patient comes back from the tests when all goroutines are gone, or after Patience.
type patient struct {
	tests   *testing.M
	options []goleak.Option
}

// Run implements goleak.TestingM.
func (p *patient) Run() int {
	code := p.tests.Run()
	for end := time.Now().Add(Patience); code == 0 && time.Now().Before(end); {
		if goleak.Find(p.options...) == nil {
			break
		}
	}
	return code
}
