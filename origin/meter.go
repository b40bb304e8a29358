package origin

import "time"

// meterSlots is the resolution of the sliding window.
const meterSlots = 8

// meter judges a minimum rate over a sliding window of time spent waiting. Time
// in which nobody waits does not pass: a slow consumer is not a slow origin.
type meter struct {
	need  int64         // bytes that a full window must have; 0 judges nothing
	slot  time.Duration // length of one slot
	bytes [meterSlots]int64
	sum   int64         // of bytes
	pos   time.Duration // into the current slot
	at    int           // current slot
	full  int           // slots completed, up to meterSlots
}

// newMeter returns a meter for rate bytes a second over window.
func newMeter(rate int64, window time.Duration) meter {
	if rate <= 0 {
		return meter{}
	}
	// In float: rate × nanoseconds passes 63 bits at 1 GB/s and 10 s.
	need := max(1, int64(float64(rate)*window.Seconds()))
	return meter{need: need, slot: max(1, window/meterSlots)}
}

// add books n bytes for which the reader waited, and reports whether the rate is
// still kept. It is judged whenever a slot completes a full window.
func (m *meter) add(n int, waited time.Duration) bool {
	if m.need == 0 {
		return true
	}
	m.bytes[m.at] += int64(n)
	m.sum += int64(n)
	m.pos += waited
	for m.pos >= m.slot {
		m.pos -= m.slot
		m.full = min(m.full+1, meterSlots)
		if m.full == meterSlots && m.sum < m.need {
			return false
		}
		m.at = (m.at + 1) % meterSlots
		m.sum -= m.bytes[m.at]
		m.bytes[m.at] = 0
	}
	return true
}
