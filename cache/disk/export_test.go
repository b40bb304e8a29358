package disk

// SaveSnapshot saves the index now, as the keeper does from time to time.
func (t *Tier) SaveSnapshot() error { return t.keeper.save(false) }

// Ours reports whether a file of a disk holds content, indexes it, or logs removals.
func Ours(name string) (extent, snapshot, removals bool) {
	_, extent = extentNumber(name)
	_, snapshot = snapshotSequence(name)
	return extent, snapshot, name == removalName
}

// FirstBackoff is how long a sick disk waits for its first probe.
const FirstBackoff = firstBackoff

// ReadFailures is how many failing reads take a disk offline.
const ReadFailures = readFailures

// SealHead sets the checksum of the fixed structure that b begins with.
func SealHead(b []byte) { sealHead(b[:headSize]) }

// MissedMax bounds the removals that are noted for a disk that is not open.
const MissedMax = missedMax
