package auth

// The schemes of some delivery networks are fixed forms of SecureLink.
const (
	keycdnName = "keycdn"
	gcoreName  = "gcore"
	cdn77Name  = "cdn77"
)

// GcoreOptions are the choices that Gcore's panel offers.
type GcoreOptions struct {
	Address bool // the client's address is signed too
}

// CDN77Options are the choices that CDN77's panel offers.
type CDN77Options struct {
	// Path takes the token as the leading path segment, over the directory of the
	// file; otherwise it is in the parameter secure, over the whole path.
	Path bool
}

// NewKeyCDN returns the scheme of KeyCDN: ?token=…&expire=….
func NewKeyCDN(o Options) (*SecureLink, error) {
	return newSecureLink(keycdnName, o, &SecureLinkOptions{
		Link: "$arg_token,$arg_expire", MD5: "$uri$secret$secure_link_expires",
	})
}

// NewGcore returns the scheme of Gcore and its resellers: ?md5=…&expires=….
func NewGcore(o Options) (*SecureLink, error) {
	e := SecureLinkOptions{Link: "$arg_md5,$arg_expires", MD5: "$secure_link_expires$uri $secret"}
	if o.Gcore.Address {
		e.MD5 = "$secure_link_expires$uri$remote_addr $secret"
	}
	return newSecureLink(gcoreName, o, &e)
}

// NewCDN77 returns the scheme of CDN77: ?secure=HASH,EXPIRES or /HASH,EXPIRES/….
// A token that leaves its expiry out is taken where Options.WithoutExpiry says so.
// In the path form it opens the files of one directory, none below it.
func NewCDN77(o Options) (*SecureLink, error) {
	e := SecureLinkOptions{Link: "$arg_secure", MD5: "$secure_link_expires$uri$secret"}
	if o.CDN77.Path {
		e = SecureLinkOptions{
			Link: "$token", MD5: "$secure_link_expires$directory$secret",
			Location: `/(?P<token>[A-Za-z0-9_-]{22}(?:==)?(?:,[0-9]*)?)(?P<directory>(?:/[^/]+)*)/[^/]*`,
		}
	}
	return newSecureLink(cdn77Name, o, &e)
}
