package mibs

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// octetText is a text as it stands in octets.
type octetText struct {
	prefix, suffix string // HP's mark of the character set; zeros behind
	plain          string
	wide           int // 1 and 2: of UTF-16, the high octet of each character first or last
}

// textOf finds the text in octets; ok is false if they are none.
func textOf(raw []byte) (t octetText, ok bool) {
	text := string(raw)
	for _, prefix := range []string{"\x01\x15", "\xfd\xe8", "\xfe\xff", "\xff\xfe"} {
		if rest, cut := strings.CutPrefix(text, prefix); cut {
			t.prefix, text = prefix, rest
			break
		}
	}
	for wide := 1; wide <= 2; wide++ {
		if plain, is := narrow(text, wide); is {
			t.plain, t.wide = plain, wide
			return t, true
		}
	}
	t.plain = strings.TrimRight(text, "\x00")
	t.suffix = text[len(t.plain):]
	return t, readable(t.plain)
}

func (t octetText) octets() []byte {
	plain := t.plain
	if t.wide > 0 {
		var b strings.Builder
		for i := range len(plain) {
			pair := [2]byte{}
			pair[t.wide%2] = plain[i]
			b.Write(pair[:])
		}
		plain = b.String()
	}
	return []byte(t.prefix + plain + t.suffix)
}

// narrow makes Latin-1 of UTF-16 that has no other characters.
func narrow(text string, wide int) (plain string, ok bool) {
	if len(text) < 4 || len(text)%2 != 0 {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(text); i += 2 {
		high, low := text[i+wide-1], text[i+2-wide]
		if high != 0 || low < ' ' && low != '\t' && low != '\n' && low != '\r' {
			return "", false
		}
		b.WriteByte(low)
	}
	return b.String(), true
}

// readable tells whether people can read it: UTF-8, or Latin-1 with more letters of English than others.
func readable(text string) bool {
	ascii := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' && c != '\t' && c != '\n' && c != '\r', c == 0x7f:
			return false
		case c < 0x80:
			ascii++
		}
	}
	return utf8.ValidString(text) || len(text) > 6 && ascii*2 > len(text)
}

func letter(c byte) bool  { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func alnum(c byte) bool   { return letter(c) || isDigit(c) }

// text masks a text. What an open one says of the machine stays; only what looks private goes.
func (m *masker) text(text string, open bool) string {
	for _, serial := range m.inOrder {
		if pseudonym := m.pseudonyms[serial]; serial != pseudonym && strings.Contains(text, serial) {
			text = strings.ReplaceAll(text, serial, pseudonym)
			m.count("serial numbers")
		}
	}
	if !m.lenient || !open {
		for _, secret := range m.secrets {
			text = m.blank(text, secret)
		}
	}
	return m.scan(text, open, false)
}

// blank takes a secret out of a text, however it is written.
func (m *masker) blank(text, secret string) string {
	for at := 0; at+len(secret) <= len(text); at++ {
		end := at + len(secret)
		if !strings.EqualFold(text[at:end], secret) || at > 0 && alnum(text[at-1]) && alnum(secret[0]) ||
			end < len(text) && alnum(text[end]) && alnum(secret[len(secret)-1]) {
			continue
		}
		if hidden := crossed(secret); text[at:end] != hidden {
			text = text[:at] + hidden + text[end:]
			m.count("names")
		}
	}
	return text
}

// crossed is x for every letter and 0 for every digit. Capitals stay capitals, so that
// EmbeddedFaxImages falls into the same words again.
func crossed(text string) string {
	out := []byte(text)
	for i, c := range out {
		switch {
		case isDigit(c):
			out[i] = '0'
		case c >= 'A' && c <= 'Z':
			out[i] = 'X'
		case letter(c):
			out[i] = 'x'
		}
	}
	return string(out)
}

// inPlace masks what looks private in a text that has to stay as long as it is.
func (m *masker) inPlace(text string) string {
	m.fixed = true
	defer func() { m.fixed = false }()
	hidden := m.scan(text, true, true)
	if hidden != text {
		m.count("binary values")
	}
	return hidden
}

// scan goes through a text from left to right: patterns first, then words. A dry run counts nothing.
func (m *masker) scan(text string, open, dry bool) string {
	if dry {
		counts, macs, ips := m.counts, m.macs, m.ips
		m.counts, m.macs, m.ips = map[string]int{}, map[string]int{}, map[string]int{}
		defer func() { m.counts, m.macs, m.ips = counts, macs, ips }()
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		n, hidden, what := 0, "", ""
		if i == 0 || !alnum(text[i-1]) || text[i] == '+' {
			n, hidden, what = m.pattern(text, i, open)
			if m.fixed && hidden != text[i:i+n] {
				hidden = crossed(text[i : i+n])
			}
		}
		if n == 0 && alnum(text[i]) {
			for n = 1; i+n < len(text) && alnum(text[i+n]); n++ {
			}
			if hidden = text[i : i+n]; !open {
				hidden, what = m.word(text[i:i+n]), "words"
			}
		}
		if n == 0 {
			n, hidden = 1, text[i:i+1]
		}
		if hidden != text[i:i+n] {
			m.count(what)
		}
		out.WriteString(hidden)
		i += n
	}
	return out.String()
}

var (
	urlPattern    = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]{0,30})://[^\s"'<>;,]+`)
	uncPattern    = regexp.MustCompile(`^\\\\[^\s"'<>;,]+`)
	mailPattern   = regexp.MustCompile(`^[\w.%+'\-\x{80}-\x{10ffff}]{1,64}@[\w.\-\x{80}-\x{10ffff}]+`)
	colonPattern  = regexp.MustCompile(`^[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?:\.[0-9]{1,3}){3})?(?:%\w+)?`)
	macPattern    = regexp.MustCompile(`^(?:[0-9A-Fa-f]{2}(?:[:_ -][0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}|[0-9A-Fa-f]{12})`)
	hexBefore     = regexp.MustCompile(`[0-9A-Fa-f]{2}\s$`) // rather a dump than an address
	hexBehind     = regexp.MustCompile(`^\s[0-9A-Fa-f]{2}\b`)
	dottedPattern = regexp.MustCompile(`^\d+(?:\.\d+){3,}`)
	datePattern   = regexp.MustCompile(`^(?:(?:19|20)\d\d([-./])(?:0?[1-9]|1[0-2])[-./](?:[0-2]?\d|3[01])|(?:[0-2]?\d|3[01])[-./](?:[0-2]?\d|3[01])[-./](?:19|20)\d\d)`)
	// A French number in any grouping, one with a country's code, and anything that might be one.
	numberPattern  = regexp.MustCompile(strings.ReplaceAll(`^(?:\(?0[1-9](?:~\d){8}|\+\(?~\d(?:~\d){6,14}|00[1-9](?:~\d){7,13}|33\.[1-9](?:\.?\d){8})`, "~", `[ .\-/)(_:\x{a0}\x{202f}]{0,3}`))
	pairsPattern   = regexp.MustCompile(`^(?:0[1-9]|00\.?\d\d\.\d)(?:\.\d\d){4}$`)
	digitsPattern  = regexp.MustCompile(`^\d(?:[ .\-/)(_]{0,3}\d)*`)
	dumpPattern    = regexp.MustCompile(`^[0-9A-Fa-f]{2}(?: [0-9A-Fa-f]{2}){4,}`)
	versionPattern = regexp.MustCompile(`^\d{1,3}(?:\.\d{1,3})+$`)
	longNumber     = regexp.MustCompile(`\d{6,}`)
	versionBefore  = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:v|ver|vers|version|rev|revision|release|fw|firmware|sw|software|build|boot|core|base|prog|program|loader|kernel)[ .:=]{0,3}$`)
	phoneWords     = regexp.MustCompile(`(?i)fax|tel|tél|phone|post|ext|num|station|call|appel|dial|pin|code|pass|user|admin|login|key|psk|secret`)
)

// sight is how far patterns look, so that a long text takes no longer than as many short ones.
const sight = 512

// pattern recognises, at i, what is private wherever it stands: n bytes of it, and what to say instead.
func (m *masker) pattern(text string, i int, open bool) (n int, hidden, what string) {
	before, rest := text[max(0, i-sight):i], text[i:min(len(text), i+sight)]
	ends := func(n int) bool { return n > 0 && (n == len(rest) || !alnum(rest[n])) }
	if found := urlPattern.FindStringSubmatch(rest); found != nil {
		return len(found[0]), found[1] + "://masked.invalid", "web addresses"
	}
	if n := len(uncPattern.FindString(rest)); n > 0 {
		return n, `\\masked`, "web addresses"
	}
	if n := len(mailPattern.FindString(rest)); n > 0 {
		return n, "masked@example.invalid", "mail addresses"
	}
	if n := len(macPattern.FindString(rest)); ends(n) && !(rest[2] == ' ' && (hexBefore.MatchString(before) || hexBehind.MatchString(rest[n:]))) {
		if hidden, ok := m.macText(rest[:n]); ok {
			return n, hidden, "MAC addresses"
		}
	}
	if n := len(colonPattern.FindString(rest)); ends(n) {
		if addr, err := netip.ParseAddr(rest[:n]); err == nil && !addr.IsUnspecified() && !addr.IsLoopback() {
			if examples.Contains(addr) {
				return n, rest[:n], ""
			}
			return n, fmt.Sprintf("2001:db8::%x", m.nth(addr.WithZone("").String())), "IP addresses"
		}
	}
	if n := len(datePattern.FindString(rest)); ends(n) && !strings.ContainsAny(rest[n:min(n+1, len(rest))], "-./") {
		return n, rest[:n], ""
	}
	if n := len(dottedPattern.FindString(rest)); ends(n) {
		return m.dotted(before, rest[:n])
	}
	digits := 0
	if !open {
		start := len(rest) - len(strings.TrimLeft(rest, "+("))
		run := digitsPattern.FindString(rest[start:])
		if strings.HasPrefix(rest[start+len(run):], ":") { // its last part belongs to an address
			run = strings.TrimRight(strings.TrimRight(run, "0123456789"), " .-/)(")
		}
		if digits = len(run); digits > 0 {
			digits += start
		}
	}
	if n := len(numberPattern.FindString(rest)); n > 0 && (n == len(rest) || !isDigit(rest[n])) && !versionLike(rest[:n]) && !(open && inVersion(before)) {
		for n = max(n, digits); !open && n < len(rest) && alnum(rest[n]); n++ { // what sticks to it is part of it
		}
		return n, crossed(rest[:n]), "phone numbers"
	}
	if n := len(dumpPattern.FindString(rest)); ends(n) {
		return n, crossed(rest[:n]), "other numbers"
	}
	if isDigit(rest[0]) && ends(digits) {
		return digits, plainNumber(before+rest, rest[:digits]), "other numbers"
	}
	return 0, "", ""
}

// dotted tells versions and object ids from addresses and phone numbers.
func (m *masker) dotted(before, text string) (n int, hidden, what string) {
	if pairsPattern.MatchString(text) || numberPattern.MatchString(text) && strings.HasPrefix(text, "33.") {
		return len(text), crossed(text), "phone numbers"
	}
	quad, ok := quadOf(text)
	private := ok && (quad[0] == 10 || quad[0] > 10 && quad[0] != 127 && quad[0] != 255) && !versionBefore.MatchString(before)
	if private || ok && m.known[quad] {
		return len(text), m.ip(quad), "IP addresses"
	}
	return len(text), longNumber.ReplaceAllStringFunc(text, crossed), "phone numbers"
}

// versionLike tells whether numbers with dots between are rather a version than a phone number.
func versionLike(text string) bool {
	return strings.Contains(text, ".") && !strings.ContainsAny(text, " +(/-") && !pairsPattern.MatchString(text)
}

// inVersion tells whether what comes now goes on with "1.00".
func inVersion(before string) bool {
	return len(before) >= 2 && before[len(before)-1] == '.' && isDigit(before[len(before)-2])
}

// plainNumber blanks digits that nobody knows to be harmless: five and more, or fewer where
// they stand alone or a word speaks of phones.
func plainNumber(text, number string) string {
	digits := 0
	for i := range len(number) {
		if isDigit(number[i]) {
			digits++
		}
	}
	alone := strings.TrimSpace(text) == number
	if versionPattern.MatchString(number) {
		return number
	}
	if digits >= 5 || digits >= 3 && (alone || phoneWords.MatchString(text)) {
		return crossed(number)
	}
	return number
}

// word keeps a word that machines use, and blanks any other.
func (m *masker) word(word string) string {
	digits, changes := 0, 0
	for i := range len(word) {
		if isDigit(word[i]) {
			digits++
		}
		if i > 0 && isDigit(word[i]) != isDigit(word[i-1]) {
			changes++
		}
	}
	if digits >= 5 || changes >= 3 {
		return crossed(word)
	}
	var out strings.Builder
	blanked := false
	for i := 0; i < len(word); {
		n := 1
		for ; i+n < len(word) && isDigit(word[i+n]) == isDigit(word[i]); n++ {
		}
		part := word[i : i+n]
		switch i += n; {
		case isDigit(part[0]) && n >= 3 && (blanked || phoneWords.MatchString(word)):
			part = crossed(part)
		case !isDigit(part[0]) && !(digits > 0 && n <= 2):
			part = m.letters(part)
			blanked = part != word[i-n:i]
		}
		out.WriteString(part)
	}
	return out.String()
}

func (m *masker) letters(word string) string {
	if len(word) == 1 || m.knows(word) || strings.Trim(word, "xX") == "" {
		return word
	}
	var out strings.Builder
	for from, i := 0, 1; i <= len(word); i++ { // EmbeddedFaxImages
		if i < len(word) && (word[i] < 'A' || word[i] > 'Z' || word[i-1] >= 'A' && word[i-1] <= 'Z') {
			continue
		}
		part := word[from:i]
		if from = i; !m.knows(part) || len(part) < 3 {
			part = crossed(part)
		}
		out.WriteString(part)
	}
	return out.String()
}

func (m *masker) knows(word string) bool {
	return m.words[strings.ToLower(cleanText([]byte(word)))]
}

// readBytes are octets that a profile goes by: bits, floats, or an address.
func (m *masker) readBytes(raw []byte) []byte {
	if len(raw) == 6 && macSlug(raw) != "" && m.serial == "" {
		return m.macBytes(raw)
	}
	out, _ := m.runs(raw, m.lenient)
	return out
}

// runs masks what can be read within octets: all of it, unless a profile has to go by it.
func (m *masker) runs(raw []byte, open bool) (out []byte, spelt bool) {
	out = slices.Clone(raw)
	for i := 0; i < len(out); {
		n := 0
		for ; i+n < len(out) && out[i+n] >= ' ' && out[i+n] <= '~'; n++ {
		}
		if n >= 4 {
			spelt = true
			hidden := crossed(string(out[i : i+n]))
			if open {
				hidden = m.inPlace(string(out[i : i+n]))
			}
			copy(out[i:i+n], hidden)
		}
		i += n + 1
	}
	return out, spelt
}

// binary masks octets that nobody knows: what can be read in them is a text, six octets are a MAC
// address, four maybe an IP address; a date stays, and so do a few bits.
func (m *masker) binary(raw []byte) []byte {
	out, spelt := m.runs(raw, false)
	set := 0
	for _, b := range out {
		if b != 0 {
			set++
		}
	}
	switch {
	case len(raw) == 6:
		return m.macBytes(raw)
	case len(raw) == 4 && raw[0] >= 10: // below it is rather a number, or a few bits
		return m.ipBytes(raw)
	case len(raw) < 4 || set <= 2 || isDate(raw):
		return raw
	}
	for i, b := range out {
		if b < ' ' || b > '~' || !spelt {
			out[i] = 0
		}
	}
	if string(out) != string(raw) {
		m.count("binary values")
	}
	return out
}

// isDate recognises DateAndTime (RFC 2579).
func isDate(raw []byte) bool {
	if len(raw) != 8 && len(raw) != 11 {
		return false
	}
	year := int(raw[0])<<8 | int(raw[1])
	return (year == 0 || year > 1969 && year < 2100) && raw[2] <= 12 && raw[3] <= 31 && raw[4] < 24 && raw[5] < 60 && raw[6] <= 60
}

// macText replaces the half of a MAC address that its maker gives each device anew.
func (m *masker) macText(text string) (hidden string, ok bool) {
	digits := strings.NewReplacer(":", "", "-", "", ".", "", " ", "", "_", "").Replace(text)
	raw, err := hex.DecodeString(digits)
	if err != nil || !strings.Contains(text, ":") && !strings.ContainsAny(digits, "abcdefABCDEF") {
		return "", false // rather a number
	}
	masked := hex.EncodeToString(m.macBytes(raw))
	if strings.ToUpper(digits) == digits {
		masked = strings.ToUpper(masked)
	}
	out := []byte(text)
	at := 0
	for i, c := range out {
		if alnum(c) && c != '_' {
			out[i] = masked[at]
			at++
		}
	}
	return string(out), true
}

func (m *masker) macBytes(raw []byte) []byte {
	if allSame(raw) {
		return raw
	}
	n, known := m.macs[string(raw)]
	if !known {
		n = len(m.macs) + 1
		m.macs[string(raw)] = n
	}
	masked := []byte{raw[0], raw[1], raw[2], 0xfa, byte(mark(raw)), byte(n)} // with a letter in it, so that it still is no number
	if raw[3] == masked[3] && raw[5] == masked[5] {
		return raw // invented
	}
	if string(masked) != string(raw) {
		m.count("MAC addresses")
	}
	return masked
}

// ipBytes replaces an IPv4 address. Networks' masks and loopbacks are no secret.
func (m *masker) ipBytes(raw []byte) []byte {
	if len(raw) != 4 || raw[0] == 0 || raw[0] == 127 || raw[0] == 255 {
		return raw
	}
	hidden := m.ip([4]int{int(raw[0]), int(raw[1]), int(raw[2]), int(raw[3])})
	quad, _ := quadOf(hidden)
	masked := []byte{byte(quad[0]), byte(quad[1]), byte(quad[2]), byte(quad[3])}
	if string(masked) != string(raw) {
		m.count("IP addresses")
	}
	return masked
}

var (
	examples  = netip.MustParsePrefix("2001:db8::/32")               // RFC 3849
	exampleV4 = [][3]int{{192, 0, 2}, {198, 51, 100}, {203, 0, 113}} // RFC 5737
)

// ip gives addresses new ones of the networks that are kept for examples, in turn.
func (m *masker) ip(quad [4]int) string {
	if slices.Contains(exampleV4, [3]int(quad[:3])) {
		return fmt.Sprintf("%d.%d.%d.%d", quad[0], quad[1], quad[2], quad[3])
	}
	n := m.nth(fmt.Sprint(quad)) - 1
	network := exampleV4[n/254%3]
	return fmt.Sprintf("%d.%d.%d.%d", network[0], network[1], network[2], n%254+1)
}

func (m *masker) nth(address string) int {
	if _, known := m.ips[address]; !known {
		m.ips[address] = len(m.ips) + 1
	}
	return m.ips[address]
}

// quadOf reads an IPv4 address. Some machines pad all numbers to three digits.
func quadOf(text string) (quad [4]int, ok bool) {
	zeros, padded := false, true
	parts := strings.Split(text, ".")
	if len(parts) != 4 {
		return quad, false
	}
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || n > 255 || len(part) > 3 {
			return quad, false
		}
		quad[i] = n
		zeros = zeros || len(part) > 1 && part[0] == '0'
		padded = padded && (i == 0 || len(part) == 3)
	}
	return quad, !zeros || padded
}
