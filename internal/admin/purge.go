package admin

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"edged/cache"
	"edged/internal/edge"
)

// maxOrderID bounds the id of an order, in bytes.
const maxOrderID = 200

// purgeAnswer is the answer to an order to purge that is in force.
type purgeAnswer struct {
	edge.PurgeResult
	Durable bool   `json:"durable"`         // it survives a restart
	Error   string `json:"error,omitempty"` // why it does not
}

// servePurge carries out an order to purge. What is logged tells who ordered it,
// its kind and its number, but no path: an order may have come with a token in it.
func (s *Server) servePurge(w http.ResponseWriter, r *http.Request) {
	order := &edge.PurgeOrder{}
	code, answer := http.StatusForbidden, any(problem{refusal(r)})
	if refusal(r) == "" {
		code, answer = s.purge(w, r, order)
	}
	attrs := []any{slog.Group("what", about(order)...)}
	if a, ok := answer.(purgeAnswer); ok {
		attrs = append(attrs, "number", a.Number, "rules", a.Rules, "repeated", a.Repeated, "durable", a.Durable, "accounts", strings.Join(a.Accounts, ","))
	}
	s.note(r, "purge", code, clip(order.Account), attrs...)
	s.writeJSON(w, code, answer)
}

// about is what the log tells of an order.
func about(o *edge.PurgeOrder) []any {
	return []any{
		"urls", len(o.URLs), "prefixes", len(o.Prefixes), "keys", len(o.Keys), "site", clip(o.Site),
		"all", o.All, "soft", o.Soft, "id", o.ID,
	}
}

// clip bounds what an order that is refused can write into the log.
func clip(name string) string { return name[:min(len(name), 255)] }

// purge reads the order and has it carried out.
func (s *Server) purge(w http.ResponseWriter, r *http.Request, order *edge.PurgeOrder) (code int, answer any) {
	if s.options.Purge == nil {
		return http.StatusNotImplemented, problem{"this node cannot purge"}
	}
	if err := readPurge(w, r, order); err != nil {
		*order = edge.PurgeOrder{} // half an order is none, in the log too
		return http.StatusBadRequest, problem{err.Error()}
	}
	result, err := s.options.Purge(order)
	switch {
	case err == nil:
		return http.StatusOK, purgeAnswer{PurgeResult: result, Durable: true}
	case errors.Is(err, edge.ErrPurge):
		return http.StatusUnprocessableEntity, problem{strings.TrimPrefix(err.Error(), "purge: ")}
	case errors.Is(err, cache.ErrVolatile):
		s.options.Log.Error("a purge is not durable", "number", result.Number, "err", err)
		return http.StatusServiceUnavailable, purgeAnswer{
			PurgeResult: result,
			Error:       "the purge is in force, but no disk could note it: after a restart what is on disk may be served again; repeat it with the same id",
		}
	}
	s.options.Log.Error("a purge failed", "err", err)
	return http.StatusInternalServerError, problem{"the purge failed; the error log says why"}
}

// readPurge decodes the body. The id may stand in the field Idempotency-Key.
func readPurge(w http.ResponseWriter, r *http.Request, order *edge.PurgeOrder) error {
	if err := readOrder(w, r, order); err != nil {
		return err
	}
	if id := r.Header.Get("Idempotency-Key"); id != "" {
		if order.ID != "" && order.ID != id {
			return errors.New("the id is not that of the field Idempotency-Key")
		}
		order.ID = id
	}
	if len(order.ID) > maxOrderID {
		return fmt.Errorf("the id has %d bytes, at most %d", len(order.ID), maxOrderID)
	}
	return nil
}
