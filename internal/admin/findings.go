package admin

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
)

// level says how bad something is. The zero level is good.
type level uint8

const (
	levelOK       level = iota
	levelDegraded       // viewers are served, but something is lost or at risk
	levelBad            // viewers, logs or a whole part are affected now
)

// String returns the word of the page and the JSON.
func (l level) String() string { return [...]string{"ok", "degraded", "bad"}[l] }

// MarshalText implements encoding.TextMarshaler.
func (l level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// finding is something that is not as it should be.
type finding struct {
	Level  level  `json:"level"`
	Part   string `json:"part"`   // what it is about
	Text   string `json:"text"`   // what is wrong
	Advice string `json:"advice"` // what an operator should do
}

// Certificates are found fault with this many days before their end.
const (
	certificateWarn  = 21
	certificateAlarm = 3
)

// judge fills findings, the worst first, and the health.
func (st *status) judge() {
	st.Findings = []finding{}
	st.judgeState()
	for i := range st.Sites {
		st.judgeOrigins(&st.Sites[i])
	}
	for i := range st.Disks {
		st.judgeDisk(&st.Disks[i])
	}
	st.judgeRAM()
	st.judgeLog()
	st.judgeLedger()
	st.judgeShipping()
	st.judgeConnections()
	for i := range st.Certificates {
		st.judgeCertificate(&st.Certificates[i])
	}
	slices.SortStableFunc(st.Findings, func(a, b finding) int { return int(b.Level) - int(a.Level) })
	if len(st.Findings) > 0 {
		st.Health = st.Findings[0].Level
	}
}

func (st *status) find(l level, part, text, advice string) {
	st.Findings = append(st.Findings, finding{l, part, text, advice})
}

func (st *status) judgeState() {
	switch st.State {
	case Starting.String():
		st.find(levelDegraded, "node", "The node is starting: not all listeners are up.",
			"Wait. If it stays so, the error log says which part does not come up.")
	case Draining.String():
		st.find(levelDegraded, "node", "The node is draining: it takes no new connections and stops when the last request has ended.",
			"Nothing, if this was intended. It serves again after systemctl start edged.")
	}
}

func (st *status) judgeOrigins(s *siteStatus) {
	down := 0
	for _, o := range s.Origins {
		if !o.Up {
			down++
		}
	}
	l, text := levelDegraded, "is down: the next origin of the site is asked."
	if down == len(s.Origins) {
		l, text = levelBad, "is down, and so is every other origin of the site: only what is stored is served."
	}
	for _, o := range s.Origins {
		if !o.Up {
			st.find(l, "origin "+o.Origin, "The origin of site "+s.Site+" (account "+s.Account+") "+text,
				"Ask it from this node, for instance with curl -sI, and tell the customer. It is tried again by itself.")
		}
	}
}

func (st *status) judgeDisk(d *diskStatus) {
	part := "disk " + d.Path
	switch d.Health {
	case "read-only":
		st.find(levelDegraded, part, "A write failed: what is stored is served, nothing new is stored.",
			"Look for I/O errors and a full or read-only file system: dmesg, df, smartctl. It is tried again by itself.")
	case "offline":
		st.find(levelBad, part, "Reads fail or hang: what it stores is fetched from origins again.",
			"Look for I/O errors: dmesg, smartctl. Have the disk replaced; it is tried again by itself.")
	case unusable:
		st.find(levelBad, part, "The disk cannot be opened and is not used.",
			"The error log says why. Repair or replace it; it is tried again by itself.")
	}
	if d.Wear.Admits == "nothing" {
		st.find(levelDegraded, part, "The write budget is used up: nothing new is stored for now.",
			"Nobody gets an error, origins are asked more often. Raise writes_per_day if the drive is rated for more, or add a disk.")
	}
	if d.Scrub.Errors > 0 {
		st.find(levelDegraded, part, "The scrubber found "+count(float64(d.Scrub.Errors))+" damaged or unreadable records.",
			"They are not served. Look at dmesg and smartctl: a disk that rots wants to be replaced.")
	}
	if d.Full > 0 {
		st.find(levelDegraded, part, "The index was full: "+count(float64(d.Full))+" records were not stored.",
			"The objects are smaller than the index was laid out for. Give the disk a smaller size, or tell us what you store.")
	}
}

func (st *status) judgeRAM() {
	r := &st.RAM
	if r.Size > 0 && r.Pinned > r.Size/2 {
		st.find(levelDegraded, "ram", "More than half of the memory is held by readers of evicted blocks.",
			"Raise ram.size, or look at the number of open connections.")
	}
	if r.PassingMax > 0 && r.Passing > r.PassingMax/2 {
		st.find(levelDegraded, "ram", "Responses that may not be stored hold so much memory that new ones are refused.",
			"Have the origins send Content-Length and let what can be stored be stored, or raise ram.size.")
	}
}

func (st *status) judgeLog() {
	l := st.Log
	if l == nil {
		return
	}
	if l.Failing != "" {
		st.find(levelBad, "access log", "Records cannot be written: "+l.Failing,
			"Free space on the disk of log.dir or repair it. Records wait in memory until the queue is full, then they are lost.")
	}
	if l.Dropped > 0 {
		st.find(levelDegraded, "access log", count(float64(l.Dropped))+" records were lost since the start.",
			"Billing lacks them. See whether the disk of log.dir is slow or was full.")
	}
}

func (st *status) judgeConnections() {
	if r := st.Revocations; r != nil && r.Damaged > 0 {
		st.find(levelBad, "revocations", count(float64(r.Damaged))+" lines of the list of revocations cannot be read: what they withdrew is valid again.",
			"Withdraw it again, and look at the disk of node.state.")
	} else if r != nil && !r.Durable && r.Number > 0 {
		st.find(levelDegraded, "revocations", "What was revoked is known in memory only: a restart forgets it.", "Set node.state.")
	}
	c := &st.Connections
	if c.Panics > 0 {
		st.find(levelDegraded, "process", count(float64(c.Panics))+" panics were caught since the start; each cost one request.",
			"This is a fault of edged: report it with the error log.")
	}
	if c.Shed > 0 {
		st.find(levelDegraded, "connections", count(float64(c.Shed))+" connections were closed at once since the start.",
			"The node reached listen.max_connections or its limit of open files: raise it, or spread the load.")
	}
}

func (st *status) judgeCertificate(c *certificateStatus) {
	text := fmt.Sprintf("It ends in %d days.", c.DaysLeft)
	l := levelDegraded
	switch {
	case c.DaysLeft < 0:
		l, text = levelBad, "It is over: players refuse the connection."
	case c.DaysLeft <= certificateAlarm:
		l = levelBad
	case c.DaysLeft > certificateWarn:
		return
	}
	st.find(l, "certificate "+c.Name, text, "Renew it, replace the files and reload: systemctl reload edged.")
}

// shape is a short fingerprint of everything on the page that is not a number. A
// page whose shape is another one has to be fetched anew.
func (st *status) shape() string {
	h := fnv.New64a()
	note := func(words ...any) { fmt.Fprintf(h, "%q\n", words) }
	note(st.State, st.Health.String(), st.Node.Started.UnixNano(), st.Cache.LastPurge)
	for _, f := range st.Findings {
		note(f.Level.String(), f.Part)
	}
	for i := range st.Sites {
		s := &st.Sites[i]
		note(s.Account, s.Site, keys(s.Forward), keys(s.Detail), keys(s.DeniedBy), keys(s.BadTarget))
		for _, c := range s.Classes {
			note(c.Class)
		}
		for _, o := range s.Origins {
			note(o.Origin, o.Up, o.LastError != nil, keys(o.Errors))
		}
	}
	for _, a := range st.RAM.Accounts {
		note(a.Account, a.Floor > 0)
	}
	for _, d := range st.Disks {
		note(d.Path, d.Health)
	}
	for _, c := range st.Certificates {
		note(c.Name, c.DaysLeft)
	}
	note(keys(st.Unknown.Detail), keys(st.Unknown.BadTarget), keys(st.Connections.Refused), st.Log != nil, st.Log != nil && st.Log.Anonymity != nil)
	return strconv.FormatUint(h.Sum64(), 36)
}
