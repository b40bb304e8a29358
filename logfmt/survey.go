package logfmt

import (
	"encoding/hex"
	"errors"
	"io"
)

// survey is what reading a whole file tells of it.
type survey struct {
	tally   *tally
	format  Format
	stated  *Trailer // the file's own trailer, nil for none
	damaged int64    // lines that are no record, and bad blocks
	peak    int64    // most records whose end fell into one second
	torn    bool     // the last line has no end
	missing int64    // numbers that no line has and none reports as dropped
	gaps    int64    // places where they are missing
	lead    int64    // records dropped before the first one
}

// takeSurvey reads size bytes of a file. Lines that are damaged are counted; an error
// is one of reading.
func takeSurvey(in io.ReaderAt, size int64) (*survey, error) {
	return surveyOf(io.NewSectionReader(in, 0, size))
}

func surveyOf(in io.Reader) (*survey, error) {
	s := &survey{tally: newTally()}
	r := NewReader(in)
	r.passing = func(raw []byte) { s.tally.add(raw, batch{}) }
	seconds := peaks{}
	var rec, last Record
	for {
		err := r.Read(&rec)
		s.format = r.format
		switch {
		case err == nil:
			s.count(&rec.Sequence, &last.Sequence)
			seconds.add((rec.Time + int64(rec.Duration)) / 1e9)
		case errors.Is(err, io.EOF):
			s.stated, s.peak = r.Trailer(), seconds.most
			return s, nil
		case errors.Is(err, ErrTorn):
			s.torn = true
		case errors.Is(err, ErrSyntax) || errors.Is(err, ErrVersion):
			s.damaged++
		default:
			return nil, err
		}
	}
}

// count adds a record to the tally and looks whether it follows the last one.
func (s *survey) count(now, last *Sequence) {
	if last.Number > 0 && now.Run == last.Run && now.Number != last.Number+1+now.Dropped {
		s.gaps++
		s.missing += now.Number - last.Number - 1 - now.Dropped
	}
	if last.Number == 0 {
		s.lead = now.Dropped
	}
	*last = *now
	s.tally.add(nil, batch{now.Run, now.Number, now.Number, 1, now.Dropped})
}

// peaks counts how many of a stream of seconds are the same.
type peaks struct {
	counts map[int64]int64
	most   int64
}

// maxPeaks bounds what a damaged file can make a reader remember.
const maxPeaks = 1 << 14

func (p *peaks) add(second int64) {
	if p.counts == nil || len(p.counts) >= maxPeaks {
		p.counts = make(map[int64]int64)
	}
	p.counts[second]++
	p.most = max(p.most, p.counts[second])
}

// hashOf returns length and hash of the first size bytes.
func hashOf(in io.ReaderAt, size int64) (FileSum, error) {
	t := newTally()
	n, err := io.Copy(t.hash, io.NewSectionReader(in, 0, size))
	return FileSum{Bytes: n, SHA256: hex.EncodeToString(t.hash.Sum(nil))}, err
}
