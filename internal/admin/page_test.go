package admin

import (
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"edged/cache/disk"
	"edged/internal/edge"
	"edged/logfmt"
	"edged/origin"
)

// Names that are hostile, or secret, come out harmless on the page, in the JSON and in
// the metrics.
func TestHostileNames(t *testing.T) {
	const attack = `"><script>alert(1)</script>`
	o := fixedOptions()
	o.Node, o.Region, o.Version = attack, attack, attack
	o.DiskPaths = []string{"/" + attack}
	o.Sources.Edge = func() edge.Stats {
		e := fixedEdge()
		e.Sites[0].Account, e.Sites[0].Site = attack, attack
		e.Sites[0].Origins[0].Origin = "https://user:MARKED@origin.example/MARKED?token=MARKED#MARKED"
		e.Sites[0].Origins[1].Origin = "https://origin.example/MARKED/other"
		e.Sites[1].Origins[0].Origin = "MARKED" + attack
		return e
	}
	o.Sources.Disks = func() []disk.Stats { return []disk.Stats{{Path: attack, Health: disk.Offline}} }
	o.Sources.Log = func() logfmt.Stats { return logfmt.Stats{Failing: attack} }
	s := newServer(t, o)
	page := get(t, s, "/status").Body.String()
	if strings.Contains(page, "<script>alert") {
		t.Error("the page holds a script of a name")
	}
	for _, target := range []string{"/status", "/status.json", "/metrics"} {
		w := get(t, s, target)
		if w.Code != 200 || strings.Contains(w.Body.String(), "MARKED") {
			t.Errorf("GET %s: %d, or it holds a secret of an origin", target, w.Code)
		}
	}
	if !json.Valid(get(t, s, "/status.json").Body.Bytes()) {
		t.Error("the JSON is broken")
	}
	if text := gathered(t, s); !strings.Contains(text, `origin="https://origin.example #2"`) {
		t.Error("origins that look the same are not told apart")
	}
}

// Without scripts the page shows every number: no path is wrong, nothing is empty.
func TestPageIsComplete(t *testing.T) {
	s := fixedAdmin(t)
	fillHistory(&s.history)
	page := get(t, s, "/status").Body.String()
	v, err := newView(s.status())
	if err != nil {
		t.Fatal(err)
	}
	paths := regexp.MustCompile(`data-v="([^"]+)" data-u="([^"]+)">([^<]*)<`).FindAllStringSubmatch(page, -1)
	if len(paths) < 100 {
		t.Errorf("only %d numbers on the page", len(paths))
	}
	for _, m := range paths {
		if lookup(v.json, m[1]) == nil && m[2] != "ago" {
			t.Errorf("the JSON has no %s", m[1])
		}
		if m[3] == "" || m[3] == "–" {
			t.Errorf("%s is shown as %q", m[1], m[3])
		}
	}
	for _, m := range regexp.MustCompile(`data-(?:bar|of|spark)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		for path := range strings.FieldsSeq(m[1]) {
			if lookup(v.json, path) == nil {
				t.Errorf("the JSON has no %s", path)
			}
		}
	}
	for _, outside := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(outside[1], "/") && !strings.HasPrefix(outside[1], "#") {
			t.Errorf("the page refers to %s", outside[1])
		}
	}
	if strings.Contains(page, "style=") || strings.Contains(page, "onclick=") {
		t.Error("the page has what its own policy forbids")
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		unit string
		n    float64
		want string
	}{
		{"count", 0, "0"},
		{"count", 999, "999"},
		{"count", 1000, "1,000"},
		{"count", 99_999, "99,999"},
		{"count", 123_456, "123 k"},
		{"count", 2_581_000, "2.58 M"},
		{"count", 18e9, "18 G"},
		{"size", 0, "0 B"},
		{"size", 1536, "1.50 KiB"},
		{"size", 800 << 30, "800 GiB"},
		{"size", 1e13, "9.09 TiB"},
		{"bits", 0, "0 bit/s"},
		{"bits", 16.42e9, "16.4 Gbit/s"},
		{"rate", 0.5, "0.50 /s"},
		{"rate", 1210, "1.21 k/s"},
		{"percent", 0, "0.0 %"},
		{"percent", 0.9634, "96.3 %"},
		{"percent", 1, "100.0 %"},
		{"percent", 0.99999, "> 99.9 %"},
		{"took", 0, "–"},
		{"took", 0.0214, "21.4 ms"},
		{"took", 8.2, "8.20 s"},
		{"took", 61, "1 min 1 s"},
		{"took", 7260, "2 h 1 min"},
		{"took", 273_600, "3 d 4 h"},
	} {
		if got, err := write(c.unit, c.n, noon); err != nil || got != c.want {
			t.Errorf("%v in %s is %q, %v, want %q", c.n, c.unit, got, err, c.want)
		}
	}
	if _, err := write("furlong", 1.0, noon); err == nil {
		t.Error("a unit that does not exist was written")
	}
	if got, err := write("count", nil, noon); err != nil || got != "–" {
		t.Errorf("nothing is %q, %v", got, err)
	}
	if got := writeAgo("2026-03-02T11:00:00Z", noon); got != "1 h 0 min ago" {
		t.Errorf("an hour ago is %q", got)
	}
}

func TestTrace(t *testing.T) {
	for _, c := range []struct {
		list any
		want string
	}{
		{nil, ""},
		{[]any{}, ""},
		{[]any{1.0}, ""},
		{[]any{nil, 0.5, nil}, ""},
		{[]any{0.0, 1.05}, "M298.0 60.0L300.0 2.9"},
		{[]any{0.0, nil, 10.5}, "M296.0 60.0L300.0 2.9"},
	} {
		if got, _ := trace(c.list); got != c.want {
			t.Errorf("trace(%v) = %q, want %q", c.list, got, c.want)
		}
	}
}

// What is wrong is found, and said with its weight.
func TestFindings(t *testing.T) {
	week := 7
	for _, c := range []struct {
		name   string
		change func(*status)
		want   level
		part   string
	}{
		{"nothing", func(*status) {}, levelOK, ""},
		{"starting", func(s *status) { s.State = "starting" }, levelDegraded, "node"},
		{"draining", func(s *status) { s.State = "draining" }, levelDegraded, "node"},
		{"one origin down", func(s *status) { s.Sites = sitesWith(true, false) }, levelDegraded, "origin o1"},
		{"all origins down", func(s *status) { s.Sites = sitesWith(false, false) }, levelBad, "origin o0"},
		{"read-only disk", func(s *status) { s.Disks = []diskStatus{{Path: "d", Health: "read-only"}} }, levelDegraded, "disk d"},
		{"offline disk", func(s *status) { s.Disks = []diskStatus{{Path: "d", Health: "offline"}} }, levelBad, "disk d"},
		{"disk that cannot be opened", func(s *status) { s.addUnusable([]string{"d"}) }, levelBad, "disk d"},
		{"full index", func(s *status) { s.Disks = []diskStatus{{Path: "d", Health: "healthy", Full: 1}} }, levelDegraded, "disk d"},
		{"passing memory", func(s *status) { s.RAM = ramStatus{Size: 10, Passing: 6, PassingMax: 10} }, levelDegraded, "ram"},
		{"pinned memory", func(s *status) { s.RAM = ramStatus{Size: 10, Pinned: 6} }, levelDegraded, "ram"},
		{"failing log", func(s *status) { s.Log = &logStatus{Failing: "no space"} }, levelBad, "access log"},
		{"lost records", func(s *status) { s.Log = &logStatus{Dropped: 1} }, levelDegraded, "access log"},
		{"panics", func(s *status) { s.Connections.Panics = 1 }, levelDegraded, "process"},
		{"shed connections", func(s *status) { s.Connections.Shed = 1 }, levelDegraded, "connections"},
		{"certificate in time", func(s *status) { s.Certificates = []certificateStatus{{Name: "c", DaysLeft: 8 * week}} }, levelOK, ""},
		{"certificate soon over", func(s *status) { s.Certificates = []certificateStatus{{Name: "c", DaysLeft: week}} }, levelDegraded, "certificate c"},
		{"certificate nearly over", func(s *status) { s.Certificates = []certificateStatus{{Name: "c", DaysLeft: 1}} }, levelBad, "certificate c"},
		{"certificate over", func(s *status) { s.Certificates = []certificateStatus{{Name: "c", DaysLeft: -1}} }, levelBad, "certificate c"},
	} {
		s := &status{State: "serving"}
		c.change(s)
		s.judge()
		if s.Health != c.want {
			t.Errorf("%s: health %v, want %v", c.name, s.Health, c.want)
		}
		if c.part == "" {
			if len(s.Findings) > 0 {
				t.Errorf("%s: found %v", c.name, s.Findings)
			}
			continue
		}
		if f := s.Findings[0]; f.Part != c.part || f.Text == "" || f.Advice == "" {
			t.Errorf("%s: found %+v, want part %q", c.name, f, c.part)
		}
	}
}

func sitesWith(up ...bool) []siteStatus {
	s := siteStatus{Account: "a", Site: "s"}
	for i, u := range up {
		s.Origins = append(s.Origins, originStatus{Origin: "o" + string(rune('0'+i)), Up: u})
	}
	return []siteStatus{s}
}

// Numbers do not change the shape, rows and states do.
func TestShape(t *testing.T) {
	var now atomic.Pointer[edge.Stats]
	first := fixedEdge()
	now.Store(&first)
	o := fixedOptions()
	o.Sources.Edge = func() edge.Stats { return *now.Load() }
	s := newServer(t, o)
	before := s.status().shape()
	for _, c := range []struct {
		name   string
		change func(*edge.Stats)
		same   bool
	}{
		{"a request more", func(e *edge.Stats) { e.Sites[0].Classes[0].Requests++ }, true},
		{"another reason", func(e *edge.Stats) { e.Sites[0].Denied["revoked"] = 1 }, false},
		{"another class", func(e *edge.Stats) { e.Sites[0].Classes = append(e.Sites[0].Classes, class("init", 0)) }, false},
		{"an origin is up again", func(e *edge.Stats) { e.Sites[0].Origins[0].Up = true }, false},
		{"an origin failed for the first time", func(e *edge.Stats) { e.Sites[1].Origins[0].Errors[origin.KindClosed]++ }, false},
		{"a site less", func(e *edge.Stats) { e.Sites = e.Sites[:1] }, false},
	} {
		e := fixedEdge()
		c.change(&e)
		now.Store(&e)
		if same := s.status().shape() == before; same != c.same {
			t.Errorf("%s: the shape stays is %v", c.name, same)
		}
	}
}

// The history notes one rate every interval, and forgets the oldest.
func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := uint64(0)
		s, err := New(Options{Sources: Sources{Edge: func() edge.Stats {
			looks++
			c := class("segment", 75*looks, edge.TierStats{Tier: "ram", Requests: 75 * looks, Bytes: 900 * looks}, edge.TierStats{Tier: "origin", Requests: 25 * looks, Bytes: 100 * looks})
			return edge.Stats{Sites: []edge.SiteStats{{Account: "a", Site: "s", Classes: []edge.ClassStats{c}, Forward: map[string]uint64{"uri-miss": 25 * looks}}}}
		}}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		if all, now := s.history.snapshot(); len(all.Requests) != 0 || !math.IsNaN(float64(now.HitRatio)) {
			t.Errorf("before the first look: %v, %+v", all, now)
		}
		synctest.Wait()
		time.Sleep(3 * interval)
		synctest.Wait()
		all, now := s.history.snapshot()
		if want := (rates{50, 4000, 0.75, 0.9}); len(all.Requests) != 3 || now != want {
			t.Errorf("after three intervals: %d values, the last %+v, want %+v", len(all.Requests), now, want)
		}
		time.Sleep((samples + 7) * interval)
		synctest.Wait()
		if all, _ := s.history.snapshot(); len(all.Bits) != samples || all.Bits[0] != 4000 {
			t.Errorf("after a long time: %d values", len(all.Bits))
		}
	})
}
