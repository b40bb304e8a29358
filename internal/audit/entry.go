package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Outcome is what became of an order.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // not allowed, or no order at all
	Failed  Outcome = "failed"  // tried; it may be in force in part
)

// OutcomeOf returns the outcome that an HTTP status stands for.
func OutcomeOf(status int) Outcome {
	switch {
	case status < 400:
		return Done
	case status < 500:
		return Refused
	}
	return Failed
}

// Entry is one order.
type Entry struct {
	Number  uint64    `json:"n"`  // given by Append
	At      time.Time `json:"at"` // given by Append, UTC
	Order   string    `json:"order"`
	Who     string    `json:"who"` // a user of the machine, "tcp", "signal"; never an address
	Outcome Outcome   `json:"outcome"`
	Account string    `json:"account,omitempty"`
	// Details are words and numbers: kinds, counts, the number of a purge.
	Details map[string]any `json:"details,omitempty"`
}

// maxLine bounds an entry, in bytes.
const maxLine = 16 << 10

// line returns the entry as it stands in the file. Details that make it too long are
// left out.
func (e *Entry) line() ([]byte, error) {
	text, err := json.Marshal(e)
	if err == nil && len(text) >= maxLine {
		short := *e
		short.Details = map[string]any{"left_out": "the details are too long"}
		text, err = json.Marshal(&short)
	}
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	if len(text) >= maxLine {
		return nil, errors.New("audit: the entry is too long")
	}
	return append(text, '\n'), nil
}

// parse returns the entries of whole lines, and how many lines make no sense.
func parse(text []byte) (entries []Entry, damaged int) {
	for line := range bytes.Lines(text) {
		var e Entry
		if json.Unmarshal(line, &e) != nil || e.Number == 0 || e.Order == "" {
			damaged++
			continue
		}
		entries = append(entries, e)
	}
	return entries, damaged
}

// Read returns the entries of a file, the oldest first, and how many lines make no
// sense. A torn last line is an entry that was never acknowledged. A file that is not
// there has none.
func Read(path string) (entries []Entry, damaged int, err error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("audit: %w", err)
	}
	entries, damaged = parse(whole(text))
	return entries, damaged, nil
}

// whole cuts a torn last line off.
func whole(text []byte) []byte { return text[:bytes.LastIndexByte(text, '\n')+1] }
