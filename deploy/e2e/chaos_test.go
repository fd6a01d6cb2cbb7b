//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs/sim"
)

func TestTotalsEqualTheMachinesCountsWhateverIsKilled(t *testing.T) {
	for _, broker := range []string{"embedded", "mosquitto"} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%s broker, seed %d", broker, seed), func(t *testing.T) {
				t.Parallel()
				h := newHospital(t, setUp{devices: 12, mosquitto: broker == "mosquitto"})
				h.open()
				rng := rand.New(rand.NewPCG(seed, 1))
				for range 15 {
					h.faxSomewhere(rng)
					h.breakSomething(rng)
					h.faxSomewhere(rng)
				}
				h.faxSomewhere(rng)
				h.wantTotals(60 * time.Second)
				if sent := h.ward.Count(wire.FaxSentPages); sent < 50 {
					t.Errorf("the ward sent %d pages, want enough to prove something", sent)
				}
				h.stays(3 * time.Second)
				h.balanced()
			})
		}
	}
}

// faxSomewhere lets some machines fax within the next moments.
func (h *hospital) faxSomewhere(rng *rand.Rand) {
	for range 1 + rng.IntN(6) {
		bed := h.ward.Devices[rng.IntN(len(h.ward.Devices))]
		bed.Fax(rng.IntN(4), rng.IntN(4))
		<-time.After(time.Duration(rng.IntN(150)) * time.Millisecond)
	}
}

// breakSomething kills a program and starts it again, or lets a machine misbehave for a while.
func (h *hospital) breakSomething(rng *rand.Rand) {
	pause := func() { <-time.After(time.Duration(rng.IntN(1200)) * time.Millisecond) }
	bed := h.ward.Devices[rng.IntN(len(h.ward.Devices))]
	switch rng.IntN(6) {
	case 0:
		h.agent.kill()
		pause()
		h.startAgent()
	case 1:
		h.collector.kill()
		pause()
		h.startCollector()
	case 2:
		if h.mosquitto == nil {
			return // the collector's own broker dies with it
		}
		h.mosquitto.kill() // and with it all that it held: persistence is off
		pause()
		h.startMosquitto()
	case 3:
		bed.SetFault(sim.Fault{Silent: true})
		pause()
		bed.SetFault(sim.Fault{})
	case 4:
		bed.Reboot()
	case 5:
		undo := bed.Reset() // says 0 while it boots
		pause()
		undo()
	}
}

func TestARepeatedScrambledOrForeignEnvelopeChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHospital(t, setUp{devices: 12, mosquitto: true})
	h.open()
	envelopes := make(chan []byte, 10_000)
	client := connect(t, h.mqttPort, "listener")
	client.Subscribe(wire.Topic("ps-01", wire.KindReadings), 1, func(_ mqtt.Client, m mqtt.Message) {
		select {
		case envelopes <- m.Payload():
		default:
		}
	}).Wait()
	rng := rand.New(rand.NewPCG(7, 7))
	var heard [][]byte
	for len(heard) < 10 {
		h.faxSomewhere(rng)
		for more := true; more; {
			select {
			case e := <-envelopes:
				heard = append(heard, e)
			default:
				more = false
			}
		}
	}
	again := connect(t, h.mqttPort, "parrot")
	for range 3 {
		rng.Shuffle(len(heard), func(i, j int) { heard[i], heard[j] = heard[j], heard[i] })
		for _, envelope := range heard {
			again.Publish(wire.Topic("ps-01", wire.KindReadings), 1, false, envelope).Wait()
			again.Publish(wire.Topic("ps-02", wire.KindReadings), 1, false, envelope).Wait() // another's name
		}
	}
	for _, rubbish := range []string{"", "{", `{"v":1}`, `{"v":2,"stream":"abcdefgh","seq":1}`, string(make([]byte, 300<<10))} {
		again.Publish(wire.Topic("ps-01", wire.KindReadings), 1, false, rubbish).Wait()
	}
	h.faxSomewhere(rng)
	h.wantTotals(30 * time.Second)
	for _, d := range h.devices() {
		if d.Agent != "ps-01" {
			t.Errorf("%s is led by %q, want ps-01: nobody may speak for another agent", d.ID, d.Agent)
		}
	}
}

func connect(t *testing.T, port int, id string) mqtt.Client {
	t.Helper()
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(fmt.Sprintf("tcp://127.0.0.1:%d", port)).SetClientID(id))
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { client.Disconnect(100) })
	return client
}

func TestALongOutageIsFoldedAndCatchesUp(t *testing.T) {
	t.Parallel()
	h := newHospital(t, setUp{devices: 12, spool: "100KB"})
	h.open()
	rng := rand.New(rand.NewPCG(11, 11))
	h.collector.kill()
	before := h.agent.rss()
	for i := range 90 { // some 50 s, one look a second and a device: far more than the spool holds unfolded
		if i%10 == 0 {
			h.faxSomewhere(rng)
		}
		<-time.After(500 * time.Millisecond)
		if size := folderSize(t, filepath.Join(h.dir, "spool")); size > 150<<10 {
			t.Fatalf("the spool takes %d bytes, want about 100 KB at most", size)
		}
	}
	if grown := h.agent.rss() - before; grown > 16<<20 {
		t.Errorf("the agent grew by %d bytes in the outage, want its memory flat", grown)
	}
	h.startCollector()
	h.wantTotals(60 * time.Second)
	if dropped := h.metric(`zerofax_agent_dropped_readings_total{agent="ps-01"}`); dropped != 0 {
		t.Errorf("%v readings were given up, want all folded", dropped)
	}
}

func folderSize(t *testing.T, dir string) (size int64) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			if info, err := entry.Info(); err == nil {
				size += info.Size()
			}
		}
		return nil // files come and go meanwhile
	})
	return size
}

func TestAnAgentRestoredFromAnOlderDiskCountsNothingTwice(t *testing.T) {
	for _, broker := range []string{"embedded", "mosquitto"} {
		t.Run(broker, func(t *testing.T) {
			t.Parallel()
			h := newHospital(t, setUp{devices: 12, mosquitto: broker == "mosquitto"})
			h.open()
			rng := rand.New(rand.NewPCG(13, 13))
			h.collector.kill() // so that the agent holds something worth restoring
			for range 4 {
				h.faxSomewhere(rng)
			}
			<-time.After(1500 * time.Millisecond)
			h.agent.kill()
			spool, copied := filepath.Join(h.dir, "spool"), filepath.Join(h.dir, "copy")
			copyFolder(t, spool, copied)
			h.startAgent()
			h.startCollector()
			for range 4 {
				h.faxSomewhere(rng)
			}
			h.wantTotals(60 * time.Second)

			h.agent.kill()
			if err := os.RemoveAll(spool); err != nil {
				t.Fatal(err)
			}
			copyFolder(t, copied, spool)
			h.startAgent()
			h.faxSomewhere(rng)
			h.wantTotals(60 * time.Second)
		})
	}
}

func TestABackupOfTheBooksPutBackCountsNothingTwice(t *testing.T) {
	t.Parallel()
	h := newHospital(t, setUp{devices: 12})
	h.open()
	rng := rand.New(rand.NewPCG(17, 17))
	h.faxSomewhere(rng)
	h.collector.kill()
	books, copied := filepath.Join(h.dir, "books"), filepath.Join(h.dir, "copy")
	copyFolder(t, books, copied)
	h.startCollector()
	for range 4 {
		h.faxSomewhere(rng)
	}
	h.wantTotals(60 * time.Second)
	h.collector.kill()
	if err := os.RemoveAll(books); err != nil {
		t.Fatal(err)
	}
	copyFolder(t, copied, books)
	h.startCollector()
	h.faxSomewhere(rng)
	h.wantTotals(60 * time.Second)
}

func TestAClockThatJumpsYearsLosesNothing(t *testing.T) {
	t.Parallel()
	h := newHospital(t, setUp{devices: 12})
	h.open()
	rng := rand.New(rand.NewPCG(19, 19))
	for _, turn := range []time.Duration{5 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour, 0, time.Hour, -time.Hour} {
		h.turnClock(turn)
		h.faxSomewhere(rng)
		<-time.After(1200 * time.Millisecond)
		h.ward.Devices[rng.IntN(len(h.ward.Devices))].Reboot()
		if turn < 0 {
			h.agent.kill()
			h.startAgent()
		}
		h.faxSomewhere(rng)
		h.wantTotals(60 * time.Second)
	}
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
