package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"edged/internal/edge"
	"edged/logfmt/usage"
)

// usageStatus is what a site was asked for over one protocol with one class of answer.
type usageStatus struct {
	Protocol string `json:"protocol"`
	Status   string `json:"status"`
	Requests uint64 `json:"requests"`
	Hits     uint64 `json:"hits"`
	Body     uint64 `json:"body_bytes"`
	Wire     uint64 `json:"wire_bytes"`
	HitBody  uint64 `json:"hit_bytes"`
	Origin   uint64 `json:"origin_bytes"`
}

func usagesOf(all []edge.UsageStats) []usageStatus {
	list := make([]usageStatus, 0, len(all))
	for i := range all {
		u := &all[i]
		list = append(list, usageStatus{
			u.Protocol, fmt.Sprintf("%dxx", u.Class), u.Requests, u.Hits, u.Body, u.Wire, u.HitBody, u.Origin,
		})
	}
	return list
}

// ledgerStatus is how the usage ledger is doing.
type ledgerStatus struct {
	Flushes  uint64     `json:"flushes"`
	Failures uint64     `json:"failures"`
	Failing  string     `json:"failing"`
	Flushed  *time.Time `json:"flushed"`
	Pending  int        `json:"pending_rows"`
	Bytes    int64      `json:"bytes"`
	Oldest   string     `json:"oldest_month"`
	Damaged  int64      `json:"damaged_bytes"`
	Skipped  int        `json:"skipped_frames"`
}

func ledgerOf(s usage.Stats) *ledgerStatus {
	return &ledgerStatus{
		s.Flushes, s.Failures, s.Failing, timeOf(s.Flushed), s.Pending, s.Bytes, s.Oldest, s.Damaged, s.Skipped,
	}
}

// shipStatus is how far the log files are that are pushed.
type shipStatus struct {
	Files    uint64 `json:"files"`
	Bytes    uint64 `json:"bytes"`
	Failures uint64 `json:"failures"`
	Pending  int    `json:"pending_files"`
	Failing  string `json:"failing"`
}

func (st *status) judgeShipping() {
	if s := st.Shipping; s != nil && s.Failing != "" {
		st.find(levelDegraded, "log shipping", "Log files cannot be pushed: "+s.Failing,
			"They are kept until log.retention; look at the target and at log.ship.")
	}
}

func (st *status) judgeLedger() {
	l := st.Ledger
	if l == nil {
		return
	}
	if l.Failing != "" {
		st.find(levelBad, "usage ledger", "It cannot be written: "+l.Failing,
			"Free space on the disk of node.state or repair it. Counts wait in memory and are lost when the process is killed.")
	}
	if l.Damaged > 0 {
		st.find(levelDegraded, "usage ledger", size(float64(l.Damaged))+" of it were found damaged.",
			"Reckon the hours in question from the access logs: edgectl log usage -ledger.")
	}
}

// serveUsage answers from the usage ledger.
func (s *Server) serveUsage(w http.ResponseWriter, r *http.Request) {
	if s.options.Usage == nil {
		s.writeJSON(w, http.StatusNotImplemented, problem{"this node keeps no usage ledger: set node.state"})
		return
	}
	q, err := parseQuery(r.URL.Query())
	if err != nil {
		s.writeJSON(w, http.StatusBadRequest, problem{err.Error()})
		return
	}
	report, err := s.options.Usage(q)
	if err != nil {
		s.options.Log.Error("the usage ledger cannot be read", "err", err)
		s.writeJSON(w, http.StatusInternalServerError, problem{"the ledger cannot be read; the error log says why"})
		return
	}
	report.Node = s.options.Node
	s.writeJSON(w, http.StatusOK, report)
}

// parseQuery reads account, site, from, to and by.
func parseQuery(v url.Values) (*usage.Query, error) {
	q := &usage.Query{}
	var err error
	for name, values := range v {
		switch value := values[0]; {
		case len(values) > 1:
			err = errRepeated
		case name == "account":
			q.Account = value
		case name == "site":
			q.Site = value
		case name == "from":
			q.From, err = parseMoment(value)
		case name == "to":
			q.To, err = parseMoment(value)
		case name == "by":
			q.By, err = usage.ParseSplit(value)
		default:
			err = errParameter
		}
		if err != nil {
			return nil, err
		}
	}
	return q, nil
}

// Texts of errors do not repeat what was asked.
var (
	errRepeated  = errors.New("a parameter is there twice")
	errParameter = errors.New("parameters are account, site, from, to and by")
	errMoment    = errors.New("from and to are times like 2026-01-02T15:00:00Z")
)

func parseMoment(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() < 1970 || t.Year() > 2200 {
		return time.Time{}, errMoment
	}
	return t, nil
}
