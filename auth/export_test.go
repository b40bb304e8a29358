package auth

// Wait returns when every signature added so far can be found.
func (s *Signatures) Wait() { s.cache.Wait() }
