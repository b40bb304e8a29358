package edge

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"edged/auth"
	"edged/cache"
	"edged/cache/object"
	"edged/cache/ram"
	"edged/internal/edgetest"
	"edged/internal/target"
	"edged/logfmt"
	"edged/origin"
)

func TestMain(m *testing.M) {
	edgetest.Main(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"))
}

// clock is a settable time. It goes on by itself unless it has a start.
type clock struct {
	start  time.Time
	offset atomic.Int64
}

func (c *clock) now() time.Time {
	if !c.start.IsZero() {
		return c.start.Add(time.Duration(c.offset.Load()))
	}
	return time.Now().Add(time.Duration(c.offset.Load()))
}

func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// records keeps the log in memory, as it would be written.
type records struct{ lines chan string }

func (r *records) Write(rec *logfmt.Record) {
	line := string(logfmt.Append(nil, logfmt.JSON, logfmt.Full, rec))
	select {
	case r.lines <- line:
	default:
	}
}

// bench is an edge over a real origin, with all in reach of a test.
type bench struct {
	testing.TB
	edge    *Edge
	cache   *cache.Cache
	memory  *ram.Tier
	site    *Site
	clock   *clock
	log     *records
	fetches atomic.Int64
	origin  *httptest.Server
}

// newBench starts an edge whose only site "media.test" of account "acme" has the
// handler as its origin.
func newBench(t testing.TB, handler http.HandlerFunc, change ...func(*Site)) *bench {
	t.Helper()
	b := &bench{TB: t, clock: &clock{}, log: &records{lines: make(chan string, 1024)}}
	b.origin = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.fetches.Add(1)
		w.Header().Set("Date", b.clock.now().UTC().Format(http.TimeFormat))
		handler(w, r)
	}))
	memory, err := ram.New(ram.Options{Size: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	group, err := origin.New(origin.Options{URLs: []string{b.origin.URL}, Node: "node-1", ConnectTimeout: time.Minute, FirstByteTimeout: time.Minute, IdleTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	b.memory = memory
	b.cache = cache.New(cache.Options{RAM: memory, Now: b.clock.now})
	b.edge = New(Options{Cache: b.cache, Log: b.log, Now: b.clock.now})
	b.site = &Site{
		Account: "acme", Name: "media.test", Hosts: []string{"media.test"}, Origins: group,
		Query: target.QueryPolicy{Drop: []string{"ect"}}, PublicScheme: "https",
	}
	for _, f := range change {
		f(b.site)
	}
	b.edge.SetSites(NewSites([]*Site{b.site}))
	t.Cleanup(func() {
		b.edge.Close()
		group.Close()
		b.origin.Close()
	})
	return b
}

// fields is a request header for tests.
type fields map[string]string

func (f fields) Get(name string) []byte {
	for n, v := range f {
		if strings.EqualFold(n, name) {
			return []byte(v)
		}
	}
	return nil
}

func (f fields) Append(dst [][]byte, name string) [][]byte {
	if v := f.Get(name); v != nil {
		dst = append(dst, v)
	}
	return dst
}

// answer is a response as a client would see it.
type answer struct {
	status int
	header object.Header
	body   string
	err    error // what broke the body off
	size   int64
	close  bool
}

func (a *answer) cacheStatus() string { return a.header.Get("Cache-Status") }

// request describes one request; zero fields are a GET of "/" at media.test.
type request struct {
	method, target, host string
	header               fields
	framed               bool
	tls                  uint16
}

func (b *bench) get(target string, header ...string) answer {
	f := fields{}
	for i := 0; i+1 < len(header); i += 2 {
		f[header[i]] = header[i+1]
	}
	return b.do(request{target: target, header: f})
}

func (b *bench) do(r request) answer {
	x := b.edge.NewExchange()
	return b.on(x, r)
}

// on runs a request on an exchange of the caller.
func (b *bench) on(x *Exchange, r request) answer {
	b.fill(x, r)
	b.edge.Serve(x)
	a := answer{status: x.Resp.Status, size: x.Resp.Size, close: x.Resp.Close}
	for _, f := range x.Resp.Header {
		a.header = append(a.header, object.Field{Name: strings.Clone(f.Name), Value: strings.Clone(f.Value)})
	}
	var body strings.Builder
	if x.Resp.Body != nil {
		for {
			span, err := x.Resp.Body.Next()
			if err != nil {
				if err != io.EOF {
					a.err = err
				}
				break
			}
			body.Write(span)
		}
	}
	a.body = body.String()
	b.edge.Finish(x, Delivery{Body: int64(len(a.body)), Aborted: a.err != nil})
	return a
}

func (b *bench) fill(x *Exchange, r request) {
	method, host, header := "GET", "media.test", r.header
	if r.method != "" {
		method = r.method
	}
	if r.host != "" {
		host = r.host
	}
	if header == nil {
		header = fields{}
	}
	x.Req = Request{
		Method: []byte(method), Target: []byte(r.target), Host: []byte(host), Header: header,
		Client: netip.MustParseAddrPort("198.51.100.7:4711"), Proto: HTTP11, Framed: r.framed, TLS: r.tls,
	}
}

func (b *bench) want(a answer, status int, cacheStatus ...string) {
	b.Helper()
	if a.status != status {
		b.Errorf("status %d, want %d (Cache-Status: %s)", a.status, status, a.cacheStatus())
	}
	for _, c := range cacheStatus {
		if !strings.Contains(a.cacheStatus(), c) {
			b.Errorf("Cache-Status %q, want %q in it", a.cacheStatus(), c)
		}
	}
}

func (b *bench) wantFetches(n int64) {
	b.Helper()
	if got := b.fetches.Load(); got != n {
		b.Errorf("origin was asked %d times, want %d", got, n)
	}
}

// signing returns a site change that requires a token of a fresh Ed25519 key, and
// what mints one.
func signing(t testing.TB) (func(*Site), func(scope string) string) {
	t.Helper()
	change, mint := claiming(t)
	return change, func(scope string) string { return mint(auth.Claims{Scopes: []string{scope}}) }
}

// claiming is signing for tokens that say more. Their exp is an hour from now.
func claiming(t testing.TB) (func(*Site), func(auth.Claims) string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	scheme, err := auth.NewECT(auth.Options{
		Account: "acme", Required: true, VerifiedCache: 1024,
		Keys: []auth.Key{{ID: "k1", Account: "acme", Type: auth.Ed25519, Public: public}},
	})
	if err != nil {
		t.Fatal(err)
	}
	mint := func(c auth.Claims) string {
		c.Expires = time.Now().Add(time.Hour).Unix()
		token, err := auth.MintEd25519("k1", private, c)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	return func(s *Site) { s.Token, s.TokenRequired = scheme, true }, mint
}

// body of n bytes in which every byte tells its place.
func pattern(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return string(b)
}

func ok(body, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, len(body)))
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(body))
	}
}
