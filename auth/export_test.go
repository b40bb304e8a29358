package auth

// MatchGlob is matchGlob.
func MatchGlob(glob, text []byte) bool { return matchGlob(glob, text) }

// Bound of authentics, and how many a scheme has.
const MaxAuthentic = maxAuthentic

// Seen returns how many tokens the scheme keeps parsed.
func (s *CDNI) Seen() int { return len(s.seen.known) }
