package logfmt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"strconv"
)

// Trailer says what a file holds. It is the last line, or block, of a closed file, and
// part of its [Manifest].
type Trailer struct {
	Run     int64  `json:"run"`       // of the first record, Sequence.Run
	First   int64  `json:"first_seq"` // number of the first record
	Last    int64  `json:"last_seq"`  // number of the last one
	Records int64  `json:"records"`   // lines that are records
	Dropped int64  `json:"dropped"`   // sum of what they say was dropped before them
	Bytes   int64  `json:"bytes"`     // of everything before the trailer
	SHA256  string `json:"sha256"`    // of those bytes, hexadecimal

	// Recovered says that the process which wrote the file did not close it: it was
	// killed. MaybeLost is an estimate of how many records were in its memory only: as
	// many as the fullest second of the file has. TornBytes were cut off its end.
	Recovered bool  `json:"recovered,omitempty"`
	MaybeLost int64 `json:"maybe_lost,omitempty"`
	TornBytes int64 `json:"torn_bytes,omitempty"`

	// Erased is how many records were removed later, by request. First, Last and Dropped
	// are still those of the whole file; Lead is the part of Dropped that the first
	// record reported.
	Erased int64 `json:"erased,omitempty"`
	Lead   int64 `json:"lead,omitempty"`

	Anonymity *Anonymity `json:"k_anonymity,omitempty"` // nil when the option is off
}

// Anonymity counts what was made coarser when a file was closed, because fewer than K
// viewers shared prefix, title and hour.
type Anonymity struct {
	K       int   `json:"k"`
	Kept    int64 `json:"kept"`    // records that were left as they were
	Widened int64 `json:"widened"` // whose prefix was widened to a /16 or /32
	Removed int64 `json:"removed"` // whose client and session were taken out
}

// What stands before the JSON of a trailer, in a W3C file and in a JSON one.
const (
	trailerW3C  = "#Trailer: "
	trailerJSON = lineBegin + `,"trailer":`
)

// trailerRoom is the most that a trailer takes, in bytes.
const trailerRoom = 832

// append writes the trailer as a line or a block.
func (t *Trailer) append(dst []byte, f Format) []byte {
	text, err := json.Marshal(t)
	if err != nil {
		return dst // never: there is nothing in it that JSON does not know
	}
	switch f {
	case JSON:
		return append(append(append(dst, trailerJSON...), text...), '}', '\n')
	case Binary:
		start := len(dst)
		dst = append(beginBlock(dst, blockOfTrailer), text...)
		sealBlock(dst[start:], 0, 0)
		stampBlock(dst[start:], &Sequence{})
		return dst
	}
	return append(append(append(dst, trailerW3C...), text...), '\n')
}

// parseTrailer reads a line, nil when it is not a trailer. No record can look like
// one: a record of JSON begins with its time, one of W3C with a digit.
func parseTrailer(line []byte) *Trailer {
	text, ok := bytes.CutPrefix(line, []byte(trailerW3C))
	if !ok {
		text, ok = cutTrailerJSON(line)
	}
	t := new(Trailer)
	if !ok || json.Unmarshal(text, t) != nil {
		return nil
	}
	return t
}

// cutTrailerJSON returns what stands after {"v":N,"trailer": up to the last brace.
func cutTrailerJSON(line []byte) (text []byte, ok bool) {
	line, ok = bytes.CutPrefix(line, []byte(`{"v":`))
	if !ok || len(line) > 4096 {
		return nil, false
	}
	version, text, ok := bytes.Cut(line, []byte(`,"trailer":`))
	if _, err := strconv.ParseUint(string(version), 10, 32); !ok || err != nil {
		return nil, false
	}
	return bytes.CutSuffix(text, []byte("}"))
}

// tally makes the trailer of a file while its bytes go by.
type tally struct {
	sum  Trailer
	hash hash.Hash
}

func newTally() *tally { return &tally{hash: sha256.New()} }

// batch is what the flusher knows of the records in some bytes.
type batch struct{ run, first, last, records, dropped int64 }

// add counts bytes and the records in them. The hash never fails.
func (t *tally) add(bytes []byte, b batch) {
	_, _ = t.hash.Write(bytes)
	t.sum.Bytes += int64(len(bytes))
	if b.records == 0 {
		return
	}
	if t.sum.Records == 0 {
		t.sum.Run, t.sum.First = b.run, b.first
	}
	t.sum.Last = b.last
	t.sum.Records += b.records
	t.sum.Dropped += b.dropped
}

// end returns the trailer as it ends a file, and the hash and length of the file with it.
func (t *tally) end(f Format) (line []byte, whole FileSum) {
	t.sum.SHA256 = hex.EncodeToString(t.hash.Sum(nil))
	line = t.sum.append(nil, f)
	_, _ = t.hash.Write(line)
	return line, FileSum{Bytes: t.sum.Bytes + int64(len(line)), SHA256: hex.EncodeToString(t.hash.Sum(nil))}
}

// bare is end for a file that has no room for its trailer.
func (t *tally) bare() FileSum {
	t.sum.SHA256 = hex.EncodeToString(t.hash.Sum(nil))
	return FileSum{Bytes: t.sum.Bytes, SHA256: t.sum.SHA256}
}
