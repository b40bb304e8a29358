package edgetest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// setFields adds header fields given as name, value, name, value, … An empty name
// stands for no field, which suits tables.
func setFields(h http.Header, fields []string) {
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] != "" {
			h.Add(fields[i], fields[i+1])
		}
	}
}

// Serve answers like a good file server: ranges, conditions and HEAD are honoured
// as far as fields hold validators.
func Serve(body []byte, fields ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setFields(w.Header(), fields)
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", "application/octet-stream")
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
}

// Plain answers 200 with the whole body whatever the request says: no ranges, no
// conditions.
func Plain(body []byte, fields ...string) http.Handler {
	return Answer(http.StatusOK, body, fields...)
}

// Answer answers with any status.
func Answer(status int, body []byte, fields ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		setFields(w.Header(), fields)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = w.Write(body)
	})
}

// After waits for the gate, or for the client to leave, before h answers.
func After(g *Gate, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-g.Opened():
			h.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

// Halves sends the first n bytes of the body with its true length, and the rest
// when the gate opens. Ranges are ignored.
func Halves(g *Gate, body []byte, n int, fields ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setFields(w.Header(), fields)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:n])
		_ = http.NewResponseController(w).Flush()
		select {
		case <-g.Opened():
			_, _ = w.Write(body[n:])
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	})
}

// Pieces sends the body chunked and without a length, each piece in a chunk of its
// own and only after it was received from the channel. Closing it ends the body.
func Pieces(pieces <-chan []byte, fields ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setFields(w.Header(), fields)
		rc := http.NewResponseController(w)
		_ = rc.Flush()
		for {
			select {
			case p, ok := <-pieces:
				if !ok {
					return
				}
				_, _ = w.Write(p)
				_ = rc.Flush()
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			}
		}
	})
}

// Truncate promises the whole body and cuts the connection after n bytes of it.
func Truncate(body []byte, n int, fields ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		setFields(w.Header(), fields)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:n])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
}

// TruncateChunked sends n bytes in chunks and cuts the connection without the last
// chunk.
func TruncateChunked(body []byte, n int, fields ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		setFields(w.Header(), fields)
		_, _ = w.Write(body[:n])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
}

// Stall sends the header and n bytes, then nothing until the client leaves.
func Stall(body []byte, n int, fields ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setFields(w.Header(), fields)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:n])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
}

// Silent takes the request and says nothing until the client leaves.
func Silent() http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
}

// Raw sends exactly these bytes instead of an HTTP response of the library, then
// closes.
func Raw(response string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer c.Close()
		_, _ = io.WriteString(c, response)
	})
}

// Flood sends size bytes made by fill as fast as they are taken, and counts
// through sent what it got rid of. It ends when the client leaves.
func Flood(size int64, sent func(n int), fields ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		setFields(w.Header(), fields)
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		piece := make([]byte, 64<<10)
		for left := size; left > 0; {
			n, err := w.Write(piece[:min(left, int64(len(piece)))])
			sent(n)
			left -= int64(n)
			if err != nil {
				return
			}
		}
	})
}

// isTimeout reports whether err is a deadline that passed.
func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
