package server

import (
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"edged/cache/object"
	"edged/internal/edge"
)

// hinting is a core that sends an early hint where that is possible.
func hinting() *fake {
	return &fake{serve: func(x *edge.Exchange) {
		if x.Req.Interim != nil {
			x.Req.Interim.WriteInterim(103, []object.Field{{Name: "Link", Value: "</a.css>"}})
		}
		ok(x)
	}}
}

func TestInterimOnHTTP1(t *testing.T) {
	for _, c := range []struct{ version, want string }{
		{"HTTP/1.1", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\n"},
		{"HTTP/1.0", "HTTP/1.1 200 OK\r\n"},
	} {
		_, addr := run(t, hinting(), false)
		conn := dial(t, addr)
		if _, err := conn.Write([]byte("GET /x " + c.version + "\r\nHost: h\r\nConnection: close\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			got.Write(buf[:n])
			if err != nil {
				break
			}
		}
		if !strings.HasPrefix(got.String(), c.want) {
			t.Errorf("%s: got %q", c.version, got.String())
		}
	}
}

func TestInterimOnHTTP2(t *testing.T) {
	_, addr := run(t, hinting(), true)
	var hints []string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints = append(hints, http.StatusText(code)+" "+h.Get("Link"))
			return nil
		},
	})
	req, err := http.NewRequestWithContext(ctx, "GET", "https://"+addr+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client2(t, addr).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if len(hints) != 1 || hints[0] != "Early Hints </a.css>" || resp.Header.Get("Link") != "" {
		t.Errorf("hints %q, final Link %q", hints, resp.Header.Get("Link"))
	}
}
