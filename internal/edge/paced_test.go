package edge

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"edged/auth"
)

// unsteady is a Body whose spans get lost whenever they are parked.
type unsteady struct {
	content []byte
	at, n   int // the present span is content[at-n:at]
	span    []byte
	rng     *rand.Rand
	parked  bool
}

func (u *unsteady) Next() ([]byte, error) {
	u.lose()
	if u.at == len(u.content) {
		return nil, io.EOF
	}
	u.n = min(1+u.rng.IntN(3000), len(u.content)-u.at)
	u.span = bytes.Clone(u.content[u.at : u.at+u.n])
	u.at += u.n
	return u.span, nil
}

// lose makes the old span unreadable, as a reused block is.
func (u *unsteady) lose() {
	for i := range u.span {
		u.span[i] = 0xdd
	}
	u.span, u.parked = nil, false
}

func (u *unsteady) Ready() bool  { return true }
func (u *unsteady) Close()       {}
func (u *unsteady) Park()        { u.parked = true }
func (u *unsteady) Unread(n int) { u.at -= n }

func (u *unsteady) Resume() bool {
	if u.parked && u.rng.IntN(2) == 0 {
		u.lose()
	}
	u.parked = false
	return u.span != nil
}

// TestPacedLosesNothing: whatever is parked, lost and given back, on either side of
// the limit, the bytes are the body's.
func TestPacedLosesNothing(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			content := []byte(pattern(20_000))
			p := &paced{Body: &unsteady{content: content, rng: rng}, rate: 4000, due: time.Now()}
			var got []byte
			for {
				span, err := p.Next()
				if err == io.EOF {
					break
				}
				if rng.IntN(3) == 0 { // the client takes only some of it
					sent := rng.IntN(len(span) + 1)
					got = append(got, span[:sent]...)
					p.Park()
					time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
					if p.Resume() {
						got = append(got, span[sent:]...)
					} else if rest := len(span) - sent; rest > 0 {
						p.Unread(rest)
					}
					continue
				}
				got = append(got, span...)
			}
			if !bytes.Equal(got, content) {
				t.Errorf("seed %d: %d bytes that differ from the %d of the body", seed, len(got), len(content))
			}
		})
	}
}

func TestTokenLimitsTheSpeed(t *testing.T) {
	change, mint := claiming(t)
	const size = 300_000
	b := newBench(t, ok(pattern(size), "video/mp4"), change)
	limited := mint(auth.Claims{Scopes: []string{"/v/"}, RateKBps: 100})
	b.want(b.get("/ect="+mint(auth.Claims{Scopes: []string{"/v/"}})+"/v/a.mp4"), 200)
	begun := time.Now()
	a := b.get("/ect=" + limited + "/v/a.mp4")
	if b.want(a, 200, "hit"); a.body != pattern(size) {
		t.Error("the body differs")
	}
	if d := time.Since(begun); d < 1500*time.Millisecond { // 3 s of bytes, less the first second
		t.Errorf("%d bytes at 100 kB a second took %v", size, d)
	}
}

func TestPacedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &paced{Body: &unsteady{content: make([]byte, 50_000), rng: rand.New(rand.NewPCG(1, 1))}, rate: 10_000, due: time.Now().Add(-time.Second)}
		begun := time.Now()
		for n := 0; ; n++ {
			if _, err := p.Next(); err != nil {
				break
			}
		}
		if d := time.Since(begun); d < 3900*time.Millisecond || d > 4100*time.Millisecond {
			t.Errorf("50,000 bytes, 10,000 a second and as many at once, took %v, want 4 s", d)
		}
		if p.Ready() != true {
			t.Error("a body at its end does not say so at once")
		}
	})
}
