package edge

import (
	"edged/cache"
	"edged/cache/object"
	"edged/cache/rfc9111"
)

// maxInterim is how many interim responses of a fetch wait to be passed on; more
// are dropped. They are hints, and only whoever caused the fetch gets them: they are
// never stored.
const maxInterim = 4

// interim is one interim response of an origin.
type interim struct {
	status int
	header object.Header
}

// early hands an interim response to the request that waits for the fetch. It does
// not wait: the fetch is not the request's alone.
func (f *fetch) early(status int, header object.Header) {
	select {
	case f.interim <- interim{status, rfc9111.StripStored(header)}:
	default:
	}
}

// await waits for the header of a fill, and passes on what comes before it.
func (x *Exchange) await(fill *cache.Fill, job *fetch) {
	if job == nil || job.interim == nil {
		<-fill.Ready()
		return
	}
	for {
		select {
		case i := <-job.interim:
			x.Req.Interim.WriteInterim(i.status, i.header)
		case <-fill.Ready():
			x.flushInterim(job)
			return
		}
	}
}

// flushInterim passes on what came before the header but was not yet looked at.
func (x *Exchange) flushInterim(job *fetch) {
	for {
		select {
		case i := <-job.interim:
			x.Req.Interim.WriteInterim(i.status, i.header)
		default:
			return
		}
	}
}
