package admin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"edged/internal/revoke"
)

// revokeOrder withdraws tokens: one token by its digest, a session, a key, or what
// was issued before a date.
type revokeOrder struct {
	Account string    `json:"account"`
	Token   string    `json:"token,omitempty"`
	Digest  string    `json:"digest,omitempty"`
	Session string    `json:"session,omitempty"`
	Key     string    `json:"key,omitempty"`
	Before  time.Time `json:"before,omitzero"`
	Until   time.Time `json:"until,omitzero"` // default: when no token of the account can be good any more
	Lift    bool      `json:"lift,omitempty"`
}

// revokeAnswer is the answer to an order that is in force.
type revokeAnswer struct {
	Number  uint64     `json:"number"`
	Until   *time.Time `json:"until,omitempty"`
	Durable bool       `json:"durable"` // it survives a restart
}

// serveRevoke carries out an order to withdraw tokens. What is logged tells who
// ordered it, its kind and its number, but no token and no session.
func (s *Server) serveRevoke(w http.ResponseWriter, r *http.Request) {
	order := &revokeOrder{}
	code, answer := http.StatusForbidden, any(problem{refusal(r)})
	if refusal(r) == "" {
		code, answer = s.revoke(w, r, order)
	}
	attrs := []any{"what", order.kind(), "lift", order.Lift}
	if a, ok := answer.(revokeAnswer); ok {
		attrs = append(attrs, "number", a.Number, "durable", a.Durable)
	}
	s.note(r, "revoke", code, clip(order.Account), attrs...)
	s.writeJSON(w, code, answer)
}

// kind says what the order names, in few words for the log.
func (o *revokeOrder) kind() string {
	switch {
	case o.Token != "" || o.Digest != "":
		return "token"
	case o.Session != "":
		return "session"
	case o.Key != "":
		return "key " + clip(o.Key)
	case !o.Before.IsZero():
		return "issued before " + o.Before.UTC().Format(time.RFC3339)
	}
	return "nothing"
}

func (s *Server) revoke(w http.ResponseWriter, r *http.Request, order *revokeOrder) (code int, answer any) {
	if s.options.Revocations == nil {
		return http.StatusNotImplemented, problem{"this node has no list of revocations"}
	}
	if err := readOrder(w, r, order); err != nil {
		*order = revokeOrder{} // half an order is none, in the log too
		return http.StatusBadRequest, problem{err.Error()}
	}
	one := order.order(s.options.Now().Add(s.options.tokenLife(order.Account)))
	number, err := s.options.Revocations.Apply(one)
	switch {
	case errors.Is(err, revoke.ErrOrder):
		return http.StatusUnprocessableEntity, problem{strings.TrimPrefix(err.Error(), "revoke: ")}
	case err != nil:
		s.options.Log.Error("a revocation failed", "err", err)
		return http.StatusServiceUnavailable, problem{"the order could not be written and is not in force; the error log says why"}
	}
	a := revokeAnswer{Number: number, Durable: s.options.Revocations.Stats().Durable}
	if one.Until != 0 {
		a.Until = timeOf(time.Unix(one.Until, 0))
	}
	return http.StatusOK, a
}

// order is what the list takes; until is for tokens and sessions that name no end.
func (o *revokeOrder) order(until time.Time) revoke.Order {
	one := revoke.Order{Account: o.Account, Token: o.Token, Digest: o.Digest, Session: o.Session, Key: o.Key, Lift: o.Lift}
	if !o.Before.IsZero() {
		one.Before = o.Before.Unix()
	}
	if !o.Until.IsZero() {
		until = o.Until
	}
	if one.Token != "" || one.Digest != "" || one.Session != "" {
		one.Until = until.Unix()
	}
	return one
}

// tokenLife is how long a token of the account that is good now can stay so.
func (o *Options) tokenLife(account string) time.Duration {
	if o.TokenLife == nil {
		return 90 * 24 * time.Hour
	}
	return o.TokenLife(account)
}
