package media

import "time"

// Defaults are the lifetimes of answers whose origin says nothing about
// freshness. Zero means: not without leave of the origin.
type Defaults struct {
	Lifetime             time.Duration // freshness lifetime of a success
	Negative             time.Duration // freshness lifetime of 404 and 410
	StaleWhileRevalidate time.Duration // how long stale is served while validating
	StaleIfError         time.Duration // how long stale is served when the origin fails
}

const (
	// negativeLive is how long "not there yet" may be remembered where players
	// ask ahead of time. Measured: Shaka asks for LL-DASH segments up to 1.1 s
	// early and repeats within tens of milliseconds; 1 s would stall it, 0 would
	// let every repetition through to the origin.
	negativeLive = 100 * time.Millisecond

	// negativeOther is the same for what is not made while it is watched.
	negativeOther = time.Second

	// maxLive bounds the lifetime of a live manifest that names an unlikely target
	// duration or update period.
	maxLive = 10 * time.Second

	// unknownTarget stands for a target duration that a live manifest does not
	// name. Its half is also the lifetime of a manifest that was not scanned.
	unknownTarget = 2 * time.Second
)

// Defaults returns the lifetimes for a class. A manifest has them only until it
// was scanned: see [ManifestInfo.Defaults]. Segments keep their bytes under their
// name, so hours are safe; a key is never kept (origins say no-store, and one
// that forgets to must not have its keys in a cache); what is Other lives by
// RFC 9111 alone.
func (c Class) Defaults() Defaults {
	switch c {
	case Manifest:
		return ManifestInfo{Live: true}.Defaults()
	case Segment, Init:
		return Defaults{
			Lifetime:             4 * time.Hour,
			Negative:             negativeLive,
			StaleWhileRevalidate: 10 * time.Minute,
			StaleIfError:         24 * time.Hour,
		}
	case Part:
		return Defaults{
			Lifetime:             time.Hour,
			Negative:             negativeLive,
			StaleWhileRevalidate: time.Minute,
			StaleIfError:         time.Hour,
		}
	case Subtitle:
		// May be a segment of a live text track, so it is asked for early too.
		return Defaults{
			Lifetime:             time.Hour,
			Negative:             negativeLive,
			StaleWhileRevalidate: time.Minute,
			StaleIfError:         24 * time.Hour,
		}
	case Image:
		return Defaults{
			Lifetime:             time.Hour,
			Negative:             negativeOther,
			StaleWhileRevalidate: time.Minute,
			StaleIfError:         24 * time.Hour,
		}
	case File:
		return Defaults{
			Lifetime:             time.Hour,
			Negative:             negativeOther,
			StaleWhileRevalidate: 10 * time.Minute,
			StaleIfError:         24 * time.Hour,
		}
	}
	return Defaults{Negative: negativeOther}
}

// Defaults returns the lifetimes for a manifest with these properties: seconds
// when live, a minute for on-demand and multivariant ones, and those of
// [Manifest] when nothing is known.
func (m ManifestInfo) Defaults() Defaults {
	if m.Live || m.Kind == NotManifest {
		return m.liveDefaults()
	}
	return Defaults{
		Lifetime:             time.Minute,
		Negative:             negativeLive,
		StaleWhileRevalidate: time.Minute,
		StaleIfError:         time.Hour,
	}
}

// liveDefaults splits one target duration, or one part target for low-latency
// HLS, in two: fresh for its first half, stale while validating for its second.
// So no player ever gets a manifest that is more than one target old while the
// origin answers. When it does not, players hold out for about three.
func (m ManifestInfo) liveDefaults() Defaults {
	target := m.Target
	if target <= 0 {
		target = unknownTarget
	}
	step := target
	if m.PartTarget > 0 {
		step = min(step, m.PartTarget)
	}
	half := min(step/2, maxLive)
	return Defaults{
		Lifetime:             half,
		Negative:             negativeLive,
		StaleWhileRevalidate: half,
		StaleIfError:         3 * min(target, 2*maxLive),
	}
}
