package edge

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// This file holds the whole request path against a model of RFC 9111 that is slow
// and as plain as its sections: for any sequence of origin answers, times and
// requests, what the edge serves, and whether it asked, is what the model says.

// plan is what the origin answers next. Versions tell bodies apart.
type plan struct {
	version, status int
	control         string // Cache-Control
	targeted        string // CDN-Cache-Control
	age             int    // Age of an upstream cache, seconds
	expires         int    // seconds after Date, 0 for no such field
	tagged, dated   bool   // whether it has an ETag, a Last-Modified
	vary, down      bool
}

func (p plan) tag() string { return fmt.Sprintf(`"v%d"`, p.version) }

func (p plan) body() string { return fmt.Sprintf("status %d, version %d", p.status, p.version) }

// modified is a date of the version, a multiple of 100 s before base.
func (p plan) modified(base time.Time) time.Time {
	return base.Add(-time.Duration(100*(100-p.version%50)) * time.Second)
}

// send answers r as planned.
func (p plan) send(w http.ResponseWriter, r *http.Request, base, now time.Time) {
	h := w.Header()
	if p.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	for name, value := range map[string]string{"Cache-Control": p.control, "CDN-Cache-Control": p.targeted} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if p.age > 0 {
		h.Set("Age", strconv.Itoa(p.age))
	}
	if p.expires != 0 {
		h.Set("Expires", now.Add(time.Duration(p.expires)*time.Second).UTC().Format(http.TimeFormat))
	}
	if p.vary {
		h.Set("Vary", "Lang")
	}
	if p.tagged {
		h.Set("ETag", p.tag())
	}
	if p.dated {
		h.Set("Last-Modified", p.modified(base).UTC().Format(http.TimeFormat))
	}
	if p.confirms(r.Header, base) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.WriteHeader(p.status)
	io.WriteString(w, p.body())
}

// confirms reports that the conditions of a request name the planned version
// (RFC 9110 §13.2.2).
func (p plan) confirms(h http.Header, base time.Time) bool {
	switch {
	case p.status != 200:
		return false
	case h.Get("If-None-Match") != "":
		return p.tagged && h.Get("If-None-Match") == p.tag()
	case h.Get("If-Modified-Since") != "":
		return p.dated && h.Get("If-Modified-Since") == p.modified(base).UTC().Format(http.TimeFormat)
	}
	return false
}

// directives reads a Cache-Control value; numbers only, as the plans have them.
type directives map[string]int

func read(control string) directives {
	d := directives{}
	for _, part := range strings.Split(strings.ToLower(control), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		n, _ := strconv.Atoi(value)
		if name != "" {
			d[name] = n
		}
	}
	return d
}

func (d directives) has(name string) bool { _, ok := d[name]; return ok }

// second is the model's unit of time: tenths, because a guessed lifetime is a tenth
// of a number of seconds.
const second = 10

// stored is what the model keeps of a response.
type stored struct {
	said                plan // fields: of the response, as later 304s changed them
	version, status     int
	received, birth     int // when it came, and when it was made
	lifetime            int
	guessed, never      bool // never: not to be served without asking
	must                bool
	whileAsking, onErr  int
	tag, dated          bool
	expiresAt, modified int
}

// reckon gives s its times from its fields, received now (RFC 9111 §4.2).
func (s *stored) reckon(now int) {
	d := s.rules()
	s.received, s.birth = now, now-s.said.age*second
	s.never = d.has("no-cache") || d.has("no-store") || d.has("private") // the latter two said by a 304
	s.must = d.has("must-revalidate") || d.has("proxy-revalidate") || d.has("s-maxage")
	s.guessed = false
	switch {
	case d.has("s-maxage"):
		s.lifetime = d["s-maxage"] * second
	case d.has("max-age"):
		s.lifetime = d["max-age"] * second
	case s.said.targeted == "" && s.said.expires != 0:
		s.lifetime = max(0, s.expiresAt-now)
	default:
		s.guessed, s.lifetime = true, 0
		switch {
		case s.status == 404:
			s.lifetime = second
		case s.dated && s.status == 200:
			s.lifetime = (now - s.modified) / 10
		}
	}
	s.whileAsking, s.onErr = d["stale-while-revalidate"]*second, d["stale-if-error"]*second
	if s.must || s.never {
		s.whileAsking, s.onErr = 0, 0
	}
}

// kept reports whether a cache may and would store it (RFC 9111 §3).
func (s *stored) kept(method string) bool {
	d := s.rules()
	switch {
	case method == "POST", d.has("no-store"), d.has("private"):
		return false
	case s.guessed && s.status == 302 && !d.has("public"):
		return false
	case s.status == 200 && (s.tag || s.dated):
		return true
	}
	return !s.never && (s.lifetime > 0 || s.whileAsking > 0 || s.onErr > 0)
}

// shared reports whether those who wait for one response that is not kept may all
// have it.
func (s *stored) shared() bool {
	d := s.rules()
	return !d.has("no-store") && !d.has("private") && !s.said.vary && !(s.guessed && s.status == 302 && !d.has("public"))
}

// rules are the directives that count: targeted ones alone where there are any
// (RFC 9213 §2.2).
func (s *stored) rules() directives {
	if s.said.targeted != "" {
		return read(s.said.targeted)
	}
	return read(s.said.control)
}

// wishes are the directives of a request.
type wishes struct {
	directives
	text string
}

// asks reports what has to be done before s may answer at now: nothing, ask while
// it is served, or ask first.
func (s *stored) asks(w wishes, now int) (background, first bool) {
	age := now - s.birth
	stale := age - s.lifetime
	old := w.has("max-age") && age > w.directives["max-age"]*second
	switch {
	case s.never || w.has("no-cache") || old:
		return false, true
	case stale < 0:
		return false, w.has("min-fresh") && -stale < w.directives["min-fresh"]*second
	case s.must || w.has("min-fresh"):
		return false, true
	case w.has("max-stale") && stale <= w.directives["max-stale"]*second,
		stale < s.whileAsking && !w.has("max-age") && !w.has("max-stale"):
		return true, false
	}
	return false, true
}

// tides reports whether s may answer when the origin fails (RFC 5861 §4).
func (s *stored) tides(w wishes, now int) bool {
	stale := now - s.birth - s.lifetime
	switch {
	case s.never || w.has("no-cache"):
		return false
	case stale < 0:
		return true
	}
	return !s.must && (stale < s.onErr || w.has("max-stale") && stale <= w.directives["max-stale"]*second)
}

// model is the cache as the RFC describes it.
type model struct {
	now     int
	plan    plan
	fetches int
	entries map[string]*stored
	// alone is when a response for a path could last not be shared: for a while
	// after, the edge may leave out what RFC 5861 §3 says it should do in the
	// background, and the model follows what it did.
	alone map[string]int
	asked bool // whether the edge asked for this request
}

func pathOf(key string) string {
	path, _, _ := strings.Cut(key, " ")
	return path
}

// served is what a client sees.
type served struct {
	status, version int
	age             int // seconds; -1 when the answer was fetched for this request
}

// fetch asks the origin about s, nil on a miss, and returns what there is then.
func (m *model) fetch(key, method string, s *stored) (answer *stored, failed bool) {
	m.fetches++
	p := m.plan
	if p.down {
		return nil, true
	}
	same := s != nil && s.status == 200 && p.status == 200 && s.version == p.version
	if method == "GET" && same && (s.tag && p.tagged || !s.tag && s.dated && p.dated) {
		s.learn(p, m.now)
		return s, false
	}
	answer = &stored{version: p.version, status: p.status}
	answer.learn(p, m.now)
	delete(m.entries, key)
	switch {
	case answer.kept(method):
		m.entries[key] = answer
	case !answer.shared():
		m.alone[pathOf(key)] = m.now
	}
	return answer, false
}

// learn takes over what a response or a 304 says; what it does not say stays
// (RFC 9111 §3.2).
func (s *stored) learn(p plan, now int) {
	if p.control != "" {
		s.said.control = p.control
	}
	if p.targeted != "" {
		s.said.targeted = p.targeted
	}
	if p.expires != 0 {
		s.said.expires, s.expiresAt = p.expires, now+p.expires*second
	}
	if s.status == 200 {
		s.tag, s.dated = s.tag || p.tagged, s.dated || p.dated
		s.modified = -100 * second * (100 - p.version%50)
	}
	s.said.age, s.said.vary = p.age, p.vary
	s.reckon(now)
}

// get answers a GET or HEAD.
func (m *model) get(key string, w wishes) served {
	s := m.entries[key]
	if s == nil {
		if w.has("only-if-cached") {
			return served{504, 0, -1}
		}
		return m.fromOrigin(key, w, nil)
	}
	background, first := s.asks(w, m.now)
	if first && w.has("only-if-cached") {
		return served{504, 0, -1}
	}
	if first {
		return m.fromOrigin(key, w, s)
	}
	is := served{s.status, s.version, (m.now - s.birth) / second}
	last, alone := m.alone[pathOf(key)]
	if background && (m.asked || !alone || last+6*second < m.now) {
		m.fetch(key, "GET", s)
	}
	return is
}

func (m *model) fromOrigin(key string, w wishes, s *stored) served {
	answer, failed := m.fetch(key, "GET", s)
	switch {
	case !failed:
		return served{answer.status, answer.version, -1}
	case s != nil && s.tides(w, m.now):
		return served{s.status, s.version, -1}
	}
	return served{502, 0, -1}
}

// post answers an unsafe request, which makes invalid what it changed (RFC 9111 §4.4).
func (m *model) post(path string) served {
	m.fetches++
	if m.plan.down {
		return served{503, 0, -1} // the answer to an action is the origin's
	}
	if m.plan.status < 400 {
		for key := range m.entries {
			if strings.HasPrefix(key, path+" ") {
				delete(m.entries, key)
			}
		}
	}
	return served{m.plan.status, m.plan.version, -1}
}

func drawPlan(t *rapid.T, version int, vary bool) plan {
	p := plan{
		version: version, vary: vary,
		status: rapid.SampledFrom([]int{200, 200, 200, 200, 404, 302}).Draw(t, "status"),
		control: rapid.SampledFrom([]string{
			"", "", "max-age=10", "max-age=100", "s-maxage=20, max-age=5", "max-age=0", "no-store", "private", "no-cache", "no-cache, max-age=10",
			"max-age=10, stale-while-revalidate=20", "max-age=5, stale-if-error=60", "max-age=5, must-revalidate, stale-if-error=60",
			"max-age=5, proxy-revalidate", "public", "stale-if-error=30", "MAX-AGE=30",
		}).Draw(t, "control"),
		targeted: rapid.SampledFrom([]string{"", "", "", "max-age=40", "no-store", "max-age=3, stale-while-revalidate=10"}).Draw(t, "targeted"),
		age:      rapid.SampledFrom([]int{0, 0, 3, 30}).Draw(t, "age"),
		expires:  rapid.SampledFrom([]int{0, 0, 7, 50, -10}).Draw(t, "expires"),
		down:     rapid.IntRange(0, 5).Draw(t, "down") == 0,
	}
	if p.status == 200 {
		p.tagged, p.dated = rapid.Bool().Draw(t, "tagged"), rapid.Bool().Draw(t, "dated")
	}
	p.control = strings.TrimSpace(p.control)
	return p
}

func drawWishes(t *rapid.T) wishes {
	text := rapid.SampledFrom([]string{
		"", "", "", "", "max-age=5", "max-age=0", "no-cache", "min-fresh=5", "max-stale=10", "max-stale=3, max-age=60", "only-if-cached",
		"only-if-cached, max-stale=1000",
	}).Draw(t, "wishes")
	return wishes{read(text), text}
}

func TestServesWhatTheRFCSays(t *testing.T) {
	var planned atomic.Pointer[plan]
	base := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	var b *bench
	b = newBench(t, func(w http.ResponseWriter, r *http.Request) {
		planned.Load().send(w, r, base, b.clock.now())
	}, func(s *Site) {
		s.ClientDirectives, s.Methods, s.Forward = true, []string{"POST"}, []string{"Lang"}
	})
	b.clock.start = base
	m := &model{}
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		m.entries, m.alone, m.now = map[string]*stored{}, map[string]int{}, 0
		b.clock.offset.Store(0)
		version := 0
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "changes") {
				version++
			}
			vary := rapid.Bool().Draw(t, "vary")
			m.plan = drawPlan(t, version, vary)
			planned.Store(&m.plan)
			m.step(t, b, fmt.Sprintf("/%d/%v.bin", run, vary))
			pause := rapid.SampledFrom([]int{0, 0, 1, 3, 5, 10, 25, 100, 700}).Draw(t, "pause")
			b.clock.advance(time.Duration(pause) * time.Second)
			m.now += pause * second
		}
	})
}

// step makes one request of both and compares.
func (m *model) step(t *rapid.T, b *bench, path string) {
	method := rapid.SampledFrom([]string{"GET", "GET", "GET", "GET", "HEAD", "POST"}).Draw(t, "method")
	lang, w := "", drawWishes(t)
	if m.plan.vary {
		lang = rapid.SampledFrom([]string{"de", "nl"}).Draw(t, "lang")
	}
	r := request{method: method, target: path, header: fields{}}
	if w.text != "" {
		r.header["Cache-Control"] = w.text
	}
	if lang != "" {
		r.header["Lang"] = lang
	}
	before, asked := m.fetches, b.fetches.Load()
	a := b.do(r)
	b.edge.fetchers.Wait()
	got := int(b.fetches.Load() - asked)
	m.asked = got > 0
	var want served
	if method == "POST" {
		want = m.post(path)
	} else {
		want = m.get(path+" "+lang, w)
	}
	what := fmt.Sprintf("%s %s %q at %d s, origin %+v", method, path, w.text, m.now/second, m.plan)
	if got != m.fetches-before {
		t.Fatalf("%s: the origin was asked %d times, want %d (%s)", what, got, m.fetches-before, a.cacheStatus())
	}
	if a.status != want.status {
		t.Fatalf("%s: status %d, want %d (%s)", what, a.status, want.status, a.cacheStatus())
	}
	body := plan{status: want.status, version: want.version}.body()
	if method == "GET" && want.status < 500 && a.body != body {
		t.Fatalf("%s: %q, want %q (%s)", what, a.body, body, a.cacheStatus())
	}
	if got := a.header.Get("Age"); want.age >= 0 && got != strconv.Itoa(want.age) {
		t.Fatalf("%s: Age %q, want %d (%s)", what, got, want.age, a.cacheStatus())
	}
}
