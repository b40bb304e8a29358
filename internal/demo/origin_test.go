package demo

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

// quickOrigin is the origin of the title without its delay.
func quickOrigin(t *testing.T) *Origin {
	t.Helper()
	o, err := NewOrigin(Title())
	if err != nil {
		t.Fatal(err)
	}
	o.pause = func(*http.Request, time.Duration) {}
	return o
}

func ask(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestOriginFields(t *testing.T) {
	o := quickOrigin(t)
	for path, want := range map[string]struct{ mime, cache string }{
		"/fmp4/master.m3u8":      {"application/vnd.apple.mpegurl", ""},
		"/fmp4/manifest.mpd":     {"application/dash+xml", ""},
		"/fmp4/init-360p.mp4":    {"video/mp4", segmentLifetime},
		"/fmp4/seg-360p-01.m4s":  {"video/mp4", segmentLifetime},
		"/fmp4/seg-audio-01.m4s": {"audio/mp4", segmentLifetime},
		"/ts/seg-180p-00.ts":     {"video/mp2t", segmentLifetime},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			h := ask(o, method, path).Result().Header
			if h.Get("Content-Type") != want.mime || h.Get("Cache-Control") != want.cache {
				t.Errorf("%s %s: type %q, Cache-Control %q, want %q, %q",
					method, path, h.Get("Content-Type"), h.Get("Cache-Control"), want.mime, want.cache)
			}
			if e := h.Get("Etag"); len(e) < 10 || e[0] != '"' {
				t.Errorf("%s %s: ETag %q is not strong", method, path, e)
			}
			if h.Get("Last-Modified") != "Fri, 02 Jan 2026 03:04:05 GMT" {
				t.Errorf("%s %s: Last-Modified %q", method, path, h.Get("Last-Modified"))
			}
		}
	}
}

func TestOriginAnswers(t *testing.T) {
	o := quickOrigin(t)
	const segment = "/ts/seg-360p-00.ts"
	etag := ask(o, http.MethodHead, segment).Header().Get("Etag")
	for name, c := range map[string]struct {
		method, path string
		header       []string
		status, size int
	}{
		"whole":         {http.MethodGet, segment, nil, 200, len(o.files[segment].body)},
		"range":         {http.MethodGet, segment, []string{"Range", "bytes=188-375"}, 206, 188},
		"if-range":      {http.MethodGet, segment, []string{"Range", "bytes=0-0", "If-Range", etag}, 206, 1},
		"other version": {http.MethodGet, segment, []string{"Range", "bytes=0-0", "If-Range", `"x"`}, 200, len(o.files[segment].body)},
		"not modified":  {http.MethodGet, segment, []string{"If-None-Match", etag}, 304, 0},
		"head":          {http.MethodHead, segment, nil, 200, 0},
		"missing":       {http.MethodGet, "/ts/none.ts", nil, 404, -1},
		"folder":        {http.MethodGet, "/ts/", nil, 404, -1},
		"method":        {http.MethodPost, segment, nil, 405, -1},
	} {
		w := ask(o, c.method, c.path, c.header...)
		if w.Code != c.status || c.size >= 0 && w.Body.Len() != c.size {
			t.Errorf("%s: status %d with %d bytes, want %d with %d", name, w.Code, w.Body.Len(), c.status, c.size)
		}
	}
}

func TestOriginCounts(t *testing.T) {
	o := quickOrigin(t)
	for _, path := range []string{"/ts/master.m3u8", "/ts/360p.m3u8", "/ts/master.m3u8", "/none"} {
		ask(o, http.MethodGet, path)
	}
	if got, want := o.Requests(), map[string]int{"/ts/master.m3u8": 2, "/ts/360p.m3u8": 1}; !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

// TestOriginDelay holds that each file has its delay before the first byte, always
// the same, and that a client that leaves does not keep it.
func TestOriginDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, err := NewOrigin(Title())
		if err != nil {
			t.Fatal(err)
		}
		for path, f := range o.files {
			if f.delay < minDelay || f.delay >= maxDelay {
				t.Errorf("%s: delay %v, want %v to %v", path, f.delay, minDelay, maxDelay)
			}
			start := time.Now()
			ask(o, http.MethodGet, path)
			if took := time.Since(start); took != f.delay {
				t.Errorf("%s took %v, want %v", path, took, f.delay)
			}
		}
		r := httptest.NewRequestWithContext(canceled(t), http.MethodGet, "/ts/master.m3u8", nil)
		start := time.Now()
		o.ServeHTTP(httptest.NewRecorder(), r)
		if took := time.Since(start); took != 0 {
			t.Errorf("a client that had left was kept for %v", took)
		}
	})
}

func TestOriginRefusesUnknownTypes(t *testing.T) {
	if _, err := NewOrigin(fstest.MapFS{"notes.txt": {Data: []byte("x")}}); err == nil {
		t.Error("a file without a known type was accepted")
	}
}
