package ship

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"edged/internal/durable"
	"edged/logfmt"
)

// Times of a shipper.
const (
	lookEvery  = 5 * time.Second // between looks for new files
	firstPause = time.Second     // after a failure; doubled after each further one
	longPause  = 5 * time.Minute // at most
	putTime    = 30 * time.Minute
)

const manifestSuffix = ".manifest.json"

// Options say what is pushed. Dir, State and Target are required.
type Options struct {
	Dir        string // of closed log files
	State      string // file that remembers what was acknowledged
	Target     Target
	Compressed bool // files will be compressed: wait for that
	Delete     bool // files that were acknowledged
	Log        *slog.Logger
}

// Stats are counts since New, but for Pending and Failing.
type Stats struct {
	Files    uint64 // acknowledged
	Bytes    uint64 // of these, without manifests
	Failures uint64 // pushes that failed
	Pending  int    // files to push, at the last look
	Failing  string // why the last push failed, "" when it did not
}

// Shipper pushes closed files.
type Shipper struct {
	opts Options
	stop context.CancelFunc
	done sync.WaitGroup

	mu    sync.Mutex // guards stats
	stats Stats

	acked map[string]string // hash by name; of the goroutine
}

// New begins to push.
func New(o Options) *Shipper {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Shipper{opts: o, stop: stop, acked: map[string]string{}}
	s.done.Go(func() { s.run(ctx) })
	return s
}

// Close stops, also in the middle of a file; it is pushed again after the next start.
func (s *Shipper) Close() {
	s.stop()
	s.done.Wait()
}

// Stats returns how far it is.
func (s *Shipper) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

func (s *Shipper) run(ctx context.Context) {
	if err := s.load(); err != nil {
		s.opts.Log.Error("what was shipped is not known: all log files are shipped again", "err", err)
	}
	pause := time.Duration(0)
	for {
		err := s.round(ctx)
		wait := lookEvery
		if err != nil && ctx.Err() == nil {
			pause = min(max(2*pause, firstPause), longPause)
			wait = pause
		} else {
			pause = 0
		}
		s.judge(err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// judge keeps the stats, and says once when things turn bad or good.
func (s *Shipper) judge(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, context.Canceled):
	case err != nil:
		s.stats.Failures++
		if s.stats.Failing == "" {
			s.opts.Log.Error("log files cannot be shipped; they are kept, and tried again", "err", err)
		}
		s.stats.Failing = err.Error()
	case s.stats.Failing != "":
		s.opts.Log.Info("log files are shipped again")
		s.stats.Failing = ""
	}
}

// round pushes what is there, up to the first failure.
func (s *Shipper) round(ctx context.Context) error {
	todo, err := s.look()
	if err != nil {
		return err
	}
	for i, m := range todo {
		s.mu.Lock()
		s.stats.Pending = len(todo) - i
		s.mu.Unlock()
		if err := s.push(ctx, m); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.stats.Pending = 0
	s.mu.Unlock()
	return nil
}

// look lists the files to push, the oldest first, and forgets those that are gone.
func (s *Shipper) look() (todo []*logfmt.Manifest, err error) {
	names, err := filepath.Glob(filepath.Join(s.opts.Dir, "*"+manifestSuffix))
	if err != nil {
		return nil, fmt.Errorf("ship: %w", err)
	}
	there := map[string]bool{}
	for _, name := range names {
		m, err := logfmt.ReadManifest(name)
		if err != nil || filepath.Base(m.File.Name) != m.File.Name {
			continue // being replaced, or not ours
		}
		if _, err := os.Stat(filepath.Join(s.opts.Dir, m.File.Name)); err != nil {
			continue // collected
		}
		there[m.File.Name] = true
		if s.opts.Compressed && strings.HasSuffix(m.File.Name, ".log") || s.acked[m.File.Name] == m.File.SHA256 {
			continue
		}
		todo = append(todo, m)
	}
	for name := range s.acked {
		if !there[name] {
			delete(s.acked, name)
		}
	}
	slices.SortFunc(todo, func(a, b *logfmt.Manifest) int {
		if c := a.Begun.Compare(b.Begun); c != 0 {
			return c
		}
		return strings.Compare(a.File.Name, b.File.Name)
	})
	return todo, nil
}

// push puts a file, then its manifest.
func (s *Shipper) push(ctx context.Context, m *logfmt.Manifest) error {
	ctx, cancel := context.WithTimeout(ctx, putTime)
	defer cancel()
	path := filepath.Join(s.opts.Dir, m.File.Name)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // collected meanwhile
	}
	if err != nil {
		return fmt.Errorf("ship: %w", err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	if err := s.opts.Target.Put(ctx, &Object{m.File.Name, m.File.Bytes, m.File.SHA256, f}); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("ship: %w", err)
	}
	text = append(text, '\n')
	sum := sha256.Sum256(text)
	manifest := stem(m.File.Name) + manifestSuffix
	if err := s.opts.Target.Put(ctx, &Object{manifest, int64(len(text)), hex.EncodeToString(sum[:]), bytes.NewReader(text)}); err != nil {
		return err
	}
	return s.acknowledge(m, path, filepath.Join(s.opts.Dir, manifest))
}

// stem cuts .log and what follows off.
func stem(name string) string {
	if i := strings.LastIndex(name, ".log"); i >= 0 {
		return name[:i]
	}
	return name
}

// acknowledge remembers a file, and deletes it when asked to.
func (s *Shipper) acknowledge(m *logfmt.Manifest, path, manifest string) error {
	s.acked[m.File.Name] = m.File.SHA256
	if err := s.save(); err != nil {
		return err
	}
	s.mu.Lock()
	s.stats.Files++
	s.stats.Bytes += uint64(max(m.File.Bytes, 0))
	s.mu.Unlock()
	if !s.opts.Delete {
		return nil
	}
	for _, name := range []string{path, manifest} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("ship: %w", err)
		}
	}
	return nil
}

func (s *Shipper) load() error {
	text, err := os.ReadFile(s.opts.State)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s.acked)
	}
	if err != nil || s.acked == nil {
		s.acked = map[string]string{}
	}
	return err
}

// save replaces the state, whole or not at all.
func (s *Shipper) save() error {
	text, err := json.Marshal(s.acked)
	if err != nil {
		return fmt.Errorf("ship: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(s.opts.State), 0o750); err != nil {
		return fmt.Errorf("ship: %w", err)
	}
	if err := durable.Mode(0o640).Replace(s.opts.State, text); err != nil {
		return fmt.Errorf("ship: %w", err)
	}
	return nil
}
