package rfc9111

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"edged/cache/object"
)

// answer is an origin's response as the model sees it: what was meant, never
// parsed. Offsets are seconds from the time it is received; nil is absent.
type answer struct {
	Status                      int
	Directives                  []directiveOf
	Targeted                    bool // the directives are sent as CDN-Cache-Control, beside a Cache-Control: no-store
	Expires, Date, LastModified *int
	Age                         *int
	ETag                        string
	Pragma                      bool
}

// directiveOf is one directive; Seconds is nil when it has no argument.
type directiveOf struct {
	Name    string
	Seconds *int
}

func (s directiveOf) String() string {
	if s.Seconds == nil {
		return s.Name
	}
	return fmt.Sprintf("%s=%d", s.Name, *s.Seconds)
}

// header writes the answer as a header received at a time.
func (a answer) header(at int64) object.Header {
	var h object.Header
	add := func(name, value string) { h = append(h, object.Field{Name: name, Value: value}) }
	when := func(name string, offset *int) {
		if offset != nil {
			add(name, string(AppendDate(nil, at/int64(time.Second)+int64(*offset))))
		}
	}
	field := "Cache-Control"
	if a.Targeted {
		add(field, "no-store")
		field = CDNField
	}
	var list []string
	for _, d := range a.Directives {
		list = append(list, d.String())
	}
	if len(list) > 0 {
		add(field, strings.Join(list, ", "))
	}
	when("Expires", a.Expires)
	when("Date", a.Date)
	when("Last-Modified", a.LastModified)
	if a.Age != nil {
		add("Age", fmt.Sprint(*a.Age))
	}
	if a.ETag != "" {
		add("ETag", a.ETag)
	}
	if a.Pragma {
		add("Pragma", "no-cache")
	}
	return h
}

func (a answer) says(name string) bool {
	for _, d := range a.Directives {
		if d.Name == name {
			return true
		}
	}
	return false
}

// least is the smallest argument of a directive in seconds.
func (a answer) least(name string) (value int, found bool) {
	for _, d := range a.Directives {
		if d.Name == name && (!found || *d.Seconds < value) {
			value, found = *d.Seconds, true
		}
	}
	return value, found
}

// modelLifetime follows RFC 9111 §4.2.1 and §4.2.2 line by line. explicit says that
// the origin stated it.
func (a answer) modelLifetime(d Defaults) (life time.Duration, explicit bool) {
	if v, ok := a.least("s-maxage"); ok {
		return seconds(int64(v)), true
	}
	if v, ok := a.least("max-age"); ok {
		return seconds(int64(v)), true
	}
	date := 0
	if a.Date != nil {
		date = *a.Date
	}
	if a.Expires != nil && !a.Targeted {
		return seconds(int64(max(0, *a.Expires-date))), true
	}
	if a.Pragma && len(a.Directives) == 0 {
		return 0, false
	}
	switch {
	case a.Status == 200 && d.Lifetime > 0:
		return d.Lifetime, false
	case a.Status == 404 && d.Negative > 0:
		return d.Negative, false
	case d.Heuristic && a.LastModified != nil && (a.Status == 200 || a.Status == 404 || a.says("public")):
		tenth := seconds(int64(max(0, date-*a.LastModified))) / 10
		return min(tenth, 24*time.Hour), false
	}
	return 0, false
}

// modelAge follows RFC 9111 §4.2.3, with Date's grain of a second.
func (a answer) modelAge(delay time.Duration) time.Duration {
	apparent, value := 0, 0
	if a.Date != nil && *a.Date < -1 {
		apparent = -*a.Date
	}
	if a.Age != nil {
		value = *a.Age
	}
	return max(seconds(int64(apparent)), seconds(int64(value))+delay)
}

// unusable says that the response may not be used without validation, ever.
func (a answer) unusable() bool {
	return a.says("private") || a.says("no-cache") || a.says("no-store") && !a.says("must-understand")
}

func (a answer) forbidsStale() bool {
	return a.says("must-revalidate") || a.says("proxy-revalidate") || a.says("s-maxage")
}

// modelDecision is what RFC 9111 §4, §5.2.1, RFC 5861 and RFC 8246 allow for a
// response of this age. Everything a client says is a reason to say no; only
// max-stale is a reason to say yes.
func (a answer) modelDecision(d Defaults, age time.Duration, rd RequestDirectives) Decision {
	life, explicit := a.modelLifetime(d)
	window := time.Duration(0)
	if v, ok := a.least("stale-while-revalidate"); ok {
		window = seconds(int64(v))
	} else if !explicit && life > 0 {
		window = d.StaleWhileRevalidate
	}
	fresh := age < life
	reload := a.says("immutable") && fresh

	var no []bool
	no = append(no, a.unusable())
	no = append(no, rd.NoCache && !reload)
	no = append(no, rd.MaxAge >= 0 && age > rd.MaxAge && !reload)
	no = append(no, rd.MinFresh >= 0 && life-age < rd.MinFresh)
	no = append(no, rd.MinFresh >= 0 && !fresh)
	no = append(no, !fresh && a.forbidsStale())
	no = append(no, !fresh && rd.MaxStale < 0 && (age-life >= window || rd.MaxAge >= 0))
	no = append(no, !fresh && rd.MaxStale >= 0 && age-life > rd.MaxStale)
	for _, reason := range no {
		if reason && rd.OnlyIfCached {
			return Unsatisfiable504
		}
		if reason {
			return Validate
		}
	}
	if fresh {
		return Fresh
	}
	return StaleWhileRevalidate
}

func (a answer) modelOnError(d Defaults, age time.Duration, rd RequestDirectives) bool {
	life, _ := a.modelLifetime(d)
	window := d.StaleIfError
	if v, ok := a.least("stale-if-error"); ok {
		window = seconds(int64(v))
	}
	if a.unusable() || rd.NoCache {
		return false
	}
	return age < life || !a.forbidsStale() && (age-life < window || rd.MaxStale >= 0 && age-life <= rd.MaxStale)
}

// Generators. Spans are small, so that boundaries are met often.

func drawSpan(t *rapid.T, name string) *int {
	n := rapid.IntRange(0, 12).Draw(t, name)
	return &n
}

func drawOffset(t *rapid.T, name string, from, to int) *int {
	if rapid.Bool().Draw(t, "has "+name) {
		return nil
	}
	n := rapid.IntRange(from, to).Draw(t, name)
	return &n
}

func drawAnswer(t *rapid.T) answer {
	a := answer{
		Status:       rapid.SampledFrom([]int{200, 200, 200, 404, 302, 503}).Draw(t, "status"),
		Targeted:     rapid.IntRange(0, 3).Draw(t, "targeted") == 0,
		Expires:      drawOffset(t, "expires", -5, 15),
		Date:         drawOffset(t, "date", -5, 5),
		LastModified: drawOffset(t, "last-modified", -150, 5),
		Age:          drawOffset(t, "age", 0, 8),
		ETag:         rapid.SampledFrom([]string{"", `"a"`, `"b"`, `W/"a"`}).Draw(t, "etag"),
		Pragma:       rapid.IntRange(0, 5).Draw(t, "pragma") == 0,
	}
	seen := map[string]bool{}
	for range rapid.IntRange(0, 4).Draw(t, "directives") {
		d := directiveOf{Name: rapid.SampledFrom([]string{
			"max-age", "max-age", "max-age", "s-maxage", "stale-while-revalidate", "stale-if-error",
			"must-revalidate", "proxy-revalidate", "no-cache", "no-store", "private", "public", "immutable", "must-understand", "x-ext",
		}).Draw(t, "directive")}
		switch d.Name {
		case "max-age", "s-maxage", "stale-while-revalidate", "stale-if-error":
			d.Seconds = drawSpan(t, d.Name)
		}
		if a.Targeted && seen[d.Name] {
			continue // in a dictionary the last one counts, not the smallest
		}
		seen[d.Name] = true
		a.Directives = append(a.Directives, d)
	}
	a.Targeted = a.Targeted && len(a.Directives) > 0
	return a
}

func drawRequest(t *rapid.T) (rd RequestDirectives, text string) {
	rd = NoWishes()
	var list []string
	add := func(name string, set func()) {
		if rapid.IntRange(0, 4).Draw(t, name) == 0 {
			set()
		}
	}
	flag := func(name string, to *bool) {
		add(name, func() { *to = true; list = append(list, name) })
	}
	span := func(name string, to *time.Duration) {
		add(name, func() {
			n := *drawSpan(t, name)
			*to = seconds(int64(n))
			list = append(list, fmt.Sprintf("%s=%d", name, n))
		})
	}
	flag("no-cache", &rd.NoCache)
	flag("no-store", &rd.NoStore)
	flag("only-if-cached", &rd.OnlyIfCached)
	span("max-age", &rd.MaxAge)
	span("min-fresh", &rd.MinFresh)
	span("max-stale", &rd.MaxStale)
	if rd.MaxStale < 0 {
		add("max-stale, any", func() { rd.MaxStale = math.MaxInt64; list = append(list, "max-stale") })
	}
	return rd, strings.Join(list, ", ")
}

func drawDefaults(t *rapid.T) Defaults {
	span := func(name string) time.Duration {
		return seconds(int64(rapid.SampledFrom([]int{0, 0, 3, 9}).Draw(t, name)))
	}
	return Defaults{
		Lifetime: span("lifetime"), Negative: span("negative"),
		StaleWhileRevalidate: span("default swr"), StaleIfError: span("default sie"),
		Heuristic: rapid.Bool().Draw(t, "heuristic"),
	}
}

// For any response, defaults, request and time the decision is the model's.
func TestDecisionsAgreeWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, d := drawAnswer(t), drawDefaults(t)
		delay := time.Duration(rapid.IntRange(0, 3000).Draw(t, "delay ms")) * time.Millisecond
		elapsed := time.Duration(rapid.IntRange(0, 50).Draw(t, "half seconds")) * time.Second / 2
		wishes, text := drawRequest(t)

		if got := ParseRequest(value(text), nil); got != wishes {
			t.Fatalf("ParseRequest(%q) = %+v, want %+v", text, got, wishes)
		}
		f := Compute(a.Status, a.header(now), d, now-int64(delay), now)
		age := a.modelAge(delay) + elapsed
		if got := f.Age(now + int64(elapsed)); got != age {
			t.Fatalf("%q: age %v, want %v", a.header(now), got, age)
		}
		want := a.modelDecision(d, age, wishes)
		if got := Evaluate(&f, wishes, now+int64(elapsed)); got != want {
			t.Fatalf("%d %q asked with %q at age %v: %v, want %v", a.Status, a.header(now), text, age, got, want)
		}
		onError := a.modelOnError(d, age, wishes)
		if got := MayServeOnError(&f, wishes, now+int64(elapsed)); got != onError {
			t.Fatalf("%d %q asked with %q at age %v: on error %v, want %v", a.Status, a.header(now), text, age, got, onError)
		}
	})
}

// A response that is stored has a use at some time, and one that is refused for
// want of a lifetime has none: it is neither fresh nor allowed stale at any time
// the model knows.
func TestStorableAgreesWithModel(t *testing.T) {
	get := Request{Method: "GET"}
	rapid.Check(t, func(t *rapid.T) {
		a, d := drawAnswer(t), drawDefaults(t)
		p := Policy{Defaults: d}
		why := p.Storable(&get, a.Status, a.header(now))
		life, _ := a.modelLifetime(d)
		switch why {
		case OK:
			if a.says("private") || a.says("no-store") && !a.says("must-understand") {
				t.Fatalf("%d %q may not be stored", a.Status, a.header(now))
			}
		case NoLifetime:
			if life > 0 && !a.unusable() {
				t.Fatalf("%d %q was refused with a lifetime of %v", a.Status, a.header(now), life)
			}
		case NoStore, Private:
			if !a.unusable() {
				t.Fatalf("%d %q: %v", a.Status, a.header(now), why)
			}
		default:
			t.Fatalf("%d %q: %v", a.Status, a.header(now), why)
		}
	})
}
