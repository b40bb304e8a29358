package logfmt

import (
	"net/netip"
	"sync"
	"testing"
	"time"
)

func TestPseudonymWithinAndAcrossDays(t *testing.T) {
	var p pseudonyms
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	morning, evening, tomorrow := int64(1), nanosPerDay-1, nanosPerDay
	first := p.at(morning).of(a)
	if got := p.at(evening).of(a); got != first {
		t.Errorf("the pseudonym changed within a day: %x, %x", first, got)
	}
	if got := p.at(evening).of(netip.MustParseAddr("::ffff:192.0.2.1")); got != first {
		t.Errorf("the mapped address has another pseudonym: %x, %x", first, got)
	}
	if p.at(evening).of(b) == first {
		t.Error("two addresses share a pseudonym")
	}
	second := p.at(tomorrow).of(a)
	if second == first {
		t.Error("the pseudonym outlived its day")
	}
	if got := p.at(morning).of(a); got != second {
		t.Error("a late record brought the old key back")
	}
	if p.at(morning).of(netip.Addr{}) != 0 {
		t.Error("no address has a pseudonym")
	}
}

func TestPseudonymKeysDiffer(t *testing.T) {
	var p, q pseudonyms
	if p.at(0).secret == q.at(0).secret {
		t.Error("two writers share a key")
	}
	if p.at(0).secret == ([32]byte{}) {
		t.Error("the key is empty")
	}
}

func TestPseudonymRotatesOnce(t *testing.T) {
	var p pseudonyms
	keys := make([]*periodKey, 16)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() { keys[i] = p.at(5 * nanosPerDay) })
	}
	wg.Wait()
	for i, k := range keys {
		if k != keys[0] {
			t.Errorf("goroutine %d got another key", i)
		}
	}
}

func TestPseudonymOfAnHour(t *testing.T) {
	p := pseudonyms{every: int64(time.Hour)}
	a := netip.MustParseAddr("192.0.2.1")
	first := p.at(0).of(a)
	if p.at(int64(time.Hour)-1).of(a) != first || p.at(int64(time.Hour)).of(a) == first {
		t.Error("a key does not live for its hour")
	}
}

func TestSessionHashes(t *testing.T) {
	var p pseudonyms
	k := p.at(0)
	first := k.ofSession([]byte("a"))
	if k.ofSession(nil) != 0 || first == k.ofSession([]byte("b")) {
		t.Error("sessions cannot be told apart")
	}
	if p.at(nanosPerDay-1).ofSession([]byte("a")) != first || p.at(nanosPerDay).ofSession([]byte("a")) == first {
		t.Error("the hash of a session outlived its day")
	}
	long := make([]byte, 4*maxSession)
	if k.ofSession(long) == 0 {
		t.Error("a long id has no hash")
	}
}

func TestPseudonymText(t *testing.T) {
	for hash, want := range map[uint64]string{
		0: "", 1: "p0000000000000001", 0xfedcba9876543210: "pfedcba9876543210",
	} {
		text := string(appendHash(nil, 'p', hash))
		if text != want {
			t.Errorf("pseudonym %x is %q, want %q", hash, text, want)
		}
		if got, ok := parseHash(text, 'p'); ok != (hash != 0) || got != hash {
			t.Errorf("%q read back: %x, %v", text, got, ok)
		}
	}
}
