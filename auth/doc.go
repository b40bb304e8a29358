// Package auth decides whether a signed token allows a request.
//
// A token travels in a [Carrier] of the request (path, query or cookie). A
// [Scheme] finds it and cuts it out of the target, and later, when the rest of
// the target is canonical, verifies it: signature first, then time, scope and
// client. The answer is a [Verdict] with one [Reason] of a closed list. The
// native scheme is ect (see [ECT]); [New] builds any by its name, and a [Chain]
// when a site accepts several.
//
//	signatures, err := auth.NewSignatures(1 << 16) // one a process
//	scheme, err := auth.NewECT(auth.Options{
//		Account: "acme", Required: true, Keys: keys, Signatures: signatures,
//	})
//
//	var scratch auth.Scratch // one a connection
//	found, why := scheme.Find(&auth.Input{Path: path, Query: query, Cookies: cookies}, &scratch)
//	if why != auth.Allowed {
//		return deny(why)
//	}
//	// …found.Path is made canonical, found.Query is what the cache key may use…
//	verdict := scheme.Verify(&found, &auth.Request{Method: method, Path: canonical, Now: now})
//
// [MintHMAC] and [MintEd25519] make tokens.
//
// # Nouns
//
//   - signing key: a secret or public key with a key id (kid). A kid is unique
//     over all accounts and belongs to exactly one; a key of another account
//     never opens a site, whatever it signed.
//   - claims: what the token says about itself: expiry, scope, client.
//   - scope: canonical paths a token opens. One that ends in '/' opens everything
//     below, any other exactly that file.
//   - grant: what an allowed token of any scheme opens, said in scopes: what it can be
//     exchanged for by [Sessions], and where else the same token can stand.
//
// # Concurrency and bytes
//
// Schemes and Signatures are safe for use by many goroutines. A [Scratch]
// belongs to one request at a time. Everything that [Found] and [Verdict] hold
// is borrowed from the Input or the Scratch until the Scratch is used again.
//
// For ect Verify allocates nothing for HMAC tokens, nor for Ed25519 tokens whose
// signature was seen before; an ip claim costs one small allocation each.
//
// # What it does not do
//
// No I/O, no clock, no HTTP types. It does not canonicalise paths, does not find
// the site, does not answer the client, and does not log. It keeps no list of
// revoked tokens: a site hands in a [Revocations].
package auth
