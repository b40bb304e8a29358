package logfmt

import (
	"strconv"
	"time"
)

// Append appends r as one line, newline included, in format f with its client
// as m leaves it. It allocates nothing but what dst lacks, and keeps r off the
// heap: TestAppendAllocatesNothing and BenchmarkAppend guard that.
//
// Whatever bytes r holds, the line has exactly the fields of the table and ends
// at its last byte: no value can forge a field, a line or a directive.
//
// In Pseudonym mode it writes r.Pseudonym, which [Writer.Write] sets: without
// one the client is missing.
func Append(dst []byte, f Format, m AddressMode, r *Record) []byte {
	return appendTail(appendHead(dst, f, m, r), f, &r.Sequence)
}

// appendHead appends the line up to the fields of Sequence, which are the last
// ones and known only when a record goes to disk. In W3C it ends in a space.
func appendHead(dst []byte, f Format, m AddressMode, r *Record) []byte {
	if f == JSON {
		return appendJSON(append(dst, `{"v":1`...), m, r, 0, fieldRun)
	}
	return appendW3C(dst, m, r, 0, fieldRun)
}

// appendTail appends the rest of the line.
func appendTail(dst []byte, f Format, s *Sequence) []byte {
	r := Record{Sequence: *s}
	if f == JSON {
		return append(appendJSON(dst, None, &r, fieldRun, numFields), '}', '\n')
	}
	dst = appendW3C(dst, None, &r, fieldRun, numFields)
	dst[len(dst)-1] = '\n' // for the last space
	return dst
}

// appendW3C appends the fields from one up to another, a space after each.
func appendW3C(dst []byte, m AddressMode, r *Record, from, to fieldID) []byte {
	for id := from; id < to; id++ {
		before := len(dst)
		dst = appendW3CValue(dst, m, r, id)
		if len(dst) == before {
			dst = append(dst, '-')
		}
		dst = append(dst, ' ')
	}
	return dst
}

// appendJSON appends the fields from one up to another as members, without
// those that are missing.
func appendJSON(dst []byte, m AddressMode, r *Record, from, to fieldID) []byte {
	for id := from; id < to; id++ {
		before := len(dst)
		dst = append(dst, keys[id]...)
		key := len(dst)
		dst = appendJSONValue(dst, m, r, id)
		if len(dst) == key {
			dst = dst[:before]
		}
	}
	return dst
}

func appendW3CValue(dst []byte, m AddressMode, r *Record, id fieldID) []byte {
	switch kinds[id] {
	case KindText:
		if s := r.stringOf(id); s != nil {
			return appendW3CText(dst, *s)
		}
		return appendW3CText(dst, *r.bytesOf(id))
	case KindTime:
		return appendTime(dst, r.Time, ' ')
	case KindAddress:
		return appendAddress(dst, m, r)
	case KindFlag:
		if *r.flagOf(id) {
			return append(dst, '1')
		}
		return append(dst, '0')
	case KindAgent:
		return append(dst, r.Request.Agent.String()...)
	case KindRange:
		return appendRange(dst, r)
	}
	return appendNumber(dst, r, id)
}

func appendJSONValue(dst []byte, m AddressMode, r *Record, id fieldID) []byte {
	switch kinds[id] {
	case KindFlag:
		return strconv.AppendBool(dst, *r.flagOf(id))
	case KindStatus, KindCount, KindMicros, KindSeconds:
		return appendNumber(dst, r, id)
	}
	start := len(dst)
	dst = append(dst, '"')
	dst = appendJSONString(dst, m, r, id)
	if len(dst) == start+1 {
		return dst[:start]
	}
	return append(dst, '"')
}

func appendJSONString(dst []byte, m AddressMode, r *Record, id fieldID) []byte {
	switch kinds[id] {
	case KindText:
		if s := r.stringOf(id); s != nil {
			return appendJSONText(dst, *s)
		}
		return appendJSONText(dst, *r.bytesOf(id))
	case KindTime:
		return append(appendTime(dst, r.Time, 'T'), 'Z')
	case KindAddress:
		return appendAddress(dst, m, r)
	case KindAgent:
		return append(dst, r.Request.Agent.String()...)
	case KindRange:
		return appendRange(dst, r)
	}
	return dst
}

// appendNumber appends a value that looks alike in both formats, nothing when
// it is missing.
func appendNumber(dst []byte, r *Record, id fieldID) []byte {
	switch kinds[id] {
	case KindCount:
		return strconv.AppendInt(dst, *r.countOf(id), 10)
	case KindStatus:
		if r.Status != 0 {
			return strconv.AppendInt(dst, int64(r.Status), 10)
		}
	case KindMicros:
		if d := *r.durationOf(id); d > 0 {
			return strconv.AppendInt(dst, micros(d), 10)
		}
	case KindSeconds:
		if r.Cache.HasTTL {
			return strconv.AppendInt(dst, r.Cache.TTL, 10)
		}
	}
	return dst
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

// appendTime appends Unix nanoseconds as 2006-01-02?15:04:05.000 in UTC. It is
// a third of the cost of time.AppendFormat.
func appendTime(dst []byte, unixNano int64, sep byte) []byte {
	t := time.Unix(0, unixNano).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	milli := t.Nanosecond() / int(time.Millisecond)
	dst = appendPair(appendPair(dst, year/100), year%100)
	dst = appendPair(append(dst, '-'), int(month))
	dst = appendPair(append(dst, '-'), day)
	dst = appendPair(append(dst, sep), hour)
	dst = appendPair(append(dst, ':'), minute)
	dst = appendPair(append(dst, ':'), second)
	return appendPair(append(dst, '.', byte('0'+milli/100)), milli%100)
}

// appendPair appends two digits.
func appendPair(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

// AppendHeader appends what a file of format f begins with: the directives of
// W3C, nothing for JSON. software names the program; now is the time of #Date.
func AppendHeader(dst []byte, f Format, software string, now time.Time) []byte {
	if f == JSON {
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
