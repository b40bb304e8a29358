package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"edged/cache"
	"edged/internal/edge"
)

// purgeRig is a server whose orders to purge are noted.
type purgeRig struct {
	*Server
	log    bytes.Buffer
	orders []edge.PurgeOrder
	err    error
}

func newPurgeRig(t *testing.T) *purgeRig {
	t.Helper()
	rig := &purgeRig{}
	s, err := New(Options{
		Address: "127.0.0.1:8090", Sources: Sources{Edge: func() edge.Stats { return edge.Stats{} }},
		Log: slog.New(slog.NewTextHandler(&rig.log, nil)),
		Purge: func(o *edge.PurgeOrder) (edge.PurgeResult, error) {
			rig.orders = append(rig.orders, *o)
			return edge.PurgeResult{Number: 4711, Rules: 1, Accounts: []string{"acme"}, Known: true}, rig.err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	rig.Server = s
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return rig
}

func (rig *purgeRig) post(body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8090/api/v1/purge", strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	rig.http.Handler.ServeHTTP(w, r)
	return w
}

func TestPurge(t *testing.T) {
	rig := newPurgeRig(t)
	w := rig.post(`{"urls":["https://vod.example/secret-path?token=hunter2"],"soft":true}`, orderHeader, "1", "Idempotency-Key", "id-7")
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		t.Fatalf("%d, %v: %s", w.Code, err, w.Body)
	}
	if answer["number"] != 4711.0 || answer["durable"] != true || answer["known"] != true {
		t.Errorf("answer %v", answer)
	}
	if len(rig.orders) != 1 || rig.orders[0].ID != "id-7" || !rig.orders[0].Soft || len(rig.orders[0].URLs) != 1 {
		t.Errorf("orders %+v", rig.orders)
	}
	line := rig.log.String()
	for _, want := range []string{"order=purge", "status=200", "number=4711", "what.urls=1", "what.soft=true", "what.id=id-7", "accounts=acme"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %q in the log: %s", want, line)
		}
	}
	if strings.Contains(line, "hunter2") || strings.Contains(line, "secret-path") {
		t.Errorf("the log tells the path: %s", line)
	}
}

func TestPurgeRefused(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		header     []string
		err        error
		code       int
		text       string
	}{
		{"no header", `{"all":true}`, nil, nil, 403, orderHeader},
		{"another site's page", `{"all":true}`, []string{orderHeader, "1", "Sec-Fetch-Site", "cross-site"}, nil, 403, "another web site"},
		{"no JSON", `all`, []string{orderHeader, "1"}, nil, 400, "not an order"},
		{"nothing", ``, []string{orderHeader, "1"}, nil, 400, "not an order"},
		{"unknown field", `{"url":"x"}`, []string{orderHeader, "1"}, nil, 400, "unknown field"},
		{"two", `{"all":true}{"all":true}`, []string{orderHeader, "1"}, nil, 400, "more than one"},
		{"two ids", `{"all":true,"id":"a"}`, []string{orderHeader, "1", "Idempotency-Key", "b"}, nil, 400, "Idempotency-Key"},
		{"long id", `{"all":true,"id":"` + strings.Repeat("x", 201) + `"}`, []string{orderHeader, "1"}, nil, 400, "at most 200"},
		{"too large", `{"account":"` + strings.Repeat("x", maxOrder) + `"}`, []string{orderHeader, "1"}, nil, 400, "too large"},
		{"not understood", `{}`, []string{orderHeader, "1"}, fmt.Errorf("%w: nothing is named", edge.ErrPurge), 422, "nothing is named"},
		{"not durable", `{"all":true}`, []string{orderHeader, "1"}, fmt.Errorf("%w: EIO", cache.ErrVolatile), 503, `"durable":false`},
		{"our fault", `{"all":true}`, []string{orderHeader, "1"}, os.ErrInvalid, 500, "error log"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rig := newPurgeRig(t)
			rig.err = tt.err
			w := rig.post(tt.body, tt.header...)
			if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.text) {
				t.Errorf("got %d %s, want %d and %q", w.Code, w.Body, tt.code, tt.text)
			}
			if tt.err == nil && len(rig.orders) != 0 {
				t.Error("the order was carried out")
			}
			if line := rig.log.String(); !strings.Contains(line, fmt.Sprint("status=", tt.code)) {
				t.Errorf("a refused order is not logged: %q", line)
			}
		})
	}
	rig := newPurgeRig(t)
	rig.options.Purge = nil
	if w := rig.post(`{"all":true}`, orderHeader, "1"); w.Code != 501 {
		t.Errorf("a node that cannot purge: %d", w.Code)
	}
}

// TestWhoOrders holds that the log names the user behind a unix socket, and no
// address.
func TestWhoOrders(t *testing.T) {
	rig := newPurgeRig(t)
	path := filepath.Join(t.TempDir(), "s")
	for _, tt := range []struct{ network, address, want string }{
		{"unix", path, fmt.Sprintf(`who="unix uid %d pid %d"`, os.Getuid(), os.Getpid())},
		{"tcp", "127.0.0.1:0", "who=tcp"},
	} {
		l, err := new(net.ListenConfig).Listen(t.Context(), tt.network, tt.address)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = rig.Serve(l) }() // ends with the server
		client := http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, tt.network, l.Addr().String())
			},
		}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/api/v1/purge", strings.NewReader(`{"all":true}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(orderHeader, "1")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if line := rig.log.String(); !strings.Contains(line, tt.want) || strings.Contains(line, "127.0.0.1") {
			t.Errorf("%s: want %q in %s", tt.network, tt.want, line)
		}
		rig.log.Reset()
	}
}
