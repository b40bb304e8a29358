package logfmt

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
)

// Check is what reading a whole file found.
type Check struct {
	Found   Trailer  // counted while reading
	Stated  *Trailer // what the file says of itself, nil without a trailer
	Damaged int64    // lines that are no record, and bad blocks
	Torn    bool     // the last line or block has no end: the file is being written, or was cut
	Gaps    int64    // places where a number does not follow the one before
	Missing int64    // records that are gone there
	Lead    int64    // records that the first line says were dropped before it

	Problems []string // what is wrong, in words; none for a good file
}

// Verify reads the plain content of one file and holds it against its trailer. The error
// is one of reading only: what is wrong with the file is in the Check.
func Verify(in io.Reader) (*Check, error) {
	s, err := surveyOf(in)
	if err != nil {
		return nil, err
	}
	s.tally.bare()
	c := &Check{Found: s.tally.sum, Stated: s.stated, Damaged: s.damaged, Torn: s.torn, Gaps: s.gaps, Missing: s.missing, Lead: s.lead}
	c.problem(s.damaged > 0, "%d lines or blocks are no good", s.damaged)
	c.problem(s.torn, "the end is torn")
	if t := s.stated; t == nil || t.Erased == 0 {
		c.problem(s.gaps > 0, "%d records are missing at %d places", s.missing, s.gaps)
		c.whole(t)
	} else {
		c.remains(t)
	}
	if t := s.stated; t != nil {
		c.problem(t.Records != c.Found.Records, "%d records, the trailer says %d", c.Found.Records, t.Records)
		c.problem(t.SHA256 != c.Found.SHA256 || t.Bytes != c.Found.Bytes, "the text is not the one that the trailer was made for")
	}
	return c, nil
}

// whole holds the numbers of the records against the trailer of a file that still has
// all of them.
func (c *Check) whole(t *Trailer) {
	if t == nil {
		return
	}
	c.problem(t.First != c.Found.First || t.Last != c.Found.Last, "records %d to %d, the trailer says %d to %d",
		c.Found.First, c.Found.Last, t.First, t.Last)
	c.problem(t.Dropped != c.Found.Dropped, "%d dropped, the trailer says %d", c.Found.Dropped, t.Dropped)
}

// remains holds what erasing left against the trailer: numbers that no line has were
// erased or dropped.
func (c *Check) remains(t *Trailer) {
	c.Lead = t.Lead
	gone := t.Last - t.First + 1 - c.Found.Records - t.Erased - (t.Dropped - t.Lead)
	c.problem(gone != 0, "%d records are missing beside those that were erased", gone)
	c.problem(c.Found.Records > 0 && (c.Found.First < t.First || c.Found.Last > t.Last), "records %d to %d, the trailer says %d to %d",
		c.Found.First, c.Found.Last, t.First, t.Last)
}

func (c *Check) problem(wrong bool, text string, args ...any) {
	if wrong {
		c.Problems = append(c.Problems, fmt.Sprintf(text, args...))
	}
}

// VerifyFile is Verify for a file, compressed or not, that also holds it against its
// manifest. A closed file has a trailer or a manifest; a .part file has neither yet.
func VerifyFile(name string) (*Check, error) {
	in, err := Open(name)
	if err != nil {
		return nil, err
	}
	c, err := Verify(in)
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	m, err := ReadManifest(name)
	if errors.Is(err, fs.ErrNotExist) {
		c.problem(c.Stated == nil && !isPart(name), "there is neither a trailer nor a manifest")
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	sum, err := sumFile(name)
	if err != nil {
		return nil, err
	}
	c.problem(m.File.SHA256 != sum.SHA256 || m.File.Bytes != sum.Bytes, "the file is not the one that its manifest describes")
	c.problem(m.Content.Records != c.Found.Records, "%d records, the manifest says %d", c.Found.Records, m.Content.Records)
	return c, nil
}

// sumFile returns length and hash of a file as it is on disk.
func sumFile(name string) (FileSum, error) {
	f, err := os.Open(name)
	if err != nil {
		return FileSum{}, fmt.Errorf("logfmt: %w", err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	h := sha256.New()
	n, err := io.Copy(h, f)
	return FileSum{Name: name, Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

// Records returns the records of a file, compressed or not, closed or not. A record is
// good until the next one; after an error that [Reader.Read] lets pass, reading goes
// on. A torn last line of a .part file is not an error: it is being written.
func Records(name string) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		in, err := Open(name)
		if err != nil {
			yield(nil, err)
			return
		}
		defer in.Close() //nolint:errcheck // opened for reading
		r, rec := NewReader(in), new(Record)
		for {
			err := r.Read(rec)
			switch {
			case err == io.EOF || errors.Is(err, ErrTorn) && isPart(name): //nolint:errorlint // Read returns it bare
				return
			case err == nil:
				if !yield(rec, nil) {
					return
				}
			case !yield(nil, fmt.Errorf("%s: %w", name, err)) || !passing(err):
				return
			}
		}
	}
}

// passing reports whether reading may go on after err.
func passing(err error) bool { return errors.Is(err, ErrSyntax) || errors.Is(err, ErrVersion) }
