package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// result is all rounds of one case, by peer.
type result struct {
	Case  string   `json:"case"`
	Size  int      `json:"size"` // bytes of each body
	Peers []rounds `json:"peers"`
}

// rounds are the windows of one peer in one case.
type rounds struct {
	Peer    string   `json:"peer"`
	Samples []sample `json:"samples"` // durations in nanoseconds

	// Medians over the rounds.
	Rate       float64 `json:"requests_per_second"`
	Micros     float64 `json:"cpu_microseconds_per_request"`
	KernelPart float64 `json:"kernel_part"` // of the server's CPU time, 0 to 1
	Busy       float64 `json:"busy"`        // part of its core the server used
	Spread     float64 `json:"spread"`      // (largest − smallest) ÷ median of CPU time per request
	Ratio      float64 `json:"ratio"`       // CPU time per request ÷ edged's; 0 when edged was not run
}

// document is what -json writes.
type document struct {
	Time     time.Time         `json:"time"`
	Machine  string            `json:"machine"`
	Versions map[string]string `json:"versions"`
	Options  map[string]any    `json:"options"`
	Results  []result          `json:"results"`
}

// summarise computes the medians, and the ratios to the first peer, edged.
func (r *result) summarise() {
	for i := range r.Peers {
		p := &r.Peers[i]
		p.Rate = median(p.Samples, sample.Rate)
		p.Micros = median(p.Samples, micros)
		p.KernelPart = median(p.Samples, func(s sample) float64 { return part(s.System, s.CPU) })
		p.Busy = median(p.Samples, func(s sample) float64 { return part(s.CPU, s.Wall) })
		p.Spread = spreadOf(p.Samples)
		if p.Micros > 0 {
			p.Ratio = p.Micros / r.Peers[0].Micros
		}
	}
}

func micros(s sample) float64 { return float64(s.PerRequest()) / float64(time.Microsecond) }

func part(a, b time.Duration) float64 {
	if b <= 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// median of what f says of each sample; 0 without samples.
func median(samples []sample, f func(sample) float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	values := sorted(samples, f)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

func spreadOf(samples []sample) float64 {
	middle := median(samples, micros)
	if middle == 0 {
		return 0
	}
	values := sorted(samples, micros)
	return (values[len(values)-1] - values[0]) / middle
}

func sorted(samples []sample, f func(sample) float64) []float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, f(s))
	}
	slices.Sort(values)
	return values
}

// printTable writes one line for each peer and case.
func printTable(w io.Writer, results []result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "case\tserver\trequests/s\tMiB/s\tCPU µs/request\t± %\tkernel %\tcore busy %\t÷ edged\t")
	for _, r := range results {
		for _, p := range r.Peers {
			fmt.Fprintf(t, "%s\t%s\t%.0f\t%.0f\t%.1f\t%.0f\t%.0f\t%.0f\t%.2f\t\n",
				r.Case, p.Peer, p.Rate, p.Rate*float64(r.Size)/(1<<20), p.Micros, 100*p.Spread/2,
				100*p.KernelPart, 100*p.Busy, p.Ratio)
		}
	}
	return t.Flush()
}

// writeJSON writes the document for machines.
func writeJSON(path string, d document) error {
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644) //nolint:gosec // meant to be read
}
