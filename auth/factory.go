package auth

import (
	"fmt"
	"slices"
	"strings"
)

// builder makes the scheme of one name.
type builder struct {
	name  string
	build func(Options) (Scheme, error)
}

// builders lists the schemes in the order of the documentation. It is never
// written to.
var builders = [...]builder{
	{ectName, as(NewECT)},
	{edgeAuthName, as(NewEdgeAuth)},
	{cloudFrontName, as(NewCloudFront)},
	{cdniName, as(NewCDNI)},
	{catName, as(NewCAT)},
	{vdoxName, as(NewVDOX)},
	{secureLinkName, as(NewSecureLink)},
	{linkSecretName, as(NewLinkSecret)},
	{bunnyName, as(NewBunny)},
	{urlSigName, as(NewURLSig)},
	{mediaCDNName, as(NewMediaCDN)},
	{cdn77Name, as(NewCDN77)},
	{keycdnName, as(NewKeyCDN)},
	{gcoreName, as(NewGcore)},
	{wowzaName, as(NewWowza)},
	{fastlyName, as(NewFastly)},
}

// as makes a constructor of one scheme one of any. A nil of a type would not be a
// nil Scheme.
func as[S Scheme](build func(Options) (S, error)) func(Options) (Scheme, error) {
	return func(o Options) (Scheme, error) {
		s, err := build(o)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}

// Names returns the names of all schemes.
func Names() []string {
	names := make([]string, len(builders))
	for i, b := range builders {
		names[i] = b.name
	}
	return names
}

// New returns the scheme of a name for one site: a [Chain] when o.Accept names
// further ones. A setting that cannot work gives a [SettingError], an unusable key
// an error that wraps ErrKey.
func New(name string, o Options) (Scheme, error) {
	if len(o.Accept) > 0 {
		names := append([]string{name}, o.Accept...)
		return as(func(o Options) (*Chain, error) { return NewChain(names, o) })(o)
	}
	return newScheme(name, "scheme", o)
}

// newScheme builds one scheme with the keys that are for it. setting is what names
// the scheme in the configuration.
func newScheme(name, setting string, o Options) (Scheme, error) {
	i := slices.IndexFunc(builders[:], func(b builder) bool { return b.name == name })
	if i < 0 {
		return nil, settingf(setting, "%q is not known: use one of %s", name, strings.Join(Names(), ", "))
	}
	o.Accept, o.signers = nil, o.Keys
	o.Keys = slices.DeleteFunc(slices.Clone(o.Keys), func(k Key) bool { return k.Scheme != "" && k.Scheme != name })
	s, err := builders[i].build(o)
	if err != nil {
		return nil, fmt.Errorf("auth: scheme %s: %w", name, err)
	}
	return s, nil
}
