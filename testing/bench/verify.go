package main

import (
	"bytes"
	"context"
	"fmt"
)

// spotChecks is how many objects of a case are compared byte for byte.
const spotChecks = 8

// verify brings every object of a case into the peer's cache, and checks that its
// answers are the origin's bytes, and hits or misses as the case says.
func verify(ctx context.Context, o *origin, p *peer, b *bench, plan *plan) error {
	c, err := p.dial(ctx, b)
	if err != nil {
		return fmt.Errorf("%s, %s: %w", p.name, b.name, err)
	}
	defer c.close()
	if b.miss() {
		return verifyMisses(c, o, p, b, plan)
	}
	for n, request := range plan.rendered[0] {
		if _, _, _, err := c.body(request); err != nil {
			return fmt.Errorf("%s, %s: %w", p.name, b.name, err)
		}
		if n%max(1, b.objects/spotChecks) == 0 {
			if err := check(c, request, o.body(b.path(n)), p.mark(false)); err != nil {
				return fmt.Errorf("%s, %s, %s: %w", p.name, b.name, b.path(n), err)
			}
		}
	}
	return nil
}

// verifyMisses asks for some objects twice: first a miss, then a hit.
func verifyMisses(c *client, o *origin, p *peer, b *bench, plan *plan) error {
	requests := plan.fresh()
	for range spotChecks {
		request := requests()
		want := o.body(b.path(int(plan.next.Load())))
		for _, miss := range []bool{true, false} {
			if err := check(c, request, want, p.mark(miss)); err != nil {
				return fmt.Errorf("%s, %s: %w", p.name, b.name, err)
			}
		}
	}
	return nil
}

// check does a request whose response must have this body and this mark.
func check(c *client, request, want, mark []byte) error {
	status, header, body, err := c.body(request)
	switch {
	case err != nil:
		return err
	case status != 200:
		return fmt.Errorf("status %d:\n%s%.200s", status, header, body)
	case !bytes.Contains(header, mark):
		return fmt.Errorf("no %q in\n%s", mark, header)
	case !bytes.Equal(body, want):
		return fmt.Errorf("body of %d bytes differs from the origin's of %d", len(body), len(want))
	}
	return nil
}
