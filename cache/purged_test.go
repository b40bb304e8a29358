package cache

import (
	"testing"

	"edged/cache/disk"
	"edged/cache/object"
	"edged/cache/purge"
	"edged/cache/ram"
)

// judged is a disk tier that remembers whom to ask what is purged.
type judged struct {
	Disks
	dead func(*object.Meta) bool
}

func (j *judged) JudgeKept(dead func(*object.Meta) bool) { j.dead = dead }

// What is purged is not worth being written again.
func TestDisksAreToldWhatIsPurged(t *testing.T) {
	memory, err := ram.New(ram.Options{Size: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close() //nolint:errcheck // holds nothing
	disks := &judged{Disks: disk.NewSet(nil)}
	c := New(Options{RAM: memory, Disks: disks})
	m := &object.Meta{Key: "acme\x00s\x00/a/1", Seq: 1}
	if disks.dead(m) {
		t.Error("dead before any purge")
	}
	for _, step := range []struct {
		rule purge.Rule
		want bool
	}{{purge.Prefix("acme\x00s\x00/b/"), false}, {purge.Prefix("acme\x00s\x00/a/"), true}} {
		if _, _, err := c.Purge(0, []purge.Rule{step.rule}); err != nil {
			t.Fatal(err)
		}
		if got := disks.dead(m); got != step.want {
			t.Errorf("dead = %v, want %v", got, step.want)
		}
	}
}
