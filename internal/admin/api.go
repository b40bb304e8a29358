package admin

import "net/http"

// orderHeader must come with every order, with any value. A form or a plain
// request of a foreign page cannot carry it, and the question whether a script may
// (a preflight) is never answered.
const orderHeader = "X-Edged-Admin"

// order guards what changes the node. What was asked and what became of it is
// logged, refusals too.
func (s *Server) order(name string, do func() (code int, answer any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		code, answer := http.StatusForbidden, any(problem{refusal(r)})
		if refusal(r) == "" {
			code, answer = do()
		}
		s.options.Log.Info("admin order", "order", name, "who", peerOf(r), "status", code)
		s.writeJSON(w, code, answer)
	}
}

// refusal says why an order is not taken, "" when it is.
func refusal(r *http.Request) string {
	switch {
	case http.NewCrossOriginProtection().Check(r) != nil:
		return "orders of another web site are refused"
	case r.Header.Get(orderHeader) == "":
		return "orders need the header " + orderHeader + ": 1"
	}
	return ""
}

// problem is the answer to an order that is not carried out.
type problem struct {
	Error string `json:"error"`
}

// drain begins the drain. Repeating the order does no harm.
func (s *Server) drain() (code int, answer any) {
	if s.options.Drain == nil {
		return http.StatusNotImplemented, problem{"this node cannot be drained"}
	}
	s.SetState(Draining)
	s.options.Drain()
	return http.StatusAccepted, struct {
		State string `json:"state"`
	}{Draining.String()}
}
