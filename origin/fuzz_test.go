package origin

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// outcome is what became of a byte stream read as a response.
type outcome struct {
	head head
	body string
	err  error // nil after a clean end
	rest int   // bytes left behind it
}

// parse reads a response from src with reads of the body of up to size bytes.
func parse(src io.Reader, method string, size int) outcome {
	br := bufio.NewReaderSize(src, maxHead)
	h, err := readHead(br, method, nil)
	if err != nil {
		return outcome{err: err}
	}
	b := body{br: br, src: src, frame: h.frame}
	if h.frame == frameLength {
		b.left = h.size
	}
	var got []byte
	p := make([]byte, size)
	for {
		n, err := b.Read(p)
		got = append(got, p[:n]...)
		if err == io.EOF { //nolint:errorlint // the contract
			rest, _ := io.ReadAll(br)
			return outcome{head: h, body: string(got), rest: len(rest)}
		}
		if err != nil {
			return outcome{head: h, body: string(got), err: err}
		}
	}
}

func seedResponses(f *testing.F) {
	f.Helper()
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX: 1\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\nhello",
		"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 206 Partial Content\nContent-Range: bytes 0-4/9\nContent-Length: 5\n\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nConnection: ETag, keep-alive\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n",
	} {
		for _, head := range []bool{false, true} {
			f.Add([]byte(s), head)
		}
	}
}

// FuzzResponse checks on any byte stream that the way it arrives does not
// matter, that what looks whole here is whole for net/http too, and that the
// header carries nothing that could break out of a line.
func FuzzResponse(f *testing.F) {
	seedResponses(f)
	f.Fuzz(func(t *testing.T, stream []byte, isHead bool) {
		method := "GET"
		if isHead {
			method = "HEAD"
		}
		got := parse(bytes.NewReader(stream), method, 32<<10)
		slow := parse(iotest.OneByteReader(bytes.NewReader(stream)), method, 3)
		if (got.err == nil) != (slow.err == nil) || got.body != slow.body || got.head.status != slow.head.status {
			t.Fatalf("at once %+v, byte by byte %+v", got, slow)
		}
		for _, field := range got.head.header {
			if !isToken(field.Name) || !isFieldValue(field.Value) || isHop(field.Name) {
				t.Fatalf("field %q: %q in the header", field.Name, field.Value)
			}
		}
		if got.err == nil {
			compareWithStandardLibrary(t, stream, method, &got)
		}
	})
}

// compareWithStandardLibrary checks that net/http, where it accepts the stream,
// sees the same final status and body.
func compareWithStandardLibrary(t *testing.T, stream []byte, method string, got *outcome) {
	t.Helper()
	br := bufio.NewReader(bytes.NewReader(stream))
	for range maxInterim + 1 {
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			return // stricter elsewhere than we are
		}
		if resp.StatusCode < 200 {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil && errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("whole here (%q), cut for net/http after %q", got.body, body)
		}
		if err == nil && (resp.StatusCode != got.head.status || string(body) != got.body) {
			t.Fatalf("%d %q here, %d %q for net/http", got.head.status, got.body, resp.StatusCode, body)
		}
		return
	}
}

// Every proper prefix of a whole delimited response is an error.
func FuzzTruncation(f *testing.F) {
	seedResponses(f)
	f.Fuzz(func(t *testing.T, stream []byte, isHead bool) {
		if len(stream) > 2<<10 {
			return
		}
		method := "GET"
		if isHead {
			method = "HEAD"
		}
		whole := parse(bytes.NewReader(stream), method, 4<<10)
		if whole.err != nil || whole.head.frame == frameClose {
			return
		}
		for n := range len(stream) - whole.rest {
			if cut := parse(bytes.NewReader(stream[:n]), method, 4<<10); !errors.Is(cut.err, io.ErrUnexpectedEOF) {
				t.Fatalf("prefix of %d bytes of %q: %v", n, stream, cut.err)
			}
		}
	})
}

// FuzzList checks nextElement against its inverse for lists without quotes.
func FuzzList(f *testing.F) {
	f.Add("a, b;c=d,")
	f.Add(`a;b="x,y\",z", c`)
	f.Add(`"`)
	f.Fuzz(func(t *testing.T, list string) {
		var elements []string
		for rest := list; rest != ""; {
			var e string
			e, rest = nextElement(rest)
			elements = append(elements, e)
		}
		if strings.ContainsAny(list, `"\`) {
			if joined := strings.Join(elements, ","); joined != strings.TrimSuffix(list, ",") && joined != list {
				t.Fatalf("%q fell into %q", list, elements)
			}
			return
		}
		want := strings.Split(strings.TrimSuffix(list, ","), ",")
		if list == "" {
			want = nil
		}
		if !slices.Equal(elements, want) {
			t.Fatalf("%q: elements %q; want %q", list, elements, want)
		}
	})
}
