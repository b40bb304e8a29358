package server

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"edged/cache/object"
	"edged/internal/edge"
)

// TestFraming is RFC 9112 §6 and RFC 9110 §8.6 as a table.
func TestFraming(t *testing.T) {
	body := newSpans("x")
	tests := []struct {
		name    string
		status  int
		size    int64
		body    edge.Body
		proto   edge.Proto
		head    bool
		framing framing
		length  int64 // of Content-Length, -1 for none
	}{
		{"known", 200, 7, body, edge.HTTP11, false, sized, 7},
		{"empty", 200, 0, nil, edge.HTTP11, false, noBody, 0},
		{"empty with a body", 200, 0, body, edge.HTTP11, false, noBody, 0},
		{"unknown", 200, -1, body, edge.HTTP11, false, chunked, -1},
		{"unknown for 1.0", 200, -1, body, edge.HTTP10, false, closeDelimited, -1},
		{"no body though one is stated", 200, 7, nil, edge.HTTP11, false, noBody, 0},
		{"no body, no length", 200, -1, nil, edge.HTTP11, false, noBody, 0},
		{"head", 200, 7, nil, edge.HTTP11, true, noBody, 7},
		{"head with a body", 200, 7, body, edge.HTTP11, true, noBody, 7},
		{"head of unknown", 200, -1, nil, edge.HTTP11, true, noBody, -1},
		{"304", 304, 7, nil, edge.HTTP11, false, noBody, 7},
		{"304 of unknown", 304, -1, nil, edge.HTTP11, false, noBody, -1},
		{"304 with a body", 304, 7, body, edge.HTTP11, false, noBody, 7},
		{"204", 204, 0, nil, edge.HTTP11, false, noBody, -1},
		{"204 with a body", 204, 7, body, edge.HTTP11, false, noBody, -1},
		{"103", 103, 7, body, edge.HTTP11, false, noBody, -1},
		{"416", 416, 7, body, edge.HTTP11, false, sized, 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &edge.Response{Status: tt.status, Size: tt.size, Body: tt.body}
			f := framingOf(r, tt.proto, tt.head)
			if n := statedLength(r, f, tt.head); f != tt.framing || n != tt.length {
				t.Errorf("framing %d, length %d; want %d, %d", f, n, tt.framing, tt.length)
			}
		})
	}
}

// TestStatusLines checks that prepared lines are those the general way gives.
func TestStatusLines(t *testing.T) {
	for status := 200; status < 512; status++ {
		line := string(appendStatusLine(nil, status))
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(line+"\r\n")), nil)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		resp.Body.Close()
		if want := strings.TrimSpace(http.StatusText(status)); resp.StatusCode != status || resp.Status[4:] != want {
			t.Errorf("%q: %q, want %q", line, resp.Status, want)
		}
	}
}

// FuzzAppendHead checks that no field value can end its line, whatever an origin
// sent: the parsed header has exactly the fields that were put in.
func FuzzAppendHead(f *testing.F) {
	f.Add("text/plain", int64(3))
	f.Add("a\r\nSet-Cookie: x", int64(-1))
	f.Add("\n\r\r\n\r\n", int64(0))
	f.Fuzz(func(t *testing.T, value string, size int64) {
		r := &edge.Response{
			Status: 200, Size: max(size, -1), Body: newSpans("x"),
			Header: []object.Field{{Name: "A", Value: value}, {Name: "B", Value: "b"}},
		}
		o := &headOptions{proto: edge.HTTP11, framing: framingOf(r, edge.HTTP11, false), date: "D"}
		head := string(appendHead(nil, r, o))
		lines := strings.Split(head, "\r\n")
		if len(lines) != 7 || lines[5] != "" || lines[6] != "" || strings.Count(head, "\n") != 6 || strings.Count(head, "\r") != 6 {
			t.Errorf("%q has other lines than status, Date, A, B and framing", head)
		}
	})
}

// TestHeadHasOneDate checks that a stored response keeps the Date it came with.
func TestHeadHasOneDate(t *testing.T) {
	const ours, stored = "Sun, 06 Nov 1994 08:49:37 GMT", "Sat, 05 Nov 1994 08:49:37 GMT"
	for _, c := range []struct {
		name   string
		header []object.Field
		want   string
	}{
		{"generated", nil, ours},
		{"stored", []object.Field{{Name: "date", Value: stored}}, stored},
	} {
		r := &edge.Response{Status: 204, Header: c.header}
		head := appendHead(nil, r, &headOptions{proto: edge.HTTP11, framing: noBody, date: ours})
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Values("Date"); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: Date %q, want %q", c.name, got, c.want)
		}
	}
}

// TestDateCache checks the format and that a second is rendered once.
func TestDateCache(t *testing.T) {
	var d dateCache
	at := time.Date(1994, 11, 6, 8, 49, 37, 999, time.FixedZone("", 3600))
	if got, want := d.at(at), "Sun, 06 Nov 1994 07:49:37 GMT"; got != want {
		t.Errorf("at = %q, want %q", got, want)
	}
	p := d.last.Load()
	d.at(at.Add(500 * time.Microsecond))
	if d.last.Load() != p {
		t.Error("the same second was rendered twice")
	}
	if got := d.at(at.Add(time.Second)); got != "Sun, 06 Nov 1994 07:49:38 GMT" {
		t.Errorf("a second later: %q", got)
	}
}
