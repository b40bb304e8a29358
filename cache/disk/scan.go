package disk

import "errors"

// scan walks the records of an extent without a footer. It accepts a record only
// when its checksums, generation, place and lengths agree, and stops at the first
// that does not: what comes after it was never published, or cannot be trusted.
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
	if err := s.checkLast(); err != nil {
		return nil, 0, err
	}
	return s.refs, s.end, nil
}

type scanner struct {
	file   File
	extent *extent
	refs   []recordRef
	end    uint32
	last   *record
	buf    []byte
}

// step accepts the record at end.
func (s *scanner) step() error {
	rec, err := s.read()
	if err != nil {
		return err
	}
	ref := rec.ref(s.extent.number)
	s.refs = append(s.refs, ref)
	s.end += uint32(ref.pages)
	s.last = rec
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

// checkLast drops the last record when its body is not whole: the write that a
// kill interrupts leaves a good header and half a body.
func (s *scanner) checkLast() error {
	if s.last == nil {
		return nil
	}
	s.buf = grow(s.buf, int(s.last.bodyLen))
	off := int64(s.last.page)*pageSize + int64(s.last.bodyOff())
	err := readFull(s.file, s.buf, off)
	if err == nil {
		err = s.last.verify(s.buf, 0)
	}
	if errors.Is(err, ErrCorrupt) {
		s.end = s.last.page
		s.refs = s.refs[:len(s.refs)-1]
		return nil
	}
	return err
}

// grow returns a slice of n bytes, b if it is large enough.
func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}
