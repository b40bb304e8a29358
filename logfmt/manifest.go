package logfmt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Manifest is the content of NAME.manifest.json, which stands beside the closed log
// file NAME.log, NAME.log.zst or NAME.log.gz. It lets a pipeline know what it has
// without reading it. A file whose manifest is missing is being closed.
type Manifest struct {
	Version int         `json:"manifest"` // of this structure: 1
	Schema  int         `json:"schema"`   // of the records, [Version]
	Node    string      `json:"node"`
	Format  string      `json:"format"`  // "w3c" or "json"
	Address AddressWord `json:"address"` // the node's mode
	Begun   time.Time   `json:"begun"`   // when the file was begun, UTC
	Closed  time.Time   `json:"closed"`  // when it was closed, UTC
	Content Trailer     `json:"content"` // what the plain file holds before its trailer
	File    FileSum     `json:"file"`    // the file that is there
	Plain   FileSum     `json:"plain"`   // the same uncompressed, trailer included
}

// AddressWord is an address mode as configuration writes it.
type AddressWord string

// FileSum is a file with its length and the SHA-256 of its bytes in hexadecimal.
type FileSum struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// manifestVersion is Manifest.Version.
const manifestVersion = 1

// maxManifest is the longest manifest that is read, in bytes.
const maxManifest = 64 << 10

// ParseManifest reads a manifest. One of a later version is an error.
func ParseManifest(text []byte) (*Manifest, error) {
	m := new(Manifest)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("logfmt: manifest: %w", err)
	}
	if m.Version < 1 || m.Version > manifestVersion {
		return nil, fmt.Errorf("%w: manifest %d", ErrVersion, m.Version)
	}
	return m, nil
}

// ReadManifest reads the manifest that belongs to a log file, by the file's name. The
// error is fs.ErrNotExist where there is none.
func ReadManifest(name string) (*Manifest, error) {
	f, err := os.Open(stemOf(name) + suffixManifest)
	if err != nil {
		return nil, fmt.Errorf("logfmt: %w", err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	text, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return nil, fmt.Errorf("logfmt: %w", err)
	}
	return ParseManifest(text)
}

// writeManifest puts m beside its file, whole or not at all.
func (k *keeper) writeManifest(stem string, m *Manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return k.replace(stem+suffixManifest, append(text, '\n'))
}

// replace gives a file new content, on disk before it has its name.
func (k *keeper) replace(name string, text []byte) error {
	temp := name + ".part"
	out, err := k.w.fs.Open(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = out.WriteAt(text, 0)
	if err = errors.Join(err, out.Sync(), out.Close()); err == nil {
		err = k.w.fs.Rename(temp, name)
	}
	if err != nil {
		k.remove(temp)
	}
	return err
}

// manifestOf returns the manifest of a stem, nil when there is none that can be read.
func (k *keeper) manifestOf(stem string) *Manifest {
	f, err := k.w.fs.Open(stem+suffixManifest, os.O_RDONLY)
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // opened for reading
	text, err := io.ReadAll(io.NewSectionReader(f, 0, maxManifest))
	if err != nil {
		return nil
	}
	m, err := ParseManifest(text)
	if err != nil {
		return nil
	}
	return m
}

// describe makes the manifest of a plain file that was just closed.
func (k *keeper) describe(stem string, f Format, begun time.Time, content Trailer, plain FileSum) *Manifest {
	plain.Name = stem + suffixClosed
	return &Manifest{
		Version: manifestVersion, Schema: Version, Node: k.w.opts.Node, Format: f.String(),
		Address: AddressWord(k.w.opts.Address.String()), Begun: begun.UTC().Truncate(time.Second),
		Closed: k.w.opts.Now().UTC().Truncate(time.Second), Content: content, File: plain, Plain: plain,
	}
}

// describeAll makes the manifests that are missing: a crash, or a full disk, came
// between closing a file and describing it.
func (k *keeper) describeAll() {
	described := make(map[string]bool)
	for _, f := range k.list(suffixManifest) {
		described[f.stem] = true
	}
	for _, f := range k.list(suffixClosed) {
		if described[f.stem] {
			continue
		}
		if m, err := k.survey(f); err != nil {
			k.note("describe", f.name, err)
		} else if m != nil {
			k.note("describe", f.name, k.writeManifest(f.stem, m))
		}
	}
}

// survey reads a closed file for its manifest; nil when somebody took it away.
func (k *keeper) survey(f logFile) (*Manifest, error) {
	in, err := k.w.fs.Open(f.name, os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, errInUse) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // opened for reading
	s, err := takeSurvey(in, f.size)
	if err != nil {
		return nil, err
	}
	content := s.tally.sum
	plain := s.tally.bare()
	content.SHA256 = plain.SHA256
	if s.stated != nil {
		content = *s.stated
		_, plain = s.tally.end(s.format)
		if plain.Bytes != f.size {
			plain, err = hashOf(in, f.size)
		}
	}
	return k.describe(f.stem, s.format, f.begun, content, plain), err
}
