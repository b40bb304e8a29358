package edge

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"edged/cache"
	"edged/internal/media"
)

// liveFolders remembers where live manifests were seen lately: their neighbours are
// watched now, by everybody, and most of them never again. Folders that share a
// place overwrite each other, which costs a few writes to disk.
type liveFolders struct {
	once    sync.Once
	seed    maphash.Seed
	folders [1024]struct {
		hash  atomic.Uint64
		until atomic.Int64 // Unix nanoseconds
	}
}

const (
	// liveFor is how long a folder counts as live after its manifest changed last.
	liveFor = 2 * time.Minute
	// liveDepth is how many folders down from a manifest its segments may be:
	// DASH has folders for periods, tracks and representations.
	liveDepth = 3
)

// hash names a folder of a site; never 0.
func (l *liveFolders) hash(s *Site, folder string) uint64 {
	l.once.Do(func() { l.seed = maphash.MakeSeed() })
	return maphash.String(l.seed, s.Account+"\x00"+s.Name+"\x00"+folder) | 1
}

// parent returns the path of the folder that a path is in, "" above the root.
func parent(path string) string {
	i := strings.LastIndexByte(path, '/')
	return path[:max(0, i)]
}

// mark notes that there is a live manifest at target.
func (l *liveFolders) mark(s *Site, target string, now time.Time) {
	path, _, _ := strings.Cut(target, "?")
	h := l.hash(s, parent(path))
	p := &l.folders[h>>1%uint64(len(l.folders))]
	p.hash.Store(h)
	p.until.Store(now.Add(liveFor).UnixNano())
}

// near reports whether target is in a folder of a live manifest, or not far below.
func (l *liveFolders) near(s *Site, target string, now time.Time) bool {
	path, _, _ := strings.Cut(target, "?")
	for range liveDepth + 1 {
		if path = parent(path); path == "" {
			return false
		}
		h := l.hash(s, path)
		p := &l.folders[h>>1%uint64(len(l.folders))]
		if p.hash.Load() == h && p.until.Load() > now.UnixNano() {
			return true
		}
	}
	return false
}

// storage says when what f brings goes to disk. Manifests (until it is known that they
// are not live) and parts change or are over within seconds, and so are segments near
// the live edge for nearly everybody: they are worth a write once somebody asks for
// them later.
func (e *Edge) storage(f *fetch) cache.Storage {
	if f.site.Storage == cache.StoreNever {
		return cache.StoreNever
	}
	switch f.class {
	case media.Manifest, media.Part:
		return cache.StoreLate
	case media.Segment, media.Init, media.Subtitle:
		if e.live.near(f.site, f.target, e.now()) {
			return cache.StoreLate
		}
	default:
	}
	return f.site.Storage
}
