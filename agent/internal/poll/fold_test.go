package poll_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/internal/poll"
	"github.com/zerofax/zerofax/agent/wire"
)

func encode(t interface{ Fatal(...any) }, readings []wire.Reading) []byte {
	payload, err := wire.EncodeReadings(readings)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func foldAll(t interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}, payloads ...[]byte,
) ([]byte, []wire.Reading) {
	t.Helper()
	payload, records, err := poll.Fold(payloads)
	if err != nil {
		t.Fatal(err)
	}
	readings, _, err := wire.DecodeReadings(payload)
	if err != nil {
		t.Fatal(err)
	}
	if len(readings) != records {
		t.Fatalf("got %d records, but %d readings", records, len(readings))
	}
	return payload, readings
}

// minutes makes readings of one device, a minute apart, from short texts: "5" is a look at
// both, lines idle and 5 pages sent; "-" a look at lines alone, "b" at a busy line; "!" no
// answer; "^" a restart, lines alone; "i" and "j" lines alone with an identity.
func minutes(text string) []wire.Reading {
	var readings []wire.Reading
	uptime := int64(1_000_000)
	for i, c := range text {
		uptime += 60_000
		r := wire.Reading{
			Device: "kyocera-1", At: wire.Time(1_790_000_000_000 + int64(i)*60_000), OK: true, Profile: "kyocera", Fax: wire.Yes,
			Lines: []wire.Line{{Status: wire.LineIdle}}, FaxService: wire.ServiceReady,
		}
		switch c {
		case 'b':
			r.Lines[0].Status = wire.LineBusy
		case '!':
			r.OK, r.Error, r.Lines, r.FaxService = false, "no answer", nil, ""
		case '^':
			uptime = 1000
		case 'i', 'j':
			r.Identity = &wire.Identity{Serial: string(c)}
		case '-':
		default:
			r.Counters = []wire.Counter{{Measure: wire.FaxSentPages, Unit: "pages", Rule: "k", Value: int64(c - '0')}}
		}
		if r.OK {
			r.UptimeMS = uptime
		}
		readings = append(readings, r)
	}
	return readings
}

func TestFoldLeavesEventsAsTheyAre(t *testing.T) {
	var events []wire.Event
	for i := range 4 {
		events = append(events, wire.Event{
			Journal: "hylafax", Key: fmt.Sprint(i), At: 1_790_000_000_000, Unit: wire.Message, Witness: wire.Sender, From: "4512", To: "4513", Result: wire.Done,
		})
	}
	looks := minutes("555")
	var payloads [][]byte
	for i, readings := range [][]wire.Reading{looks[:1], nil, looks[1:]} {
		payload, err := wire.EncodeReadings(readings, events[i:i+1]...)
		if err != nil {
			t.Fatal(err)
		}
		payloads = append(payloads, payload)
	}
	payload, records, err := poll.Fold(payloads)
	if err != nil {
		t.Fatal(err)
	}
	readings, got, err := wire.DecodeReadings(payload)
	if err != nil || len(readings) != 2 || !slices.Equal(got, events[:3]) || records != 5 {
		t.Errorf("got %d readings, events %+v, %d records, %v; want the first and last reading and all events", len(readings), got, records, err)
	}
}

func TestFoldKeepsBothReadingsAroundEveryChange(t *testing.T) {
	for name, test := range map[string]struct{ looks, kept string }{
		"nothing happens":                          {"5----5----5----5", "5....|....|....5"},
		"a page is sent":                           {"5----5----6----6", "5....5....6....6"},
		"a busy line":                              {"5----5-bb-5----5", "5.....-bb-.....5"},
		"silence":                                  {"5----5-!!!!-5--5", "5.....-!..!-...5"},
		"silence from the first":                   {"!!!!5----5", "!..!5....5"},
		"silence to the last":                      {"5--5--!!!", "5..5.-!.!"},
		"a restart":                                {"5----5--^-5----5", "5....5.-^.5....5"},
		"the same identity each hour":              {"i---i---i---i", "i...........-"},
		"an identity told for the first time":      {"5---i---5", "5..-i...5"},
		"another identity":                         {"i---j---i---", "i..-j..-i..-"},
		"lines and counters end at different ends": {"5----5---", "5....5..-"},
		"one reading":                              {"5", "5"},
		"none":                                     {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			readings := minutes(test.looks)
			_, kept := foldAll(t, encode(t, readings))
			if got := drawn(readings, kept); got != strings.ReplaceAll(test.kept, "|", ".") {
				t.Errorf("folding %s\n got %s\nwant %s", test.looks, got, test.kept)
			}
		})
	}
}

// drawn shows which readings stayed, "." for those that didn't.
func drawn(readings, kept []wire.Reading) string {
	var b strings.Builder
	for _, r := range readings {
		if len(kept) == 0 || kept[0].At != r.At {
			b.WriteByte('.')
			continue
		}
		k := kept[0]
		kept = kept[1:]
		switch {
		case !k.OK:
			b.WriteByte('!')
		case k.UptimeMS == 1000:
			b.WriteByte('^')
		case k.Identity != nil:
			b.WriteString(k.Identity.Serial)
		case len(k.Counters) > 0:
			fmt.Fprint(&b, k.Counters[0].Value)
		case k.Lines[0].Status == wire.LineBusy:
			b.WriteByte('b')
		default:
			b.WriteByte('-')
		}
	}
	return b.String()
}

func TestFoldSaysForHowManyLooksAReadingStands(t *testing.T) {
	_, kept := foldAll(t, encode(t, minutes("55555")), encode(t, minutes("55555")))
	if len(kept) != 4 || kept[0].Seen != 4 || kept[2].Seen != 4 || kept[3].Seen != 0 { // two lives: uptime falls from the first batch to the second
		t.Errorf("got %+v", kept)
	}
}

func TestFoldSaysThatItDoesNotFit(t *testing.T) {
	t.Parallel()
	var many []wire.Reading
	for i := range 4000 {
		r := minutes("5")[0]
		r.Device = fmt.Sprintf("kyocera-%d", i)
		many = append(many, r)
	}
	_, _, err := poll.Fold([][]byte{encode(t, many[:2000]), encode(t, many[2000:])})
	if !errors.Is(err, poll.ErrTooLarge) {
		t.Errorf("got error %v, want ErrTooLarge", err)
	}
}

func TestFoldSaysWhichBatchItCannotRead(t *testing.T) {
	_, _, err := poll.Fold([][]byte{[]byte("[]"), []byte("[{]")})
	if err == nil || !strings.HasPrefix(err.Error(), "fold batch 2 of 2: ") {
		t.Errorf("got error %v", err)
	}
}

// anyReading draws from few values, so that equal neighbours are frequent.
func anyReading(uptime map[string]int64, values map[string]int64) *rapid.Generator[wire.Reading] {
	return rapid.Custom(func(t *rapid.T) wire.Reading {
		device := rapid.SampledFrom([]string{"a-1", "b-2"}).Draw(t, "device")
		r := wire.Reading{Device: device, OK: true, Profile: "p", Seen: rapid.SampledFrom([]int{0, 0, 1, 7}).Draw(t, "seen")}
		kind := rapid.IntRange(0, 29).Draw(t, "kind")
		if kind == 0 {
			uptime[device] = 0
		}
		uptime[device] += 60_000
		if rapid.IntRange(0, 9).Draw(t, "identity") == 0 {
			r.Identity = &wire.Identity{Serial: rapid.SampledFrom([]string{"x", "x", "x", "y"}).Draw(t, "serial")}
		}
		if kind == 1 || kind == 2 {
			r.OK, r.Error = false, rapid.SampledFrom([]string{"no answer", "refused"}).Draw(t, "error")
			return r
		}
		r.UptimeMS = uptime[device]
		r.Fax = rapid.SampledFrom([]wire.Answer{"yes", "yes", "unknown", "no"}).Draw(t, "fax")
		if kind%3 == 0 {
			values[device] += int64(rapid.SampledFrom([]int{0, 0, 0, 0, 3, -2}).Draw(t, "growth"))
			r.Counters = []wire.Counter{{Measure: wire.FaxSent, Unit: "faxes", Rule: "r", Value: max(0, values[device])}}
		}
		if kind%4 != 0 {
			r.Lines = []wire.Line{{Status: rapid.SampledFrom([]wire.LineStatus{"idle", "idle", "idle", "busy"}).Draw(t, "status")}}
		}
		if kind%5 == 0 {
			r.FaxService = rapid.SampledFrom([]wire.FaxService{"ready", "ready", "attention"}).Draw(t, "service")
		}
		return r
	})
}

func anyHistory(t *rapid.T) []wire.Reading {
	readings := rapid.SliceOfN(anyReading(map[string]int64{}, map[string]int64{}), 0, 80).Draw(t, "readings")
	for i := range readings {
		readings[i].At = wire.Time(1_790_000_000_000 + int64(i)*1000)
	}
	return readings
}

// spells are what a device told of one thing, each with the first and last time it was
// seen so: all that anybody can know of it.
type spell struct {
	Value      string
	From, To   wire.Time
	UptimeFell bool
}

func spells(readings []wire.Reading) map[string][]spell {
	all := map[string][]spell{}
	uptime, lives := map[string]int64{}, map[string]int{}
	for _, r := range readings {
		if r.UptimeMS > 0 && r.UptimeMS < uptime[r.Device] {
			lives[r.Device]++
		}
		uptime[r.Device] = max(r.UptimeMS, 0) + uptime[r.Device]*b2i(r.UptimeMS == 0)
		told := map[string]string{"reachable": fmt.Sprint(r.OK, r.Error, r.Profile)}
		if r.Fax == wire.Yes || r.Fax == wire.No {
			told["fax"] = string(r.Fax)
		}
		if len(r.Counters) > 0 {
			told["counters"] = fmt.Sprint(r.Counters)
		}
		if len(r.Lines) > 0 {
			told["lines"] = fmt.Sprint(r.Lines)
		}
		if r.FaxService != "" {
			told["service"] = string(r.FaxService)
		}
		for of, value := range told {
			key := r.Device + " " + of
			value += fmt.Sprint(" life ", lives[r.Device])
			if had := all[key]; len(had) > 0 && had[len(had)-1].Value == value {
				had[len(had)-1].To = r.At
				continue
			}
			all[key] = append(all[key], spell{Value: value, From: r.At, To: r.At})
		}
	}
	return all
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func looksOf(readings []wire.Reading) map[string]int {
	sum := map[string]int{}
	for _, r := range readings {
		sum[r.Device] += max(1, r.Seen)
	}
	return sum
}

func identitiesOf(readings []wire.Reading) map[string][]string {
	all := map[string][]string{}
	for _, r := range readings {
		if had := all[r.Device]; r.Identity != nil && (len(had) == 0 || had[len(had)-1] != r.Identity.Serial) {
			all[r.Device] = append(had, r.Identity.Serial)
		}
	}
	return all
}

func TestFoldLosesNothingThatHappened(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		readings := anyHistory(t)
		_, kept := foldAll(t, encode(t, readings))
		if got, want := spells(kept), spells(readings); !reflect.DeepEqual(got, want) {
			t.Fatalf("what happened:\n got %v\nwant %v", got, want)
		}
		if got, want := looksOf(kept), looksOf(readings); !reflect.DeepEqual(got, want) {
			t.Fatalf("looks: got %v, want %v", got, want)
		}
		if got, want := identitiesOf(kept), identitiesOf(readings); !reflect.DeepEqual(got, want) {
			t.Fatalf("identities: got %v, want %v", got, want)
		}
		last := wire.Time(0)
		for _, r := range kept {
			if r.At <= last {
				t.Fatalf("order: %v stands after %v", r.At, last)
			}
			last = r.At
		}
	})
}

func TestFoldingTwiceIsFoldingOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		once, _ := foldAll(t, encode(t, anyHistory(t)))
		twice, _ := foldAll(t, once)
		if !bytes.Equal(once, twice) {
			t.Fatalf("got %s\nwant %s", twice, once)
		}
	})
}

func TestFoldingWhatWasFoldedLosesNothingEither(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		readings := anyHistory(t)
		cut := rapid.IntRange(0, len(readings)).Draw(t, "cut")
		first, _ := foldAll(t, encode(t, readings[:cut]))
		second, _ := foldAll(t, encode(t, readings[cut:]))
		_, kept := foldAll(t, first, second)
		if got, want := spells(kept), spells(readings); !reflect.DeepEqual(got, want) {
			t.Fatalf("what happened:\n got %v\nwant %v", got, want)
		}
		if got, want := looksOf(kept), looksOf(readings); !reflect.DeepEqual(got, want) {
			t.Fatalf("looks: got %v, want %v", got, want)
		}
	})
}

// BenchmarkFold folds an hour of 20 quiet machines, looked at each minute, in batches of a minute.
func BenchmarkFold(b *testing.B) {
	var payloads [][]byte
	size := 0
	for minute := range 60 {
		var batch []wire.Reading
		for device := range 20 {
			r := minutes("-")[0]
			if minute%5 == 0 {
				r = minutes("5")[0]
			}
			r.Device = fmt.Sprintf("kyocera-%d", device)
			r.At += wire.Time(minute * 60_000)
			batch = append(batch, r)
		}
		payloads = append(payloads, encode(b, batch))
		size += len(payloads[minute])
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		payload, _, err := poll.Fold(payloads)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(size)/float64(len(payload)), "times_smaller")
	}
}
