package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

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
		s.note(r, name, code, "")
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

// maxOrder bounds the JSON of an order, in bytes.
const maxOrder = 4 << 20

// readOrder decodes the one order in the body; fields it does not know are an error.
func readOrder(w http.ResponseWriter, r *http.Request, order any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
	d.DisallowUnknownFields()
	if err := d.Decode(order); err != nil {
		return fmt.Errorf("the body is not an order in JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one order in the body")
	}
	return nil
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
