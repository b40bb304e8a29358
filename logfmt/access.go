package logfmt

import "time"

// The accessors below tie a row of the table to its place in a Record, for the
// readers. They are switches, not function values in the table: a call through a
// function value would move every caller's Record to the heap.

// bytesOf returns the place of a text field that holds bytes, nil for others.
func (r *Record) bytesOf(id fieldID) *[]byte {
	switch id {
	case fieldMethod:
		return &r.Method
	case fieldHost:
		return &r.Host
	case fieldPath:
		return &r.Path
	case fieldReferrer:
		return &r.Request.Referrer
	case fieldTrace:
		return &r.Request.Trace
	case fieldQuery:
		return &r.Request.Query
	case fieldUserAgent:
		return &r.Request.UserAgent
	}
	return nil
}

// stringOf returns the place of a text field that holds a string, nil for
// others.
func (r *Record) stringOf(id fieldID) *string {
	switch id {
	case fieldNode:
		return &r.Node
	case fieldAccount:
		return &r.Account
	case fieldSite:
		return &r.Site
	case fieldForward:
		return &r.Cache.Forward
	case fieldTier:
		return &r.Source.Tier
	case fieldClass:
		return &r.Request.Class
	case fieldProtocol:
		return &r.Request.Protocol
	case fieldTLS:
		return &r.Request.TLS
	case fieldScheme:
		return &r.Token.Scheme
	case fieldKey:
		return &r.Token.Key
	case fieldVerdict:
		return &r.Token.Verdict
	case fieldError:
		return &r.Error
	}
	return nil
}

// countOf returns the place of a count, nil for other fields.
func (r *Record) countOf(id fieldID) *int64 {
	switch id {
	case fieldBytesSent:
		return &r.BytesSent
	case fieldWireBytes:
		return &r.WireBytes
	case fieldRAM:
		return &r.Source.RAM
	case fieldDisk:
		return &r.Source.Disk
	case fieldOrigin:
		return &r.Source.Origin
	case fieldRun:
		return &r.Sequence.Run
	case fieldDropped:
		return &r.Sequence.Dropped
	case fieldNumber:
		return &r.Sequence.Number
	}
	return nil
}

// durationOf returns the place of a duration, nil for other fields.
func (r *Record) durationOf(id fieldID) *time.Duration {
	switch id {
	case fieldFirstByte:
		return &r.FirstByte
	case fieldDuration:
		return &r.Duration
	}
	return nil
}

// flagOf returns the place of a flag, nil for other fields.
func (r *Record) flagOf(id fieldID) *bool {
	switch id {
	case fieldAborted:
		return &r.Aborted
	case fieldHit:
		return &r.Cache.Hit
	case fieldStored:
		return &r.Cache.Stored
	case fieldCollapsed:
		return &r.Cache.Collapsed
	}
	return nil
}
