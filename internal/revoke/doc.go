// Package revoke withdraws tokens before they expire: one token, a session, what was
// issued before a date, a key.
//
//	list, err := revoke.Open(revoke.Options{Path: "/var/lib/edged/revocations.log"})
//	number, err := list.Apply(revoke.Order{Account: "acme", Session: "4711", Until: end})
//	options.Revocations = list.Of("acme") // for package auth, which asks on every request
//
// An order is numbered, and durable before Apply returns: it is a line of an
// append-only file. What can no longer match, because every token it could concern
// has expired, is forgotten when the file is opened the next time. The file holds
// digests, not tokens or session ids, beside the names of accounts and keys; [List.Forget]
// takes those of an account out.
//
// Asking takes no lock and allocates nothing: it reads an immutable view that Apply
// replaces. Memory is bounded by MaxOrders; the order beyond it is refused with an
// error that says what to do instead. All methods are safe for concurrent use.
//
// The package does not know schemes: that a token has a session or a date of issue
// is for package auth to say.
package revoke
