package edge

import (
	"bytes"

	"edged/logfmt"
)

// viewer remembers what the log keeps of the last User-Agent and Referer of an exchange,
// which on one connection hardly ever change: comparing is a tenth of parsing. The
// fields themselves never leave it.
type viewer struct {
	agentRaw    []byte
	agentFamily logfmt.Agent
	pageRaw     []byte
	pageHost    []byte // borrowed from pageRaw
}

// maxRemembered bounds what a connection keeps of a field, in bytes.
const maxRemembered = 512

func (v *viewer) agent(raw []byte) logfmt.Agent {
	if len(raw) == 0 || len(raw) > maxRemembered {
		return logfmt.AgentOf(raw)
	}
	if !bytes.Equal(raw, v.agentRaw) {
		v.agentRaw = append(v.agentRaw[:0], raw...)
		v.agentFamily = logfmt.AgentOf(raw)
	}
	return v.agentFamily
}

// referrer returns a host that is good until the next call.
func (v *viewer) referrer(raw []byte) []byte {
	if len(raw) == 0 || len(raw) > maxRemembered {
		return logfmt.ReferrerHost(raw)
	}
	if !bytes.Equal(raw, v.pageRaw) {
		v.pageRaw = append(v.pageRaw[:0], raw...)
		v.pageHost = logfmt.ReferrerHost(v.pageRaw)
	}
	return v.pageHost
}
