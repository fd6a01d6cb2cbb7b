package wire_test

import (
	"fmt"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
)

// hundred is what an agent with 100 machines sends: two or three counters, a fax service, an uptime.
func hundred() []wire.Reading {
	readings := make([]wire.Reading, 100)
	for i := range readings {
		readings[i] = wire.Reading{
			Device: fmt.Sprintf("xerox-33%08d", i), At: 1790841600123 + wire.Time(i), UptimeMS: 864000000 + int64(i),
			OK: true, Profile: "xerox",
			Counters: []wire.Counter{
				{Measure: wire.FaxSentPages, Unit: "images", Rule: "xcmHrGeneralFaxSent", Value: 12345 + int64(i)},
				{Measure: wire.FaxReceivedPages, Unit: "impressions", Rule: "xcmHrGeneralFaxReceived", Value: 9876},
			},
			FaxService: wire.ServiceReady,
		}
	}
	return readings
}

func envelopeOf(tb testing.TB, readings []wire.Reading) []byte {
	tb.Helper()
	body, err := wire.EncodeReadings(readings)
	if err != nil {
		tb.Fatal(err)
	}
	return wire.AppendEnvelope(nil, wire.Header{
		Agent: "ps-01", Stream: "Zm9vYmFyYmF6", First: 7, Seq: 7, Oldest: 3, SentAt: 1790841600500,
	}, body)
}

func perReading(b *testing.B, bytes int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/reading")
	b.ReportMetric(float64(bytes)/100, "B/reading")
}

func BenchmarkEncodeEnvelope(b *testing.B) {
	readings := hundred()
	size := 0
	b.ReportAllocs()
	for b.Loop() {
		size = len(envelopeOf(b, readings))
	}
	perReading(b, size)
}

func BenchmarkDecodeEnvelope(b *testing.B) {
	payload := envelopeOf(b, hundred())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.DecodeEnvelope(payload); err != nil {
			b.Fatal(err)
		}
	}
	perReading(b, len(payload))
}
