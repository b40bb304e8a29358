package main

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestParseSystemTime(t *testing.T) {
	for _, c := range []struct {
		in   string
		want time.Duration
		bad  bool
	}{
		{in: "12 (edged) S 1 2 3 4 5 6 7 8 9 10 150 250 0 0", want: 2500 * time.Millisecond},
		{in: "12 (a) b) (c) S 1 2 3 4 5 6 7 8 9 10 150 7 0 0", want: 70 * time.Millisecond},
		{in: "12 (edged) S 1 2", bad: true},
		{in: "", bad: true},
		{in: "12 (edged) S 1 2 3 4 5 6 7 8 9 10 150 x 0", bad: true},
	} {
		got, err := parseSystemTime(c.in)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("parseSystemTime(%q) = %v, %v; want %v, error %v", c.in, got, err, c.want, c.bad)
		}
	}
}

func TestProcessCPUGrows(t *testing.T) {
	before, err := processCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	after := before
	for end := time.Now().Add(time.Minute); err == nil && after.minus(before).total <= 0 && time.Now().Before(end); {
		_ = cases() // until the kernel has counted a tick
		after, err = processCPU(os.Getpid())
	}
	if err != nil || after.minus(before).total <= 0 {
		t.Errorf("CPU time from %v to %v, %v: did not grow", before, after, err)
	}
	if _, err := cpuOf([]int{1 << 30}); err == nil {
		t.Error("no error for a process that is not there")
	}
}

func TestFamily(t *testing.T) {
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Skipf("sleep: %v", err)
	}
	defer func() { _, _ = c.Process.Kill(), c.Wait() }()
	if all := family(os.Getpid()); !slices.Contains(all, c.Process.Pid) || all[0] != os.Getpid() {
		t.Errorf("family = %v, without child %d", all, c.Process.Pid)
	}
}
