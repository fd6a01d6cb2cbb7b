package mibs

import (
	"regexp"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// phoneNumber is a number within a text: international, the ten digits of a French one, or a row of digits that
// may be an extension. Three digits and fewer are mostly rooms and floors.
var phoneNumber = regexp.MustCompile(`\+\d{1,3}(?:[ .-]?\d{1,4}){2,6}|\b0\d(?:[ .-]\d\d){4}\b|\b\d{4,15}\b`)

// numberIn is the phone number that a text tells: none where it tells two, and nobody knows which is meant.
func numberIn(text string) wire.Number {
	found := phoneNumber.FindAllString(text, 2)
	if len(found) != 1 {
		return ""
	}
	return wire.NumberOf(strings.NewReplacer(".", " ", "-", " ").Replace(found[0]))
}

// numberOf is what a gateway calls the number of a port; that of a telephone is nobody's business here.
func (s *survey) numberOf(l *lines, p port, fax wire.Answer) wire.Number {
	for i := range l.About {
		if a := &l.About[i]; a.Number && fax != wire.No {
			v, _ := s.value(p.oid(a.OID))
			if number := numberIn(v.Text()); number != "" {
				return number
			}
		}
	}
	return ""
}

// findNumber finds the number of a machine's own fax. A machine that tells nothing else of its line gets one for it.
func (d *Device) findNumber(v *survey, f fit) {
	number := v.ownNumber(f)
	switch {
	case number == "" || d.Fax != wire.Yes:
	case len(d.lines) == 0:
		d.lines, d.numbers = []line{{fax: wire.Yes}}, []wire.Number{number}
	case len(d.lines) == 1 && d.lines[0].port == "":
		d.numbers = []wire.Number{number}
	}
}

func (s *survey) ownNumber(f fit) wire.Number {
	for _, p := range f.profiles {
		for _, rule := range p.Identity.Number {
			if oid, _, ok := s.resolveOne(p, rule.OID); ok {
				v, _ := s.value(oid)
				if number := numberIn(rule.text(v)); number != "" {
					return number
				}
			}
		}
	}
	return ""
}

// numberOIDs are the objects that ownNumber looks at.
func (s *survey) numberOIDs(f fit) (oids []string) {
	for _, p := range f.profiles {
		for _, rule := range p.Identity.Number {
			if oid, _, ok := s.resolveOne(p, rule.OID); ok {
				oids = append(oids, oid)
			}
		}
	}
	return oids
}
