package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
)

// Load reads the file and those it includes, applies defaults and checks
// everything. The error joins one error for each thing that is wrong.
func Load(path string) (*Config, error) {
	l := loader{config: Default()}
	l.read(path, l.config)
	for _, f := range l.included(path) {
		l.readSites(f)
	}
	for i := range l.config.Sites {
		l.completeSite(&l.config.Sites[i])
	}
	l.completeNode()
	if len(l.errs) == 0 {
		l.check()
	}
	return l.config, errors.Join(l.errs...)
}

// loader collects what is wrong while it reads.
type loader struct {
	config *Config
	files  []*source
	errs   []error
}

// source is one file, kept for finding the lines of keys.
type source struct {
	path string
	text string
}

// place is where a table stands: the n-th [[site]] of a file.
type place struct {
	file  *source
	index int
}

// fail notes an error at a key of a file.
func (l *loader) fail(f *source, key, format string, args ...any) {
	l.errs = append(l.errs, &Error{File: f.path, Line: f.line(key), Key: key, Text: fmt.Sprintf(format, args...)})
}

// Error is one thing that is wrong with a configuration.
type Error struct {
	File string
	Line int    // 0 when unknown
	Key  string // dotted, with [n] for the n-th table of an array; "" when it is no key
	Text string // what is wrong and what to change
}

// Error returns file:line: key: text.
func (e *Error) Error() string {
	s := e.File
	if e.Line > 0 {
		s += fmt.Sprintf(":%d", e.Line)
	}
	if e.Key != "" {
		s += ": " + e.Key
	}
	return s + ": " + e.Text
}

// read decodes a file into v strictly; false when it is not TOML.
func (l *loader) read(path string, v any) (*source, bool) {
	f := &source{path: path}
	l.files = append(l.files, f)
	text, err := os.ReadFile(path)
	if err != nil {
		l.errs = append(l.errs, &Error{File: path, Text: errors.Unwrap(err).Error()})
		return f, false
	}
	f.text = string(text)
	meta, err := toml.Decode(f.text, v)
	if err != nil {
		l.errs = append(l.errs, decodeError(f, err))
		return f, false
	}
	for _, key := range meta.Undecoded() {
		l.fail(f, key.String(), "unknown key; see config.example.toml for the keys there are")
	}
	return f, true
}

// decodeError adds the position to an error of the parser.
func decodeError(f *source, err error) error {
	var p toml.ParseError
	if errors.As(err, &p) {
		return &Error{File: f.path, Line: p.Position.Line, Key: p.LastKey, Text: p.Message}
	}
	return &Error{File: f.path, Text: strings.TrimPrefix(err.Error(), "toml: ")}
}

// included lists the files that the include patterns of the main file match. A
// pattern without a match is fine: there may be no customer yet.
func (l *loader) included(main string) []string {
	for i := range l.config.Sites {
		l.config.Sites[i].place = place{l.files[0], i}
	}
	var files []string
	for _, pattern := range l.config.Include {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(main), pattern)
		}
		found, err := filepath.Glob(pattern)
		if err != nil {
			l.fail(l.files[0], "include", "%q is not a file pattern", pattern)
		}
		files = append(files, found...)
	}
	return files
}

// readSites adds the [[site]] tables of an included file, which may hold no others.
func (l *loader) readSites(path string) {
	var part struct {
		Sites []Site `toml:"site"`
	}
	f, ok := l.read(path, &part)
	if !ok {
		return
	}
	for i := range part.Sites {
		part.Sites[i].place = place{f, i}
	}
	l.config.Sites = append(l.config.Sites, part.Sites...)
}

// siteKey is the full name of a key of a site in its file.
func (s *Site) siteKey(key string) string { return fmt.Sprintf("site[%d].%s", s.place.index, key) }

// failSite notes an error at a key of a site.
func (l *loader) failSite(s *Site, key, format string, args ...any) {
	l.fail(s.place.file, s.siteKey(key), format, args...)
}
