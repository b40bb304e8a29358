package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// result is how one policy did on one trace with one capacity.
type result struct {
	requests, bytes float64 // hit ratios
	perRequest      time.Duration
}

// measure replays a trace.
func measure(t *trace, p policy, capacity int64) (result, error) {
	c, err := p.make(capacity, len(t.requests))
	if err != nil {
		return result{}, err
	}
	defer c.close()
	var hits, bytes int64
	start := time.Now()
	for _, r := range t.requests {
		if c.get(r) {
			hits++
			bytes += int64(r.size)
		}
	}
	took := time.Since(start)
	n := max(1, len(t.requests))
	return result{
		requests: float64(hits) / float64(n), bytes: float64(bytes) / float64(max(1, t.bytes())),
		perRequest: took / time.Duration(n),
	}, nil
}

// capacity is a size in bytes, or a share of a footprint.
type capacity struct {
	text  string
	share float64 // 0 when bytes is set
	bytes int64
}

func (c capacity) of(footprint int64) int64 {
	if c.share > 0 {
		return int64(float64(footprint) * c.share)
	}
	return c.bytes
}

// parseCapacities reads "1%,64MiB".
func parseCapacities(text string) ([]capacity, error) {
	var all []capacity
	for part := range strings.SplitSeq(text, ",") {
		c, err := parseCapacity(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func parseCapacity(text string) (capacity, error) {
	units := []struct {
		suffix string
		factor float64
	}{{"%", 0}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}}
	for _, u := range units {
		number, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || !(v > 0 && v < 1e6) || u.factor == 0 && v > 100 {
			break
		}
		if u.factor == 0 {
			return capacity{text: text, share: v / 100}, nil
		}
		return capacity{text: text, bytes: int64(v * u.factor)}, nil
	}
	return capacity{}, fmt.Errorf(`replay: %q is no capacity: write "5%%" or "64MiB"`, text)
}
