package demo_test

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"edged/internal/demo"
)

// maxTitle is what the title may take in the repository and in the binary.
const maxTitle = 2_000_000

func TestTitleSize(t *testing.T) {
	var sum int64
	for _, name := range files(t) {
		info, err := fs.Stat(demo.Title(), name)
		if err != nil {
			t.Fatal(err)
		}
		sum += info.Size()
	}
	if sum > maxTitle || sum < maxTitle/4 {
		t.Errorf("the title has %d bytes, want at most %d and more than nothing", sum, maxTitle)
	}
}

// TestTitleIsWhole holds that manifests name files that are there, and that each file
// is named by a manifest or is a stream's.
func TestTitleIsWhole(t *testing.T) {
	named := map[string]bool{}
	for _, s := range demo.Streams() {
		name := strings.TrimPrefix(s.Path, "/")
		named[name] = true
		for _, n := range references(t, name) {
			named[n] = true
		}
	}
	all := files(t)
	for n := range named {
		if !slices.Contains(all, n) {
			t.Errorf("%s is named but does not exist", n)
		}
	}
	for _, n := range all {
		if !named[n] {
			t.Errorf("%s exists but nothing names it", n)
		}
	}
}

// TestTitleLooksRight holds that files are what their suffix says, by their first
// bytes.
func TestTitleLooksRight(t *testing.T) {
	for _, name := range files(t) {
		body := content(t, name)
		ok := false
		switch path.Ext(name) {
		case ".m3u8":
			ok = bytes.HasPrefix(body, []byte("#EXTM3U\n"))
		case ".mpd":
			ok = bytes.HasPrefix(body, []byte("<?xml"))
		case ".mp4":
			ok = string(body[4:8]) == "ftyp" && bytes.Contains(body, []byte("moov"))
		case ".m4s":
			ok = (string(body[4:8]) == "styp" || string(body[4:8]) == "moof") && bytes.Contains(body, []byte("mdat"))
		case ".ts":
			ok = len(body)%188 == 0 && body[0] == 0x47 && body[188] == 0x47
		}
		if !ok {
			t.Errorf("%s is not what its name says: it begins with %.12q", name, body)
		}
	}
}

func files(t *testing.T) []string {
	t.Helper()
	var all []string
	err := fs.WalkDir(demo.Title(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func content(t *testing.T, name string) []byte {
	t.Helper()
	body, err := fs.ReadFile(demo.Title(), name)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// references lists what a manifest names, and what those manifests name.
func references(t *testing.T, name string) []string {
	t.Helper()
	body := content(t, name)
	if strings.HasSuffix(name, ".mpd") {
		return dashReferences(t, name, body)
	}
	attribute := regexp.MustCompile(`URI="([^"]+)"`)
	var all []string
	add := func(uri string) {
		n := path.Join(path.Dir(name), uri)
		all = append(all, n)
		if strings.HasSuffix(n, ".m3u8") {
			all = append(all, references(t, n)...)
		}
	}
	for s := bufio.NewScanner(bytes.NewReader(body)); s.Scan(); {
		switch m := attribute.FindStringSubmatch(s.Text()); {
		case m != nil:
			add(m[1])
		case s.Text() != "" && !strings.HasPrefix(s.Text(), "#"):
			add(s.Text())
		}
	}
	return all
}

// mpd is as much of the schema as the title uses.
type mpd struct {
	Period struct {
		Sets []struct {
			Tracks []struct {
				ID       string `xml:"id,attr"`
				Template struct {
					Init     string `xml:"initialization,attr"`
					Media    string `xml:"media,attr"`
					Start    int    `xml:"startNumber,attr"`
					Timeline struct {
						Runs []struct {
							Repeat int `xml:"r,attr"`
						} `xml:"S"`
					} `xml:"SegmentTimeline"`
				} `xml:"SegmentTemplate"`
			} `xml:"Representation"`
		} `xml:"AdaptationSet"`
	} `xml:"Period"`
}

func dashReferences(t *testing.T, name string, body []byte) []string {
	t.Helper()
	var m mpd
	if err := xml.Unmarshal(body, &m); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var all []string
	for _, set := range m.Period.Sets {
		for _, track := range set.Tracks {
			fill := func(template string, number int) string {
				return path.Join(path.Dir(name), strings.NewReplacer(
					"$RepresentationID$", track.ID, "$Number%02d$", fmt.Sprintf("%02d", number)).Replace(template))
			}
			all = append(all, fill(track.Template.Init, 0))
			number := track.Template.Start
			for _, run := range track.Template.Timeline.Runs {
				for range run.Repeat + 1 {
					all = append(all, fill(track.Template.Media, number))
					number++
				}
			}
		}
	}
	return all
}

func TestReferencesAreFound(t *testing.T) {
	for name, want := range map[string]int{
		"fmp4/manifest.mpd": 3 + 3*7, "fmp4/master.m3u8": 3 + 3 + 3*7, "ts/master.m3u8": 2 + 2*7,
	} {
		if got := references(t, name); len(got) != want {
			t.Errorf("%s names %d files, want %d: %v", name, len(got), want, got)
		}
	}
}
