//go:build amd64 && !race

package disk

// optimistic lets look-ups in the index read slots without a lock, and throw away what
// they read when the shard was changed meanwhile (shard.changes). That needs loads that
// happen in the order of the program: the processor keeps it (loads are not reordered
// with loads, stores not with stores), and the compiler moves no load across an atomic
// operation. A slot that is read half old, half new costs nothing but the look-up: it
// has no pointers, and searches are bounded by the length of the shard
// (TestLookupsWithoutLock). The race detector, which knows no such thing, and other
// processors take the lock.
const optimistic = true
