package main

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"path/filepath"

	"edged/cache/object"
	"edged/logfmt"
)

// request asks for one block.
type request struct {
	block uint64 // identity
	size  int32  // bytes
}

// trace is a sequence of requests.
type trace struct {
	name     string
	requests []request
}

// footprint returns the bytes of all different blocks.
func (t *trace) footprint() (bytes int64) {
	seen := map[uint64]bool{}
	for _, r := range t.requests {
		if !seen[r.block] {
			seen[r.block] = true
			bytes += int64(r.size)
		}
	}
	return bytes
}

// bytes returns the bytes of all requests.
func (t *trace) bytes() (sum int64) {
	for _, r := range t.requests {
		sum += int64(r.size)
	}
	return sum
}

// readLog makes a trace of an access log. It returns how many lines were no records,
// which a log that was cut off has.
func readLog(name string) (t trace, bad int, err error) {
	file, err := logfmt.Open(name)
	if err != nil {
		return trace{}, 0, err
	}
	defer file.Close() //nolint:errcheck // was only read
	t = trace{name: filepath.Base(name)}
	seed, in := maphash.MakeSeed(), logfmt.NewReader(file)
	var r logfmt.Record
	for {
		switch err := in.Read(&r); {
		case err == nil:
			t.requests = appendBlocks(t.requests, seed, &r)
		case err == io.EOF: //nolint:errorlint // returned bare
			t.settleSizes()
			return t, bad, nil
		case errors.Is(err, logfmt.ErrSyntax), errors.Is(err, logfmt.ErrTorn), errors.Is(err, logfmt.ErrVersion):
			bad++
		default:
			return trace{}, bad, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// appendBlocks appends the blocks that the bytes of a record touch. The size of each
// is how far into it the bytes reach.
func appendBlocks(dst []request, seed maphash.Seed, r *logfmt.Record) []request {
	if r.Status != 200 && r.Status != 206 || r.BytesSent <= 0 {
		return dst
	}
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteString(r.Account) //nolint:errcheck // never fails, and below
	h.WriteByte(0)           //nolint:errcheck
	h.Write(r.Host)          //nolint:errcheck
	h.WriteByte(0)           //nolint:errcheck
	h.Write(r.Path)          //nolint:errcheck
	from := r.Request.RangeStart
	if r.Request.RangeEnd <= from || r.Status != 206 {
		from = 0
	}
	to := from + r.BytesSent
	for i := from / object.BlockSize; i*object.BlockSize < to; i++ {
		end := min(to-i*object.BlockSize, object.BlockSize)
		dst = append(dst, request{mix(h.Sum64() + uint64(i)), int32(end)})
	}
	return dst
}

// settleSizes gives all requests for a block the largest size seen.
func (t *trace) settleSizes() {
	size := map[uint64]int32{}
	for _, r := range t.requests {
		size[r.block] = max(size[r.block], r.size)
	}
	for i := range t.requests {
		t.requests[i].size = size[t.requests[i].block]
	}
}

// mix spreads a number over 64 bits (the finaliser of SplitMix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
