package logfmt

import (
	"bytes"
	"strconv"
)

// CMCD is what a player tells of itself (CTA-5004, common media client data), as far
// as the log keeps it: numbers and one-letter words. There is no place in it for
// a session id, a content id, a next object or anything a viewer could write into.
//
// The zero value says nothing.
type CMCD struct {
	numbers [numCMCDNumbers]int64 // by cmcdKey, each plus 1; 0 for missing
	words   [numCMCDKeys - numCMCDNumbers]byte
}

// cmcdKey is a key that the log keeps.
type cmcdKey uint8

// The keys, numbers first, then words, in the order of the alphabet.
const (
	cmcdBitrate    cmcdKey = iota // br: encoded bitrate, kbit/s
	cmcdBuffer                    // bl: buffer length, ms
	cmcdDuration                  // d: duration of the object, ms
	cmcdDeadline                  // dl: until the buffer is empty, ms
	cmcdThroughput                // mtp: measured throughput, kbit/s
	cmcdRequested                 // rtp: requested maximum throughput, kbit/s
	cmcdTop                       // tb: top bitrate of the title, kbit/s
	numCMCDNumbers
	cmcdStarved cmcdKey = iota - 1 // bs: the buffer ran empty
	cmcdObject                     // ot: type of the object
	cmcdFormat                     // sf: streaming format
	cmcdStream                     // st: live or not
	cmcdStartup                    // su: needed urgently
	numCMCDKeys
)

// cmcdNames are the keys' names; cmcdWords are the words that a key may have, "" for
// one that is only there or not.
var (
	cmcdNames = [numCMCDKeys]string{"br", "bl", "d", "dl", "mtp", "rtp", "tb", "bs", "ot", "sf", "st", "su"}
	cmcdWords = [numCMCDKeys - numCMCDNumbers]string{"", "makovcit", "dhso", "vl", ""}
)

// maxCMCDNumber bounds a number: ten years in milliseconds have twelve digits.
const maxCMCDNumber = 999_999_999_999

// Bitrate returns br, the encoded bitrate of the object in kbit/s; ok is false where
// the player did not tell, here and below.
func (c *CMCD) Bitrate() (kbps int64, ok bool) { return c.number(cmcdBitrate) }

// Buffer returns bl, the length of the buffer in milliseconds.
func (c *CMCD) Buffer() (ms int64, ok bool) { return c.number(cmcdBuffer) }

// Throughput returns mtp, the throughput that the player measured, in kbit/s.
func (c *CMCD) Throughput() (kbps int64, ok bool) { return c.number(cmcdThroughput) }

// Starved reports bs: the buffer ran empty before this request.
func (c *CMCD) Starved() bool { return c.words[cmcdStarved-numCMCDNumbers] != 0 }

func (c *CMCD) number(k cmcdKey) (n int64, ok bool) { return c.numbers[k] - 1, c.numbers[k] > 0 }

// AddQuery reads the CMCD argument of a raw query, in which it is percent-encoded.
func (c *CMCD) AddQuery(query []byte) {
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte("&"))
		if len(pair) > 5 && pair[4] == '=' && bytes.EqualFold(pair[:4], []byte("CMCD")) {
			c.addEncoded(pair[5:])
		}
	}
}

// maxCMCD is how much of an argument is looked at, in bytes. Players send up to 400.
const maxCMCD = 1024

func (c *CMCD) addEncoded(value []byte) {
	var room [maxCMCD]byte
	if len(value) > len(room) {
		return
	}
	if plain, ok := appendUnescaped(room[:0], value, false); ok {
		c.AddField(plain)
	}
}

// AddField reads the value of a CMCD-Object, CMCD-Request, CMCD-Session or
// CMCD-Status field. What the log does not keep it skips, quoted texts as a whole. It
// keeps nothing of value.
func (c *CMCD) AddField(value []byte) {
	for len(value) > 0 {
		var pair []byte
		pair, value = cutPair(value)
		name, v, _ := bytes.Cut(bytes.TrimSpace(pair), []byte("="))
		c.set(name, v)
	}
}

// cutPair cuts at the first comma outside of quotes and parentheses.
func cutPair(b []byte) (pair, rest []byte) {
	quoted, depth := false, 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth <= 0:
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// set takes a key with its value, if it is one of those that are kept. It reports
// whether it was.
func (c *CMCD) set(name, value []byte) bool {
	for k, known := range cmcdNames {
		if string(name) == known {
			return c.setKey(cmcdKey(k), value)
		}
	}
	return false
}

func (c *CMCD) setKey(k cmcdKey, value []byte) bool {
	if k < numCMCDNumbers {
		n, ok := cmcdNumber(value)
		if ok {
			c.numbers[k] = n + 1
		}
		return ok
	}
	place, words := &c.words[k-numCMCDNumbers], cmcdWords[k-numCMCDNumbers]
	switch {
	case words == "" && (len(value) == 0 || string(value) == "?1"):
		*place = 1
		return true
	case len(value) == 1 && bytes.IndexByte([]byte(words), value[0]) >= 0:
		*place = value[0]
		return true
	case k == cmcdObject && string(value) == "av":
		*place = 'A'
		return true
	}
	return false
}

// cmcdNumber reads an integer, or the first one of a list as version 2 has it:
// (3200;v 128;a).
func cmcdNumber(value []byte) (n int64, ok bool) {
	if len(value) > 0 && value[0] == '(' {
		value = value[1:]
		value = value[:digits(value)]
	}
	if len(value) == 0 || len(value) > 12 || digits(value) != len(value) {
		return 0, false
	}
	for _, c := range value {
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// append writes what there is as CMCD writes it: keys in the order of the table,
// separated by commas. Nothing in it needs escapes in either format.
func (c *CMCD) append(dst []byte) []byte {
	if *c == (CMCD{}) {
		return dst
	}
	start := len(dst)
	for k, n := range c.numbers {
		if n > 0 {
			dst = append(append(cmcdComma(dst, start), cmcdNames[k]...), '=')
			dst = strconv.AppendInt(dst, min(n-1, maxCMCDNumber), 10)
		}
	}
	for k, word := range c.words {
		if word == 0 {
			continue
		}
		dst = append(cmcdComma(dst, start), cmcdNames[int(numCMCDNumbers)+k]...)
		switch {
		case word == 'A':
			dst = append(dst, "=av"...)
		case word != 1:
			dst = append(dst, '=', word)
		}
	}
	return dst
}

func cmcdComma(dst []byte, start int) []byte {
	if len(dst) > start {
		return append(dst, ',')
	}
	return dst
}

// parse is the inverse of append. It refuses what append would not have written.
func (c *CMCD) parse(value []byte) bool {
	for more := true; more; {
		var pair []byte
		pair, value, more = bytes.Cut(value, []byte(","))
		name, v, _ := bytes.Cut(pair, []byte("="))
		if !c.set(name, v) {
			return false
		}
	}
	return true
}
