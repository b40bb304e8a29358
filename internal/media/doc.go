// Package media knows what HLS, DASH and Smooth Streaming look like from
// outside: what a path is likely to be, and what a manifest says about its own
// freshness.
//
// [Classify] gives a path its [Class] by name alone, [Class.Defaults] says how
// long an answer of that class may be kept where the origin is silent, and
// [Scan] looks into a manifest to tell live from on-demand, so that a live one
// never outlives half its target duration.
//
//	d := media.Classify(path).Defaults()
//	if info := media.Scan(body); info.Kind != media.NotManifest {
//		d = info.Defaults()
//	}
//
// All that an origin says about freshness goes before what is said here, and
// where a guess may be wrong the shorter lifetime is taken.
//
// All functions are pure, borrow their input for the call, allocate nothing and
// are safe for concurrent use. The time they take is linear in the input.
//
// The package does not validate manifests, does not rewrite them, and does not
// follow what they refer to.
package media
