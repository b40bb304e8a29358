package main

import (
	"edged/auth"
	"edged/internal/target"
)

// step is how far a request came through the walk of the edge, and what was found.
type step struct {
	carrier   auth.Carrier
	canonical []byte // path, decoded and without the token
	verdict   auth.Verdict
}

// walk takes the steps of the edge, in its order: the token is cut out of the raw
// target, what is left is made canonical, and the token is judged against exactly
// that. A refusal is an error of type *refusal. r gets path and query.
func walk(scheme auth.Scheme, in *auth.Input, r *auth.Request) (s step, err error) {
	var scratch auth.Scratch
	found, why := scheme.Find(in, &scratch)
	s.carrier = found.Carrier
	if s.canonical, err = canonical(found.Path); err != nil {
		return s, err
	}
	if why != auth.Allowed {
		return s, refuse(why)
	}
	r.Path, r.Query = s.canonical, found.Query
	s.verdict = scheme.Verify(&found, r)
	if why := s.verdict.Reason; why != auth.Allowed {
		return s, refuse(why)
	}
	return s, nil
}

func refuse(why auth.Reason) error { return &refusal{why.String(), why.Text()} }

// split takes a raw target apart as the edge does.
func split(raw []byte) (path, query []byte, err error) {
	_, path, query, why := target.Split(raw)
	if why != target.OK {
		return nil, nil, refuseTarget(why)
	}
	return path, query, nil
}
