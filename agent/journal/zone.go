package journal

import (
	"encoding/binary"
	"time"
)

// Zone is the time zone of an IANA name. Windows has no such names: there the zones of France and of her
// neighbours are known by their rules of today, which have held since 1996 (Miquelon: 2007).
func Zone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if rule, known := zoneRules[name]; err != nil && known {
		return ruled(name, rule)
	}
	return zone, err
}

const central = "CET-1CEST,M3.5.0,M10.5.0/3"

// zoneRules are as POSIX writes them in TZ. Source: the last line of each file of the IANA database.
var zoneRules = map[string]string{
	"Europe/Paris": central, "Europe/Brussels": central, "Europe/Luxembourg": central, "Europe/Monaco": central, "Europe/Zurich": central,
	"America/Cayenne": "<-03>3", "America/Guadeloupe": "AST4", "America/Marigot": "AST4", "America/Martinique": "AST4",
	"America/Miquelon": "<-03>3<-02>,M3.2.0,M11.1.0", "America/St_Barthelemy": "AST4",
	"Indian/Mayotte": "EAT-3", "Indian/Reunion": "<+04>-4",
	"Pacific/Noumea": "<+11>-11", "Pacific/Tahiti": "<-10>10", "Pacific/Wallis": "<+12>-12",
}

// ruled makes the zone of a rule: a file of RFC 9636 without any transition but the rule.
func ruled(name, rule string) (*time.Location, error) {
	block := append([]byte("TZif2"), make([]byte, 15)...)
	for _, count := range [...]uint32{0, 0, 0, 0, 1, 4} { // one type, the characters of its name
		block = binary.BigEndian.AppendUint32(block, count)
	}
	block = append(block, "\x00\x00\x00\x00\x00\x00LMT\x00"...)
	data := append(block[:len(block):len(block)], block...) // once with times of 32 bits, of which there are none
	return time.LoadLocationFromTZData(name, append(data, "\n"+rule+"\n"...))
}
