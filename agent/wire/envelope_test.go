package wire_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/zerofax/zerofax/agent/wire"
	"pgregory.net/rapid"
)

const goodReading = `{"device":"xerox-1","at":"2026-10-01T08:00:00.123Z","ok":true}`

const goodEvent = `{"event":{"journal":"hylafax","key":"k1","at":"2026-10-01T08:00:00.123Z","unit":"message","witness":"sender","from":"4512","result":"done"}}`

// message is a good envelope around readings; edits are pairs of old and new text.
func message(readings string, edits ...string) []byte {
	m := `{"v":1,"agent":"ps-01","stream":"abcdefgh","first":5,"seq":6,"oldest":4,"lost":2,"sent_at":"2026-10-01T08:00:01Z","readings":[` + readings + `]}`
	return []byte(strings.NewReplacer(edits...).Replace(m))
}

func TestAnUnacceptableEnvelopeSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name    string
		payload []byte
		is      error
		says    string
		seq     uint64 // still known
		oldest  uint64
	}{
		{"nothing at all", nil, wire.ErrNoSeq, "unexpected end", 0, 0},
		{"no JSON", []byte("hello"), wire.ErrNoSeq, "invalid character", 0, 0},
		{"cut short", message(goodReading)[:150], wire.ErrNoSeq, "unexpected end", 0, 0},
		{"more behind the end", append(message(goodReading), 'x'), wire.ErrNoSeq, "after top-level", 0, 0},
		{"no seq", message("", `"seq":6,`, ``), wire.ErrNoSeq, "seq 0", 0, 0},
		{"seq 0", message("", `"seq":6`, `"seq":0`), wire.ErrNoSeq, "seq 0", 0, 0},
		{"seq below 0", message("", `"seq":6`, `"seq":-6`), wire.ErrNoSeq, "-6", 0, 0},
		{"a stream too short", message("", "abcdefgh", "abc"), wire.ErrNoSeq, `stream "abc"`, 0, 0},
		{"a stream of strange letters", message("", "abcdefgh", "abcd/fgh"), wire.ErrNoSeq, "stream", 0, 0},
		{"another version, all else unknown", []byte(`{"v":2,"stream":"abcdefgh","seq":6,"readings":{}}`), wire.ErrVersion, "unknown version 2", 6, 0},
		{"no version", message("", `"v":1,`, ``), wire.ErrVersion, "unknown version", 6, 0},
		{"no agent", message("", `"agent":"ps-01",`, ``), wire.ErrBad, "agent", 6, 4},
		{"an agent in capitals", message("", "ps-01", "PS-01"), wire.ErrBad, "agent", 6, 4},
		{"first beyond seq", message("", `"first":5`, `"first":7`), wire.ErrBad, "first 7", 6, 4},
		{"no first", message("", `"first":5,`, ``), wire.ErrBad, "first 0", 6, 4},
		{"oldest beyond seq", message("", `"oldest":4`, `"oldest":7`), wire.ErrBad, "oldest 7", 6, 7},
		{"lost below 0", message("", `"lost":2`, `"lost":-2`), wire.ErrBad, "lost -2", 6, 4},
		{"a text for lost", message("", `"lost":2`, `"lost":"2"`), wire.ErrBad, "lost", 6, 4},
		{"no sent_at", message("", `"sent_at":"2026-10-01T08:00:01Z",`, ``), wire.ErrBad, "sent_at", 6, 4},
		{"sent_at without a zone", message("", `01Z"`, `01"`), wire.ErrBad, "RFC 3339", 6, 4},
		{"sent_at beyond year 9999 in UTC", message("", `2026-10-01T08:00:01Z`, `9999-12-31T23:59:59-01:00`), wire.ErrBad, "RFC 3339", 6, 4},
		{"no readings", message("", `,"readings":[]`, ``), wire.ErrBad, "want a list", 6, 4},
		{"readings are null", message("", `[]`, `null`), wire.ErrBad, "want a list", 6, 4},
		{"readings are an object", message("", `[]`, `{}`), wire.ErrBad, "want a list", 6, 4},
		{"too large", message(strings.Repeat(goodReading+",", 5000) + goodReading), wire.ErrBad, "at most 262144", 6, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := wire.DecodeEnvelope(c.payload)
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got error %q, want %q saying %q", err, c.is, c.says)
			}
			if got.Seq != c.seq || got.Oldest != c.oldest || got.Readings != nil {
				t.Errorf("got seq %d, oldest %d, %d readings; want seq %d, oldest %d, none",
					got.Seq, got.Oldest, len(got.Readings), c.seq, c.oldest)
			}
		})
	}
}

func TestABadEnvelopeStillHasTheChecksumOfItsReadings(t *testing.T) {
	for name, payload := range map[string][]byte{
		"bad agent":   message(goodReading, "ps-01", "PS-01"),
		"bad sent_at": message(goodReading, `"2026-10-01T08:00:01Z"`, `"yesterday"`),
	} {
		got, err := wire.DecodeEnvelope(payload)
		if want := wire.CRC([]byte("[" + goodReading + "]")); got.CRC != want || !errors.Is(err, wire.ErrBad) {
			t.Errorf("%s: got crc %d, error %v; want crc %d", name, got.CRC, err, want)
		}
	}
}

func TestABadReadingSpoilsNoOther(t *testing.T) {
	counter := `{"measure":"fax_sent","unit":"faxes","rule":"r","value":1}`
	with := func(more string) string { return strings.TrimSuffix(goodReading, "}") + "," + more + "}" }
	for _, c := range []struct{ name, reading, reason string }{
		{"a number", `7`, "cannot unmarshal number"},
		{"an empty object", `{}`, "device"},
		{"a device in capitals", strings.Replace(goodReading, "xerox-1", "Xerox-1", 1), "device"},
		{"a device of 129 letters", strings.Replace(goodReading, "xerox-1", strings.Repeat("a", 129), 1), "device"},
		{"no time", `{"device":"xerox-1","ok":true}`, "at: missing"},
		{"a time that is none", strings.Replace(goodReading, "2026-10-01", "2026-13-01", 1), "RFC 3339"},
		{"a time before 1970", strings.Replace(goodReading, "2026", "1926", 1), "at: missing"},
		{"an uptime below 0", with(`"uptime_ms":-1`), "uptime_ms -1"},
		{"seen below 0", with(`"seen":-1`), "seen -1"},
		{"a failure without a reason", strings.Replace(goodReading, "true", "false", 1), "error: missing"},
		{"a long error", with(`"error":"` + strings.Repeat("x", 513) + `"`), "error: 513 bytes"},
		{"a long profile", with(`"profile":"` + strings.Repeat("x", 513) + `"`), "profile: 513 bytes"},
		{"a long name", with(`"identity":{"name":"` + strings.Repeat("x", 513) + `"}`), "identity: a text of 513"},
		{"an unknown fax service", with(`"fax_service":"great"`), `fax_service "great"`},
		{"an unknown fax answer", with(`"fax":"maybe"`), `fax "maybe"`},
		{"a counter below 0", with(`"counters":[` + strings.Replace(counter, "1}", "-1}", 1) + `]`), "counters[0]: value -1"},
		{"a counter with a fraction", with(`"counters":[` + strings.Replace(counter, "1}", "1.5}", 1) + `]`), "1.5"},
		{"a counter beyond 63 bits", with(`"counters":[` + strings.Replace(counter, "1}", "9223372036854775808}", 1) + `]`), "9223372036854775808"},
		{"a counter told twice", with(`"counters":[` + counter + `,` + counter + `]`), "counters[1]: measure \"fax_sent\": told twice"},
		{"a counter without a rule", with(`"counters":[` + strings.Replace(counter, `"r"`, `""`, 1) + `]`), "rule"},
		{"a unit in capitals", with(`"counters":[` + strings.Replace(counter, "faxes", "Faxes", 1) + `]`), "unit"},
		{"a measure with a dash", with(`"counters":[` + strings.Replace(counter, "fax_sent", "fax-sent", 1) + `]`), "measure"},
		{"65 counters", with(`"counters":[` + strings.Repeat(counter+",", 64) + counter + `]`), "counters: 65"},
		{"a line without a status", with(`"lines":[{"port":"1"}]`), "lines[0]: status"},
		{"a port told twice", with(`"lines":[{"status":"idle"},{"status":"idle"}]`), "lines[1]: port \"\": told twice"},
		{"a long port", with(`"lines":[{"port":"` + strings.Repeat("1", 64) + `","status":"idle"}]`), "port"},
		{"long evidence", with(`"lines":[{"status":"idle","evidence":"` + strings.Repeat("x", 513) + `"}]`), "evidence"},
		{"an unknown answer of a line", with(`"lines":[{"status":"idle","fax":"perhaps"}]`), "fax \"perhaps\""},
		{"513 lines", with(`"lines":[` + strings.Repeat(`{"status":"idle"},`, 512) + `{"status":"idle"}]`), "lines: 513"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := wire.DecodeEnvelope(message(goodReading + "," + c.reading + "," + goodReading))
			if err != nil {
				t.Fatalf("got error %v, want the envelope", err)
			}
			if len(got.Readings) != 2 || len(got.Bad) != 1 {
				t.Fatalf("got %d readings and %d bad ones, want 2 and 1", len(got.Readings), len(got.Bad))
			}
			bad := got.Bad[0]
			if bad.Index != 1 || !strings.Contains(bad.Reason, c.reason) || string(bad.Raw) != c.reading {
				t.Errorf("got reading %d, %q, raw %s; want reading 1, saying %q, raw as sent", bad.Index, bad.Reason, bad.Raw, c.reason)
			}
		})
	}
}

func TestABadEventSpoilsNeitherReadingsNorOtherEvents(t *testing.T) {
	second := strings.Replace(goodEvent, "k1", "k2", 1)
	for _, c := range []struct{ name, old, new, reason string }{
		{"no journal", `"journal":"hylafax",`, ``, "journal"},
		{"a journal in capitals", "hylafax", "HylaFAX", "journal"},
		{"no key", `"k1"`, `""`, "key"},
		{"a key of 65 letters", "k1", strings.Repeat("k", 65), "key"},
		{"no time", `"at":"2026-10-01T08:00:00.123Z",`, ``, "at: missing"},
		{"a time that is none", "2026-10-01", "2026-13-01", "RFC 3339"},
		{"pages for a unit", `"message"`, `"pages"`, "unit"},
		{"an unknown witness", `"sender"`, `"nurse"`, "witness"},
		{"neither from nor to", `"from":"4512",`, ``, "both missing"},
		{"a number that is none", `"4512"`, `4512`, "cannot unmarshal number"},
		{"a long number", "4512", strings.Repeat("4", 33), "at most 32"},
		{"a site in capitals", `"from"`, `"site":"CHU","from"`, "site"},
		{"pages below 0", `"from"`, `"pages":-1,"from"`, "pages -1"},
		{"more pages than anybody faxes", `"from"`, `"pages":1000000000000000000,"from"`, "pages 1000000000000000000"},
		{"more seconds than a call takes", `"from"`, `"seconds":10000001,"from"`, "seconds 10000001"},
		{"a clock that was never set", "2026-10-01", "2001-01-01", "at 2001-01-01"},
		{"an unknown result", `"done"`, `"maybe"`, "result"},
		{"no object", `{"event":`, `{"event":7,"was":`, "cannot unmarshal number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := strings.Replace(goodEvent, c.old, c.new, 1)
			got, err := wire.DecodeEnvelope(message(goodEvent + "," + bad + "," + goodReading + "," + second))
			if err != nil {
				t.Fatalf("got error %v, want the envelope", err)
			}
			if len(got.Readings) != 1 || len(got.Events) != 2 || got.Events[0].Key != "k1" || got.Events[1].Key != "k2" {
				t.Fatalf("got %d readings, events %+v; want 1, and k1 and k2 in this order", len(got.Readings), got.Events)
			}
			if len(got.Bad) != 1 || got.Bad[0].Index != 1 || !strings.Contains(got.Bad[0].Reason, c.reason) || string(got.Bad[0].Raw) != bad {
				t.Errorf("got bad %+v; want the second, saying %q, raw as sent", got.Bad, c.reason)
			}
		})
	}
}

func TestABadNumberIsLeftOutAndItsReadingKept(t *testing.T) {
	for number, want := range map[string]wire.Number{
		`"4512"`: "4512", `"+33 2 41 35 40 00"`: "+33 2 41 35 40 00", `"\u0034512"`: "4512", `""`: "",
		`"` + strings.Repeat("1", 32) + `"`: wire.Number(strings.Repeat("1", 32)), `"` + strings.Repeat("1", 33) + `"`: "",
		`"poste 4512"`: "", `"02.41"`: "", `4512`: "", `null`: "", `{"a":1}`: "", `["1"]`: "", `"４５"`: "",
	} {
		line := `,"lines":[{"port":"1","status":"idle","number":` + number + `}]}`
		got, err := wire.DecodeEnvelope(message(strings.TrimSuffix(goodReading, "}") + line))
		if err != nil || len(got.Bad) != 0 || len(got.Readings) != 1 || got.Readings[0].Lines[0].Number != want {
			t.Errorf("%s: got %+v, %v; want the reading with number %q", number, got, err, want)
		}
	}
}

// Whatever a newer agent or another writer makes of the same message, it means the same.
func TestTheFormOfTheJSONDoesNotMatter(t *testing.T) {
	elements := goodReading + "," + goodEvent
	want, err := wire.DecodeEnvelope(message(elements))
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Readings) != 1 || len(want.Events) != 1 {
		t.Fatalf("got %+v, want a reading and an event", want)
	}
	spaced := message(elements, `,"`, ` , "`, `":`, "\" :\n\t")
	unknown := message(elements, `"v":1`, `"v":1,"new":{"a":[1,2]}`, `"ok":true`, `"ok":true,"colour":"red"`, `"unit"`, `"tariff":[1],"unit"`)
	for name, payload := range map[string][]byte{
		"white space":            spaced,
		"unknown fields":         unknown,
		"escapes":                message(elements, "xerox", `x\u0065rox`, "ps-01", `p\u0073-01`, "hylafax", `hyl\u0061fax`),
		"a time in another zone": message(elements, "08:00:00.123Z", "10:00:00.1239+02:00"),
		"nulls":                  message(elements, `"ok":true`, `"ok":true,"error":null,"identity":null,"counters":null,"event":null`, `"unit"`, `"to":null,"unit"`),
	} {
		got, err := wire.DecodeEnvelope(payload)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got.CRC = want.CRC // of the text, which differs
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

func TestAppendEnvelopeStaysWithinItsOverhead(t *testing.T) {
	longest := wire.Header{
		Agent: strings.Repeat("a", 63), Stream: strings.Repeat("s", 64),
		First: 1<<64 - 1, Seq: 1<<64 - 1, Oldest: 1<<64 - 1, Lost: 1<<63 - 1, SentAt: wire.Time(253402300799999),
	}
	if got := len(wire.AppendEnvelope(nil, longest, nil)); got > wire.Overhead {
		t.Errorf("got %d bytes, want at most %d", got, wire.Overhead)
	}
}

func TestTopicsReadBackAsWritten(t *testing.T) {
	for _, kind := range []wire.Kind{wire.KindState, wire.KindReadings, wire.KindAck, wire.KindConfig} {
		agent, got, ok := wire.ParseTopic(wire.Topic("ps-01", kind))
		if agent != "ps-01" || got != kind || !ok {
			t.Errorf("got %q %q %v, want ps-01 %q", agent, got, ok, kind)
		}
	}
	for _, topic := range []string{
		"", "zerofax/v1/collector/state", "zerofax/v1/agents/ps-01", "zerofax/v1/agents/ps-01/",
		"zerofax/v1/agents/PS/ack", "zerofax/v1/agents//ack", "zerofax/v1/agents/a/b/ack", "zerofax/v2/agents/a/ack",
	} {
		if agent, kind, ok := wire.ParseTopic(topic); ok {
			t.Errorf("%q: got %q %q, want no agent's topic", topic, agent, kind)
		}
	}
}

func TestOtherMessagesAreChecked(t *testing.T) {
	decoders := map[string]func([]byte) error{
		"agent state":     func(p []byte) error { _, err := wire.DecodeAgentState(p); return err },
		"ack":             func(p []byte) error { _, err := wire.DecodeAck(p); return err },
		"collector state": func(p []byte) error { _, err := wire.DecodeCollectorState(p); return err },
	}
	for _, c := range []struct{ kind, payload, says string }{
		{"agent state", `{`, "unexpected end"},
		{"agent state", `{"v":2,"session":"s"}`, "unknown version 2"},
		{"agent state", `{"v":1}`, "session"},
		{"agent state", `{"v":1,"session":"s","os":"` + strings.Repeat("x", 513) + `"}`, "too long"},
		{"agent state", `{"v":1,"session":"s","spool":{"bytes":-1}}`, "below 0"},
		{"ack", `{"v":1,"seq":1,"crc":1}`, "stream"},
		{"ack", `{"v":1,"stream":"abcdefgh","seq":-1}`, "seq"},
		{"ack", `{"v":1,"stream":"abcdefgh","seq":1,"crc":4294967296}`, "crc"},
		{"ack", `{"v":3,"stream":"abcdefgh","seq":1}`, "unknown version 3"},
		{"collector state", `{"v":0}`, "unknown version 0"},
		{"collector state", strings.Repeat(" ", wire.MaxEnvelope+1), "at most 262144"},
	} {
		err := decoders[c.kind]([]byte(c.payload))
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), c.kind) {
			t.Errorf("%s: got error %v, want one saying %q", clip(c.payload), err, c.says)
		}
	}
}

func TestWhatAnAgentChecksACollectorAccepts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		readings := rapid.SliceOfN(readingGen, 0, 5).Draw(t, "readings")
		events := rapid.SliceOfN(eventGen, 0, 5).Draw(t, "events")
		header := headerGen.Draw(t, "header")
		for i := range readings {
			if err := readings[i].Check(); err != nil {
				t.Fatalf("a reading made to be good: %v", err)
			}
		}
		for i := range events {
			if err := events[i].Check(); err != nil {
				t.Fatalf("an event made to be good: %v", err)
			}
		}
		body, err := wire.EncodeReadings(readings, events...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := wire.DecodeEnvelope(wire.AppendEnvelope(nil, header, body))
		if err != nil {
			t.Fatal(err)
		}
		want := wire.Envelope{Header: header, CRC: wire.CRC(body), Readings: readings, Events: events}
		if readings == nil {
			want.Readings = []wire.Reading{}
		}
		if len(events) == 0 {
			want.Events = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
		again, others, err := wire.DecodeReadings(body)
		if err != nil || !slices.Equal(others, events) || !slices.EqualFunc(again, readings, func(a, b wire.Reading) bool { return reflect.DeepEqual(a, b) }) {
			t.Fatalf("DecodeReadings: got %+v, %+v, %v\nwant %+v, %+v", again, others, err, readings, events)
		}
	})
}

var (
	textGen = rapid.StringN(0, 40, wire.MaxText)
	timeGen = rapid.Map(rapid.Int64Range(1, 253402300799999), func(ms int64) wire.Time { return wire.Time(ms) })

	headerGen = rapid.Custom(func(t *rapid.T) wire.Header {
		seq := rapid.Uint64Range(1, 1<<64-1).Draw(t, "seq")
		return wire.Header{
			Agent:  rapid.StringMatching(`[a-z0-9-]{1,63}`).Draw(t, "agent"),
			Stream: rapid.StringMatching(`[A-Za-z0-9_-]{8,64}`).Draw(t, "stream"),
			First:  rapid.Uint64Range(1, seq).Draw(t, "first"), Seq: seq,
			Oldest: rapid.Uint64Range(1, seq).Draw(t, "oldest"),
			Lost:   rapid.Int64Range(0, 1<<62).Draw(t, "lost"),
			SentAt: timeGen.Draw(t, "sent at"),
		}
	})

	readingGen = rapid.Custom(func(t *rapid.T) wire.Reading {
		r := wire.Reading{
			Device: rapid.StringMatching(`[a-z0-9-]{1,40}`).Draw(t, "device"), At: timeGen.Draw(t, "at"),
			UptimeMS: rapid.Int64Range(0, 1<<62).Draw(t, "uptime"), OK: rapid.Bool().Draw(t, "ok"),
			Profile:    textGen.Draw(t, "profile"),
			FaxService: rapid.SampledFrom(append(wire.FaxServices(), "")).Draw(t, "service"),
			Fax:        answerGen.Draw(t, "fax"), Seen: rapid.IntRange(0, 9).Draw(t, "seen"),
		}
		if !r.OK {
			r.Error = "timeout " + rapid.StringN(0, 40, 400).Draw(t, "error")
		}
		for _, measure := range rapid.SliceOfDistinct(rapid.SampledFrom(wire.Measures()), rapid.ID).Draw(t, "measures") {
			r.Counters = append(r.Counters, wire.Counter{
				Measure: measure, Unit: "pages",
				Rule:  rapid.StringN(1, 40, wire.MaxText).Draw(t, "rule"),
				Value: rapid.Int64Range(0, 1<<63-1).Draw(t, "value"),
			})
		}
		for _, port := range rapid.SliceOfNDistinct(rapid.StringN(0, 9, 63), 0, 4, rapid.ID).Draw(t, "ports") {
			r.Lines = append(r.Lines, wire.Line{
				Port: port, Status: rapid.SampledFrom(wire.LineStatuses()).Draw(t, "status"),
				Evidence: textGen.Draw(t, "evidence"), Fax: answerGen.Draw(t, "fax"),
				Number: wire.Number(rapid.StringMatching(`(\+?[0-9 ]{1,31})?`).Draw(t, "number")),
			})
		}
		if rapid.Bool().Draw(t, "identified") {
			r.Identity = &wire.Identity{
				Vendor: textGen.Draw(t, "vendor"), Serial: textGen.Draw(t, "serial"), Model: textGen.Draw(t, "model"),
				Name: textGen.Draw(t, "name"), Location: textGen.Draw(t, "location"), Address: textGen.Draw(t, "address"),
			}
		}
		return r
	})

	eventGen = rapid.Custom(func(t *rapid.T) wire.Event {
		e := wire.Event{
			Journal: rapid.StringMatching(`[a-z0-9-]{1,63}`).Draw(t, "journal"), Key: rapid.StringN(1, 20, wire.MaxKey).Draw(t, "key"), At: wire.Time(rapid.Int64Range(int64(wire.OldestFax), 253402300799999).Draw(t, "at")),
			Unit:    rapid.SampledFrom([]wire.EventUnit{wire.Message, wire.Call}).Draw(t, "unit"),
			Witness: rapid.SampledFrom([]wire.Witness{wire.Sender, wire.Receiver, wire.Exchange}).Draw(t, "witness"),
			From:    rapid.StringN(0, 9, wire.MaxNumber).Draw(t, "from"), To: rapid.StringN(0, 9, wire.MaxNumber).Draw(t, "to"),
			Site:  rapid.StringMatching(`([a-z0-9-]{1,63})?`).Draw(t, "site"),
			Pages: rapid.Int64Range(0, wire.MaxPages).Draw(t, "pages"), Seconds: rapid.Int64Range(0, wire.MaxSeconds).Draw(t, "seconds"),
			Result: rapid.SampledFrom([]wire.Result{wire.Done, wire.Failed}).Draw(t, "result"),
		}
		if e.From == "" && e.To == "" {
			e.From = "4512"
		}
		return e
	})

	answerGen = rapid.SampledFrom([]wire.Answer{wire.Yes, wire.No, wire.Unknown, ""})
)

// A message that is accepted says the same when it is written again, and the quick reader
// agrees with encoding/json: white space in front sends the same message past it.
func FuzzDecodeEnvelope(f *testing.F) {
	for _, payload := range kept(f, "envelope-") {
		f.Add(payload)
	}
	f.Add(envelopeOf(f, hundred()[:3]))
	f.Add(message(goodReading + `,{"device":7}`))
	f.Add(message(goodEvent + `,{"event":{"journal":7}},` + strings.Replace(goodEvent, `{"event"`, `{"device":"xerox-1","event"`, 1)))
	f.Add(message(goodReading, `true`, `true,"counters":[{"measure":"fax_sent","unit":"faxes","rule":"r","value":-0}],"ok":false`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		env, err := wire.DecodeEnvelope(payload)
		other, otherErr := wire.DecodeEnvelope(append([]byte(" "), payload...))
		if len(payload) < wire.MaxEnvelope && !sameOutcome(env, err, other, otherErr) {
			t.Fatalf("two readings of one message:\n%+v, %v\n%+v, %v", env, err, other, otherErr)
		}
		if err != nil {
			return
		}
		for i := range env.Readings {
			if err := env.Readings[i].Check(); err != nil {
				t.Fatalf("accepted reading %d: %v", i, err)
			}
		}
		for i := range env.Events {
			if err := env.Events[i].Check(); err != nil {
				t.Fatalf("accepted event %d: %v", i, err)
			}
		}
		body, err := wire.EncodeReadings(env.Readings, env.Events...)
		if err != nil {
			t.Fatal(err)
		}
		written := wire.AppendEnvelope(nil, env.Header, body)
		if len(written) > wire.MaxEnvelope {
			return // escapes may make a text six times as long
		}
		again, err := wire.DecodeEnvelope(written)
		if err != nil {
			t.Fatal(err)
		}
		if len(again.Bad) > 0 || again.Header != env.Header || text(t, again) != string(body) {
			t.Fatalf("got %+v\nwant %+v", again, env)
		}
	})
}

func sameOutcome(a wire.Envelope, aErr error, b wire.Envelope, bErr error) bool {
	for _, kind := range []error{wire.ErrNoSeq, wire.ErrVersion, wire.ErrBad} {
		if errors.Is(aErr, kind) != errors.Is(bErr, kind) {
			return false
		}
	}
	return reflect.DeepEqual(a, b)
}

func text(t *testing.T, env wire.Envelope) string {
	t.Helper()
	body, err := wire.EncodeReadings(env.Readings, env.Events...)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

func TestAShortenedTextFitsIntoAMessageAndIsWholeCharacters(t *testing.T) {
	for _, text := range []string{"", "short", strings.Repeat("x", wire.MaxText), strings.Repeat("x", 9999), strings.Repeat("é", 9999), "x" + strings.Repeat("é", 9999)} {
		got := wire.Shorten(text)
		if len(got) > wire.MaxText || !utf8.ValidString(got) {
			t.Errorf("%.20s…: got %d bytes, valid UTF-8 %v; want at most %d", text, len(got), utf8.ValidString(got), wire.MaxText)
		}
		if short := len(text) <= wire.MaxText; short != (got == text) {
			t.Errorf("%.20s…: got %.20s…", text, got)
		}
	}
}
