package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// controls are the legitimate requests: each carrier of each door, in every way a
// player asks.
func (f *fort) controls() (list []attack) {
	for _, d := range f.doors {
		for _, p := range d.passes(wish{}) {
			add := func(what string, goods int, want []string, raw string) {
				list = append(list, attack{fmt.Sprintf("%s in %s: %s", d.name, p.carrier, what), raw, want, goods})
			}
			get := p.raw(d, "GET", d.path)
			add("GET", 1, []string{"200"}, p.raw(d, "GET", d.path, "Connection: close"))
			add("HEAD", 0, []string{"200"}, p.raw(d, "HEAD", d.path, "Connection: close"))
			add("range", 1, []string{"206"}, p.raw(d, "GET", d.path, "Connection: close", "Range: bytes=0-99"))
			add("conditional", 0, []string{"304"}, p.raw(d, "GET", d.path, "Connection: close", "If-None-Match: "+bypassTag))
			add("HTTP/1.0", 1, []string{"200"}, strings.Replace(get, "HTTP/1.1", "HTTP/1.0", 1))
			add("pipelined", 2, []string{"200", "200"}, get+p.raw(d, "GET", d.path, "Connection: close"))
		}
	}
	return list
}

// doorAttacks are the tricks that concern tokens, on each carrier of each door.
func (f *fort) doorAttacks() (list []attack) {
	for _, d := range f.doors {
		list = append(list, d.bare()...)
		passes := d.passes(wish{})
		for i := range passes {
			w := &writer{door: d, pass: &passes[i], at: i, seen: map[string]bool{}}
			w.wrongTokens()
			w.damagedTokens()
			w.elsewhere()
			w.several(passes)
			w.pipelines()
			list = append(list, w.list...)
		}
	}
	return list
}

const lastClose = "Connection: close"

// bare are requests without any token for what is cached and what is not.
func (d *door) bare() (list []attack) {
	p := pass{query: d.query}
	for what, fields := range map[string][]string{
		"plain": nil, "range": {"Range: bytes=0-0"}, "suffix": {"Range: bytes=-1"}, "ranges": {"Range: bytes=0-0,9-9"},
		"unsatisfiable": {"Range: bytes=999999-"}, "validator": {"If-None-Match: " + bypassTag}, "any validator": {"If-None-Match: *"},
		"date": {"If-Modified-Since: " + bypassDate}, "precondition": {`If-Match: "x"`}, "if-range": {"Range: bytes=0-0", "If-Range: " + bypassTag},
		"only-if-cached": {"Cache-Control: only-if-cached"},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			list = append(list, attack{name: fmt.Sprintf("%s without a token, %s %s", d.name, method, what), raw: p.raw(d, method, d.path, append(fields, lastClose)...)})
		}
	}
	list = append(list,
		attack{name: d.name + " without a token, not cached", raw: p.raw(d, "GET", "/vod/cold.mp4", lastClose)},
		attack{name: d.name + " without a token, POST", raw: p.raw(d, "POST", d.path, lastClose)},
		attack{name: d.name + " without a token, OPTIONS", raw: p.raw(d, "OPTIONS", d.path, lastClose), want: []string{"204"}})
	return list
}

// writer collects the attacks on one carrier of one door.
type writer struct {
	door *door
	pass *pass
	at   int // of the carrier in the door's list
	list []attack
	seen map[string]bool
}

// add adds a request that is not there yet: on some doors two tricks are the same one.
func (w *writer) add(what, raw string) {
	if w.seen[raw] {
		return
	}
	w.seen[raw] = true
	w.list = append(w.list, attack{name: fmt.Sprintf("%s in %s: %s", w.door.name, w.pass.carrier, what), raw: raw})
}

func (w *writer) send(what string, p pass) {
	w.add(what, p.raw(w.door, "GET", w.door.path, lastClose))
}

// wrongTokens are well made, but not for this door, this moment or by this key.
func (w *writer) wrongTokens() {
	d := w.door
	for what, minted := range map[string]wish{
		"of another account": {account: "bolt"}, "signed by nobody": {forged: true},
		"expired": {age: 2 * time.Hour}, "expired last year": {age: 365 * 24 * time.Hour}, "too long": {life: 25 * time.Hour}, "for a century": {life: 100 * 365 * 24 * time.Hour},
		"not yet":       {start: 10 * time.Minute},
		"for a sibling": {path: "/vod/title2/seg-1.mp4"},
	} {
		switch {
		case d.eternal && (minted.age+minted.life > 0), d.scope != "" && minted.path != "" && !d.followsPath(),
			minted.start > 0 && !d.hasStart(), minted.path != "" && d.scheme == "vdox":
			continue
		}
		p := d.passes(minted)[w.at]
		w.send(what, p)
		if what == "of another account" {
			// With the names of the right account's keys it is a bad signature.
			w.send("of another account, renamed", p.replaced("bolt-"+d.name, "acme-"+d.name))
		}
	}
}

// hasStart reports whether tokens can say when they begin.
func (d *door) hasStart() bool {
	switch d.scheme {
	case "ect", "edgeauth", "cdni", "cat":
		return true
	case "cloudfront":
		return d.scope != ""
	}
	return false
}

// followsPath reports whether the scope comes from the path and not from d.scope.
func (d *door) followsPath() bool {
	return d.name == "secure-link-path" || d.name == "cdn77-path" || d.name == "wowza"
}

// damagedTokens are good ones with something changed.
func (w *writer) damagedTokens() {
	p, token := w.pass, w.pass.token
	n := len(token)
	with := func(what, changed string) { w.send(what, p.replaced(token, changed)) }
	with("empty", "")
	if !strings.HasSuffix(token, "=") {
		with("one character short", token[:n-1])
	}
	with("without its first character", token[1:])
	with("half", token[:n/2])
	with("a digit more", token+"0")
	if !w.padding() {
		with("padded", token+"=")
	}
	with("padded too much", token+"===")
	with("twice", token+token)
	with("dotted", token+".")
	with("with a zero byte", token+"%00")
	with("with a line break", token+"%0d%0a")
	with("with a space", token+"%20")
	if w.door.name != "cdni-hs256" || w.pass.carrier != "path" { // what stands behind it is path, RFC 9246 §2
		with("comma", token+","+token)
	}
	with("another case", swapCase(token))
	with("backwards", reversed(token))
	for _, at := range []int{0, 1, n / 3, n / 2, n - 2, n - 1} {
		with(fmt.Sprintf("character %d changed", at), flip(token, at))
	}
	if end := strconv.FormatInt(new(wish{life: time.Hour}).expires(), 10); strings.Contains(p.pre+p.query+p.field, end) {
		later, _ := strconv.ParseInt(end, 10, 64)
		w.send("prolonged", p.replaced(end, strconv.FormatInt(later+60, 10)))
		w.send("prolonged by a digit", p.replaced(end, end+"0"))
		w.send("with a sign", p.replaced(end, "+"+end))
		w.send("in hexadecimal", p.replaced(end, "0x"+strconv.FormatInt(later, 16)))
		w.send("without an end", p.replaced(end, ""))
	}
}

// padding reports whether vendors write the token with and without padding.
func (w *writer) padding() bool { return w.door.name == "url-sig-path" }

func flip(s string, at int) string {
	by := byte('0')
	if s[at] == by {
		by = '1'
	}
	return s[:at] + string(by) + s[at+1:]
}

func swapCase(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c|0x20 >= 'a' && c|0x20 <= 'z' {
			b[i] ^= 0x20
		}
	}
	return string(b)
}

func reversed(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// elsewhere asks with a good token for what it does not open: other directories,
// names that begin alike, and every spelling of a way out.
func (w *writer) elsewhere() {
	dir, name := w.door.path[:strings.LastIndexByte(w.door.path, '/')], w.door.path[strings.LastIndexByte(w.door.path, '/')+1:]
	paths := []string{
		dir + "2/" + name, dir + "x", strings.TrimSuffix(dir, "e") + "/" + name + ".x", "/" + strings.ToUpper(dir) + "/" + name, "/x" + dir + "/" + name,
		"/other/" + name, "/vod/" + name, "/" + name + "/x", dir + ";x/" + name, dir + "%20/" + name, dir + "%3B/" + name, "/%2e" + dir + "/" + name,
		dir + "/../other/" + name, dir + "/../title2/" + name, dir + "/./" + name, "/." + dir + "/" + name, "//" + dir + "/" + name, dir + "//" + name,
		dir + "/%2e%2e/other/" + name, dir + "/%2E%2E/other/" + name, dir + "/.%2e/other/" + name, dir + "/%2e./other/" + name,
		dir + "/..%2fother/" + name, dir + "/..%2Fother/" + name, dir + "/%2e%2e%2fother/" + name, dir + "%2fother%2f" + name,
		dir + "/..%5cother/" + name, dir + `/..\other/` + name, dir + "/%5c../other/" + name,
		dir + "/..;/other/" + name, dir + "/..;x=1/other/" + name, dir + "/%2e%2e;/other/" + name, dir + "/.;/../other/" + name,
		dir + "/%252e%252e/other/" + name, dir + "/..%252fother/" + name, dir + "/%25252e%25252e/other/" + name, dir + "/%%32%65%%32%65/other/" + name,
		dir + "/%c0%ae%c0%ae/other/" + name, dir + "/..%c0%afother/" + name, dir + "/%e0%80%ae%e0%80%ae/other/" + name, dir + "/%ef%bc%8e%ef%bc%8e%2fother/" + name,
		dir + "/%u002e%u002e/other/" + name, dir + "/..%00/other/" + name, dir + "/..%0d/other/" + name, dir + "/..%09/other/" + name,
		dir + "/../" + dir + "/" + name, dir + "/x/../" + name, w.door.path + "/..", w.door.path + "/../../other/" + name, w.door.path + "%00.jpg", w.door.path + "%0a",
	}
	if w.door.scope == "" {
		paths = append(paths, w.door.path+"x", w.door.path+"/x", w.door.path[:len(w.door.path)-1], w.door.path+";x", w.door.path+"%3Bx",
			w.door.path+"%3Fx", w.door.path+"%20", w.door.path+".", w.door.path+"~", w.door.path+",x", w.door.path+"&x=1", dir+"/seg-2.mp4", dir+"/"+strings.ToUpper(name), dir+"/")
	}
	if w.door.scope == "" && !strings.HasPrefix(w.door.name, "url-sig") { // whose vendor signs no slash at the end
		paths = append(paths, w.door.path+"/")
	}
	for _, path := range paths {
		w.add("for "+path, w.pass.raw(w.door, "GET", path, lastClose))
	}
}

// several puts tokens in more than one place, or spells their names otherwise.
func (w *writer) several(passes []pass) {
	p, d := w.pass, w.door
	switch p.carrier {
	case "query":
		own := strings.TrimPrefix(strings.TrimPrefix(p.query, d.query), "&")
		query := func(what, q string) { twice := *p; twice.query = q; w.send(what, twice) }
		query("twice", p.query+"&"+own)
		query("name in another case", swapName(own, d.query, swapCase))
		query("name escaped", swapName(own, d.query, func(n string) string { return fmt.Sprintf("%%%02x", n[0]) + n[1:] }))
		query("name with a space", swapName(own, d.query, func(n string) string { return n + "+" }))
		query("name with a zero byte", swapName(own, d.query, func(n string) string { return n + "%00" }))
		query("name as a list", swapName(own, d.query, func(n string) string { return n + "[]" }))
		query("again without a value", p.query+"&"+nameOf(own)+"=")
		query("again without anything", p.query+"&"+nameOf(own))
		query("again in another case", p.query+"&"+swapCase(nameOf(own))+"=x")
		query("behind a semicolon", "x=1;"+p.query)
		query("behind a second mark", "x?"+p.query)
		query("escaped whole", strings.ReplaceAll(p.query, "=", "%3D"))
	case "path":
		again := *p
		again.pre, again.post = p.pre+p.pre, p.post+p.post
		w.send("twice", again)
		if p.pre != "" {
			w.send("escaped", p.replaced(p.token, fmt.Sprintf("%%%02x", p.token[0])+p.token[1:]))
			w.send("behind a directory", pass{pre: "/x" + p.pre, query: p.query})
			w.send("with parameters", pass{pre: p.pre + ";x", query: p.query})
			w.send("with dots", pass{pre: p.pre + "/..", query: p.query})
			w.send("in front of dots", pass{pre: "/.." + p.pre, query: p.query})
			w.send("with an escaped slash", pass{pre: p.pre + "%2f..", query: p.query})
			w.send("with a double slash", pass{pre: p.pre + "/", query: p.query})
		}
	case "header":
		w.add("twice", p.raw(d, "GET", d.path, p.field, lastClose))
	}
	for i := range passes {
		other := &passes[i]
		if i <= w.at || other.carrier == "cookie" || p.carrier == "cookie" {
			continue
		}
		both := *p
		both.pre, both.post, both.query = p.pre+other.pre, p.post+other.post, strings.Trim(p.query+"&"+other.query, "&")
		both.field = strings.Trim(p.field+"\r\n"+other.field, "\r\n")
		w.send("and in "+other.carrier, both)
	}
	if p.carrier == "cookie" { // a bad token in the URL is not made up for
		for i := range passes {
			if other := passes[i]; other.carrier == "query" {
				both := other.replaced(other.token, flip(other.token, 0))
				both.field = p.field
				w.send("and a bad one in the query", both)
			}
		}
	}
}

func nameOf(query string) string {
	name, _, _ := strings.Cut(query, "=")
	return name
}

// swapName changes the name of the first parameter of the token.
func swapName(own, before string, change func(string) string) string {
	q := change(nameOf(own)) + strings.TrimPrefix(own, nameOf(own))
	if before != "" {
		q = before + "&" + q
	}
	return q
}

// pipelines are a good request and a bad one on one connection, in both orders.
func (w *writer) pipelines() {
	d := w.door
	bad := pass{query: d.query}
	good := w.pass.raw(d, "GET", d.path)
	add := func(what string, goods int, want []string, raw string) {
		w.add("pipelined: "+what, raw)
		last := &w.list[len(w.list)-1]
		last.want, last.goods = want, goods
	}
	add("good, bad", 1, []string{"200", "403"}, good+bad.raw(d, "GET", d.path, lastClose))
	add("bad, good", 1, []string{"403", "200"}, bad.raw(d, "GET", d.path)+w.pass.raw(d, "GET", d.path, lastClose))
	damaged := w.pass.replaced(w.pass.token, flip(w.pass.token, len(w.pass.token)/2))
	add("good, damaged, good", 2, []string{"200", "403", "200"}, good+damaged.raw(d, "GET", d.path)+w.pass.raw(d, "GET", d.path, lastClose))
	add("good, way out", 1, []string{"200", "400"}, good+w.pass.raw(d, "GET", d.path+"/../x")+good)
	add("good HEAD, bad HEAD", 0, []string{"200", "403"}, w.pass.raw(d, "HEAD", d.path)+bad.raw(d, "HEAD", d.path, lastClose))
	add("good, of another site", 1, []string{"200", "403"}, good+w.pass.on(d.hostOf("bolt"), "GET", d.path, lastClose))
}
