package polling

import (
	"strings"
	"testing"
)

func TestRangesThatNobodyCanWantAreRefusedWithWhatWouldBeRight(t *testing.T) {
	for text, want := range map[string]string{
		"10.12.4.0/24":        "",
		"10.12.0.0/16":        "",
		"10.12.4.7":           "",
		"10.12.4.6/31":        "",
		"fd00::4:0/112":       "",
		"10.0.0.0/15":         "want 65536 at most, a /16",
		"0.0.0.0/0":           "2^32 addresses",
		"::/0":                "2^128 addresses",
		"fd00::/64":           "want 65536 at most, a /112",
		"10.12.4.5/24":        "want the network 10.12.4.0/24, or the address 10.12.4.5",
		"224.0.0.0/24":        "want a network of single machines",
		"0.0.0.0":             "want a network of single machines",
		"255.255.255.255":     "want a network of single machines",
		"ff02::/120":          "want a network of single machines",
		"::ffff:10.0.0.0/120": "want a network such as",
		"fe80::1%eth0":        "want a network such as",
		"10.12.4.1-10.12.4.9": "want a network such as",
		"printer":             "want a network such as",
		"":                    "want a network such as",
	} {
		prefix, err := ParseRange(text)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: got %v, want it taken", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: got %v, %v, want an error with %q", text, prefix, err, want)
		}
	}
}
