package usage

import "edged/logfmt"

// RowOf returns what a record of the access log adds to the ledger.
func RowOf(r *logfmt.Record) Row {
	n := Counts{
		Requests: 1, Body: unsigned(r.BytesSent), Wire: unsigned(r.WireBytes), Origin: unsigned(r.Source.Origin),
	}
	if r.Cache.Hit {
		n.Hits, n.HitBody = 1, n.Body
	}
	return Row{
		Key:    Key{Hour: HourOf(r.Time), Account: r.Account, Site: r.Site, Protocol: r.Request.Protocol, Class: ClassOf(r.Status)},
		Counts: n,
	}
}

func unsigned(n int64) uint64 { return uint64(max(n, 0)) }
