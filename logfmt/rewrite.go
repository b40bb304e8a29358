package logfmt

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"edged/internal/durable"
)

// Rewritten says what became of a file.
type Rewritten struct {
	Records int64 // those that are there now
	Removed int64 // records that were taken out
	Changed int64 // records that are not what they were
	Damaged int64 // lines or blocks that were no good and were left out: nobody can tell what is in them

	content Trailer // of the new file; its sums also without a trailer
	plain   FileSum
	stated  bool // the file has a trailer
}

// Same reports whether the new text is that of before.
func (r *Rewritten) Same() bool { return r.Removed+r.Changed+r.Damaged == 0 }

// Edit says what becomes of a record, which it must not change.
type Edit func(r *Record) Change

// Change is what becomes of a record.
type Change uint8

// The changes.
const (
	Keep         Change = iota // it stays as it is, byte for byte
	StrikeClient               // its address is struck, everything else stays
	Erase                      // it is taken out
)

// Rewrite copies the plain content of a log file, each record as edit says. A trailer is
// made anew; it counts what was taken out. Blocks in which nothing changes stay as they
// are, others are written anew.
func Rewrite(out io.Writer, in io.Reader, edit Edit) (*Rewritten, error) {
	c := &copier{in: NewReader(in), out: bufio.NewWriterSize(out, chunkSize), edit: edit, hash: sha256.New(), pen: NewEncoder(Binary, Full)}
	c.in.passing = c.pass
	if err := c.records(); err != nil {
		return nil, err
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	return &c.did, nil
}

// copier rewrites one file.
type copier struct {
	in    *Reader
	out   *bufio.Writer
	edit  Edit
	hash  hash.Hash
	did   Rewritten
	text  []byte // the last line, or the block that records come from
	line  []byte // room for what it becomes
	inner bool   // the last piece had no end: the next one is of the same line
	first Sequence

	pen   *Encoder // of what is left of the block
	block bool     // text is one that was not put yet
	kept  int      // records of it that stay
	other bool     // it is not what it was
}

// pass gets every piece but the trailer. Directives and empty lines stay where they are.
func (c *copier) pass(raw []byte) {
	c.endBlock()
	if c.block = c.in.format == Binary; c.block {
		c.text, c.kept, c.other = append(c.text[:0], raw...), 0, false
		return
	}
	whole := bytes.HasSuffix(raw, []byte("\n"))
	if !c.inner && whole && (raw[0] == '#' || string(raw) == "\n" || string(raw) == "\r\n") {
		c.put(raw)
	}
	c.text, c.inner = append(c.text[:0], raw...), len(raw) > 0 && !whole
}

// put writes and counts; a bufio.Writer keeps its error for Flush.
func (c *copier) put(text []byte) {
	_, _ = c.hash.Write(text)
	c.did.plain.Bytes += int64(len(text))
	_, _ = c.out.Write(text)
}

func (c *copier) records() error {
	var rec Record
	for {
		err := c.in.Read(&rec)
		switch {
		case err == io.EOF: //nolint:errorlint // Read returns it bare
			c.endBlock()
			return nil
		case passing(err) || errors.Is(err, ErrTorn):
			c.did.Damaged++
			c.other = true
		case err != nil:
			return err
		default:
			c.record(&rec)
		}
	}
}

func (c *copier) record(rec *Record) {
	if c.first.Number == 0 {
		c.first = rec.Sequence
	}
	change := c.edit(rec)
	if change == Erase {
		c.did.Removed++
		c.other = true
		return
	}
	c.did.Records++
	if c.block {
		c.blockRecord(rec, change)
	} else {
		c.textRecord(rec, change)
	}
}

func (c *copier) textRecord(rec *Record, change Change) {
	text := c.text
	if change == StrikeClient {
		l := Line{rec, c.text, c.in.columns, nil}
		c.line = l.appendStruck(c.line[:0])
		text = c.line
	}
	if !bytes.Equal(text, c.text) {
		c.did.Changed++
	}
	c.put(text)
}

func (c *copier) blockRecord(rec *Record, change Change) {
	if change == StrikeClient && rec.strike() {
		c.did.Changed++
		c.other = true
	}
	c.kept++
	c.line = c.pen.Append(c.line, rec)
}

// endBlock writes the block whose records were all seen, as it was or what is left.
func (c *copier) endBlock() {
	if !c.block {
		return
	}
	c.block = false
	c.line = c.pen.End(c.line)
	switch {
	case c.kept == 0:
	case c.other:
		c.put(c.line)
	default:
		c.put(c.text)
	}
	c.line = c.line[:0]
}

// end writes the trailer, if there was one.
func (c *copier) end() error {
	t := &c.did.content
	if old := c.in.Trailer(); old != nil {
		*t, c.did.stated = *old, true
		if c.did.Removed > 0 && t.Erased == 0 {
			t.Lead = c.first.Dropped
		}
		t.Records = c.did.Records
		t.Erased += c.did.Removed
	}
	t.Bytes, t.SHA256 = c.did.plain.Bytes, hex.EncodeToString(c.hash.Sum(nil))
	if c.did.stated {
		c.put(t.append(nil, c.in.format))
	}
	c.did.plain.SHA256 = hex.EncodeToString(c.hash.Sum(nil))
	return c.out.Flush()
}

// ErrOpen marks a file that somebody is writing to, or compressing.
var ErrOpen = errors.New("logfmt: the file is in use")

// RewriteFile is Rewrite for a closed file, compressed or not, whose content is replaced
// whole or not at all, and its manifest with it. A file that would stay the same is left
// alone. While it is being written, or compressed, the error is ErrOpen. mode is what the
// manifest says of addresses from now on, Inherit for what it said.
func RewriteFile(name string, mode AddressMode, edit Edit) (*Rewritten, error) {
	if isPart(name) {
		return nil, fmt.Errorf("%w: %s", ErrOpen, name)
	}
	held, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("logfmt: %w", err)
	}
	defer held.Close() //nolint:errcheck // opened for reading
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrOpen, name)
	}
	temp := stemOf(name) + suffixTempCoarse
	did, err := rewriteTo(temp, name, held, edit)
	if err == nil && !did.Same() {
		err = did.replace(temp, name, mode)
	}
	if gone := os.Remove(temp); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	if err != nil {
		return nil, fmt.Errorf("logfmt: rewrite %s: %w", name, err)
	}
	return did, nil
}

// rewriteTo makes the new file, on disk, with the owner and the mode of the old one.
func rewriteTo(temp, name string, held *os.File, edit Edit) (*Rewritten, error) {
	in, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // opened for reading
	info, err := held.Stat()
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(out.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = out.Chown(int(s.Uid), int(s.Gid)) // only root may, and need
	}
	did, err := rewritePacked(out, name, in, edit)
	return did, errors.Join(err, out.Chmod(info.Mode().Perm()), out.Sync(), out.Close())
}

// rewritePacked compresses as the name says.
func rewritePacked(out io.Writer, name string, in io.Reader, edit Edit) (did *Rewritten, err error) {
	packed, ok := packing(name)
	if !ok {
		return Rewrite(out, in, edit)
	}
	pipe, text := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := squeeze(packed, out, pipe)
		_ = pipe.CloseWithError(err) // it never fails
		done <- err
	}()
	did, err = Rewrite(text, in, edit)
	_ = text.CloseWithError(err) // it never fails
	return did, errors.Join(err, <-done)
}

// packing returns the compression that a name stands for.
func packing(name string) (Compression, bool) {
	for _, c := range []Compression{CompressZstd, CompressGzip} {
		if strings.HasSuffix(name, c.suffix()) {
			return c, true
		}
	}
	return CompressNone, false
}

// replace puts the new file in the place of the old one. In between the manifest is
// gone: one that speaks of another file would be worse.
func (r *Rewritten) replace(temp, name string, mode AddressMode) error {
	m, err := ReadManifest(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if m != nil {
		if err := os.Remove(stemOf(name) + suffixManifest); err != nil {
			return err
		}
	}
	if err := os.Rename(temp, name); err != nil {
		return err
	}
	if m == nil {
		return durable.SyncDir(filepath.Dir(name))
	}
	if mode != Inherit {
		m.Address = AddressWord(mode.String())
	}
	return r.describe(m, name)
}

// describe writes the manifest of the new file.
func (r *Rewritten) describe(m *Manifest, name string) error {
	var err error
	if m.File, err = sumFile(name); err != nil {
		return err
	}
	m.File.Name = filepath.Base(name)
	m.Plain.Bytes, m.Plain.SHA256 = r.plain.Bytes, r.plain.SHA256
	content := r.content
	if !r.stated {
		content = m.Content
		content.Bytes, content.SHA256, content.Records = r.content.Bytes, r.content.SHA256, r.Records
		content.Erased += r.Removed
	}
	m.Content = content
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(stemOf(name)+suffixManifest, append(text, '\n'))
}

// writeFile writes a file that is whole when it has its name.
func writeFile(name string, text []byte) error {
	temp := name + ".part"
	out, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	if err = errors.Join(err, out.Sync(), out.Close()); err == nil {
		err = os.Rename(temp, name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return durable.SyncDir(filepath.Dir(name))
}
