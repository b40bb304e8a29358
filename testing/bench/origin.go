package main

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// maxBody is the largest body the origin has, in bytes.
const maxBody = 4 << 20

// spread is by how many bytes the bodies of different paths may be shifted.
const spread = 64 << 10

// origin answers any path /SIZE/… with SIZE bytes that depend on the path, cacheable
// for an hour. It runs in this process, on the load generator's core.
type origin struct {
	listener net.Listener
	server   fasthttp.Server
	random   []byte // every body is a piece of it
}

// startOrigin listens on a free port of the loopback.
func startOrigin() (*origin, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("origin: %w", err)
	}
	o := &origin{listener: ln, random: make([]byte, maxBody+spread)}
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(o.random) // never fails
	o.server = fasthttp.Server{Handler: o.serve, IdleTimeout: time.Hour, Name: "origin"}
	go func() { _ = o.server.Serve(ln) }()
	return o, nil
}

func (o *origin) address() string { return o.listener.Addr().String() }

func (o *origin) stop() {
	_ = o.listener.Close()
}

// body returns what path is answered with, nil for a path without a size.
func (o *origin) body(path string) []byte {
	first, _, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	size, err := strconv.Atoi(first)
	if !ok || err != nil || size < 0 || size > maxBody {
		return nil
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(path))
	at := int(h.Sum32() % spread)
	return o.random[at : at+size]
}

func (o *origin) serve(ctx *fasthttp.RequestCtx) {
	body := o.body(string(ctx.Path()))
	if body == nil {
		ctx.Error("no such object", fasthttp.StatusNotFound)
		return
	}
	h := &ctx.Response.Header
	h.SetContentType("video/mp4")
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("ETag", `"`+strconv.Itoa(len(body))+`-1"`)
	h.Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
	ctx.Response.SetBodyRaw(body)
}
