package auth

// Wait returns when every signature added so far can be found.
func (s *Signatures) Wait() { s.cache.Wait() }

// MatchGlob is matchGlob.
func MatchGlob(glob, text []byte) bool { return matchGlob(glob, text) }
