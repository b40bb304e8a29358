package usage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Layout of a file: see FORMAT.md.
const (
	fileMagic  = "edusage\x01" // the last byte is the version
	frameMagic = "\xedUse"
	frameHead  = 12      // magic, length, checksum
	maxPayload = 1 << 26 // of a frame that is read, in bytes
)

// errFrame is a frame that is torn or damaged.
var errFrame = errors.New("usage: damaged frame")

// frame is one flush: the rows that were new, under the number of the flush. In the
// file of a month it is everything up to that number that was not there yet.
type frame struct {
	seq  uint64
	time int64 // Unix seconds, when it was written; for people only
	rows []Row
}

// checksum is CRC-32C. The standard library makes its table once.
func checksum(payload []byte) uint32 {
	return crc32.Checksum(payload, crc32.MakeTable(crc32.Castagnoli))
}

// append appends the frame as it stands in a file.
func (f *frame) append(dst []byte) []byte {
	head := len(dst)
	dst = append(dst, frameMagic+"\x00\x00\x00\x00\x00\x00\x00\x00"...)
	dst = f.appendPayload(dst)
	payload := dst[head+frameHead:]
	binary.LittleEndian.PutUint32(dst[head+4:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(dst[head+8:], checksum(payload))
	return dst
}

func (f *frame) appendPayload(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, f.seq)
	dst = binary.AppendVarint(dst, f.time)
	names, index := f.names()
	dst = binary.AppendUvarint(dst, uint64(len(names)))
	for _, n := range names {
		dst = binary.AppendUvarint(dst, uint64(len(n)))
		dst = append(dst, n...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(f.rows)))
	for i := range f.rows {
		r := &f.rows[i]
		dst = binary.AppendVarint(dst, r.Hour)
		for _, n := range []string{r.Account, r.Site, r.Protocol} {
			dst = binary.AppendUvarint(dst, index[n])
		}
		dst = append(dst, r.Class)
		for _, c := range r.all() {
			dst = binary.AppendUvarint(dst, *c)
		}
	}
	return dst
}

// names returns each name in rows once, and where it stands.
func (f *frame) names() (list []string, index map[string]uint64) {
	index = make(map[string]uint64)
	for i := range f.rows {
		for _, n := range []string{f.rows[i].Account, f.rows[i].Site, f.rows[i].Protocol} {
			if _, ok := index[n]; !ok {
				index[n] = uint64(len(list))
				list = append(list, n)
			}
		}
	}
	return list, index
}

// parseFrame reads the frame at the beginning of b and returns its length.
func parseFrame(b []byte) (f frame, size int, err error) {
	if len(b) < frameHead || string(b[:4]) != frameMagic {
		return frame{}, 0, errFrame
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if n > maxPayload || uint64(len(b)-frameHead) < uint64(n) {
		return frame{}, 0, errFrame
	}
	payload := b[frameHead : frameHead+int(n)]
	if checksum(payload) != binary.LittleEndian.Uint32(b[8:]) {
		return frame{}, 0, errFrame
	}
	d := decoder{rest: payload}
	f = d.frame()
	if d.bad || len(d.rest) > 0 {
		return frame{}, 0, errFrame
	}
	return f, frameHead + int(n), nil
}

// decoder reads a payload. After the first value that is not there it reads zeroes.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) frame() frame {
	f := frame{seq: d.uint(), time: d.int()}
	names := make([]string, d.count(1))
	for i := range names {
		names[i] = d.name()
	}
	const shortest = 12 // bytes of a row
	f.rows = make([]Row, d.count(shortest))
	for i := range f.rows {
		d.row(&f.rows[i], names)
	}
	return f
}

func (d *decoder) row(r *Row, names []string) {
	r.Hour = d.int()
	for _, n := range []*string{&r.Account, &r.Site, &r.Protocol} {
		i := d.uint()
		if i >= uint64(len(names)) {
			d.bad = true
			return
		}
		*n = names[i]
	}
	r.Class = d.byte()
	for _, c := range r.all() {
		*c = d.uint()
	}
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.rest)
	return uint64(take(d, int64(v), n))
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.rest)
	return take(d, v, n)
}

func take(d *decoder, v int64, n int) int64 {
	if n <= 0 || d.bad {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.bad = true
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

// count reads how many things of at least size bytes follow.
func (d *decoder) count(size int) int {
	n := d.uint()
	if n > uint64(len(d.rest)/size) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) name() string {
	n := d.count(1)
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

// contents is what reading a file found.
type contents struct {
	seq     uint64 // of the last frame, 0 without one
	end     int64  // behind the last good frame, 0 for a file without even a header
	skipped int    // frames whose number was there before
	damaged int64  // bytes between good frames that are no frame
	torn    int64  // bytes behind the last good frame
}

// parse hands every frame of a file to add, in order, those left out whose number is
// not above that of the frame before.
func parse(file []byte, add func(frame)) (c contents) {
	if !bytes.HasPrefix(file, []byte(fileMagic)) {
		c.torn = int64(len(file))
		return c
	}
	c.end = int64(len(fileMagic))
	for at := c.end; ; {
		f, size, err := parseFrame(file[at:])
		if err != nil {
			next := bytes.Index(file[min(at+1, int64(len(file))):], []byte(frameMagic))
			if next < 0 {
				c.torn = int64(len(file)) - c.end
				return c
			}
			at += 1 + int64(next)
			continue
		}
		c.damaged += at - c.end
		at += int64(size)
		c.end = at
		if f.seq <= c.seq {
			c.skipped++
			continue
		}
		c.seq = f.seq
		add(f)
	}
}
