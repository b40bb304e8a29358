package main

import (
	"math"
	"math/rand/v2"
)

// synthetic returns the built-in traces of n requests each. The same seed makes the
// same traces.
func synthetic(n int, seed uint64) []trace {
	source := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }
	return []trace{
		{"vod: zipf, 25 % one-hit", vod(source(1), n, 0.25)},
		{"vod in ranges: 1 to 3 times", repeated(vod(source(2), n/2, 0.25), source(9))},
		{"live 50 %, vod 50 %", mixed(live(source(3), n/2), vod(source(4), n/2, 0.25), source(5))},
		{"live edge only", live(source(6), n)},
		{"sequential viewers", viewers(source(7), n)},
		{"vod with scans", scans(source(8), n)},
	}
}

// Kinds of content, so that blocks of two never meet.
const (
	kindTitle uint64 = (iota + 1) << 56
	kindOneHit
	kindLive
	kindSegment
	kindScan
)

// lognormal gives each block a size of its own, around 300 KiB, up to a block.
func lognormal(block uint64) int32 {
	r := rand.New(rand.NewPCG(block, 1))
	return int32(min(1<<20, max(600, math.Exp(r.NormFloat64()*1.1+12.6))))
}

func ask(kind, id uint64) request {
	block := mix(kind + id)
	return request{block, lognormal(block)}
}

// vod is zipf over a catalogue of blocks, with one-hit wonders strewn in.
func vod(r *rand.Rand, n int, oneHit float64) []request {
	z := rand.NewZipf(r, 1.05, 8, uint64(max(1, n/5)))
	all := make([]request, 0, n)
	for i := range n {
		if r.Float64() < oneHit {
			all = append(all, ask(kindOneHit, uint64(i)))
		} else {
			all = append(all, ask(kindTitle, z.Uint64()))
		}
	}
	return all
}

// repeated asks for each block once to three times in a row, as players that read it
// in ranges and followers of a fill do.
func repeated(once []request, r *rand.Rand) []request {
	all := make([]request, 0, 2*len(once))
	for _, q := range once {
		for range 1 + r.IntN(3) {
			all = append(all, q)
		}
	}
	return all
}

// live is 40 channels of which some are watched much more than others. Most viewers
// are within some segments of the edge, a few in the window behind it.
func live(r *rand.Rand, n int) []request {
	const channels, each, window = 40, 30, 200 // requests a channel and segment
	z := rand.NewZipf(r, 1.3, 2, channels-1)
	all := make([]request, 0, n)
	for i := range n {
		edge := i / (channels * each)
		behind := int(math.Abs(r.NormFloat64()) * 2)
		if r.IntN(20) == 0 {
			behind = r.IntN(window)
		}
		all = append(all, ask(kindLive, z.Uint64()<<32+uint64(max(0, edge-behind))))
	}
	return all
}

// mixed shuffles b into a without changing the order within either.
func mixed(a, b []request, r *rand.Rand) []request {
	all := make([]request, 0, len(a)+len(b))
	for len(a)+len(b) > 0 {
		from := &a
		if r.IntN(len(a)+len(b)) >= len(a) {
			from = &b
		}
		all = append(all, (*from)[0])
		*from = (*from)[1:]
	}
	return all
}

// viewers is 200 people who each watch a title of 300 segments from some place on,
// for a while. Titles are zipf.
func viewers(r *rand.Rand, n int) []request {
	const audience, segments, patience = 200, 300, 60
	type viewer struct{ title, at uint64 }
	z := rand.NewZipf(r, 1.1, 4, uint64(max(1, n/1000)))
	people := make([]viewer, audience)
	for i := range people {
		people[i] = viewer{z.Uint64(), r.Uint64N(segments)}
	}
	all := make([]request, 0, n)
	for range n {
		v := &people[r.IntN(audience)]
		if v.at++; v.at >= segments || r.IntN(patience) == 0 {
			*v = viewer{z.Uint64(), 0}
			if r.IntN(4) == 0 {
				v.at = r.Uint64N(segments)
			}
		}
		all = append(all, ask(kindSegment, v.title<<16+v.at))
	}
	return all
}

// scans is vod without one-hit wonders, into which somebody reads long runs of
// content that nobody else wants.
func scans(r *rand.Rand, n int) []request {
	all := vod(r, n, 0)
	next := uint64(0)
	for at := n / 10; at < n; at += n / 5 {
		for i := at; i < min(n, at+n/20); i++ {
			all[i] = ask(kindScan, next)
			next++
		}
	}
	return all
}
