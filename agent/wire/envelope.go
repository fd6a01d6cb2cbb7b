package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Header is what surrounds the readings of an envelope.
type Header struct {
	Agent  string
	Stream string // random, new whenever the spool is opened empty
	First  uint64 // a folded batch stands for First…Seq, else both are equal
	Seq    uint64 // counts up from 1 within a stream
	Oldest uint64 // the lowest number that the agent still holds; set when sending
	Lost   int64  // readings given up in this stream so far
	SentAt Time
}

// Envelope is a numbered batch of readings from one agent, and of events among them.
type Envelope struct {
	Header
	CRC      uint32    // of the readings and events as they were sent
	Readings []Reading // the acceptable ones, in order
	Events   []Event   // the acceptable ones, in order
	Bad      []Bad     // the others
}

// Bad is a reading or an event that can't be accepted.
type Bad struct {
	Index  int // its place in the envelope
	Reason string
	Raw    json.RawMessage
}

// Errors of DecodeEnvelope, for errors.Is.
var (
	ErrNoSeq   = errors.New("no readable stream and seq")
	ErrVersion = errors.New("unknown version")
	ErrBad     = errors.New("bad envelope")
)

// EncodeReadings makes the JSON array that an envelope carries: readings, then events.
func EncodeReadings(readings []Reading, events ...Event) ([]byte, error) {
	data := []byte("[]")
	if len(readings) > 0 {
		var err error
		if data, err = json.Marshal(readings); err != nil {
			return nil, fmt.Errorf("encode readings: %w", err)
		}
	}
	for i := range events {
		one, err := json.Marshal(&events[i])
		if err != nil {
			return nil, fmt.Errorf("encode events: %w", err)
		}
		data = data[:len(data)-1]
		if len(data) > 1 {
			data = append(data, ',')
		}
		data = append(data, `{"event":`...)
		data = append(data, one...)
		data = append(data, `}]`...)
	}
	return data, nil
}

// element is what stands in the array: a reading, or an event.
type element struct {
	Event *Event `json:"event"`
	Reading
}

func (e *element) check() error {
	if e.Event != nil {
		return e.Event.Check()
	}
	return e.Reading.Check()
}

// DecodeReadings reads the array that an envelope carries. It checks form only, not
// Reading.Check and Event.Check.
func DecodeReadings(data []byte) ([]Reading, []Event, error) {
	if readings, events, ok := quickReadings(data); ok {
		return readings, events, nil
	}
	var elements []element
	if err := json.Unmarshal(data, &elements); err != nil {
		return nil, nil, fmt.Errorf("decode readings: %w", err)
	}
	readings, events := []Reading{}, []Event(nil)
	for i := range elements {
		if e := &elements[i]; e.Event != nil {
			events = append(events, *e.Event)
		} else {
			readings = append(readings, e.Reading)
		}
	}
	return readings, events, nil
}

// Overhead is how many bytes AppendEnvelope may add to the readings.
const Overhead = 512

// AppendEnvelope appends the message: h around readings, which EncodeReadings made and
// which is copied byte for byte, so that both sides compute the same CRC.
func AppendEnvelope(dst []byte, h Header, readings []byte) []byte {
	dst = append(dst, `{"v":1,"agent":"`...)
	dst = append(dst, h.Agent...)
	dst = append(dst, `","stream":"`...)
	dst = append(dst, h.Stream...)
	dst = append(dst, `","first":`...)
	dst = strconv.AppendUint(dst, h.First, 10)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, h.Seq, 10)
	dst = append(dst, `,"oldest":`...)
	dst = strconv.AppendUint(dst, h.Oldest, 10)
	dst = append(dst, `,"lost":`...)
	dst = strconv.AppendInt(dst, h.Lost, 10)
	dst = append(dst, `,"sent_at":"`...)
	dst = h.SentAt.append(dst)
	dst = append(dst, `","readings":`...)
	dst = append(dst, readings...)
	return append(dst, '}')
}

// DecodeEnvelope reads and checks a message. Errors:
//   - ErrNoSeq: not even stream and seq can be read; nothing is returned.
//   - ErrVersion: another "v"; only Stream and Seq are set.
//   - ErrBad: the envelope as a whole is unacceptable; Stream and Seq are set, the rest of
//     the header and CRC as far as they can be read, and no readings.
//
// A reading or an event that can't be accepted is no error: it stands in Bad, the others in
// Readings and Events.
func DecodeEnvelope(payload []byte) (Envelope, error) {
	if len(payload) <= MaxEnvelope {
		if env, ok := quickEnvelope(payload); ok {
			return env.checked()
		}
	}
	return slowEnvelope(payload)
}

func (e Envelope) checked() (Envelope, error) {
	if err := e.checkKey(); err != nil {
		return Envelope{}, err
	}
	if err := e.check(); err != nil {
		return Envelope{Header: e.Header, CRC: e.CRC}, fmt.Errorf("%w: %w", ErrBad, err)
	}
	return e, nil
}

// slowEnvelope takes a message as encoding/json understands it, stream and seq first,
// whatever the rest looks like.
func slowEnvelope(payload []byte) (Envelope, error) {
	var key struct {
		V      json.RawMessage `json:"v"`
		Stream string          `json:"stream"`
		Seq    uint64          `json:"seq"`

		Readings json.RawMessage `json:"readings"`
	}
	if err := json.Unmarshal(payload, &key); err != nil {
		return Envelope{}, fmt.Errorf("%w: %w", ErrNoSeq, err)
	}
	env := Envelope{Header: Header{Stream: key.Stream, Seq: key.Seq}}
	if err := env.checkKey(); err != nil {
		return Envelope{}, err
	}
	if string(key.V) != strconv.Itoa(Version) {
		return env, fmt.Errorf("%w %s, this program reads %d", ErrVersion, clip(string(key.V)), Version)
	}
	env.CRC = CRC(key.Readings)
	err := env.decode(payload)
	if len(payload) > MaxEnvelope {
		return env, fmt.Errorf("%w: %d bytes, at most %d", ErrBad, len(payload), MaxEnvelope)
	}
	if err != nil {
		return env, fmt.Errorf("%w: %w", ErrBad, err)
	}
	header := env
	if err := env.decodeReadings(key.Readings); err != nil {
		return header, fmt.Errorf("%w: readings: %w", ErrBad, err)
	}
	return env.checked()
}

// decode sets what it can, also where it returns an error.
func (h *Header) decode(payload []byte) error {
	var body struct {
		Agent  string `json:"agent"`
		First  uint64 `json:"first"`
		Oldest uint64 `json:"oldest"`
		Lost   int64  `json:"lost"`
		SentAt Time   `json:"sent_at"`
	}
	err := json.Unmarshal(payload, &body)
	h.Agent, h.First, h.Oldest = body.Agent, body.First, body.Oldest
	h.Lost, h.SentAt = body.Lost, body.SentAt
	return err
}

func (h *Header) checkKey() error {
	if !validStream(h.Stream) || h.Seq == 0 {
		return fmt.Errorf("%w: stream %q, seq %d", ErrNoSeq, clip(h.Stream), h.Seq)
	}
	return nil
}

func (h *Header) check() error {
	switch {
	case !ValidAgent(h.Agent):
		return fmt.Errorf("agent %q: want [a-z0-9-]{1,63}", clip(h.Agent))
	case h.First == 0 || h.First > h.Seq:
		return fmt.Errorf("first %d, seq %d: want 1 ≤ first ≤ seq", h.First, h.Seq)
	case h.Oldest == 0 || h.Oldest > h.Seq:
		return fmt.Errorf("oldest %d, seq %d: want 1 ≤ oldest ≤ seq", h.Oldest, h.Seq)
	case h.Lost < 0:
		return fmt.Errorf("lost %d: want 0 or more", h.Lost)
	case h.SentAt <= 0:
		return errors.New("sent_at: missing")
	}
	return nil
}

// decodeReadings takes the readings one by one, so that a bad one spoils no other.
func (e *Envelope) decodeReadings(raw json.RawMessage) error {
	if len(raw) == 0 || raw[0] != '[' {
		return errors.New("want a list")
	}
	var each []json.RawMessage
	if err := json.Unmarshal(raw, &each); err != nil {
		return err
	}
	e.Readings = make([]Reading, 0, len(each))
	for i, one := range each {
		var it element
		err := json.Unmarshal(one, &it)
		if err == nil {
			err = it.check()
		}
		e.sort(&it, err, i, one)
	}
	return nil
}

// sort puts one of the elements where it belongs; err is what is wrong with it.
func (e *Envelope) sort(it *element, err error, index int, raw json.RawMessage) {
	switch {
	case err != nil:
		e.Bad = append(e.Bad, Bad{Index: index, Reason: err.Error(), Raw: raw})
	case it.Event != nil:
		e.Events = append(e.Events, *it.Event)
	default:
		e.Readings = append(e.Readings, it.Reading)
	}
}
