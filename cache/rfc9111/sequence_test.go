package rfc9111

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"edged/cache/object"
)

// tinyCache is the least cache that can be built on this package: one target, one
// client at a time.
type tinyCache struct {
	policy Policy
	stored *object.Meta
	next   uint64
}

// serve says whether the stored response answers a request.
func (c *tinyCache) serve(rd RequestDirectives, at int64) bool {
	if c.stored == nil {
		return false
	}
	d := Evaluate(&c.stored.Freshness, rd, at)
	return d == Fresh || d == StaleWhileRevalidate
}

// receive takes the origin's answer to a validation (304) or a fetch.
func (c *tinyCache) receive(status int, h object.Header, at int64) {
	if status == 304 {
		if SameVersion(c.stored, status, h) {
			c.stored = Freshen(c.stored, h, c.policy.Defaults, at, at)
		} else {
			c.stored = nil
		}
		return
	}
	get := Request{Method: "GET"}
	c.stored = nil
	if c.policy.Storable(&get, status, h) == OK {
		c.next++
		c.stored = &object.Meta{
			Status: status, Version: c.next, Size: -1,
			Header:    c.policy.StoredHeader(status, h, at),
			Freshness: Compute(status, h, c.policy.Defaults, at, at),
		}
	}
}

// modelCache remembers what was received and judges by that alone.
type modelCache struct {
	policy   Policy
	known    bool
	current  answer // as updated by every 304 since it was fetched
	received int64
}

func (m *modelCache) serve(rd RequestDirectives, at int64) bool {
	if !m.known {
		return false
	}
	age := m.current.modelAge(0) + time.Duration(at-m.received)
	d := m.current.modelDecision(m.policy.Defaults, age, rd)
	return d == Fresh || d == StaleWhileRevalidate
}

// update is RFC 9111 §3.2: what the 304 has replaces, what it lacks stays. Stored
// dates are points in time, so their offsets shift as time goes on.
func (m *modelCache) update(a answer, at int64) {
	shift := func(offset *int) *int {
		if offset == nil {
			return nil
		}
		n := *offset - int((at-m.received)/int64(time.Second))
		return &n
	}
	merged := m.current
	merged.Expires, merged.LastModified = shift(m.current.Expires), shift(m.current.LastModified)
	merged.Date, merged.Age = a.Date, a.Age
	if len(a.Directives) > 0 {
		merged.Directives = a.Directives
	}
	if a.Expires != nil {
		merged.Expires = a.Expires
	}
	if a.LastModified != nil {
		merged.LastModified = a.LastModified
	}
	merged.Pragma = merged.Pragma || a.Pragma
	m.current, m.received = merged, at
}

// For any sequence of requests, times and answers of the origin, the cache
// answers by itself exactly when the model says it may.
func TestSequencesAgreeWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := Policy{Defaults: drawDefaults(t)}
		cache := tinyCache{policy: policy}
		model := modelCache{policy: policy}
		at := now
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			at += int64(rapid.IntRange(0, 8).Draw(t, "pause")) * int64(time.Second)
			wishes, _ := drawRequest(t)
			want, got := model.serve(wishes, at), cache.serve(wishes, at)
			if got != want {
				t.Fatalf("served %v, want %v; stored %+v, model %+v", got, want, cache.stored, model)
			}
			if want {
				continue
			}
			answerFromOrigin(t, &cache, &model, at)
		}
	})
}

// answerFromOrigin lets the origin answer with a 304 that is about the stored
// response, or with something new.
func answerFromOrigin(t *rapid.T, cache *tinyCache, model *modelCache, at int64) {
	a := drawAnswer(t)
	a.Targeted = false // a 304 that adds a targeted field is in the tables
	if validates := cache.stored != nil && cache.stored.Header.Has("ETag"); validates && rapid.Bool().Draw(t, "304") {
		a.ETag = cache.stored.Header.Get("ETag")
		cache.receive(304, a.header(at), at)
		model.update(a, at)
		if cache.stored == nil {
			t.Fatalf("a 304 with the stored tag %q was not taken for it", a.ETag)
		}
		return
	}
	cache.receive(a.Status, a.header(at), at)
	model.known = cache.stored != nil
	model.current, model.received = a, at
	if !model.known && model.mustStore(a) {
		t.Fatalf("%d %q was not stored", a.Status, a.header(at))
	}
}

// mustStore says that a response has a lifetime and nothing against storing it.
func (m *modelCache) mustStore(a answer) bool {
	life, _ := a.modelLifetime(m.policy.Defaults)
	return life > 0 && !a.unusable() && !a.says("must-understand")
}
