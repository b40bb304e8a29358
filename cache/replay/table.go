package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// compare prints a Markdown table: a line for each trace and capacity, with request
// and byte hit ratio of each policy in per cent, the best of each in bold.
func compare(out io.Writer, traces []trace, capacities []capacity, contenders []policy) error {
	head, rule := []string{"trace", "capacity"}, []string{"---", "---:"}
	for _, p := range contenders {
		head, rule = append(head, p.name), append(rule, "---:")
	}
	row(out, head)
	row(out, rule)
	totals := make([]result, len(contenders))
	cells := 0
	for i := range traces {
		t := &traces[i]
		footprint := t.footprint()
		for _, c := range capacities {
			results, err := measureAll(t, contenders, c.of(footprint))
			if err != nil {
				return err
			}
			row(out, append([]string{t.name, c.text}, texts(results)...))
			cells++
			for j, r := range results {
				totals[j].requests += r.requests
				totals[j].bytes += r.bytes
				totals[j].perRequest += r.perRequest
			}
		}
	}
	means, spent := make([]result, len(totals)), []string{"ns/op, mean", ""}
	for j, r := range totals {
		n := max(1, cells)
		means[j] = result{r.requests / float64(n), r.bytes / float64(n), r.perRequest / time.Duration(n)}
		spent = append(spent, fmt.Sprint(means[j].perRequest.Nanoseconds()))
	}
	row(out, append([]string{"mean", ""}, texts(means)...))
	row(out, spent)
	return nil
}

func measureAll(t *trace, contenders []policy, capacity int64) ([]result, error) {
	results := make([]result, 0, len(contenders))
	for _, p := range contenders {
		r, err := measure(t, p, capacity)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

// texts writes each result as "requests / bytes" in per cent.
func texts(results []result) []string {
	var best result
	for _, r := range results {
		best.requests, best.bytes = max(best.requests, r.requests), max(best.bytes, r.bytes)
	}
	cells := make([]string, 0, len(results))
	for _, r := range results {
		cells = append(cells, percent(r.requests, best.requests)+" / "+percent(r.bytes, best.bytes))
	}
	return cells
}

func percent(v, best float64) string {
	text := fmt.Sprintf("%.1f", 100*v)
	if text == fmt.Sprintf("%.1f", 100*best) {
		return "**" + text + "**"
	}
	return text
}

func row(out io.Writer, cells []string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }
