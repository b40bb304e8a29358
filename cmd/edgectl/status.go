package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"
)

const statusHelp = `
Status says how a running node is: its state, what needs attention and what to do
about it, and the most important figures of each site, origin and disk. Everything
else is in -json, which docs/admin.md explains, and on the page at /status.

Exit code 0 means that nothing is bad, 1 that something is or the node does not answer.

Examples:
  edgectl status
  edgectl status -admin 127.0.0.1:8090
  edgectl status -json | jq .rates`

func statusCommand() command {
	return command{
		name:    "status",
		args:    "[-admin ADDRESS | -config FILE] [-json]",
		summary: "how a running node is, and what to do about it",
		text:    statusHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			var f statusFlags
			f.bind(fs)
			fs.BoolVar(&f.json, "json", false, "print the JSON of the node as it is")
			return f.run
		},
	}
}

// statusFlags are the flags of status.
type statusFlags struct {
	nodeFlags
	json bool
}

func (f *statusFlags) run(s streams, args []string) error {
	if len(args) != 0 {
		return usagef("what is %q for?", args[0])
	}
	n, err := f.node()
	if err != nil {
		return err
	}
	var st nodeStatus
	raw, err := n.ask(http.MethodGet, "/status.json", &st)
	if err != nil {
		return err
	}
	if st.Schema != statusSchema {
		fmt.Fprintf(s.err, "edgectl status: the node speaks schema %d, this tool %d: some figures may be missing\n", st.Schema, statusSchema)
	}
	if f.json {
		_, err = s.out.Write(raw)
	} else {
		err = st.print(s.out)
	}
	if err == nil && st.Health == "bad" {
		return errDenied
	}
	return err
}

// statusSchema is the version of status.json that nodeStatus follows.
const statusSchema = 1

// nodeStatus is what is printed of status.json.
type nodeStatus struct {
	Schema int `json:"schema"`
	Node   struct {
		Name, Region, Version string
		Uptime                float64 `json:"uptime_seconds"`
	}
	State    string
	Health   string
	Findings []struct{ Level, Part, Text, Advice string }
	Rates    struct {
		Requests float64  `json:"requests_per_second"`
		Bits     float64  `json:"bits_per_second"`
		Hits     *float64 `json:"hit_ratio"`
		ByteHits *float64 `json:"byte_hit_ratio"`
	}
	Sites []struct {
		Account, Site string
		Requests      uint64
		Bytes         uint64   `json:"body_bytes"`
		Hits          *float64 `json:"hit_ratio"`
		ByteHits      *float64 `json:"byte_hit_ratio"`
		Denied        uint64
		Origins       []struct {
			Origin    string
			Up        bool
			Requests  uint64
			Failed    uint64
			FirstByte float64 `json:"first_byte_seconds"`
		}
	}
	Disks []struct {
		Path, Health string
		Used         int64 `json:"used_bytes"`
		Size         int64 `json:"size_bytes"`
		Objects      int64
	}
}

// print writes the figures for people.
func (st *nodeStatus) print(w io.Writer) error {
	up := time.Duration(st.Node.Uptime) * time.Second
	fmt.Fprintf(w, "%s: %s, %s · edged %s, up %s\n", st.Node.Name, st.State, st.Health, st.Node.Version, up)
	for _, f := range st.Findings {
		fmt.Fprintf(w, "\n%s: %s: %s\n  %s\n", f.Level, f.Part, f.Text, f.Advice)
	}
	fmt.Fprintf(w, "\nnow %.1f requests/s, %.1f Mbit/s, hits %s of requests, %s of bytes\n\n",
		st.Rates.Requests, st.Rates.Bits/1e6, percent(st.Rates.Hits), percent(st.Rates.ByteHits))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	st.printSites(t)
	st.printDisks(t)
	return t.Flush()
}

func (st *nodeStatus) printSites(w io.Writer) {
	if len(st.Sites) == 0 {
		return
	}
	fmt.Fprintln(w, "ACCOUNT\tSITE\tREQUESTS\tSENT\tHITS\tBY BYTES\tREFUSED TOKENS")
	for _, s := range st.Sites {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%d\n", s.Account, s.Site, s.Requests, bytesText(s.Bytes), percent(s.Hits), percent(s.ByteHits), s.Denied)
	}
	fmt.Fprintln(w, "\nORIGIN\tSITE\tSTATE\tREQUESTS\tFAILED\tFIRST BYTE")
	for _, s := range st.Sites {
		for _, o := range s.Origins {
			state := "up"
			if !o.Up {
				state = "DOWN"
			}
			first := time.Duration(o.FirstByte * float64(time.Second)).Round(100 * time.Microsecond)
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\n", o.Origin, s.Site, state, o.Requests, o.Failed, first)
		}
	}
}

func (st *nodeStatus) printDisks(w io.Writer) {
	if len(st.Disks) == 0 {
		return
	}
	fmt.Fprintln(w, "\nDISK\tSTATE\tUSED\tOF\tOBJECTS")
	for _, d := range st.Disks {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", d.Path, d.Health, bytesText(uint64(d.Used)), bytesText(uint64(d.Size)), d.Objects)
	}
}

func percent(share *float64) string {
	if share == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", *share*100)
}

// bytesText writes a size in powers of 1024.
func bytesText(n uint64) string {
	size, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for ; size >= 1024 && i < len(units)-1; i++ {
		size /= 1024
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", size, units[i])
}
