package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"edged/internal/edgetest"
)

// SIGTERM under load: whatever was accepted is answered whole, and is in the log.
func TestE2EDrain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const size, half, each = 400_000, 200_000, 12
	gate := edgetest.NewGate(t)
	waiting, filling := edgetest.Pattern("waiting", size), edgetest.Pattern("filling", size)
	r.origin.Handle("/drain/waiting.m4s", edgetest.After(gate, edgetest.Serve(waiting, videoFields()...)))
	r.origin.Handle("/drain/filling.m4s", edgetest.Halves(gate, filling, half, videoFields()...))
	busy := r.video("/drain/busy.m4s", 5000)
	want(t, r.get(t, "/drain/busy.m4s"), 200, busy)

	var streams []*stream
	held := make(chan *edgetest.Response, 3*each)
	for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS, edgetest.HTTP2} {
		c, url := r.node.Client(p, 0), p.Scheme()+"://"+openHost
		for range each {
			s := open(t, c, url+"/drain/filling.m4s")
			s.next(filling[:1000])
			streams = append(streams, s)
			go func() { held <- edgetest.Get(t, c, url+"/drain/waiting.m4s") }()
		}
	}
	edgetest.Eventually(t, "the origin is asked", func() bool { return r.origin.Count("/drain/waiting.m4s") == 1 })
	answered, load := r.keepAsking(t, busy)
	r.node.Signal(syscall.SIGTERM)
	edgetest.Eventually(t, "new connections are refused", func() bool {
		resp, err := r.plain().Get("http://" + openHost + "/drain/busy.m4s")
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			answered.Add(1)
		}
		return err != nil
	})
	load.Wait()
	select {
	case <-r.node.Ended():
		t.Fatal("edged ended with requests under way")
	default:
	}
	gate.Open()
	for _, s := range streams {
		s.next(filling[1000:])
		s.end()
	}
	n := 0
	for range 3 * each {
		got := edgetest.Wait(t, held, "the answers of requests that waited")
		want(t, got, 200, waiting)
		n++
	}
	edgetest.Wait(t, r.node.Ended(), "edged to end when nothing is left")
	wantLines := 1 + len(streams) + n + int(answered.Load())
	if got := len(r.records(t)); got != wantLines {
		t.Errorf("log has %d lines, clients got %d answers", got, wantLines)
	}
}

// keepAsking runs clients that ask without a pause until they are refused. An
// answer that begins must be whole. It counts the answers.
func (r *rig) keepAsking(t *testing.T, body []byte) (*atomic.Int64, *sync.WaitGroup) {
	var answered atomic.Int64
	var load sync.WaitGroup
	started := make(chan struct{}, 6)
	for i := range 6 {
		p := edgetest.Protocol(i % 3)
		c := r.node.Client(p, 1)
		load.Go(func() {
			for n := 0; ; n++ {
				resp, err := c.Get(p.Scheme() + "://" + openHost + "/drain/busy.m4s")
				if err != nil {
					return
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("%s: answer %d is cut: %v after %d bytes", p, n, err, len(got))
				}
				answered.Add(1)
				if n == 20 {
					started <- struct{}{}
				}
			}
		})
	}
	for range 6 {
		edgetest.Wait(t, started, "the load to begin")
	}
	return &answered, &load
}

// SIGHUP: new certificates and sites count at once, connections live on.
func TestE2EReload(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	body := r.video("/reload.m4s", 3000)
	old := r.node.Client(edgetest.HTTP1TLS, 1)
	want(t, edgetest.Get(t, old, "https://"+openHost+"/reload.m4s"), 200, body)
	signed := r.sign(t, "http://"+signedHost+"/reload.m4s")
	want(t, edgetest.Get(t, r.plain(), signed), 200, body)

	t.Run("certificate", func(t *testing.T) {
		_, before := r.node.DialTLS("h2")
		renewed := r.node.RenewCertificate()
		r.node.Reload()
		_, after := r.node.DialTLSWith(renewed, "h2")
		if after.PeerCertificates[0].SerialNumber.Cmp(renewed.Serial) != 0 || before.PeerCertificates[0].SerialNumber.Cmp(renewed.Serial) == 0 {
			t.Errorf("serial numbers before %v, after %v, want %v", before.PeerCertificates[0].SerialNumber, after.PeerCertificates[0].SerialNumber, renewed.Serial)
		}
		if after.NegotiatedProtocol != "h2" {
			t.Errorf("ALPN agreed on %q", after.NegotiatedProtocol)
		}
		want(t, edgetest.Get(t, old, "https://"+openHost+"/reload.m4s"), 200, body, "hit") // on its old connection
	})
	t.Run("sites", func(t *testing.T) {
		const added = "added.test"
		want(t, edgetest.Get(t, r.plain(), "http://"+added+"/reload.m4s"), 421, nil)
		more := r.config
		more.Sites = append(more.Sites[:len(more.Sites):len(more.Sites)], edgetest.Site{Account: "acme", Host: added, Origins: r.config.Sites[0].Origins})
		r.node.WriteConfig(more)
		r.node.Reload()
		want(t, edgetest.Get(t, r.plain(), "http://"+added+"/reload.m4s"), 200, body)
		want(t, r.get(t, "/reload.m4s"), 200, body, "hit") // the cache stays
		r.node.WriteConfig(r.config)
		r.node.Reload()
		want(t, edgetest.Get(t, r.plain(), "http://"+added+"/reload.m4s"), 421, nil)
	})
	t.Run("keys", func(t *testing.T) {
		rotated := r.config
		rotated.Sites = append([]edgetest.Site(nil), r.config.Sites...)
		rotated.Sites[1].Keys = []edgetest.Key{{ID: "acme-26b", Secret: boltSecret}}
		r.node.WriteConfig(rotated)
		r.node.Reload()
		want(t, edgetest.Get(t, r.plain(), signed), 403, nil)
		want(t, edgetest.Get(t, r.plain(), r.sign(t, "http://"+signedHost+"/reload.m4s")), 200, body, "hit")
		r.node.WriteConfig(r.config)
		r.node.Reload()
		want(t, edgetest.Get(t, r.plain(), signed), 200, body, "hit")
	})
	t.Run("bad", func(t *testing.T) { r.badReload(t, body) })
}

// badReload: what is wrong is refused as a whole, with file, key and line, and what
// was in force stays.
func (r *rig) badReload(t *testing.T, body []byte) {
	good, err := os.ReadFile(r.node.ConfigFile())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, says string }{
		"not TOML":    {"[[site\n" + string(good), "edged.toml:"},
		"unknown key": {strings.Replace(string(good), "[node]\n", "[node]\nnonsense = 1\n", 1), "nonsense"},
		"two errors":  {strings.Replace(string(good), `format = "json"`, `format = "xml"`, 1), "log.format"},
		"certificate": {strings.Replace(string(good), "cert.pem", "none.pem", 1), "none.pem"},
		"no sites":    {string(good[:bytes.Index(good, []byte("[[site]]"))]), "site"},
		"secret":      {strings.Replace(string(good), acmeSecret, acmeSecret[:63]+"x", 1), "secret_hex"},
		"empty":       {"", "site"},
	} {
		t.Run(name, func(t *testing.T) {
			r.node.WriteConfigText(c.text)
			if said := r.node.Reload(); !strings.Contains(said, "not reloaded") || !strings.Contains(said, c.says) {
				t.Errorf("the reload said %s, want %q in it", said, c.says)
			}
			want(t, r.get(t, "/reload.m4s"), 200, body, "hit")
			code, out := edgetest.Edged(t, "-check", "-config", r.node.ConfigFile())
			if code != 1 || !strings.Contains(out, c.says) {
				t.Errorf("-check ended with %d and said %q, want %q in it", code, out, c.says)
			}
			if code, _ := edgetest.Edged(t, "-config", r.node.ConfigFile()); code != 1 {
				t.Errorf("edged started with it: exit code %d", code)
			}
			if strings.Contains(out+r.node.Stderr(), acmeSecret[:32]) {
				t.Error("a secret was printed")
			}
		})
	}
	r.node.WriteConfigText(string(good))
	if said := r.node.Reload(); strings.Contains(said, "not reloaded") {
		t.Errorf("the good configuration is refused: %s", said)
	}
	if code, out := edgetest.Edged(t, "-check", "-config", r.node.ConfigFile()); code != 0 {
		t.Errorf("-check of the good configuration ended with %d: %s", code, out)
	}
}

// A disk without room for a single extent, or none at all, costs misses only.
func TestE2EDiskTrouble(t *testing.T) {
	t.Parallel()
	t.Run("full", func(t *testing.T) {
		t.Parallel()
		v := edgetest.NewVolume(t, "4m")
		r := newRig(t, func(c *edgetest.Config) { c.DiskPath, c.Disk = filepath.Join(v.Dir, "disk"), "64MiB" })
		v.Fill()
		r.servesWithoutDisk(t)
	})
	t.Run("cannot be opened", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(c *edgetest.Config) {
			c.Extra = "[[disk]]\npath = \"/dev/null/disk\"\nsize = \"64MiB\""
		})
		r.servesWithoutDisk(t)
		if !strings.Contains(r.node.Stderr(), "/dev/null/disk") {
			t.Error("nothing was said about the disk that is not used")
		}
	})
	t.Run("pulled out", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		body := r.video("/pulled.m4s", 100_000)
		want(t, r.get(t, "/pulled.m4s"), 200, body)
		r.node.AwaitStored(body[len(body)-64:])
		if err := os.RemoveAll(r.node.DiskDir()); err != nil {
			t.Fatal(err)
		}
		r.servesWithoutDisk(t)
	})
	t.Run("damaged", func(t *testing.T) { t.Parallel(); damagedDisk(t) })
}

// servesWithoutDisk: enough to overflow memory, byte for byte right.
func (r *rig) servesWithoutDisk(t *testing.T) {
	t.Helper()
	for round := range 2 {
		for i := range 6 {
			path := fmt.Sprintf("/without-disk/%d.mp4", i)
			body := r.bodyOnce(path, round, 3<<20+i)
			want(t, r.get(t, path), 200, body)
		}
	}
}

// bodyOnce makes the origin serve path in the first round.
func (r *rig) bodyOnce(path string, round, size int) []byte {
	if round == 0 {
		return r.video(path, size)
	}
	return edgetest.Pattern(path, size)
}

// damagedDisk: bytes that rotted while the node was down are never served.
func damagedDisk(t *testing.T) {
	r := newRig(t)
	const path = "/damaged.mp4"
	body := r.video(path, 3<<20)
	want(t, r.get(t, path), 200, body)
	r.node.AwaitStored(body[len(body)-64:])
	r.node.Kill9()
	damaged := 0
	for name, text := range edgetest.Files(t, r.node.DiskDir()) {
		if at := bytes.Index(text, body[2_000_000:2_000_064]); at >= 0 {
			text[at] ^= 0x40
			damaged++
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if damaged == 0 {
		t.Fatal("the object was not found on disk")
	}
	r.node.Launch()
	for range 2 {
		want(t, r.get(t, path), 200, body)
	}
	want(t, r.get(t, path, "Range", "bytes=2000000-2000063"), 206, body[2_000_000:2_000_064], "hit")
	if r.origin.Count(path) < 2 {
		t.Error("what was damaged was not fetched again")
	}
}

// The admin listener tells whether the node is alive and will serve.
func TestE2EReady(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"/healthz", "/readyz", "/status", "/status.json", "/metrics"} {
		want(t, edgetest.Get(t, r.node.Admin(), "http://admin"+path), http.StatusOK, nil)
	}
}
