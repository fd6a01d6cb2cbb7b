package mibs

import (
	"encoding/hex"
	"net"
	"slices"
	"strings"
)

// slug brings a serial into the form of an id: lower case, [a-z0-9-].
func slug(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(cut(b.String(), 96), "-")
}

// serialSlug is the serial's part of an id, empty if the serial tells no machine from
// another: empty, all the same character (zeros), or a word that stands for nothing.
func serialSlug(serial string) string {
	id := slug(serial)
	digits := strings.ReplaceAll(id, "-", "")
	if len(digits) < 3 || masked(serial) || strings.Count(digits, digits[:1]) == len(digits) {
		return ""
	}
	return id
}

// masked tells whether a text was blanked out by whoever made the recording, or stands for "not told".
func masked(text string) bool {
	word := strings.ToLower(strings.Trim(text, "<>()[] *"))
	return slices.Contains([]string{"private", "masked", "unknown", "none", "null", "n/a", "not available", "not set", "default", "serial_number"}, word)
}

// macOf is a MAC address, as its bytes or as text.
func macOf(v Value) []byte {
	if mac, err := net.ParseMAC(v.Text()); err == nil && len(v.Bytes) > 6 {
		return mac
	}
	return v.Bytes
}

// macSlug is a burnt-in Ethernet address as hexadecimal digits, empty if it is none:
// groups and addresses made up locally (bits 0x01 and 0x02 of the first byte) name no machine,
// nor do those that routers hand to each other (VRRP, HSRP).
func macSlug(raw []byte) string {
	if len(raw) != 6 || raw[0]&0x03 != 0 || allSame(raw) || slices.ContainsFunc(handedOver, func(s string) bool { return string(raw[:5]) == s }) {
		return ""
	}
	return hex.EncodeToString(raw)
}

// handedOver are the first five bytes of addresses that wander from router to router (RFC 5798, RFC 2281).
var handedOver = []string{"\x00\x00\x5e\x00\x01", "\x00\x00\x5e\x00\x02", "\x00\x00\x0c\x07\xac"}

func allSame(raw []byte) bool {
	return !slices.ContainsFunc(raw, func(b byte) bool { return b != raw[0] })
}
