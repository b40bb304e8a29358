package admin

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

//go:embed web
var web embed.FS

// files are what the page loads, by name, with their media types.
func files() map[string]string {
	return map[string]string{
		"status.css": "text/css; charset=utf-8",
		"status.js":  "text/javascript; charset=utf-8",
		"icon.svg":   "image/svg+xml",
	}
}

// page renders the status for a browser.
type page struct {
	template *template.Template
	types    map[string]string
}

func newPage() (*page, error) {
	t, err := template.New("status.html").ParseFS(web, "web/*.html")
	if err != nil {
		return nil, fmt.Errorf("admin: page: %w", err)
	}
	return &page{t, files()}, nil
}

// serve writes the page, or a plain 500 when it cannot be made.
func (p *page) serve(w http.ResponseWriter, s *status) {
	var b bytes.Buffer
	if err := p.render(&b, s); err != nil {
		http.Error(w, "The page cannot be made; /status.json may still tell.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

func (p *page) render(b *bytes.Buffer, s *status) error {
	v, err := newView(s)
	if err != nil {
		return err
	}
	if err := p.template.Execute(b, v); err != nil {
		return fmt.Errorf("admin: page: %w", err)
	}
	return nil
}

// serveFile answers with one of the embedded files.
func (p *page) serveFile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	kind, ok := p.types[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	b, err := web.ReadFile("web/" + name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(b)
}

// view is the status as the template sees it: the value for what is text, and the
// decoded JSON for what is a number. Numbers are named by their path in the JSON,
// so that the script finds the same one when it refreshes the page.
type view struct {
	*status
	json any
}

func newView(s *status) (*view, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("admin: page: %w", err)
	}
	v := &view{status: s}
	if err := json.Unmarshal(b, &v.json); err != nil {
		return nil, fmt.Errorf("admin: page: %w", err)
	}
	return v, nil
}

// Num is a number of the JSON in words for people. The path may hold verbs of fmt
// for args.
func (v *view) Num(unit, path string, args ...any) (template.HTML, error) {
	path = fmt.Sprintf(path, args...)
	text, err := write(unit, lookup(v.json, path), v.Time)
	if err != nil {
		return "", err
	}
	return html(`<span data-v="%s" data-u="%s">%s</span>`, path, unit, text), nil
}

// At returns a path with its arguments in place.
func (v *view) At(path string, args ...any) string { return fmt.Sprintf(path, args...) }

// Bar shows parts of a whole side by side, the n-th in the n-th of the given colours.
// All is the path that prefixes those of the whole and of the parts.
func (v *view) Bar(prefix, whole, parts, colours string) template.HTML {
	var rects strings.Builder
	names, x := strings.Fields(parts), 0.0
	of := numberAt(v.json, prefix+whole)
	for i, colour := range strings.Fields(colours) {
		names[i] = prefix + names[i]
		width := 0.0
		if of > 0 {
			width = min(100-x, 100*numberAt(v.json, names[i])/of)
		}
		rects.WriteString(string(html(`<rect class="%s" x="%.2f" width="%.2f" height="8"/>`, "fill-"+colour, x, width)))
		x += width
	}
	return html(`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" data-bar="%s" data-of="%s">`,
		strings.Join(names, " "), prefix+whole) + template.HTML(rects.String()) + "</svg>" //nolint:gosec // made of html only
}

// Spark draws a column of the history.
func (v *view) Spark(path, label string) template.HTML {
	line, area := trace(lookup(v.json, path))
	return html(`<svg class="spark" viewBox="0 0 %s %s" preserveAspectRatio="none" role="img" aria-label="%s" data-spark="%s">`,
		fmt.Sprint(sparkWidth), fmt.Sprint(sparkHeight), label, path) +
		html(`<path class="area" d="%s"/><path class="line" d="%s"/></svg>`, area, line)
}

// html formats with every argument escaped.
func html(format string, args ...any) template.HTML {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = template.HTMLEscapeString(s)
		}
	}
	return template.HTML(fmt.Sprintf(format, args...)) //nolint:gosec // arguments are escaped above
}

// Reasons are the words of a table of counts.
func (v *view) Reasons(m map[string]uint64) []string { return keys(m) }

// Sum adds up a table of counts.
func (v *view) Sum(m map[string]uint64) uint64 { return sum(m) }

// Open reports whether the details of sites are shown at once.
func (v *view) Open() bool { return len(v.Sites) <= 2 }
