package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"edged/internal/audit"
	"edged/internal/edgetest"
)

// What was ordered is on record with who ordered it, refused orders too, also when the
// process is killed right after it said so; the numbers go on.
func TestE2EAudit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	conf := r.node.ConfigFile()
	edgetest.Edgectl(t, "purge", "-config", conf, "-prefix", "http://"+openHost+"/"+markPath)
	edgetest.Edgectl(t, "revoke", "-config", conf, "-account", "acme", "-session", markSession)
	edgetest.Do(t, r.node.Admin(), http.MethodPost, "http://node/api/v1/purge") // has not the header that orders need
	r.node.Kill9()
	r.node.Launch()
	r.node.Reload()
	r.node.WriteConfigText("nonsense")
	r.node.Reload()
	r.node.WriteConfig(r.config)
	edgetest.Edgectl(t, "erase", "-config", conf, "-account", "leaving", "-yes")
	r.node.Signal(syscall.SIGTERM)
	edgetest.Wait(t, r.node.Ended(), "edged to end")
	edgetest.Edgectl(t, "wipe", "-config", conf, "-yes")

	out := edgetest.Edgectl(t, "audit", "-config", conf, "-json") // fails when a number is missing
	var got []string
	for line := range strings.Lines(out) {
		var e audit.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Order+" "+string(e.Outcome))
		if own := "uid " + strconv.Itoa(os.Getuid()); e.Who != "signal" && !strings.Contains(e.Who, own) {
			t.Errorf("%s was ordered by %q, want %q in it", e.Order, e.Who, own)
		}
	}
	want := "start done, purge done, revoke done, purge refused, start done, reload done, reload refused, purge done, erase done, stop done, wipe done"
	if list := strings.Join(got, ", "); list != want {
		t.Errorf("the record has\n%s, want\n%s", list, want)
	}
	if strings.Contains(out, markPath) || strings.Contains(out, markSession) {
		t.Errorf("the record holds what was named:\n%s", out)
	}
}
