package demo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// The delay of the origin before its first byte, by file: what a request across a
// continent costs, so that the eye can tell origin, disk and RAM apart.
const (
	minDelay = 40 * time.Millisecond
	maxDelay = 80 * time.Millisecond
)

// segmentLifetime is what the origin allows for segments. Of manifests it says
// nothing, so that the edge's defaults by class show.
const segmentLifetime = "public, max-age=86400, immutable"

// modified is the Last-Modified of every file: files in a binary have no date.
func modified() time.Time { return time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC) }

// Origin serves the title as a customer's origin would: types, strong validators,
// ranges, and a delay before the first byte. It counts what it was asked.
type Origin struct {
	files map[string]*file // by path with a leading slash; never written after NewOrigin
	pause func(r *http.Request, d time.Duration)

	mu       sync.Mutex
	requests map[string]int // by path, of existing files
}

// file is one file of the title.
type file struct {
	body  []byte
	mime  string
	etag  string
	cache string // Cache-Control, "" for none
	delay time.Duration
}

// NewOrigin returns an origin for the files of a title. It fails when a file
// cannot be read or has a suffix of no known type.
func NewOrigin(title fs.FS) (*Origin, error) {
	o := &Origin{files: map[string]*file{}, requests: map[string]int{}, pause: pause}
	err := fs.WalkDir(title, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(title, name)
		if err != nil {
			return err
		}
		f, err := newFile(name, body)
		o.files["/"+name] = f
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("demo: title: %w", err)
	}
	return o, nil
}

func newFile(name string, body []byte) (*file, error) {
	mime := mimeType(name)
	if mime == "" {
		return nil, fmt.Errorf("%s is of an unknown type", name)
	}
	sum := sha256.Sum256(body)
	f := &file{body: body, mime: mime, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, delay: delayOf(name)}
	if !isManifest(name) {
		f.cache = segmentLifetime
	}
	return f, nil
}

// mimeType is the registered type of a media file, "" for an unknown suffix. The
// type tables of operating systems disagree about all of these.
func mimeType(name string) string {
	switch path.Ext(name) {
	case ".m3u8":
		return "application/vnd.apple.mpegurl"
	case ".mpd":
		return "application/dash+xml"
	case ".ts":
		return "video/mp2t"
	case ".mp4", ".m4s":
		if strings.Contains(name, "audio") {
			return "audio/mp4"
		}
		return "video/mp4"
	}
	return ""
}

func isManifest(name string) bool {
	return strings.HasSuffix(name, ".m3u8") || strings.HasSuffix(name, ".mpd")
}

// delayOf spreads the files over the range of delays, each always with the same.
func delayOf(name string) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(name))
	return minDelay + time.Duration(h.Sum32()%uint32((maxDelay-minDelay)/time.Millisecond))*time.Millisecond
}

// pause waits for d or until the client has left.
func pause(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// ServeHTTP serves GET and HEAD of the title's files.
func (o *Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	f, ok := o.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	o.count(r.URL.Path)
	o.pause(r, f.delay)
	h := w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("ETag", f.etag)
	if f.cache != "" {
		h.Set("Cache-Control", f.cache)
	}
	http.ServeContent(w, r, "", modified(), bytes.NewReader(f.body))
}

func (o *Origin) count(path string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.requests[path]++
}

// Requests returns how often each file was asked for.
func (o *Origin) Requests() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.requests)
}
