package usage

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestClassOf(t *testing.T) {
	for status, want := range map[int]uint8{200: 2, 206: 2, 304: 3, 416: 4, 499: 4, 500: 5, 599: 5, 0: 5, 101: 5, 600: 5, -1: 5} {
		if got := ClassOf(status); got != want {
			t.Errorf("ClassOf(%d) = %d, want %d", status, got, want)
		}
	}
}

func TestHours(t *testing.T) {
	h := HourOf(noon.UnixNano())
	if got := TimeOf(h); !got.Equal(noon.Truncate(time.Hour)) || HourOf(-1) != 0 {
		t.Errorf("hour %d begins at %v", h, got)
	}
	for _, c := range []struct {
		span       Span
		begin, end time.Time
	}{
		{Hour, time.Date(2026, 1, 25, 12, 0, 0, 0, time.UTC), time.Date(2026, 1, 25, 13, 0, 0, 0, time.UTC)},
		{Day, time.Date(2026, 1, 25, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 26, 0, 0, 0, 0, time.UTC)},
		{Month, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)},
	} {
		begin := c.span.begin(h)
		if got, end := TimeOf(begin), TimeOf(c.span.end(begin)); !got.Equal(c.begin) || !end.Equal(c.end) {
			t.Errorf("span %d is %v to %v, want %v to %v", c.span, got, end, c.begin, c.end)
		}
	}
}

func TestParseSplit(t *testing.T) {
	for _, c := range []struct {
		text string
		want Split
		bad  bool
	}{
		{"", Split{}, false},
		{"account", Split{}, false},
		{"day,site", Split{Span: Day, Site: true}, false},
		{"hour, protocol ,status", Split{Hour, false, true, true}, false},
		{"month", Split{Span: Month}, false},
		{"month,day", Split{}, true},
		{"week", Split{}, true},
	} {
		got, err := ParseSplit(c.text)
		if (err != nil) != c.bad || err == nil && got != c.want {
			t.Errorf("ParseSplit(%q) = %+v, %v; want %+v, error %v", c.text, got, err, c.want, c.bad)
		}
	}
}

func TestReport(t *testing.T) {
	all := Table{}
	all.Add(row(0, "acme", 5), row(1, "acme", 6), row(30, "acme", 7), row(0, "bolt", 1),
		Row{Key{Hour: HourOf(noon.UnixNano()), Account: "acme", Site: "acme.example"}, Counts{Fetched: 1000}})
	hour := noon.Truncate(time.Hour)
	for _, c := range []struct {
		name  string
		query Query
		want  []uint64 // requests of each line
	}{
		{"all", Query{}, []uint64{18, 1}},
		{"an account", Query{Account: "acme"}, []uint64{18}},
		{"a site", Query{Site: "bolt.example"}, []uint64{1}},
		{"nobody", Query{Account: "zeta"}, []uint64{}},
		{"from", Query{Account: "acme", From: hour.Add(time.Hour)}, []uint64{13}},
		{"a part of an hour is the hour", Query{Account: "acme", From: hour.Add(59 * time.Minute), To: hour.Add(61 * time.Minute)}, []uint64{11}},
		{"to", Query{Account: "acme", To: hour.Add(time.Hour)}, []uint64{5}},
		{"by day", Query{Account: "acme", By: Split{Span: Day}}, []uint64{11, 7}},
		{"by status", Query{Account: "acme", By: Split{Class: true}}, []uint64{0, 18}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReport(&c.query, all)
			got := []uint64{}
			for _, l := range r.Lines {
				got = append(got, l.Requests)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s\n%+v", diff, r.Lines)
			}
		})
	}
	r := NewReport(&Query{Account: "acme", By: Split{Day, true, true, true}}, all)
	if l := r.Lines[1]; l.Status != "2xx" || l.Protocol != "HTTP/1.1" || l.Site != "acme.example" || l.From == nil || l.Body != 1100 {
		t.Errorf("a line that is split by everything: %+v", l)
	}
	if !r.From.Equal(hour) || !r.To.Equal(hour.Add(31*time.Hour)) {
		t.Errorf("a report without limits is about %v to %v", r.From, r.To)
	}
}

func TestFieldsAreThoseOfARow(t *testing.T) {
	var want, got []string
	for f := range reflect.TypeFor[Key]().Fields() {
		want = append(want, strings.ToLower(f.Name))
	}
	for f := range reflect.TypeFor[Counts]().Fields() {
		want = append(want, f.Tag.Get("json"))
	}
	for _, f := range Fields() {
		got = append(got, f.Name)
		if f.Meaning == "" {
			t.Errorf("%s has no meaning", f.Name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-row +Fields):\n%s", diff)
	}
}
