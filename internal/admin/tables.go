package admin

import "github.com/prometheus/client_golang/prometheus"

// The metrics of requests. docs/metrics.md is written from these tables by a test.

func nodeTable() *table[status] {
	return newTable(nil,
		family[status]{
			"build_info", "Always 1; the version that runs.", prometheus.GaugeValue, "version",
			func(s *status, e emit) { e(1, s.Node.Version) },
		},
		family[status]{
			"node_info", "Always 1; the name of the node.", prometheus.GaugeValue, "node",
			func(s *status, e emit) { e(1, s.Node.Name) },
		},
		family[status]{
			"region_info", "Always 1; the region the node stands in.", prometheus.GaugeValue, "region",
			func(s *status, e emit) { e(1, s.Node.Region) },
		},
		oneOf("state", "1 for the state the node is in.", "state", func(s *status) string { return s.State }, "starting", "serving", "draining"),
		oneOf("health", "1 for the worst of what is wrong on the status page.", "health", func(s *status) string { return s.Health.String() }, "ok", "degraded", "bad"),
		gauge("findings", "Things that the status page finds fault with.", func(s *status) int { return len(s.Findings) }),
		counters("unknown_requests_total", "Requests that belong to no site, by reason.", "reason", func(s *status) map[string]uint64 { return s.Unknown.Detail }),
		counters("unknown_targets_refused_total", "Requests of no site whose target was refused, by reason.", "reason", func(s *status) map[string]uint64 { return s.Unknown.BadTarget }),
		counter("unknown_sent_body_bytes_total", "Body bytes sent in answer to requests of no site.", func(s *status) uint64 { return s.Unknown.Bytes }),
	)
}

func siteTable() *table[siteStatus] {
	return newTable([]string{"account", "site"},
		family[siteStatus]{
			"responses_total", "Responses, by first digit of the status.", prometheus.CounterValue, "status",
			func(s *siteStatus, e emit) {
				e(float64(s.Status.Informational), "1xx")
				e(float64(s.Status.Success), "2xx")
				e(float64(s.Status.Redirect), "3xx")
				e(float64(s.Status.ClientError), "4xx")
				e(float64(s.Status.ServerError), "5xx")
			},
		},
		counter("sent_header_bytes_total", "Header and framing bytes sent to clients.", func(s *siteStatus) uint64 { return s.HeaderBytes }),
		counter("fetched_bytes_total", "Body bytes received from origins.", func(s *siteStatus) uint64 { return s.FetchedBytes }),
		counters("forwarded_requests_total", "Requests that the cache could not answer, by reason (RFC 9211).", "reason", func(s *siteStatus) map[string]uint64 { return s.Forward }),
		counters("request_details_total", "Requests that were neither a plain hit nor a plain miss, by reason.", "reason", func(s *siteStatus) map[string]uint64 { return s.Detail }),
		counters("tokens_refused_total", "Requests refused for their token, by reason.", "reason", func(s *siteStatus) map[string]uint64 { return s.DeniedBy }),
		counters("targets_refused_total", "Requests refused for their target, by reason.", "reason", func(s *siteStatus) map[string]uint64 { return s.BadTarget }),
	)
}

func classTable() *table[classStatus] {
	return newTable([]string{"account", "site", "class"},
		counter("hits_total", "Requests answered from the cache.", func(c *classStatus) uint64 { return c.Hits }),
		counter("collapsed_requests_total", "Requests that followed the fetch of another one.", func(c *classStatus) uint64 { return c.Collapsed }),
		counter("stale_responses_total", "Responses that were stale, while validating or because the origin failed.", func(c *classStatus) uint64 { return c.Stale }),
		counter("aborted_requests_total", "Requests whose client left before the end.", func(c *classStatus) uint64 { return c.Aborted }),
	)
}

// tierTable holds what is split down to tiers: the sums over tiers are the requests
// and body bytes of the class.
func tierTable() *table[served] {
	return newTable([]string{"account", "site", "class", "tier"},
		counter("requests_total", "Requests, by where the answer came from.", func(t *served) uint64 { return t.Requests }),
		counter("sent_body_bytes_total", "Body bytes sent to clients, by where they came from.", func(t *served) uint64 { return t.Bytes }),
	)
}

func originTable() *table[originStatus] {
	type o = originStatus
	return newTable([]string{"account", "site", "origin"},
		gauge("origin_up", "1 when requests are let through to the origin.", func(s *o) float64 { return truth(s.Up) }),
		counter("origin_requests_total", "Attempts to fetch, those that found no connection included.", func(s *o) uint64 { return s.Requests }),
		counter("origin_connects_total", "Connections established, TLS included.", func(s *o) uint64 { return s.Connects }),
		counter("origin_reuses_total", "Requests sent on a kept connection.", func(s *o) uint64 { return s.Reused }),
		counter("origin_retries_total", "Requests sent again because a kept connection was closed.", func(s *o) uint64 { return s.Retries }),
		counter("origin_skips_total", "Attempts not made because the origin is down.", func(s *o) uint64 { return s.Skipped }),
		counters("origin_errors_total", "Failed fetches, by reason.", "reason", func(s *o) map[string]uint64 { return s.Errors }),
		counter("origin_received_bytes_total", "Body bytes received.", func(s *o) uint64 { return s.Bytes }),
		gauge("origin_active_fetches", "Fetches that hold a connection or are about to get one.", func(s *o) int { return s.Active }),
		gauge("origin_idle_connections", "Kept connections.", func(s *o) int { return s.Idle }),
		gauge("origin_first_byte_seconds", "Time from request to header, moving average.", func(s *o) float64 { return s.FirstByte }),
		family[o]{
			"origin_last_error_timestamp_seconds", "When a fetch failed last; absent when none did.", prometheus.GaugeValue, "",
			func(s *o, e emit) {
				if s.LastError != nil {
					e(float64(s.LastError.UnixMilli()) / 1000)
				}
			},
		},
	)
}

// usageTable holds what the usage ledger is made from. Requests of no site have an empty
// account and site.
func usageTable() *table[usageStatus] {
	type u = usageStatus
	return newTable([]string{"account", "site", "protocol", "status"},
		counter("usage_requests_total", "Requests that ended.", func(s *u) uint64 { return s.Requests }),
		counter("usage_hits_total", "Of these, answered without going forward.", func(s *u) uint64 { return s.Hits }),
		counter("usage_body_bytes_total", "Body bytes sent.", func(s *u) uint64 { return s.Body }),
		counter("usage_wire_bytes_total", "Body, header and framing bytes sent, before TLS.", func(s *u) uint64 { return s.Wire }),
		counter("usage_hit_bytes_total", "Body bytes sent by hits.", func(s *u) uint64 { return s.HitBody }),
		counter("usage_origin_bytes_total", "Body bytes that these requests read from the origin.", func(s *u) uint64 { return s.Origin }),
	)
}
