// Replay runs request traces through eviction policies and prints a table of hit
// ratios: what the choice of the RAM tier's policy rests on, and a way to judge it
// again on the logs of a node.
//
//	go run ./cache/replay                               # synthetic traces
//	go run ./cache/replay /var/log/edged/access-*.log*  # access logs of any format, plain or .zst
//	go run ./cache/replay -sweep                        # other parameters of S3-FIFO
//
// A request is for one block, as the RAM tier stores bodies: a log record becomes one
// request for each block of 1 MiB that its bytes touch, and a block has the largest
// size that the trace saw of it. A policy has room for a number of bytes and is asked
// for each block in turn; a miss stores it. Capacities are shares of the footprint,
// the bytes of all different blocks of the trace, or sizes (-capacity 64MiB,1GiB).
//
// The policies:
//
//   - lru: exact least recently used, the yardstick;
//   - s3-fifo: that of cache/ram, the code that the daemon runs;
//   - otter: adaptive W-TinyLFU, weighted, with its maintenance on the caller's
//     goroutine so that nothing depends on the scheduler;
//   - ristretto: sampled LFU with TinyLFU admission, in its best case: after each Set
//     the replay waits until it is applied. Its ns/op include that.
//
// What it does not show: size classes and slabs (TestSizeClassesCostFewHits of
// cache/ram holds what they cost), contention (the benchmarks of cache/ram do),
// freshness, and the disk tier behind.
package main
