package rfc9111

// heuristic reports a status that is heuristically cacheable (RFC 9110 §15.1).
func heuristic(status int) bool {
	switch status {
	case 200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501:
		return true
	}
	return false
}

// understood reports a status whose caching requirements are implemented here,
// for must-understand (RFC 9111 §5.2.2.3).
func understood(status int) bool {
	switch status {
	case 200, 201, 202, 203, 204, 205, 206,
		300, 301, 302, 303, 307, 308,
		400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 413, 414, 415, 421, 422, 423, 424, 451,
		500, 501, 502, 503, 504, 505:
		return true
	}
	return false
}

// storableStatus reports a final status whose response can stand for the
// resource. Excluded are those that speak only of the one request that got them
// (its conditions, ranges, proxy or rate) and those that RFC 6585 forbids to store.
func storableStatus(status int) bool {
	switch status {
	case 304, 407, 408, 412, 416, 417, 425, 426, 428, 429, 431, 511:
		return false
	}
	return status >= 200 && status <= 599
}

// successful reports a 2xx status. Preconditions are evaluated for no other (RFC
// 9110 §13.2.1).
func successful(status int) bool { return status >= 200 && status <= 299 }

// ErrorStatus reports an answer of the origin that counts as an error for
// stale-if-error (RFC 5861 §4).
func ErrorStatus(status int) bool {
	switch status {
	case 500, 502, 503, 504:
		return true
	}
	return false
}

// Invalidates reports whether the answer to a request makes what is stored under
// the same target unusable (RFC 9111 §4.4): a 2xx or 3xx answer to a method that
// is not known to be safe.
func Invalidates(method string, status int) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE":
		return false
	}
	return status >= 200 && status <= 399
}
