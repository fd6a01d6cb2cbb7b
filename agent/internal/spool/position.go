package spool

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

// position is all that must outlive the process beside the batches. It is kept as the name
// of an empty file: changing it is one rename, which is atomic, needs no space on a full
// disk, and shows in a listing.
type position struct {
	stream  string // random
	base    uint64 // number on the wire = number of the file − base; above 0 after a rollback
	sent    uint64 // batches up to this number may have been sent
	gone    uint64 // batches up to this number were given up, and are counted
	lost    int64  // records given up in this stream
	dropped int64  // records given up in this installation
	damaged uint64 // files set aside in this installation, and counted
}

const positionEnding = ".stream"

func (p *position) name() string {
	return fmt.Sprintf("%s base%d sent%d gone%d lost%d dropped%d damaged%d%s",
		p.stream, p.base, p.sent, p.gone, p.lost, p.dropped, p.damaged, positionEnding)
}

func parsePosition(name string) (p position, ok bool) {
	stream, rest, _ := strings.Cut(name, " ")
	p.stream = stream
	n, err := fmt.Sscanf(rest, "base%d sent%d gone%d lost%d dropped%d damaged%d"+positionEnding,
		&p.base, &p.sent, &p.gone, &p.lost, &p.dropped, &p.damaged)
	const most = 1 << 62 // far from where sums overflow
	ok = n == 6 && err == nil && p.name() == name && len(stream) == streamLength &&
		p.base < most && p.sent < most && p.gone < most && p.damaged < 1<<31 &&
		p.lost >= 0 && p.lost < most && p.dropped >= 0 && p.dropped < most
	return p, ok
}

const streamLength = 24

func newStream() string {
	random := make([]byte, streamLength/2)
	_, _ = rand.Read(random) // never fails, since Go 1.24
	return hex.EncodeToString(random)
}
