package byterange

// Multipart frames several ranges of one representation as multipart/byteranges
// (RFC 9110 §14.6). The bytes of each range follow the header that AppendPart
// writes for it; AppendEnd closes the body.
type Multipart struct {
	// Boundary separates the parts: 1 to 70 octets of RFC 2046 §5.1.1 that the
	// body does not hold. It needs no quotes when made of letters and digits.
	Boundary string
	// ContentType is the type of the representation, left out when empty.
	ContentType string
	// Size is the length of the representation in bytes, negative when unknown.
	Size int64
}

// AppendContentType appends the Content-Type value of the whole answer to dst.
func (m *Multipart) AppendContentType(dst []byte) []byte {
	return append(append(dst, "multipart/byteranges; boundary="...), m.Boundary...)
}

// AppendPart appends what precedes the bytes of r to dst.
func (m *Multipart) AppendPart(dst []byte, r Range) []byte {
	dst = append(append(append(dst, "\r\n--"...), m.Boundary...), "\r\n"...)
	if m.ContentType != "" {
		dst = append(append(append(dst, "Content-Type: "...), m.ContentType...), "\r\n"...)
	}
	dst = AppendContentRange(append(dst, "Content-Range: "...), r, m.Size)
	return append(dst, "\r\n\r\n"...)
}

// AppendEnd appends what follows the bytes of the last range to dst.
func (m *Multipart) AppendEnd(dst []byte) []byte {
	return append(append(append(dst, "\r\n--"...), m.Boundary...), "--\r\n"...)
}

// Length returns the length of the whole body in bytes.
func (m *Multipart) Length(ranges []Range) int64 {
	var room [256]byte
	n := int64(len(m.AppendEnd(room[:0])))
	for _, r := range ranges {
		n += int64(len(m.AppendPart(room[:0], r))) + r.Len()
	}
	return n
}
