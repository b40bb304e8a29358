package demo

import (
	"embed"
	"io/fs"
)

//go:embed title/fmp4 title/ts
var titleFiles embed.FS

// Title returns the files of the bundled title.
func Title() fs.FS { return sub(titleFiles, "title") }

// sub returns a folder of embedded files. The folder is there or the binary would
// not have been built.
func sub(files embed.FS, dir string) fs.FS {
	s, err := fs.Sub(files, dir)
	if err != nil {
		panic("demo: " + err.Error())
	}
	return s
}

// Stream is one way to play the title.
type Stream struct {
	ID   string // stable word, for links and tests
	Name string // for people
	Kind string // "hls" or "dash": which player it needs
	Path string // manifest below the root of the origin and of the edge
}

// Streams returns the ways to play the title. DASH shares its segments with HLS
// fMP4, as a packager for production would make them.
func Streams() []Stream {
	return []Stream{
		{ID: "hls-fmp4", Name: "HLS fMP4", Kind: "hls", Path: "/fmp4/master.m3u8"},
		{ID: "hls-ts", Name: "HLS TS", Kind: "hls", Path: "/ts/master.m3u8"},
		{ID: "dash", Name: "DASH", Kind: "dash", Path: "/fmp4/manifest.mpd"},
	}
}

// scopes are the folders that a token of the demonstration opens.
func scopes() []string { return []string{"/fmp4/", "/ts/"} }
