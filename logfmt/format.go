package logfmt

import (
	"errors"
	"fmt"
)

// Version is the schema version of records: the "v" of a JSON line and the
// schema of a W3C file's #Remark. It grows when the meaning of a field changes
// or a field goes; a new field alone does not change it.
const Version = 2

// Errors that callers tell apart.
var (
	// ErrSyntax marks a line or a block that is no good. Its text names the line or
	// the field and never quotes the log, which may hold an address.
	ErrSyntax = errors.New("logfmt: malformed record")
	// ErrTorn marks a last line or block without its end, as a crash leaves it.
	ErrTorn = errors.New("logfmt: torn last line")
	// ErrVersion marks a record of a later schema than [Version], or a block of a later
	// layout.
	ErrVersion = errors.New("logfmt: unknown schema version")
	// ErrClosed is returned by the methods of a closed Writer.
	ErrClosed = errors.New("logfmt: writer is closed")
)

// Format is the form of a log file.
type Format uint8

// The formats; W3C is the default.
const (
	W3C    Format = iota // W3C extended log file format
	JSON                 // one JSON object a line
	Binary               // blocks of records, for nodes whose processors are full
	numFormats
)

// String returns the word that configuration uses.
func (f Format) String() string {
	if f >= numFormats {
		return "invalid"
	}
	return [numFormats]string{"w3c", "json", "binary"}[f]
}

// ParseFormat is the inverse of Format.String.
func ParseFormat(s string) (Format, error) {
	for f := range numFormats {
		if f.String() == s {
			return f, nil
		}
	}
	return 0, fmt.Errorf("logfmt: unknown format %q: use \"w3c\", \"json\" or \"binary\"", s)
}

// TLSVersion returns the word for a protocol version as crypto/tls and the wire
// number it (RFC 8446 §4.2.1), "" for 0 (plain HTTP).
func TLSVersion(v uint16) string {
	switch v {
	case 0:
		return ""
	case 0x0304:
		return "TLSv1.3"
	case 0x0303:
		return "TLSv1.2"
	}
	return "other"
}
