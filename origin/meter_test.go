package origin

import (
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	type read struct {
		n      int
		waited time.Duration
	}
	const s = time.Second
	repeat := func(times int, r ...read) (all []read) {
		for range times {
			all = append(all, r...)
		}
		return all
	}
	tests := []struct {
		name  string
		rate  int64
		reads []read
		slow  int // index of the read that is refused, -1 for none
	}{
		{"off", 0, repeat(100, read{0, s}), -1},
		{"steady", 100, repeat(100, read{100, s}), -1},
		{"just below", 100, repeat(100, read{99, s}), 7},
		{"nothing yet judged before a full window", 100, repeat(7, read{0, s}), -1},
		{"no time passes for a slow consumer", 100, repeat(1000, read{1, 0}), -1},
		{"burst carries a window", 100, append([]read{{100000, s}}, repeat(7, read{0, s})...), -1},
		{"burst carries no more than a window", 100, append([]read{{100000, s}}, repeat(9, read{0, s})...), 8},
		{"one wait over several windows", 100, []read{{1 << 20, s}, {1, 20 * s}}, 1},
		{"late drop", 100, append(repeat(50, read{200, s}), repeat(20, read{0, s})...), 54},
		{"no overflow", 1 << 40, repeat(100, read{1 << 40, s}), -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMeter(tt.rate, 8*s)
			slow := -1
			for i, r := range tt.reads {
				if !m.add(r.n, r.waited) {
					slow = i
					break
				}
			}
			if slow != tt.slow {
				t.Errorf("refused at read %d; want %d", slow, tt.slow)
			}
		})
	}
}
