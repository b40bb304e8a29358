package logfmt

import (
	"strconv"
	"time"
)

// lineBegin is how a JSON record begins; the schema version is in it.
const lineBegin = `{"v":2`

// Append appends r as one line, newline included, or as a block of its own, in format f
// with its client as m leaves it, or stricter when r.Address says so. It allocates nothing but what
// dst lacks, and keeps r off the heap: TestAppendAllocatesNothing and
// BenchmarkAppend guard that. For more than a record use an [Encoder]: blocks are for
// many.
//
// Whatever bytes r holds, the line has exactly the fields of the table and ends
// at its last byte: no value can forge a field, a line or a directive.
//
// In Pseudonym mode it writes r.Pseudonym, which [Writer.Write] sets: without
// one the client is missing.
func Append(dst []byte, f Format, m AddressMode, r *Record) []byte {
	if f == Binary {
		var b blockPen
		return b.end(b.addAt(dst, m, r))
	}
	p := pen{buf: dst, json: f == JSON}
	p.head(m, r)
	p.tail(&r.Sequence)
	return p.buf
}

// appendHead appends the line up to the fields of Sequence, which are the last
// ones and known only when a record goes to disk.
func appendHead(dst []byte, f Format, m AddressMode, r *Record, c *memo) []byte {
	p := pen{buf: dst, json: f == JSON, memo: c}
	p.head(m, r)
	return p.buf
}

// appendTail appends the rest of the line.
func appendTail(dst []byte, f Format, s *Sequence) []byte {
	p := pen{buf: dst, json: f == JSON}
	p.tail(s)
	return p.buf
}

// micros rounds up, so that a RAM hit's 800 ns is not taken for a missing value.
func micros(d time.Duration) int64 {
	us := int64(d / time.Microsecond)
	if d%time.Microsecond > 0 {
		us++
	}
	return us
}

// appendRange appends the range asked for as Content-Range counts it, both ends
// inclusive.
func appendRange(dst []byte, r *Record) []byte {
	if r.Request.RangeStart < 0 || r.Request.RangeEnd <= r.Request.RangeStart {
		return dst
	}
	dst = append(strconv.AppendInt(dst, r.Request.RangeStart, 10), '-')
	return strconv.AppendInt(dst, r.Request.RangeEnd-1, 10)
}

// AppendHeader appends what a file of format f begins with: the directives of
// W3C, nothing for the others. software names the program; now is the time of #Date.
func AppendHeader(dst []byte, f Format, software string, now time.Time) []byte {
	if f != W3C {
		return dst
	}
	dst = append(dst, "#Version: 1.0\n#Software: "...)
	dst = append(appendW3CText(dst, software), "\n#Date: "...)
	dst = now.UTC().AppendFormat(dst, "2006-01-02 15:04:05")
	dst = append(dst, "\n#Remark: schema="...)
	dst = append(strconv.AppendInt(dst, Version, 10), "\n#Fields:"...)
	for i := range fields {
		dst = append(append(dst, ' '), fields[i].W3C...)
	}
	return append(dst, '\n')
}
