package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of times in /proc (USER_HZ, 100 on every Linux port of Go).
const tick = time.Second / 100

// cpuTime is what the kernel has charged to a group of processes.
type cpuTime struct {
	total  time.Duration // user and system, exact
	system time.Duration // of that in the kernel, in whole ticks
}

func (c cpuTime) minus(d cpuTime) cpuTime {
	return cpuTime{c.total - d.total, c.system - d.system}
}

// cpuOf adds up the CPU time of the processes and all their descendants. A
// descendant may end at any time, as nginx's cache loader does after its one task.
func cpuOf(pids []int) (sum cpuTime, err error) {
	for _, pid := range pids {
		for _, p := range family(pid) {
			c, err := processCPU(p)
			if err != nil && p == pid {
				return cpuTime{}, err
			}
			sum.total += c.total
			sum.system += c.system
		}
	}
	return sum, nil
}

// processCPU reads the CPU clock of a process, all its threads included: /proc
// counts in ticks of 10 ms, the clock in nanoseconds.
func processCPU(pid int) (cpuTime, error) {
	var ts unix.Timespec
	clock := int32(^pid<<3 | 2) // CPUCLOCK_SCHED of a process, see clock_getcpuclockid(3)
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return cpuTime{}, fmt.Errorf("CPU clock of process %d: %w", pid, err)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return cpuTime{}, err
	}
	system, err := parseSystemTime(string(stat))
	if err != nil {
		return cpuTime{}, fmt.Errorf("process %d: %w", pid, err)
	}
	return cpuTime{time.Duration(ts.Nano()), system}, nil
}

// parseSystemTime returns stime of a line of /proc/PID/stat (proc(5)).
func parseSystemTime(stat string) (time.Duration, error) {
	_, rest, ok := cutLast(stat, ") ") // the command's name may hold spaces and brackets
	words := strings.Fields(rest)
	const stime = 15 - 3 // the 15th field; the first of rest is the third
	if !ok || len(words) <= stime {
		return 0, fmt.Errorf("unknown form of /proc/PID/stat: %q", stat)
	}
	n, err := strconv.ParseInt(words[stime], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("stime in /proc/PID/stat: %w", err)
	}
	return time.Duration(n) * tick, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// family returns pid and its descendants.
func family(pid int) []int {
	all := []int{pid}
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid)) // gone: no children
	for _, t := range tasks {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, t.Name()))
		for word := range strings.FieldsSeq(string(children)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(all, family(child)...)
			}
		}
	}
	return all
}

// pinThreads binds every thread of this process to one core. Threads started
// later inherit it.
func pinThreads(core int) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := pin(tid, core); err != nil {
			return err
		}
	}
	return nil
}

// pin binds a thread, 0 for the calling one, to one core.
func pin(tid, core int) error {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(tid, &set); err != nil {
		return fmt.Errorf("bind thread %d to core %d: %w", tid, core, err)
	}
	return nil
}
