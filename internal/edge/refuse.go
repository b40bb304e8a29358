package edge

import (
	"edged/auth"
	"edged/internal/target"
)

// retryAfter is what a client is told after an origin failure, in seconds.
const retryAfter = "2"

// refusals are the bodies of generated responses: one short line that says no
// more than the status.
func refusal(status int) string {
	switch status {
	case 400:
		return "400 bad request\n"
	case 403:
		return "403 forbidden\n"
	case 405:
		return "405 method not allowed\n"
	case 408:
		return "408 request timeout\n"
	case 412:
		return "412 precondition failed\n"
	case 413:
		return "413 content too large\n"
	case 414:
		return "414 uri too long\n"
	case 416:
		return "416 range not satisfiable\n"
	case 417:
		return "417 expectation failed\n"
	case 421:
		return "421 misdirected request\n"
	case 429:
		return "429 too many requests\n"
	case 431:
		return "431 request header fields too large\n"
	case 500:
		return "500 internal server error\n"
	case 501:
		return "501 not implemented\n"
	case 502:
		return "502 bad gateway\n"
	case 503:
		return "503 service unavailable\n"
	case 504:
		return "504 gateway timeout\n"
	case 505:
		return "505 http version not supported\n"
	case 508:
		return "508 loop detected\n"
	}
	return ""
}

// refuse completes the response with a generated one. It always returns false, so
// that a step can end the line with it.
func (e *Edge) refuse(x *Exchange, status int) bool {
	x.reset(status)
	x.field("Content-Type", "text/plain; charset=utf-8")
	x.field("X-Content-Type-Options", "nosniff")
	x.field("Cache-Control", "no-store")
	switch status {
	case 405:
		x.field("Allow", x.site.allow)
	case 429, 502, 503, 504:
		x.field("Retry-After", retryAfter)
	}
	x.proxyStatus(status)
	x.finishHeader()
	x.text(refusal(status))
	return false
}

// deny answers every token fault alike; the reason goes to log and counters only.
func (e *Edge) deny(x *Exchange, v auth.Verdict) bool {
	x.out.Checked, x.out.Detail, x.out.Denied = true, DetailDenied, v.Reason
	x.out.Scheme, x.out.Key = x.site.Token.Name(), v.Key
	return e.refuse(x, 403)
}

func (e *Edge) badTarget(x *Exchange, why target.Reason) bool {
	x.out.Detail, x.out.Target = DetailBadTarget, why
	x.Resp.Close = true
	return e.refuse(x, 400)
}

// redirectHTTPS sends a viewer of plain HTTP to the same target on HTTPS. The
// target is the raw one: the token in it has to arrive there.
func (e *Edge) redirectHTTPS(x *Exchange) bool {
	x.out.Detail = DetailRedirect
	x.reset(308)
	x.field("Cache-Control", "no-store")
	x.field("Location", x.value(func(b []byte) []byte {
		b = append(append(b, "https://"...), x.host...)
		b = append(b, x.path...)
		if len(x.query) > 0 {
			b = append(append(b, '?'), x.query...)
		}
		return b
	}))
	x.finishHeader()
	x.Resp.Size = 0
	return false
}
