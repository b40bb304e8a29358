package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad holds that no file makes Load panic, that what it accepts is complete,
// and that each error says where.
func FuzzLoad(f *testing.F) {
	for _, ending := range []string{".good.toml", ".bad.toml"} {
		for _, path := range corpus(f, ending) {
			f.Add(read(f, path))
		}
	}
	f.Add(read(f, examplePath))
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "include") {
			t.Skip("would read files of this machine")
		}
		path := filepath.Join(t.TempDir(), "edged.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path)
		if err != nil {
			if !strings.HasPrefix(err.Error(), path) {
				t.Errorf("error without a place: %v", err)
			}
			return
		}
		if len(c.Sites) == 0 || c.Node.Name == "" || c.RAM.Size < minRAM {
			t.Errorf("accepted, but incomplete: %+v", c)
		}
		for _, s := range c.Sites {
			if s.Account == "" || s.Name == "" || len(s.Hosts) == 0 || len(s.Origins) == 0 {
				t.Errorf("accepted, but incomplete: %+v", s)
			}
		}
	})
}
