package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// What was quarantined may be acceptable to a later program. But it is old by now, and counters are
// cumulative: a later reading of the same machine that is in the books brought what this one would
// have brought. So a reading is booked only if it is newer than all that the books know of its
// machine. Else there is nothing left to take from it, or it is the only trace of faxes that nobody
// can count any more; then it is kept.

// Retried is what became of something in quarantine.
type Retried struct {
	Quarantine        // without its payload
	Gone       bool   // from quarantine: all that can be taken from it is in the books
	Booked     int    // readings
	Known      int    // readings of which later ones are in the books
	Why        string // it is still there
}

// Retry takes something out of quarantine, as far as this program accepts it.
func (l *Ledger) Retry(ctx context.Context, by Author, id int64) (out Retried, err error) {
	err = l.transact(ctx, func(b *books) error {
		found, err := readQuarantine(ctx, l.store.conn, fmt.Sprintf("id = %d", id), 1)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("nothing is in quarantine under %d", id)
		}
		r := retrial{books: b, Quarantine: &found[0]}
		if r.begun, err = readBegun(ctx, l.store.conn); err != nil {
			return err
		}
		if out = r.all(); !out.Gone {
			return nil
		}
		b.log(by, fmt.Sprintf("quarantine %d", id), "taken", r.Reason, fmt.Sprintf("%d booked, %d known", out.Booked, out.Known))
		return errors.Join(l.store.remove(ctx, "quarantine", []int64{id}), l.store.notePurged(ctx, "quarantine", purged{ID: id}))
	})
	if errors.Is(err, errPoison) {
		err = fmt.Errorf("quarantine %d stays where it is: %w", id, err)
	}
	return out, err
}

// readBegun is when a counter of a device began anew last, by our clock.
func readBegun(ctx context.Context, q querier) (map[string]wire.Time, error) {
	begun := make(map[string]wire.Time)
	query := fmt.Sprintf("SELECT device, MAX(opened_at) FROM anomalies WHERE kind IN ('%s', '%s') AND outcome <> '%s' GROUP BY device",
		Reset, RuleChanged, Glitch)
	return begun, each(ctx, q, query, func(read func(...any) error) error {
		var device string
		var at wire.Time
		err := read(&device, &at)
		begun[device] = at
		return err
	})
}

// retrial is something in quarantine that is looked at again.
type retrial struct {
	*books
	*Quarantine
	begun map[string]wire.Time // when a counter of a device began anew
}

func (r *retrial) all() Retried {
	out := Retried{Quarantine: *r.Quarantine}
	out.Payload = nil
	readings, offset, faults := r.decode()
	for i := range readings {
		switch why := r.again(&readings[i], offset); why {
		case "":
			out.Booked++
		case later:
			out.Known++
		default:
			faults = append(faults, readings[i].Device+": "+why)
		}
	}
	slices.Sort(faults)
	out.Why = strings.Join(slices.Compact(faults), "; ")
	out.Gone = out.Why == ""
	return out
}

// decode reads what was quarantined by today's rules: readings, and how far their agent's clock was
// behind ours. What is wrong with the rest stands in faults.
func (r *retrial) decode() (readings []wire.Reading, offset time.Duration, faults []string) {
	a := r.agents[r.Agent]
	switch {
	case a == nil:
		return nil, 0, []string{"it came from no agent"}
	case r.Index >= 0:
		var one wire.Reading
		err := json.Unmarshal(r.Payload, &one)
		if err == nil {
			err = one.Check()
		}
		if err != nil {
			return nil, 0, []string{fmt.Sprintf("still refused: %v", err)}
		}
		return []wire.Reading{one}, a.offset, nil
	}
	env, err := wire.DecodeEnvelope(r.Payload)
	switch {
	case err != nil:
		return nil, 0, []string{fmt.Sprintf("still refused: %v", err)}
	case env.Agent != r.Agent:
		return nil, 0, []string{fmt.Sprintf("still refused: it says that it is from %q", env.Agent)}
	case r.Seq == 0 || r.Seq > math.MaxInt64:
		return nil, 0, []string{"it was never acknowledged: its agent says it again as long as it has it"}
	}
	for _, bad := range env.Bad {
		faults = append(faults, fmt.Sprintf("reading %d still refused: %s", bad.Index, bad.Reason))
	}
	return env.Readings, r.ReceivedAt.Sub(env.SentAt), faults
}

// later is why there is nothing left to take from a reading.
const later = "later readings are in the books"

// again books a reading, or says why not.
func (r *retrial) again(told *wire.Reading, offset time.Duration) (why string) {
	m := moment{Stream: noStream, Raw: told.At, Uptime: uptime(told), Receipt: r.ReceivedAt}
	m.At, m.Trusted, _ = stamp(told.At, offset, r.ReceivedAt)
	switch d := r.devices[told.Device]; {
	case d == nil:
	case m.Trusted && m.At > max(d.order.At, d.lookAt) && d.order.relation(m) == newer:
		if d.lead != r.Agent {
			return later // its leading agent's
		}
	case len(told.Counters) == 0:
		return later
	case d.firstSeen > r.ReceivedAt:
		return "it is older than the first reading in the books, from where on its faxes are counted"
	case r.begun[d.id] >= r.ReceivedAt:
		return "a counter of the machine began anew since; what it counted before only this tells"
	default:
		return later
	}
	a := *r.agent(r.Agent)
	a.offset = offset
	r.reading(&a, &stream{number: noStream}, told, r.ReceivedAt)
	return ""
}

// noStream is the number of none that an agent goes on with.
const noStream = -1
