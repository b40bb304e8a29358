package disk

import (
	"log/slog"
	"testing"
	"time"
)

// A writer hangs when it was seen at the same operation again and again, not when a
// clock says that much time has passed: a machine that stood still would lose what
// waits to be written.
func TestWatchCountsLooks(t *testing.T) {
	d := &Tier{}
	d.breaker.log = slog.New(slog.DiscardHandler)
	k := &keeper{t: d, every: 3 * time.Second}
	limit := int(writeHang / k.step())
	look := func(began int64, times int) {
		d.writer.began.Store(began)
		for range times {
			k.watch()
		}
	}
	look(1, limit) // the first look only learns which operation it is
	look(2, limit)
	look(0, 10*limit)
	look(3, limit)
	if d.breaker.health() != Healthy {
		t.Fatal("a writer that gets on counts as hung")
	}
	look(3, 1)
	if got := d.breaker.health(); got != Offline {
		t.Errorf("the disk of a writer that hangs is %v", got)
	}
}
