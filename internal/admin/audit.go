package admin

import (
	"log/slog"
	"net/http"

	"edged/internal/audit"
)

// note tells the log and the record of orders what was ordered, by whom, and what became
// of it. attrs are names and values, as for slog; none is a path, a token or a session.
func (s *Server) note(r *http.Request, order string, status int, account string, attrs ...any) {
	all := append([]any{"order", order, "who", peerOf(r), "status", status, "account", account}, attrs...)
	s.options.Log.Info("admin order", all...)
	if s.options.Audit == nil {
		return
	}
	_, err := s.options.Audit.Append(&audit.Entry{
		Order: order, Who: peerOf(r), Outcome: audit.OutcomeOf(status), Account: account, Details: details(attrs),
	})
	if err != nil {
		s.options.Log.Error("an order is not in the record of orders", "order", order, "err", err)
	}
}

// details are attrs by name, without those that say nothing.
func details(attrs []any) map[string]any {
	all := map[string]any{}
	for i := 0; i < len(attrs); i++ {
		switch a := attrs[i].(type) {
		case slog.Attr:
			for _, one := range a.Value.Group() {
				put(all, one.Key, one.Value.Any())
			}
		case string:
			if i++; i < len(attrs) {
				put(all, a, attrs[i])
			}
		}
	}
	return all
}

func put(all map[string]any, name string, value any) {
	switch value {
	case "", 0, int64(0), uint64(0):
		return
	}
	all[name] = value
}
