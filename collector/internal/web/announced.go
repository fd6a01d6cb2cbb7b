package web

import (
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// anyExtension is how many digits an extension has at most where the configuration doesn't say: what a label tells
// is only ever proposed.
const anyExtension = 6

// announcement is a number that a machine, or a gateway's port, calls a line's own. It declares nothing.
type announcement struct {
	Told    string
	Differs bool // from what is declared
}

// announced are the numbers told at the ends of a line.
func announced(devices []ledger.Device, l *ledger.Line) (told []string) {
	for _, end := range [][2]string{{l.Device, l.Port}, {l.Gateway, l.GatewayPort}} {
		for i := range devices {
			if d := &devices[i]; end[0] != "" && (strings.EqualFold(d.ID, end[0]) || d.Serial != "" && strings.EqualFold(d.Serial, end[0])) {
				for _, p := range d.Ports {
					here := strings.EqualFold(p.Port, end[1]) || end[1] == "" && len(d.Ports) == 1
					if here && p.Number != "" && !slices.Contains(told, p.Number) {
						told = append(told, p.Number)
					}
				}
			}
		}
	}
	return told
}

// understood is what was told, by the rules by which declared numbers are read; ok is false for what is no number
// of a line.
func (s *site) understood(told string) (n register.Number, ok bool) {
	rules := s.Dialling
	if rules.ExtensionLength == 0 {
		rules.ExtensionLength = anyExtension
	}
	numbers, rest, err := rules.Read(told)
	if err != nil || rest != "" || len(numbers) != 1 {
		return register.Number{}, false
	}
	return numbers[0], true
}

// announcements are what the ends of a line say of its number, with a doubt where it is declared otherwise.
func (s *site) announcements(devices []ledger.Device, l *ledger.Line) (list []announcement) {
	for _, told := range announced(devices, l) {
		n, ok := s.understood(told)
		list = append(list, announcement{Told: told, Differs: ok && l.Declared && !agrees(n, l)})
	}
	return list
}

// agrees tells whether a number may be that of a line. An extension is mostly the end of the number that reaches it.
func agrees(n register.Number, l *ledger.Line) bool {
	return n.Key != "" && n.Key == l.Number ||
		n.Extension != "" && (n.Extension == l.Extension || strings.HasSuffix(l.Number, n.Extension)) ||
		l.Number == "" && l.Extension != "" && strings.HasSuffix(n.Key, l.Extension)
}

// propose gives a row what its machine says of its number, and the form for it that number.
func (s *site) propose(in speech, row *gapRow, told []string, pairs ...string) {
	if len(told) != 1 {
		return
	}
	if n, ok := s.understood(told[0]); ok {
		row.Number = told[0]
		row.Declare = in.link("/lines/new", append(pairs, "number", n.Key, "extension", n.Extension)...)
	}
}
