package edgetest

import "sync"

// transcript collects what a child process writes, for reading meanwhile.
type transcript struct {
	mu   sync.Mutex
	text []byte // guarded by mu
}

func newTranscript() *transcript { return &transcript{} }

// Write implements io.Writer.
func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	return len(p), nil
}

// Len returns how many bytes there are.
func (t *transcript) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.text)
}

// From returns what was written from byte n on.
func (t *transcript) From(n int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text[n:])
}
