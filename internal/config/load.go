package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// maxFile is the greatest size in bytes of a configuration file; a wrong path
// such as that of a disk shall not fill the memory.
const maxFile = 16 << 20

// Load reads the file and those it includes, applies defaults and checks
// everything. The error joins one [*Error] for each thing that is wrong, in the
// order of files and lines. What it returns beside an error is not to be used.
//
// Relative paths of certificates, authorities and keys are relative to the file
// that names them and come back absolute. "$CREDENTIALS_DIRECTORY" at the
// beginning of such a path stands for the directory where systemd puts the
// credentials of the service.
func Load(path string) (*Config, error) {
	l := loader{config: Default()}
	main, ok := l.read(path)
	if ok {
		l.include(main)
	}
	l.completeNode()
	for i := range l.config.Sites {
		l.completeSite(&l.config.Sites[i])
	}
	if ok {
		l.check(main)
	}
	return l.config, l.joined()
}

// loader collects what is wrong while it reads.
type loader struct {
	config    *Config
	files     []*source
	errs      []*Error
	undecoded map[keyOf]bool
}

// source is one file, kept for finding the lines of keys.
type source struct {
	path  string
	text  string
	lines map[string]int // by key; built when first asked
}

// keyOf is a key of a file.
type keyOf struct {
	file *source
	key  string
}

// place is where a table stands: the n-th [[site]] of a file.
type place struct {
	file  *source
	index int
}

// fail notes an error at a key of a file, unless the key has no value because it
// could not be decoded.
func (l *loader) fail(f *source, key, format string, args ...any) {
	if !l.undecoded[keyOf{f, key}] {
		l.errs = append(l.errs, &Error{File: f.path, Line: f.line(key), Key: key, Text: fmt.Sprintf(format, args...)})
	}
}

// joined returns all errors as one, sorted by place; nil when there are none.
func (l *loader) joined() error {
	order := map[string]int{}
	for i, f := range l.files {
		order[f.path] = i
	}
	slices.SortStableFunc(l.errs, func(a, b *Error) int {
		if a.File != b.File {
			return order[a.File] - order[b.File]
		}
		return a.Line - b.Line
	})
	errs := make([]error, len(l.errs))
	for i, e := range l.errs {
		errs[i] = e
	}
	return errors.Join(errs...)
}

// Error is one thing that is wrong with a configuration.
type Error struct {
	File string
	Line int    // 0 when the key is not in the file
	Key  string // dotted, with [n] for the n-th table of an array; "" when it is no key
	Text string // what is wrong and what to change; never a secret
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

// read decodes the main file into the configuration; false when it is not TOML.
func (l *loader) read(path string) (*source, bool) {
	f, table, ok := l.open(path)
	l.decode(f, "", table, reflect.ValueOf(l.config).Elem())
	return f, ok
}

// open reads a file and parses it.
func (l *loader) open(path string) (*source, map[string]any, bool) {
	f := &source{path: path}
	l.files = append(l.files, f)
	text, err := readFile(path)
	if err != nil {
		l.errs = append(l.errs, &Error{File: path, Text: err.Error()})
		return f, nil, false
	}
	f.text = string(text)
	table, wrong := parse(f)
	if wrong != nil {
		l.errs = append(l.errs, wrong)
		return f, nil, false
	}
	return f, table, true
}

// readFile reads a file of sane size. The error is that of the system alone.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, rootCause(err)
	case info.IsDir():
		return nil, errors.New("is a directory, not a file")
	case info.Size() > maxFile:
		return nil, fmt.Errorf("is too large for a configuration: more than %s", Size(maxFile))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, rootCause(err)
	}
	return text, nil
}

// include reads the files that the include patterns of the main file name, each
// once. A pattern with wildcards may match nothing: there may be no customer yet.
func (l *loader) include(main *source) {
	seen := map[string]bool{filepath.Clean(main.path): true}
	for i, pattern := range l.config.Include {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(main.path), pattern)
		}
		found, err := filepath.Glob(pattern)
		if err != nil {
			l.fail(main, "include", "%q is not a file pattern", l.config.Include[i])
			continue
		}
		if len(found) == 0 && !strings.ContainsAny(pattern, `*?[\`) {
			l.fail(main, "include", "%q does not exist", l.config.Include[i])
		}
		for _, path := range found {
			if !seen[path] {
				seen[path] = true
				l.readSites(path)
			}
		}
	}
}

// readSites adds the [[site]] tables of an included file, which holds no others.
func (l *loader) readSites(path string) {
	f, table, _ := l.open(path)
	for name := range table {
		if name != "site" {
			l.failDecode(f, name, "an included file holds [[site]] tables only: move this to the main file")
			delete(table, name)
		}
	}
	l.decode(f, "", table, reflect.ValueOf(l.config).Elem())
}

// siteKey is the full name of a key of a site in its file.
func (s *Site) siteKey(key string) string { return join(indexed("site", s.place.index), key) }

// failSite notes an error at a key of a site.
func (l *loader) failSite(s *Site, key, format string, args ...any) {
	l.fail(s.place.file, s.siteKey(key), format, args...)
}

// resolve makes the path of a file named in f absolute, or returns it as it is
// when it is empty.
func (f *source) resolve(path string) (string, error) {
	const variable = "$CREDENTIALS_DIRECTORY"
	if rest, ok := strings.CutPrefix(path, variable+"/"); ok {
		directory := os.Getenv(variable[1:])
		if directory == "" {
			return path, errors.New("CREDENTIALS_DIRECTORY is not set: systemd sets it for a service with LoadCredential=")
		}
		return filepath.Join(directory, rest), nil
	}
	if path == "" || filepath.IsAbs(path) {
		return path, nil
	}
	return filepath.Abs(filepath.Join(filepath.Dir(f.path), path))
}
