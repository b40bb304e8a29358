// Package cachetest holds what the tests of cache tiers share:
//
//   - [Run], the conformance suite that every tier must pass;
//
//   - [MemFS], a file layer in memory that knows what a kill and what a power
//     loss leave behind;
//
//   - [FaultFS], a file layer that fails, hangs, tears and flips on request;
//
//   - [Content] and [Body], bodies that can be told apart and counted.
//
//     fs := cachetest.NewFaultFS(cachetest.NewMemFS())
//     clear := fs.Inject(cachetest.Fault{Op: cachetest.OpWrite, Name: "extent-", Err: unix.EIO})
//
// Everything may be used by many goroutines. It is for tests only: no program
// imports it.
package cachetest
