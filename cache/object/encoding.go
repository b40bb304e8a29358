package object

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// Limits of an encoded Meta. The disk tier refuses to store what is larger, so
// one record never needs more than [MaxMetaBytes] to read.
const (
	// MaxKeyBytes bounds the length of Meta.Key, of Meta.Account and of Meta.Keys.
	MaxKeyBytes = 8 << 10
	// MaxHeaderBytes bounds the encoded Meta.Header: the sum of all names and
	// values plus four bytes a line.
	MaxHeaderBytes = 64 << 10
	// MaxMetaBytes is the most that AppendMeta ever appends.
	MaxMetaBytes = metaFixed + 3*MaxKeyBytes + MaxHeaderBytes
)

// ErrMeta marks bytes that are not an encoded Meta of a format we read. A tier
// that meets it treats the object as absent.
var ErrMeta = errors.New("object: malformed metadata")

// The encoding, little endian, fixed part first:
//
//	 0  u8   format, metaFormat
//	 1  u8   Class
//	 2  u16  Status
//	 4  u32  length of the whole encoding, this fixed part included
//	 8  u64  Version
//	16  u64  Seq
//	24  i64  Size
//	32  i64  Freshness.Received, Unix nanoseconds
//	40  i64  Freshness.InitialAge, nanoseconds, as the next three
//	48  i64  Freshness.Lifetime
//	56  i64  Freshness.StaleWhileRevalidate
//	64  i64  Freshness.StaleIfError
//	72  u16  Freshness.Flags
//	74  u16  length of Key
//	76  u16  length of Account
//	78  u16  number of header lines
//	80  u16  length of Keys
//	82  Key, Account, Keys
//	    then for each line: u16 length of name, u16 length of value, name, value
//
// A Meta has exactly one encoding: what ParseMeta accepts, AppendMeta gives back
// byte for byte. Any change of layout takes a new metaFormat.
const (
	metaFormat = 2
	metaFixed  = 82
	fieldFixed = 4
)

// Encodable reports whether m is within the limits of the encoding. A response
// that is not can be served but not stored on disk.
func (m *Meta) Encodable() bool {
	return len(m.Key) <= MaxKeyBytes && len(m.Account) <= MaxKeyBytes && len(m.Keys) <= MaxKeyBytes &&
		m.Status >= 0 && m.Status <= math.MaxUint16 && m.Size >= -1 &&
		headerBytes(m.Header) <= MaxHeaderBytes
}

// headerBytes returns the encoded length of h.
func headerBytes(h Header) int {
	n := 0
	for i := range h {
		n += fieldFixed + len(h[i].Name) + len(h[i].Value)
	}
	return n
}

// AppendMeta appends the encoding of m to dst. It appends nothing, not even a
// byte, when m is not [Meta.Encodable].
func AppendMeta(dst []byte, m *Meta) []byte {
	if !m.Encodable() {
		return dst
	}
	le := binary.LittleEndian
	f := &m.Freshness
	length := metaFixed + len(m.Key) + len(m.Account) + len(m.Keys) + headerBytes(m.Header)
	dst = append(dst, metaFormat, m.Class)
	dst = le.AppendUint16(dst, uint16(m.Status))
	dst = le.AppendUint32(dst, uint32(length))
	dst = le.AppendUint64(dst, m.Version)
	dst = le.AppendUint64(dst, m.Seq)
	dst = le.AppendUint64(dst, uint64(m.Size))
	dst = le.AppendUint64(dst, uint64(f.Received))
	dst = le.AppendUint64(dst, uint64(f.InitialAge))
	dst = le.AppendUint64(dst, uint64(f.Lifetime))
	dst = le.AppendUint64(dst, uint64(f.StaleWhileRevalidate))
	dst = le.AppendUint64(dst, uint64(f.StaleIfError))
	dst = le.AppendUint16(dst, uint16(f.Flags))
	dst = le.AppendUint16(dst, uint16(len(m.Key)))
	dst = le.AppendUint16(dst, uint16(len(m.Account)))
	dst = le.AppendUint16(dst, uint16(len(m.Header)))
	dst = le.AppendUint16(dst, uint16(len(m.Keys)))
	dst = append(append(append(dst, m.Key...), m.Account...), m.Keys...)
	return appendHeader(dst, m.Header)
}

// appendHeader appends the lines of h.
func appendHeader(dst []byte, h Header) []byte {
	for i := range h {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(h[i].Name)))
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(h[i].Value)))
		dst = append(append(dst, h[i].Name...), h[i].Value...)
	}
	return dst
}

// ParseMeta decodes what AppendMeta made. b must hold one encoding and nothing
// else; it is borrowed for the call only. Every error wraps [ErrMeta].
//
// Lengths and limits are checked, content is not: whoever keeps encodings where
// bits may rot adds a checksum.
func ParseMeta(b []byte) (*Meta, error) {
	if len(b) < metaFixed {
		return nil, fmt.Errorf("%w: %d bytes, the fixed part alone has %d", ErrMeta, len(b), metaFixed)
	}
	if b[0] != metaFormat {
		return nil, fmt.Errorf("%w: format %d, this build reads %d", ErrMeta, b[0], metaFormat)
	}
	le := binary.LittleEndian
	if length := le.Uint32(b[4:]); uint64(length) != uint64(len(b)) {
		return nil, fmt.Errorf("%w: says %d bytes, has %d", ErrMeta, length, len(b))
	}
	m := parseFixed(b)
	key, account, lines, keys := int(le.Uint16(b[74:])), int(le.Uint16(b[76:])), int(le.Uint16(b[78:])), int(le.Uint16(b[80:]))
	if key > MaxKeyBytes || account > MaxKeyBytes || keys > MaxKeyBytes || m.Size < -1 {
		return nil, fmt.Errorf("%w: key of %d, account of %d, surrogate keys of %d, body of %d bytes", ErrMeta, key, account, keys, m.Size)
	}
	if rest := len(b) - metaFixed - key - account - keys; rest < lines*fieldFixed || rest > MaxHeaderBytes {
		return nil, fmt.Errorf("%w: %d header lines in %d bytes", ErrMeta, lines, rest)
	}
	// One string for all text: a Meta lives and dies as a whole.
	text := string(b[metaFixed:])
	names := key + account
	m.Key, m.Account, m.Keys = Key(text[:key]), text[key:names], text[names:names+keys]
	h, err := parseHeader(text[names+keys:], lines)
	if err != nil {
		return nil, err
	}
	m.Header = h
	return m, nil
}

// parseFixed reads the numbers of the fixed part.
func parseFixed(b []byte) *Meta {
	le := binary.LittleEndian
	i64 := func(at int) int64 { return int64(le.Uint64(b[at:])) }
	return &Meta{
		Class:   b[1],
		Status:  int(le.Uint16(b[2:])),
		Version: le.Uint64(b[8:]),
		Seq:     le.Uint64(b[16:]),
		Size:    i64(24),
		Freshness: Freshness{
			Received:             i64(32),
			InitialAge:           time.Duration(i64(40)),
			Lifetime:             time.Duration(i64(48)),
			StaleWhileRevalidate: time.Duration(i64(56)),
			StaleIfError:         time.Duration(i64(64)),
			Flags:                Flags(le.Uint16(b[72:])),
		},
	}
}

// parseHeader cuts text into the given number of lines. The lines share text.
func parseHeader(text string, lines int) (Header, error) {
	if lines == 0 && text == "" {
		return nil, nil
	}
	h := make(Header, 0, lines)
	for range lines {
		if len(text) < fieldFixed {
			return nil, fmt.Errorf("%w: header ends after %d of %d lines", ErrMeta, len(h), lines)
		}
		name := int(text[0]) | int(text[1])<<8
		end := name + (int(text[2]) | int(text[3])<<8)
		text = text[fieldFixed:]
		if len(text) < end {
			return nil, fmt.Errorf("%w: header line %d is cut", ErrMeta, len(h)+1)
		}
		h = append(h, Field{Name: text[:name], Value: text[name:end]})
		text = text[end:]
	}
	if text != "" {
		return nil, fmt.Errorf("%w: %d bytes after the last header line", ErrMeta, len(text))
	}
	return h, nil
}
