package byterange_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"testing"

	"edged/internal/byterange"
)

// TestMultipart reads back with the standard library what was written.
func TestMultipart(t *testing.T) {
	const text = "0123456789"
	ranges, _ := byterange.Parse([]byte("bytes=0-1,8-,4-4"), int64(len(text)), nil)
	for _, m := range []byterange.Multipart{
		{Boundary: "6f3c9a1e", ContentType: "video/mp4", Size: 10},
		{Boundary: "x", Size: -1},
	} {
		var body []byte
		for _, r := range ranges {
			body = append(m.AppendPart(body, r), text[r.Start:r.End]...)
		}
		body = m.AppendEnd(body)
		if n := m.Length(ranges); n != int64(len(body)) {
			t.Errorf("Length = %d, but the body has %d bytes", n, len(body))
		}
		_, params, err := mime.ParseMediaType(string(m.AppendContentType(nil)))
		if err != nil {
			t.Fatal(err)
		}
		reader := multipart.NewReader(bytes.NewReader(body), params["boundary"])
		for _, want := range ranges {
			p, err := reader.NextPart()
			if err != nil {
				t.Fatalf("part %v: %v", want, err)
			}
			if ct := p.Header.Get("Content-Type"); ct != m.ContentType {
				t.Errorf("part %v: Content-Type %q, want %q", want, ct, m.ContentType)
			}
			r, size, ok := byterange.ParseContentRange(p.Header.Get("Content-Range"))
			if !ok || r != want || size != m.Size {
				t.Errorf("part %v: Content-Range %q", want, p.Header.Get("Content-Range"))
			}
			if data, err := io.ReadAll(p); err != nil || string(data) != text[want.Start:want.End] {
				t.Errorf("part %v: %q, %v", want, data, err)
			}
		}
		if _, err := reader.NextPart(); !errors.Is(err, io.EOF) {
			t.Errorf("after the last part: %v, want EOF", err)
		}
	}
}
