package admin

import (
	"encoding/json"
	"net/http"
)

// eraseOrder names whose rows go.
type eraseOrder struct {
	Account string `json:"account"`
}

// serveErase removes an account from the usage ledger and the list of revocations, and closes the log file that is
// being written, so that its records can be removed from that, too.
func (s *Server) serveErase(w http.ResponseWriter, r *http.Request) {
	code, answer, order := http.StatusForbidden, any(problem{refusal(r)}), eraseOrder{}
	if refusal(r) == "" {
		code, answer = s.erase(w, r, &order)
	}
	var attrs []any
	if e, ok := answer.(Erased); ok {
		attrs = []any{"rows", e.Rows, "revocations", e.Revocations, "configured", e.Configured}
	}
	s.note(r, "erase", code, clip(order.Account), attrs...)
	s.writeJSON(w, code, answer)
}

func (s *Server) erase(w http.ResponseWriter, r *http.Request, order *eraseOrder) (code int, answer any) {
	if s.options.Erase == nil {
		return http.StatusNotImplemented, problem{"this node keeps no usage ledger"}
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
	d.DisallowUnknownFields()
	if err := d.Decode(order); err != nil || order.Account == "" {
		*order = eraseOrder{}
		return http.StatusBadRequest, problem{"the body is not an order in JSON that names an account"}
	}
	erased, err := s.options.Erase(order.Account)
	if err != nil {
		s.options.Log.Error("an account could not be erased", "err", err)
		return http.StatusInternalServerError, problem{"not everything could be removed; the error log says why; repeat it"}
	}
	return http.StatusOK, erased
}
