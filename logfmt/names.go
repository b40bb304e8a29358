package logfmt

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Suffixes of a file on its way: written, closed, compressed.
const (
	suffixClosed   = ".log"
	suffixPart     = ".log.part" // still written to
	suffixZstd     = ".log.zst"  // closed and compressed
	suffixGzip     = ".log.gz"
	suffixManifest = ".manifest.json"

	suffixTempZstd     = ".log.zst.part" // being compressed
	suffixTempGzip     = ".log.gz.part"
	suffixTempCoarse   = ".log.new.part"       // being made coarser
	suffixTempManifest = ".manifest.json.part" // being written
)

// suffixes returns all of them.
func suffixes() []string {
	return []string{
		suffixClosed, suffixPart, suffixZstd, suffixGzip, suffixManifest,
		suffixTempZstd, suffixTempGzip, suffixTempCoarse, suffixTempManifest,
	}
}

// stemOf cuts the suffix off the name of a log file or a manifest, as far as it has
// one.
func stemOf(name string) string {
	for _, suffix := range suffixes() {
		if stem, ok := strings.CutSuffix(name, suffix); ok {
			return stem
		}
	}
	return name
}

func isPart(name string) bool { return strings.HasSuffix(name, ".part") }

const nameTime = "20060102T150405Z"

// naming makes and recognises the names of one writer's files:
//
//	NAME-NODE-20260102T150405Z-FIRST.log
//
// The time is when the file was begun, UTC; FIRST is the number of its first
// record. Files of other names in the directory are never touched.
type naming struct{ prefix string }

func newNaming(name, node string) (naming, error) {
	for _, s := range []string{name, node} {
		if s == "" || len(s) > 64 || s[0] == '.' || strings.ContainsFunc(s, oddInName) {
			return naming{}, fmt.Errorf("logfmt: %q does not fit a file name: use letters, digits, '.', '-', '_'", s)
		}
	}
	return naming{name + "-" + node + "-"}, nil
}

func oddInName(c rune) bool {
	letter := c|0x20 >= 'a' && c|0x20 <= 'z'
	return !letter && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_'
}

// stem returns a name without its suffix.
func (n naming) stem(begun time.Time, first int64) string {
	return n.prefix + begun.UTC().Format(nameTime) + "-" + strconv.FormatInt(first, 10)
}

// parse takes a file name apart. ok is false for files of others.
func (n naming) parse(name string) (stem, suffix string, begun time.Time, ok bool) {
	rest, ok := strings.CutPrefix(name, n.prefix)
	if !ok {
		return "", "", time.Time{}, false
	}
	dot := strings.IndexByte(rest, '.')
	if dot < 0 {
		return "", "", time.Time{}, false
	}
	moment, first, ok := strings.Cut(rest[:dot], "-")
	begun, err := time.Parse(nameTime, moment)
	if _, bad := strconv.ParseUint(first, 10, 63); !ok || err != nil || bad != nil {
		return "", "", time.Time{}, false
	}
	suffix = rest[dot:]
	if !slices.Contains(suffixes(), suffix) {
		return "", "", time.Time{}, false
	}
	return n.prefix + rest[:dot], suffix, begun, true
}
