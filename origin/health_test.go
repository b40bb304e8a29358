package origin

import (
	"testing"
	"time"
)

// at is n milliseconds after a fixed time.
func at(n int) time.Time { return time.Unix(1_700_000_000, 0).Add(time.Duration(n) * time.Millisecond) }

func TestHealthGoesDownAndComesBack(t *testing.T) {
	var h health
	expect := func(ms int, ok, probe bool) admission {
		t.Helper()
		a := h.admit(at(ms))
		if a.ok != ok || a.probe != probe {
			t.Fatalf("at %d ms: %+v; want ok %v, probe %v", ms, a, ok, probe)
		}
		return a
	}
	late := expect(0, true, false)
	h.fail(at(0), expect(0, true, false), blameDown, KindConnect)
	if a := expect(249, false, false); a.why != KindConnect || a.wait != time.Millisecond {
		t.Errorf("refusal %+v; want connect, 1ms", a)
	}
	h.fail(at(100), late, blameDown, KindConnect) // was under way: the pause stays
	probe := expect(250, true, true)
	expect(250, false, false) // one probe at a time
	h.fail(at(260), probe, blameStrike, KindTimeout)
	expect(759, false, false)
	probe = expect(760, true, true)
	h.fail(at(800), probe, blameNone, KindCanceled) // no verdict: the next may probe
	probe = expect(800, true, true)
	if h.up() {
		t.Error("up while probing")
	}
	h.succeed()
	if !h.up() {
		t.Error("down after a success")
	}
	h.pass(probe)
	expect(800, true, false)
}

func TestHealthPauseIsBounded(t *testing.T) {
	var h health
	now := at(0)
	for i := range 20 {
		a := h.admit(now)
		if !a.ok {
			t.Fatalf("round %d: not admitted", i)
		}
		h.fail(now, a, blameDown, KindConnect)
		now = now.Add(h.pause)
	}
	if h.pause != maxPause {
		t.Errorf("pause %v; want %v", h.pause, maxPause)
	}
}

func TestHealthStrikes(t *testing.T) {
	var h health
	strike := func() { h.fail(at(0), h.admit(at(0)), blameStrike, KindTimeout) }
	strike()
	strike()
	h.succeed()
	strike()
	strike()
	if !h.up() {
		t.Fatal("down after two strikes in a row")
	}
	strike()
	if h.up() {
		t.Fatal("up after three strikes in a row")
	}
}

func TestBlames(t *testing.T) {
	tests := []struct {
		e    Error
		want blame
	}{
		{Error{Kind: KindConnect, Phase: PhaseConnect}, blameDown},
		{Error{Kind: KindTimeout, Phase: PhaseConnect, Err: limitConnect}, blameDown},
		{Error{Kind: KindTLS, Phase: PhaseTLS}, blameDown},
		{Error{Kind: KindTimeout, Phase: PhaseHeader, Err: limitHeader}, blameStrike},
		{Error{Kind: KindProtocol, Phase: PhaseHeader}, blameStrike},
		{Error{Kind: KindTimeout, Phase: PhaseHeader, Err: limitTotal}, blameNone},
		{Error{Kind: KindTimeout, Phase: PhaseQueue, Err: limitQueue}, blameNone},
		{Error{Kind: KindCanceled, Phase: PhaseConnect}, blameNone},
	}
	for _, tt := range tests {
		if got := blames(&tt.e); got != tt.want {
			t.Errorf("blames(%v, %v, %v) = %v; want %v", tt.e.Kind, tt.e.Phase, tt.e.Err, got, tt.want)
		}
	}
}

// TestLoneOriginKeepsServing checks that one broken URL does not take down the only
// origin there is, while it does make a group turn to the next one.
func TestLoneOriginKeepsServing(t *testing.T) {
	cut := &Error{Kind: KindClosed, Phase: PhaseHeader, Err: errDown(0)}
	refused := &Error{Kind: KindConnect, Phase: PhaseConnect, Err: errDown(0)}
	lone := &server{opts: &Options{URLs: []string{"http://a"}}}
	pair := &server{opts: &Options{URLs: []string{"http://a", "http://b"}}}
	for _, c := range []struct {
		name string
		s    *server
		err  *Error
		want blame
	}{
		{"lone, cut", lone, cut, blameNone},
		{"lone, refused", lone, refused, blameDown},
		{"pair, cut", pair, cut, blameStrike},
	} {
		if got := c.s.blames(c.err); got != c.want {
			t.Errorf("%s: blame %d, want %d", c.name, got, c.want)
		}
	}
}
