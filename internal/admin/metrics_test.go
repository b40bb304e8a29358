package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"edged/cache"
	"edged/cache/disk"
	"edged/internal/edge"
	"edged/internal/server"
	"edged/logfmt"
	"edged/logfmt/ship"
	"edged/logfmt/usage"
	"edged/origin"
)

// gathered is what our own collector says, without runtime and process.
func gathered(t *testing.T, s *Server) string {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(newCollector(s.status)); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", f.GetName(), f.GetHelp(), f.GetName(), strings.ToLower(f.GetType().String()))
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue()
			fmt.Fprintf(&b, "%s{%s} %s\n", f.GetName(), strings.Join(labels, ","), strconv.FormatFloat(value, 'f', -1, 64))
		}
	}
	return b.String()
}

func TestGoldenMetrics(t *testing.T) {
	golden(t, "testdata/metrics.txt", gathered(t, fixedAdmin(t)))
}

func TestLint(t *testing.T) {
	problems, err := testutil.CollectAndLint(newCollector(fixedAdmin(t).status))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// A scrape holds our metrics, those of the runtime and of the process, in the format
// that the scraper asked for.
func TestFormats(t *testing.T) {
	s := fixedAdmin(t)
	for _, c := range []struct{ accept, format, end string }{
		{"", "text/plain; version=0.0.4", ""},
		{"application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text; version=1.0.0", "# EOF\n"},
	} {
		w := get(t, s, "/metrics", "Accept", c.accept)
		body := w.Body.String()
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, c.format) {
			t.Errorf("Accept %q: Content-Type %q, want %q", c.accept, got, c.format)
		}
		for _, want := range []string{"\nedged_requests_total{", "\ngo_goroutines ", "\nprocess_open_fds "} {
			if !strings.Contains(body, want) {
				t.Errorf("Accept %q: no %q", c.accept, want)
			}
		}
		if !strings.HasSuffix(body, c.end) {
			t.Errorf("Accept %q: the end is missing", c.accept)
		}
	}
}

// Ratios can be reckoned from the metrics, and are those of the JSON.
func TestRatiosFromMetrics(t *testing.T) {
	s := fixedAdmin(t)
	text, st := gathered(t, s), s.status()
	hits, forwarded := addUp(text, "edged_hits_total", ""), addUp(text, "edged_forwarded_requests_total", "")
	cached := addUp(text, "edged_sent_body_bytes_total", `tier="ram"`) + addUp(text, "edged_sent_body_bytes_total", `tier="disk"`)
	fetched := addUp(text, "edged_sent_body_bytes_total", `tier="origin"`)
	if got, want := hits/(hits+forwarded), float64(st.Totals.HitRatio); got != want {
		t.Errorf("hit ratio from metrics %v, in the JSON %v", got, want)
	}
	if got, want := cached/(cached+fetched), float64(st.Totals.ByteHitRatio); got != want {
		t.Errorf("byte hit ratio from metrics %v, in the JSON %v", got, want)
	}
	if got, want := addUp(text, "edged_requests_total", ""), float64(st.Totals.Requests); got != want {
		t.Errorf("requests in metrics %v, in the JSON %v", got, want)
	}
}

// addUp sums the values of a metric whose labels hold a text.
func addUp(text, name, with string) (sum float64) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, name+"{") && strings.Contains(line, with) {
			n, _ := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndex(line, " "):]), 64)
			sum += n
		}
	}
	return sum
}

// Every number that a part counts is in the JSON and in the metrics. The test fills
// all fields, also those that will be added, with numbers of their own.
func TestEveryCounterIsShown(t *testing.T) {
	f := &filler{next: 1_000_003, values: map[string]string{}}
	var e edge.Stats
	var c cache.Stats
	var l logfmt.Stats
	var sv server.Stats
	var u usage.Stats
	var sh ship.Stats
	disks := make([]disk.Stats, 1)
	f.fill("edge", reflect.ValueOf(&e).Elem())
	f.fill("cache", reflect.ValueOf(&c).Elem())
	f.fill("log", reflect.ValueOf(&l).Elem())
	f.fill("ship", reflect.ValueOf(&sh).Elem())
	f.fill("ledger", reflect.ValueOf(&u).Elem())
	f.fill("server", reflect.ValueOf(&sv).Elem())
	f.fill("disk", reflect.ValueOf(&disks[0]).Elem())
	o := fixedOptions()
	o.DiskPaths = nil
	o.Sources = Sources{
		Edge: func() edge.Stats { return e }, Cache: func() cache.Stats { return c }, Log: func() logfmt.Stats { return l },
		Ledger: func() usage.Stats { return u }, Ship: func() ship.Stats { return sh }, Server: func() server.Stats { return sv }, Disks: func() []disk.Stats { return disks },
	}
	s := newServer(t, o)
	metrics := gathered(t, s)
	text, err := json.Marshal(s.status())
	if err != nil {
		t.Fatal(err)
	}
	for _, where := range slices.Sorted(maps.Keys(f.values)) {
		value := f.values[where]
		if !strings.Contains(string(text), ":"+value) {
			t.Errorf("%s (%s) is not in the JSON", where, value)
		}
		if !strings.Contains(metrics, " "+value+"\n") {
			t.Errorf("%s (%s) is not in the metrics", where, value)
		}
	}
	if len(f.values) < 100 {
		t.Errorf("only %d numbers were filled", len(f.values))
	}
}

// filler puts a different number into each field and notes how it will be written.
type filler struct {
	next   int64
	values map[string]string
}

// unshown are numbers that are not to be shown as they are.
var unshown = map[string]bool{
	"edge.Sites[0].Status[0]":               true, // unused
	"edge.Sites[0].Usage[0].Counts.Fetched": true, // has no protocol
	"edge.UnknownUsage[0].Counts.Fetched":   true, // nothing is
	"edge.Sites[0].Origins[0].Errors[0]":    true, // no error
	"server.Refused[0]":                     true, // not refused
	"edge.Sites[0].Classes[0].Requests":     true, // in metrics the sum over tiers
	"edge.Sites[0].Classes[0].Bytes":        true, // in metrics the sum over tiers
	"disk.LastSeq":                          true, // of no use to an operator
}

func (f *filler) fill(at string, v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time, *disk.Health, *disk.UUID, *disk.Admission:
		return
	case *time.Duration:
		*x = time.Duration(f.number(at)) * time.Second
		return
	case *[]edge.TierStats:
		*x = []edge.TierStats{{Tier: "none"}, {Tier: "ram"}, {Tier: "disk"}, {Tier: "origin"}}
		for i := range *x {
			f.fill(fmt.Sprintf("%s[%d]", at, i), reflect.ValueOf(x).Elem().Index(i))
		}
		return
	case *[]origin.Stats:
		*x = []origin.Stats{{Origin: "http://origin.example"}}
		f.fill(at+"[0]", reflect.ValueOf(x).Elem().Index(0))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(at+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(fmt.Sprintf("%s[%d]", at, i), v.Index(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(at+"[0]", v.Index(0))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]uint64{"one": uint64(f.number(at + "[one]")), "two": uint64(f.number(at + "[two]"))}))
	case reflect.Int, reflect.Int64:
		v.SetInt(f.number(at))
	case reflect.Uint64:
		v.SetUint(uint64(f.number(at)))
	case reflect.String:
		if v.Len() == 0 {
			v.SetString("word")
		}
	}
}

func (f *filler) number(at string) int64 {
	f.next += 7919
	if !unshown[at] {
		f.values[at] = strconv.FormatInt(f.next, 10)
	}
	return f.next
}

// docs/metrics.md lists every metric.
func TestMetricsAreDocumented(t *testing.T) {
	c := newCollector(fixedAdmin(t).status)
	var b strings.Builder
	b.WriteString("# Metrics of edged\n\nWritten from the tables of `internal/admin` by `go test ./internal/admin -update`. Beside these,\n" +
		"`/metrics` has those of the Go runtime (`go_…`) and of the process (`process_…`).\n\n| metric | labels | meaning |\n|---|---|---|\n")
	list(&b, c.node)
	list(&b, c.tier)
	list(&b, c.class)
	list(&b, c.site)
	list(&b, c.origin)
	list(&b, c.cache)
	list(&b, c.disk)
	list(&b, c.log)
	list(&b, c.usage)
	list(&b, c.ledger)
	list(&b, c.ship)
	list(&b, c.connections)
	list(&b, c.certificate)
	golden(t, "../../docs/metrics.md", b.String())
}

func list[T any](b *strings.Builder, t *table[T]) {
	for _, f := range t.families {
		labels := slices.Clone(t.labels)
		if f.label != "" {
			labels = append(labels, f.label)
		}
		fmt.Fprintf(b, "| `edged_%s` | %s | %s |\n", f.name, strings.Join(labels, ", "), f.help)
	}
}
