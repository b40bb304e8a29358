package logfmt_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"edged/logfmt"
)

func ExampleAppendStruck() {
	for _, s := range []string{"123.123.123.123", "::ffff:123.123.123.123", "2001:db8:1:2::3"} {
		fmt.Println(string(logfmt.AppendStruck(nil, netip.MustParseAddr(s))))
	}
	// Output:
	// 123.123.123.000
	// 123.123.123.000
	// 2001:db8:1::
}

func ExampleWriter() {
	dir, err := os.MkdirTemp("", "logfmt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // of an example
	w, err := logfmt.NewWriter(logfmt.Options{Dir: dir, Node: "edge-ams-01"})
	if err != nil {
		fmt.Println(err)
		return
	}
	w.Write(&logfmt.Record{
		Method: []byte("GET"), Path: []byte("/title/main.m3u8"), Status: 200, BytesSent: 1234,
		Client: netip.MustParseAddr("123.123.123.123"),
	})
	if err := w.Close(); err != nil {
		fmt.Println(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(files) != 1 {
		fmt.Println(files, err)
		return
	}
	check, err := logfmt.VerifyFile(files[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(w.Stats().Written, check.Stated.Records, check.Problems)
	for r, err := range logfmt.Records(files[0]) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(r.Client, string(r.Path), r.BytesSent)
	}
	// Output:
	// 1 1 []
	// 123.123.123.0 /title/main.m3u8 1234
}
