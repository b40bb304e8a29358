package auth_test

import (
	"strings"
	"testing"

	"edged/auth"
)

func TestClaims(t *testing.T) {
	tests := []struct {
		payload string
		want    auth.Reason
	}{
		{"p=/acme/vod/\nexp=1767226200\n", auth.Allowed}, // order is free
		{goodPayload + "x-note=hi\nx-=\nx-note=again\n", auth.Allowed},
		{goodPayload + "iat=0\nnbf=0\n", auth.Allowed},
		{"exp=0\np=/\n", auth.Expired},
		{"exp=1767226200\n" + strings.Repeat("p=/acme/vod/\n", 4), auth.Allowed},
		{goodPayload + strings.Repeat("ip=198.51.100.0/24\n", 4), auth.Allowed},

		{"", auth.Malformed}, // no payload at all: not the form of a token
		{"\n", auth.BadClaim},
		{"exp=1767226200\n", auth.BadClaim},
		{"p=/acme/vod/\n", auth.BadClaim},
		{strings.TrimSuffix(goodPayload, "\n"), auth.BadClaim},
		{goodPayload + "\n", auth.BadClaim},
		{goodPayload + "sid\n", auth.BadClaim},
		{goodPayload + "exp=1767226200\n", auth.BadClaim},
		{goodPayload + "nbf=1\nnbf=1\n", auth.BadClaim},
		{goodPayload + "iat=1\niat=1\n", auth.BadClaim},
		{goodPayload + "sid=a\nsid=a\n", auth.BadClaim},
		{goodPayload + "sid=\n", auth.BadClaim},
		{goodPayload + "m=GET\nm=GET\n", auth.BadClaim},
		{goodPayload + "m=\n", auth.BadClaim},
		{goodPayload + "geo=NL\ngeo=NL\n", auth.BadClaim},
		{goodPayload + "lim=1\nlim=1\n", auth.BadClaim},
		{goodPayload + "lim=0\n", auth.BadClaim},
		{goodPayload + "lim=1000000000\n", auth.BadClaim},
		{goodPayload + "lim=1.5\n", auth.BadClaim},
		{"exp=\np=/\n", auth.BadClaim},
		{"exp=-1\np=/\n", auth.BadClaim},
		{"exp=+1767226200\np=/\n", auth.BadClaim},
		{"exp= 1767226200\np=/\n", auth.BadClaim},
		{"exp=1767226200.0\np=/\n", auth.BadClaim},
		{"exp=1767226200\r\np=/\n", auth.BadClaim},
		{"exp=１７６７\np=/\n", auth.BadClaim},
		{"exp=1767226200000\np=/\n", auth.LongTime},
		{goodPayload + "nbf=1767226200000\n", auth.LongTime},
		{"exp=1767226200\np=\n", auth.BadClaim},
		{"exp=1767226200\np=acme/vod/\n", auth.BadClaim},
		{"exp=1767226200\n" + strings.Repeat("p=/acme/vod/\n", 5), auth.BadClaim},
		{goodPayload + strings.Repeat("ip=198.51.100.0/24\n", 5), auth.BadClaim},
		{goodPayload + "ip=\n", auth.BadClaim},
		{goodPayload + "ip=198.51.100.7\n", auth.BadClaim},
		{goodPayload + "ip=198.51.100.0/33\n", auth.BadClaim},
		{goodPayload + "ip=2001:db8:4a7f:a732/64\n", auth.BadClaim},
		{goodPayload + "ip=fe80::%1/64\n", auth.BadClaim},
		{goodPayload + "x-note=\x00\n", auth.BadClaim},
		{goodPayload + "x-note=\x7f\n", auth.BadClaim},
		{goodPayload + "x-note=\xff\n", auth.BadClaim},
		{goodPayload + "aud=me\n", auth.UnknownClaim},
		{goodPayload + "Exp=1767226200\n", auth.UnknownClaim},
		{goodPayload + "X-note=hi\n", auth.UnknownClaim},
		{goodPayload + "=\n", auth.UnknownClaim},
	}
	scheme := site(t)
	for _, tt := range tests {
		if v := verify(t, scheme, sign("h1", "hm", tt.payload), request()); v.Reason != tt.want {
			t.Errorf("payload %q: %v, want %v", tt.payload, v.Reason, tt.want)
		}
	}
}
