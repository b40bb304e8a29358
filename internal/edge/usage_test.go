package edge

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edged/logfmt"
	"edged/logfmt/usage"
)

// logged sums up the log as the ledger has it, fills left out.
func (b *bench) logged() usage.Table {
	b.Helper()
	sums := usage.Table{}
	for {
		select {
		case text := <-b.log.lines:
			var r logfmt.Record
			if err := logfmt.Parse(logfmt.JSON, []byte(text), &r); err != nil {
				b.Fatal(err)
			}
			sums.Add(usage.RowOf(&r))
		default:
			return sums
		}
	}
}

// taken adds up what Usage hands over, fills apart.
type taken struct {
	rows    usage.Table
	fetched uint64
}

func (s *taken) take(e *Edge) {
	for _, r := range e.Usage() {
		if r.Class == 0 {
			s.fetched += r.Fetched
			continue
		}
		s.rows.Add(r)
	}
}

// Log, usage and counters agree to the byte, hour by hour, whenever usage is taken and
// however long requests take.
func TestUsageIsWhatTheLogSays(t *testing.T) {
	body := pattern(10_000)
	b := newBench(t, ok(body, "video/mp4"))
	b.clock.start = time.Date(2026, 1, 25, 11, 10, 0, 0, time.UTC)
	rng, got, want := rand.New(rand.NewPCG(1, 2)), taken{rows: usage.Table{}}, usage.Table{}
	var open []*Exchange
	for i := range 400 {
		switch rng.IntN(6) {
		case 0:
			b.clock.advance(time.Duration(rng.IntN(40)) * time.Minute)
		case 1:
			got.take(b.edge)
		case 2:
			x := b.edge.NewExchange() // ends later
			b.fill(x, request{target: fmt.Sprintf("/%d.mp4", i%7)})
			b.edge.Serve(x)
			open = append(open, x)
		case 3:
			if len(open) > 0 {
				b.edge.Finish(open[0], Delivery{Body: int64(rng.IntN(10_000)), Header: 300})
				open = open[1:]
			}
		default:
			b.do(request{target: fmt.Sprintf("/%d.mp4", i%7), host: []string{"media.test", "nobody.test"}[rng.IntN(2)]})
		}
		want.Add(b.logged().Rows()...)
	}
	for _, x := range open {
		b.edge.Finish(x, Delivery{})
	}
	want.Add(b.logged().Rows()...)
	got.take(b.edge)
	if diff := cmp.Diff(want.Rows(), got.rows.Rows()); diff != "" {
		t.Errorf("usage (-log +taken):\n%s", diff)
	}
	b.wantCounters(&got)
}

// wantCounters holds that the counters add up to what was taken.
func (b *bench) wantCounters(got *taken) {
	b.Helper()
	rows, shown, classes := usage.Counts{}, usage.Counts{}, usage.Counts{}
	for _, r := range got.rows {
		rows.Add(r)
	}
	s := b.edge.Stats()
	for _, u := range s.UnknownUsage {
		shown.Add(u.Counts)
		classes.Requests += u.Requests
		classes.Body += u.Body
	}
	for _, site := range s.Sites {
		for _, u := range site.Usage {
			shown.Add(u.Counts)
		}
		for _, c := range site.Classes {
			classes.Requests += c.Requests
			classes.Body += c.Bytes
			classes.Hits += c.Hits
		}
		if site.Fetched != got.fetched {
			b.Errorf("fetched: %d shown, %d taken", site.Fetched, got.fetched)
		}
	}
	if rows != shown || rows.Requests == 0 {
		b.Errorf("taken %+v, shown %+v", rows, shown)
	}
	if classes.Requests != rows.Requests || classes.Body != rows.Body || classes.Hits != rows.Hits {
		b.Errorf("taken %+v, by class %+v", rows, classes)
	}
}

// Requests and takers that run at the same time lose nothing.
func TestUsageUnderLoad(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) { ok("body", "video/mp4")(w, r) })
	b.log.lines = make(chan string) // nobody reads
	b.get("/a.mp4")
	got := taken{rows: usage.Table{}}
	stop := make(chan struct{})
	var takers, clients sync.WaitGroup
	takers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				got.take(b.edge)
				b.clock.advance(time.Minute)
			}
		}
	})
	const each = 300
	for range 4 {
		clients.Go(func() {
			for range each {
				b.get("/a.mp4")
			}
		})
	}
	clients.Wait()
	close(stop)
	takers.Wait()
	got.take(b.edge)
	var sum usage.Counts
	for _, r := range got.rows {
		sum.Add(r)
	}
	if sum.Requests != 4*each+1 || sum.Body != 4*sum.Requests {
		t.Errorf("taken %+v of %d requests", sum, 4*each+1)
	}
}
