package main

import (
	"encoding/hex"
	"fmt"
	"time"

	"edged/auth"
)

func nativeFamilies() []family {
	return []family{{"native-ec1", "ect", readNative}}
}

func readNative(v *vector, o *auth.Options) error {
	var c struct {
		vectorLimits
		Account   string `json:"account"`
		NBFLeeway *int64 `json:"nbf_leeway_s"`
	}
	if err := strictly(v.Config, "config", &c); err != nil {
		return err
	}
	c.set(o)
	if c.Account != "" {
		o.Account = c.Account
	}
	if c.NBFLeeway != nil {
		o.NBFLeeway = orNone(*c.NBFLeeway)
	}
	for _, raw := range v.Keys {
		var k struct {
			Kid         string `json:"kid"`
			Account     string `json:"account"`
			Type        string `json:"type"`
			SecretHex   string `json:"secret_hex"`
			PublicHex   string `json:"public_hex"`
			State       string `json:"state"`
			AcceptUntil int64  `json:"accept_until"`
		}
		if err := strictly(raw, "key", &k); err != nil {
			return err
		}
		key := auth.Key{ID: k.Kid, Account: k.Account, AcceptUntil: k.AcceptUntil}
		var ok bool
		if key.Type, ok = auth.ParseKeyType(k.Type); !ok {
			return fmt.Errorf("key %s: type %q is not known", k.Kid, k.Type)
		}
		if key.State, ok = auth.ParseKeyState(k.State); !ok && k.State != "" {
			return fmt.Errorf("key %s: state %q is not known", k.Kid, k.State)
		}
		var err error
		if key.Secret, err = hex.DecodeString(k.SecretHex); err != nil {
			return fmt.Errorf("key %s: %w", k.Kid, err)
		}
		if key.Public, err = hex.DecodeString(k.PublicHex); err != nil {
			return fmt.Errorf("key %s: %w", k.Kid, err)
		}
		o.Keys = append(o.Keys, key)
	}
	return nil
}

func wholeSeconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// orNone turns seconds into an option where 0 means the default.
func orNone(n int64) time.Duration {
	if n == 0 {
		return -1
	}
	return wholeSeconds(n)
}
