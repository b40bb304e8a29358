package ship

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Object is a file on its way.
type Object struct {
	Name   string // without a directory
	Size   int64  // bytes
	SHA256 string // of all bytes, hexadecimal
	Body   io.Reader
}

// Target takes files. Put returns nil only when the file is safe where it went; putting
// the same one again must do no harm.
type Target interface {
	Put(ctx context.Context, o *Object) error
}

// HTTP puts files below a URL, by the method PUT.
type HTTP struct {
	URL    string // a file's name is added after a slash
	Token  string // of Authorization: Bearer, "" for none
	Client *http.Client

	sign *signer
	now  func() time.Time
}

// S3 returns a target for S3-compatible storage: the URL is that of the bucket, as
// https://HOST/BUCKET or https://BUCKET.HOST, and a prefix if there is one.
func S3(base, region, keyID, secret string, client *http.Client) *HTTP {
	return &HTTP{URL: base, Client: client, sign: &signer{keyID, secret, region}, now: time.Now}
}

// Put implements [Target]. The target may check Content-Digest (RFC 9530).
func (h *HTTP) Put(ctx context.Context, o *Object) error {
	r, err := h.request(ctx, o)
	if err != nil {
		return err
	}
	resp, err := h.Client.Do(r)
	if err != nil {
		return fmt.Errorf("ship: %w", withoutURL(err))
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("ship: the target answers %d", resp.StatusCode)
	}
	return nil
}

// withoutURL is what went wrong; the address may hold a secret.
func withoutURL(err error) error {
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // Client.Do returns it bare
		return u.Err
	}
	return err
}

func (h *HTTP) request(ctx context.Context, o *Object) (*http.Request, error) {
	base, err := url.Parse(h.URL)
	if err != nil {
		return nil, fmt.Errorf("ship: the URL of the target: %w", err)
	}
	base.Path = strings.TrimSuffix(base.Path, "/") + "/" + o.Name
	base.RawPath = escapePath(base.Path)
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, base.String(), o.Body)
	if err != nil {
		return nil, fmt.Errorf("ship: %w", err)
	}
	r.ContentLength = o.Size
	hash, err := hex.DecodeString(o.SHA256)
	if err != nil {
		return nil, fmt.Errorf("ship: hash of %s: %w", o.Name, err)
	}
	if h.sign != nil {
		h.sign.sign(r, o.SHA256, h.now())
		return r, nil
	}
	r.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(hash)+":")
	if h.Token != "" {
		r.Header.Set("Authorization", "Bearer "+h.Token)
	}
	return r, nil
}
