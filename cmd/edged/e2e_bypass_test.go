package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"edged/internal/edgetest"
)

// What protected responses are known by. None of it may be in an answer to a request
// without a good token: neither content, nor validators, nor a length.
const (
	bypassMark   = "PROTECTED-2b7e151628aed2a6"
	bypassTag    = `"tag-abf7158809cf4f3c"`
	bypassDate   = "Tue, 09 Nov 1999 03:14:15 GMT"
	bypassLength = 7919
	bypassPath   = "/vod/title/seg-1.mp4"
	bypassPublic = "public.test" // a site without tokens, of another origin
)

// attack is bytes on a connection and what may come back.
type attack struct {
	name, raw string
	// want lists the statuses of all answers in their order, or if it is nil any
	// refusals will do. "silence" stands for a connection closed without an answer.
	want []string
	// goods is how many answers are to legitimate requests, and so have the mark.
	goods int
}

// refusals are the statuses that an attack may get, however many.
var refusals = []string{"400", "403", "405", "408", "413", "414", "417", "421", "431", "501", "505"}

// fort is the node, its doors and what the origins saw.
type fort struct {
	node  *edgetest.Node
	doors []*door

	mu    sync.Mutex
	asked []string // host, target and header of each request to the protected origin; guarded by mu
}

// TestE2EBypass sends every trick of the tables to a real node, one site for each
// scheme. No answer has a protected byte; every legitimate request has.
func TestE2EBypass(t *testing.T) {
	if testing.Short() {
		t.Skip("end-to-end tests run the real binary; not with -short")
	}
	f := newFort(t)
	controls := f.controls()
	f.run(t, "legitimate", controls) // and all is cached from now on
	known := len(f.asked)
	attacks := f.doorAttacks()
	f.run(t, "tokens", attacks)
	wire := f.wireAttacks()
	f.run(t, "wire", wire)
	good2, bad2 := f.http2(t)
	goodTLS, badTLS := f.tls(t)
	f.run(t, "legitimate, at the end", controls)
	t.Logf("%d schemes in %d forms; %d legitimate requests, twice, and %d over TLS; %d attacks: %d on tokens, %d on the wire, %d over HTTP/2, %d over TLS",
		len(f.schemes()), len(f.doors), len(controls), good2+goodTLS, len(attacks)+len(wire)+bad2+badTLS, len(attacks), len(wire), bad2, badTLS)
	if n := len(attacks) + len(wire) + bad2 + badTLS; n < 300 {
		t.Errorf("only %d attacks", n)
	}
	f.originSaw(t, known)
	f.leftNoTrace(t)
}

// newFort starts a node with a site for each door, and one of another account with
// the same scheme and a key of its own.
func newFort(t *testing.T) *fort {
	f := &fort{}
	protected := httptest.NewServer(http.HandlerFunc(f.protected))
	public := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "public") }))
	t.Cleanup(protected.Close)
	t.Cleanup(public.Close)
	f.doors = doors(t)
	c := edgetest.Config{LogFormat: "w3c", Disk: "none", Sites: []edgetest.Site{{Account: "acme", Host: bypassPublic, Origins: []string{public.URL}}}}
	for _, d := range f.doors {
		for _, account := range []string{"acme", "bolt"} {
			c.Sites = append(c.Sites, edgetest.Site{
				Account: account, Host: d.hostOf(account), Origins: []string{protected.URL}, Extra: d.table(account),
			})
		}
	}
	f.node = edgetest.Start(t, c)
	for _, d := range f.doors {
		d.load(t, f.node.ConfigFile())
	}
	return f
}

// protected answers every path alike, so that any answer but a refusal is a leak.
func (f *fort) protected(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.asked = append(f.asked, fmt.Sprintf("%s %s %s %v", r.Header.Get("X-Forwarded-Host"), r.Method, r.RequestURI, r.Header))
	f.mu.Unlock()
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Header().Set("ETag", bypassTag)
	w.Header().Set("Last-Modified", bypassDate)
	w.Header().Set("Content-Type", "video/mp4")
	date, _ := http.ParseTime(bypassDate)
	http.ServeContent(w, r, "", date, strings.NewReader(bypassMark+strings.Repeat(".", bypassLength-len(bypassMark))))
}

// run sends attacks on connections of their own, some at a time.
func (f *fort) run(t *testing.T, name string, attacks []attack) {
	t.Run(name, func(t *testing.T) {
		address, slots := f.node.HTTPAddress(), make(chan struct{}, 8)
		var all sync.WaitGroup
		seen := map[string]string{}
		for _, a := range attacks {
			if other, twice := seen[a.raw]; twice {
				t.Errorf("%s and %s are the same request", a.name, other)
				continue
			}
			seen[a.raw] = a.name
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				got, err := converse(address, a.raw)
				if err != nil {
					t.Errorf("%s: %v", a.name, err)
					return
				}
				a.judge(t, got)
			})
		}
		all.Wait()
	})
}

// converse sends bytes and reads until the node closes.
func converse(address, raw string) (string, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(edgetest.Patience))
	if _, err := io.WriteString(c, raw); err != nil {
		return "", nil //nolint:nilerr // refused while it was being sent
	}
	got, err := io.ReadAll(c)
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		return "", fmt.Errorf("the connection stays open after %q", got)
	}
	return string(got), nil
}

var statusLine = regexp.MustCompile(`HTTP/1\.1 ([0-9]{3}) [A-Z][^\r\n]*\r\n`)

// judge holds an answer against what the attack may get.
func (a *attack) judge(t *testing.T, got string) {
	t.Helper()
	var statuses []string
	for _, m := range statusLine.FindAllStringSubmatch(got, -1) {
		statuses = append(statuses, m[1])
	}
	if len(statuses) == 0 {
		statuses = []string{"silence"}
	}
	if n := strings.Count(got, bypassMark); n != a.goods {
		t.Errorf("%s: the mark is there %d times, want %d\nsent %q\ngot %.400q", a.name, n, a.goods, a.raw, got)
	}
	if a.goods == 0 && a.want == nil {
		for _, trace := range []string{bypassTag, bypassDate, fmt.Sprintf("Content-Length: %d", bypassLength), fmt.Sprintf("/%d\r\n", bypassLength), "video/mp4"} {
			if strings.Contains(got, trace) {
				t.Errorf("%s: %s is in the answer\nsent %q\ngot %.400q", a.name, trace, a.raw, got)
			}
		}
		for _, s := range statuses {
			if !slices.Contains(refusals, s) && s != "silence" {
				t.Errorf("%s: status %s\nsent %q\ngot %.400q", a.name, s, a.raw, got)
			}
		}
		return
	}
	if !slices.Equal(statuses, a.want) {
		t.Errorf("%s: statuses %v, want %v\nsent %q\ngot %.400q", a.name, statuses, a.want, a.raw, got)
	}
}

// originSaw holds that the origin was asked for nothing but the clean targets of the
// doors, and for none because of an attack.
func (f *fort) originSaw(t *testing.T, known int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	clean := map[string]bool{}
	for _, d := range f.doors {
		clean[d.hostOf("acme")+" GET "+d.clean()] = true
	}
	for _, a := range f.asked {
		host, rest, _ := strings.Cut(a, " ")
		method, rest, _ := strings.Cut(rest, " ")
		target, header, _ := strings.Cut(rest, " ")
		if !clean[host+" "+method+" "+target] {
			t.Errorf("the origin was asked for %s %s of %s", method, target, host)
		}
		for _, secret := range f.secrets() {
			if strings.Contains(target+header, secret) {
				t.Errorf("the origin saw a token of %s in %s %s", host, target, header)
			}
		}
	}
	if len(f.asked) != known || known != len(f.doors) {
		t.Errorf("the origin was asked %d times for %d objects, %d times of it by attacks", len(f.asked), len(f.doors), len(f.asked)-known)
	}
}

// leftNoTrace holds that no file and no message has a token in it.
func (f *fort) leftNoTrace(t *testing.T) {
	f.node.Stop()
	files := edgetest.Files(t, f.node.LogDir())
	files["stderr"] = []byte(f.node.Stderr())
	if len(files) < 2 {
		t.Fatal("there is no log file")
	}
	for name, text := range files {
		for _, secret := range f.secrets() {
			if _, line, found := strings.Cut(string(text), secret); found {
				before, _, _ := strings.Cut(string(text), secret)
				line, _, _ = strings.Cut(line, "\n")
				t.Errorf("%s has the token part %q in %s%s%s", name, secret, before[strings.LastIndexByte(before, '\n')+1:], secret, line)
			}
		}
	}
}

// secrets are pieces of every good token.
func (f *fort) secrets() (all []string) {
	for _, d := range f.doors {
		for _, p := range d.passes(wish{}) {
			token, _, _ := strings.Cut(p.token, "=") // behind it is padding and a time
			if d.scheme == "edgeauth" || d.scheme == "media-cdn" {
				token = p.token
			}
			if n := len(token); n >= 12 {
				all = append(all, token[n-12:])
			}
		}
	}
	return all
}

func (f *fort) schemes() []string {
	var names []string
	for _, d := range f.doors {
		names = append(names, d.scheme)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// door returns the door of a name.
func (f *fort) door(name string) *door {
	return f.doors[slices.IndexFunc(f.doors, func(d *door) bool { return d.name == name })]
}
