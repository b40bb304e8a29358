package coding

import (
	"bytes"
	"math/bits"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Limits of what is worth coding, in bytes. Below the least a coded body and its
// header fields are hardly smaller; above the most the cost of coding shows.
const (
	MinSize = 200
	MaxSize = 1 << 20
)

// Append appends src, coded as c, to dst. It returns false, and dst as it was, when
// the result would not be smaller, or src is outside the limits, or c is Identity.
func Append(dst []byte, c Coding, src []byte) ([]byte, bool) {
	if len(src) < MinSize || len(src) > MaxSize || c == Identity {
		return dst, false
	}
	coded, err := encode(c, src)
	if err != nil || len(coded) >= len(src) {
		return dst, false
	}
	return append(dst, coded...), true
}

// window is the binary logarithm of a window that holds n bytes: a larger one would
// only cost memory. MaxSize keeps it far below the 8 MiB that RFC 9659 allows.
func window(n int) int { return max(10, bits.Len(uint(n-1))) }

func encode(c Coding, src []byte) ([]byte, error) {
	var buf bytes.Buffer
	switch c {
	case Zstd:
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
			zstd.WithWindowSize(1<<window(len(src))), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, err
		}
		defer e.Close() //nolint:errcheck // nothing is written to a stream
		return e.EncodeAll(src, nil), nil
	case Brotli:
		w := brotli.NewWriterOptions(&buf, brotli.WriterOptions{Quality: 9, LGWin: window(len(src))})
		if _, err := w.Write(src); err != nil {
			return nil, err
		}
		err := w.Close()
		return buf.Bytes(), err
	default:
		w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(src); err != nil {
			return nil, err
		}
		err = w.Close()
		return buf.Bytes(), err
	}
}

// ETag returns the entity tag of the coded form of a representation, weak if the tag
// is: two codings of one version must not share one (RFC 9110 §8.8.3.3), and a client
// that has one form should learn from its tag that it is still good. It returns ""
// when tag is no entity tag.
func ETag(tag string, c Coding) string {
	inner, ok := strings.CutSuffix(tag, `"`)
	if !ok || !strings.HasPrefix(strings.TrimPrefix(inner, "W/"), `"`) {
		return ""
	}
	return inner + "-" + c.String() + `"`
}
