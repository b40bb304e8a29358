package disk

import "errors"

// scan walks the records of an extent without a footer. It accepts a record only
// when its checksums, generation, place and lengths agree, and stops at the first
// that does not: what comes after it was never published, or cannot be trusted.
// Bodies are read, too: a torn one must not replace an older version that is whole.
// end is the page after the last good record. The error is that of the device.
func scan(x *extent) (refs []recordRef, end uint32, err error) {
	f, err := x.open()
	if err != nil {
		return nil, 0, err
	}
	s := scanner{file: f, extent: x, end: 1}
	for err == nil {
		err = s.step()
	}
	if !errors.Is(err, ErrCorrupt) {
		return nil, 0, err
	}
	return s.refs, s.end, nil
}

type scanner struct {
	file   File
	extent *extent
	refs   []recordRef
	end    uint32
	buf    []byte
}

// step accepts the record at end.
func (s *scanner) step() error {
	rec, err := s.read()
	if err == nil {
		err = s.body(rec)
	}
	if err != nil {
		return err
	}
	ref := rec.ref(s.extent.number)
	s.refs = append(s.refs, ref)
	s.end += uint32(ref.pages)
	return nil
}

func (s *scanner) read() (*record, error) {
	off := int64(s.end) * pageSize
	s.buf = grow(s.buf, pageSize)
	if err := readFull(s.file, s.buf, off); err != nil {
		return nil, err
	}
	h, err := parseRecordHeader(s.buf)
	if err != nil {
		return nil, err
	}
	if h.generation != s.extent.generation.Load() || h.page != s.end ||
		off+int64(h.length()) > s.extent.size.Load() {
		return nil, ErrCorrupt
	}
	tail := make([]byte, h.tailLen())
	if err := readFull(s.file, tail, off+recordHeaderSize); err != nil {
		return nil, err
	}
	return h.parseTail(s.extent.number, tail)
}

// body checks the body of a record: a kill leaves a good header and half a body, a
// power loss any pages of either.
func (s *scanner) body(rec *record) error {
	s.buf = grow(s.buf, int(rec.bodyLen))
	off := int64(rec.page)*pageSize + int64(rec.bodyOff())
	if err := readFull(s.file, s.buf, off); err != nil {
		return err
	}
	return rec.verify(s.buf, 0)
}

// grow returns a slice of n bytes, b if it is large enough.
func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}
