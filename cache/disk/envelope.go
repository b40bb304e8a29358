package disk

import (
	"fmt"
	"slices"
)

// An envelope is the first page of a file of an encrypted disk: the salts of its
// epochs. What the file would be on a plain disk comes behind it, encrypted.
const (
	magicEnvelope = 0x45444445 // "EDDE"
	envelopeSize  = pageSize
	epochSize     = 8 + saltSize
	maxEpochs     = (envelopeSize - headSize) / epochSize
)

// encodeEnvelope returns the envelope of a file.
func encodeEnvelope(epochs []epoch) []byte {
	head, entries := newHead(magicEnvelope), make([]byte, 0, len(epochs)*epochSize)
	for i := range epochs {
		entries = le.AppendUint64(entries, uint64(epochs[i].from))
		entries = append(entries, epochs[i].salt[:]...)
	}
	le.PutUint32(head[8:], uint32(len(epochs)))
	le.PutUint32(head[12:], checksum(entries))
	b := append(sealHead(head), entries...)
	return append(b, make([]byte, envelopeSize-len(b))...)
}

// parseEnvelope decodes an envelope. It returns ErrCorrupt for bytes that are none.
func (r *keyring) parseEnvelope(b []byte) ([]epoch, error) {
	if len(b) < envelopeSize || !goodHead(b, magicEnvelope) {
		return nil, fmt.Errorf("%w: envelope", ErrCorrupt)
	}
	count := int(min(le.Uint32(b[8:]), maxEpochs+1))
	if count == 0 || count > maxEpochs || checksum(b[headSize:headSize+count*epochSize]) != le.Uint32(b[12:]) {
		return nil, fmt.Errorf("%w: envelope", ErrCorrupt)
	}
	epochs := make([]epoch, count)
	for i := range epochs {
		entry := b[headSize+i*epochSize:]
		e, err := r.epoch(int64(le.Uint64(entry)), [saltSize]byte(entry[8:epochSize]))
		if err != nil {
			return nil, err
		}
		epochs[i] = e
	}
	if epochs[0].from != 0 || !slices.IsSortedFunc(epochs, func(a, b epoch) int { return int(min(1, max(-1, a.from-b.from))) }) {
		return nil, fmt.Errorf("%w: envelope", ErrCorrupt)
	}
	return epochs, nil
}
