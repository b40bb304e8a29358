package origin_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"edged/cache/object"
	"edged/origin"
)

// TestUnsafeRequestCarriesItsBody checks method, body and framing at the origin.
func TestUnsafeRequestCarriesItsBody(t *testing.T) {
	for _, c := range []struct {
		method string
		body   []byte
	}{{"POST", []byte("hello")}, {"PUT", []byte{}}, {"DELETE", nil}, {"M-SEARCH", []byte("x")}} {
		t.Run(c.method, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil || string(body) != string(c.body) || r.Method != c.method || r.ContentLength != int64(len(c.body)) {
					t.Errorf("origin got %s, %d bytes of %d, %v", r.Method, len(body), r.ContentLength, err)
				}
				w.WriteHeader(http.StatusCreated)
			}))
			defer s.Close()
			g := group(t, origin.Options{}, s.URL)
			resp, err := g.Fetch(t.Context(), &origin.Request{
				Method: c.method, Target: "/x", Body: c.body,
				Header: object.Header{{Name: "Content-Length", Value: "999"}, {Name: "Content-Type", Value: "text/plain"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
			if resp.Status != http.StatusCreated {
				t.Errorf("status %d", resp.Status)
			}
		})
	}
}

// TestUnsafeRequestIsSentOnce checks that neither a lost answer nor a 503 makes
// another origin do the work again.
func TestUnsafeRequestIsSentOnce(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
	}{
		{"lost answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{"unavailable", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var second atomic.Int32
			first := httptest.NewServer(c.answer)
			defer first.Close()
			other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { second.Add(1) }))
			defer other.Close()
			g := group(t, origin.Options{}, first.URL, other.URL)
			resp, err := g.Fetch(t.Context(), &origin.Request{Method: "POST", Target: "/x", Body: []byte("x")})
			if err == nil {
				resp.Close()
			} else if !errors.Is(err, origin.ErrClosed) {
				t.Errorf("error %v", err)
			}
			if second.Load() != 0 {
				t.Error("the second origin was asked as well")
			}
		})
	}
}

// TestUnsafeRequestFailsOverBeforeItIsSent checks that no connection means that
// nothing was done yet.
func TestUnsafeRequestFailsOverBeforeItIsSent(t *testing.T) {
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	live := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer live.Close()
	g := group(t, origin.Options{}, dead.URL, live.URL)
	resp, err := g.Fetch(t.Context(), &origin.Request{Method: "DELETE", Target: "/x"})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Close()
	if resp.Status != http.StatusNoContent || resp.Index != 1 {
		t.Errorf("status %d from origin %d", resp.Status, resp.Index)
	}
}
