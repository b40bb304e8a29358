// Package purge says which stored responses may not be served any more. A purge is
// a rule with a number; a stored response carries the number at which its fetch
// began ([object.Meta.Seq]). Both are drawn from one row of numbers, so whatever
// began before a purge is older than it, and nothing has to be looked for: a purge
// of a million objects writes one rule, and each object is judged when somebody
// asks for it.
//
//	t := purge.NewTable(purge.Options{Seq: last})
//	m.Seq = t.Next()                                  // a fetch begins
//	n, _ := t.Purge(0, []purge.Rule{purge.Prefix(key)}) // everything older that begins like key
//	t.Judge(m.Key, m.Keys, m.Seq, 0)                  // Live, Soft or Hard
//
// # Nouns
//
// A [Rule] names a URL, a prefix, a surrogate key, an account or everything; it is
// hard (what it names is gone) or soft (what it names must be validated first).
// Rules hold digests, not names: neither the memory of the node nor the log on a
// disk tells what was purged. The [Table] keeps for each rule the newest hard and
// soft number. A rule of an account can only ever match what belongs to that
// account: all but "everything" are looked for below the account of the object.
//
// # Bounds
//
// The table has a limit. Where it is reached, the older half of the rules of the
// account that has most of them becomes one rule for the whole account, so the
// table errs by purging more, of that account alone. What is older than everything
// stored is folded into a rule for everything in the same way ([Table.Trim]): a
// disk that was away meanwhile cannot bring purged objects back.
//
// # Log
//
// FORMAT.md draws the log, which package cache keeps on every disk. [Parse] tells a
// torn end, which was never acknowledged, from damage, after which nobody knows
// what was purged.
//
// # Concurrency
//
// All methods of a Table may be called from any goroutine. [Table.Newest] is one
// atomic load: whoever notes it after judging an object need not judge it again
// until it changes. Nothing here reads a clock or a file.
package purge
