package logfmt

import (
	"strings"
	"testing"
)

func TestCMCDOfQuery(t *testing.T) {
	for query, want := range map[string]string{
		"": "", "a=1": "", "CMCD=": "", "CMCD": "", "XCMCD=br%3D1": "", "CMCDX=br%3D1": "",
		"CMCD=br%3D3200": "br=3200",
		"a=1&cmcd=bl%3D21300%2Cbr%3D3200%2Cot%3Dv%2Csf%3Dh%2Cst%3Dv&_HLS_msn=1": "br=3200,bl=21300,ot=v,sf=h,st=v",
		"CMCD=br%3D%283200%3Bv%20128%3Ba%29%2Cv%3D2%2Csn%3D7":                   "br=3200",
		"CMCD=ot%3Dav%2Csu%2Cbs": "bs,ot=av,su",
		"CMCD=sid%3D%22secret%22%2Ccid%3D%22c%2Cbr%3D9%22%2Cnor%3D%22..%2Fx%22": "",
		"CMCD=br%3D%zz": "", "CMCD=br%3D-1": "", "CMCD=br%3D1e9": "", "CMCD=br%3D1.5": "",
		"CMCD=br%3D1234567890123":                      "",
		"CMCD=ot%3Dsecret%2Csf%3Dx%2Cst%3D%2Cot%3D":    "",
		"CMCD=bs%3Dsecret%2Csu%3D%3F0%2Cbs%3D%3F1":     "bs",
		"CMCD=" + strings.Repeat("x", 2000) + "br%3D1": "",
	} {
		var c CMCD
		c.AddQuery([]byte(query))
		if got := string(c.append(nil)); got != want {
			t.Errorf("%q gives %q, want %q", query, got, want)
		}
	}
}

func TestCMCDOfFields(t *testing.T) {
	var c CMCD
	for _, line := range []string{`br=3200,d=4004,ot=v,tb=6000`, ` bl=21300, dl=18500,mtp=48100,nor="a,mtp=1",su`, `bs,rtp=12000`, `cid="x\",br=1",sf=d,sid="6e2f",st=l,pr=1.08`} {
		c.AddField([]byte(line))
	}
	const want = "br=3200,bl=21300,d=4004,dl=18500,mtp=48100,rtp=12000,tb=6000,bs,ot=v,sf=d,st=l,su"
	if got := string(c.append(nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n, ok := c.Bitrate(); n != 3200 || !ok {
		t.Errorf("bitrate %d, %v", n, ok)
	}
	if n, ok := c.Buffer(); n != 21300 || !ok {
		t.Errorf("buffer %d, %v", n, ok)
	}
	if n, ok := c.Throughput(); n != 48100 || !ok || !c.Starved() {
		t.Errorf("throughput %d, %v; starved %v", n, ok, c.Starved())
	}
	if _, ok := (&CMCD{}).Bitrate(); ok {
		t.Error("silence has a bitrate")
	}
}

func TestCMCDParseRefuses(t *testing.T) {
	for _, s := range []string{"", "x=1", "br", "br=x", "br=1,", "ot=q", "sid=1", "bs=9"} {
		var c CMCD
		if c.parse([]byte(s)) {
			t.Errorf("%q was read as %q", s, c.append(nil))
		}
	}
}

// Whatever a viewer sends, what is kept is made of keys, digits and short words.
func FuzzCMCD(f *testing.F) {
	f.Add([]byte(`br=1,ot=v,sid="a,br=2",su`), []byte("CMCD=br%3D1%2Cbs"))
	f.Add([]byte(`br=(1 2),"`), []byte("cmcd=%"))
	f.Fuzz(func(t *testing.T, field, query []byte) {
		var c, again CMCD
		c.AddField(field)
		c.AddQuery(query)
		text := string(c.append(nil))
		if len(text) > 200 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789=,") != "" {
			t.Fatalf("kept %q", text)
		}
		if text != "" && (!again.parse([]byte(text)) || again != c) {
			t.Fatalf("%q reads back as %q", text, again.append(nil))
		}
	})
}
