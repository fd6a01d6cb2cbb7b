package main

import (
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestTheListOfAgentsSaysUntilWhenACertificateHoldsOrThatItWasRevoked(t *testing.T) {
	end := wire.TimeOf(time.Date(2028, 11, 22, 12, 0, 0, 0, time.UTC))
	shown := &wire.CertificateState{Serial: "5f0c", NotAfter: end}
	c := &config{location: time.UTC}
	for _, test := range []struct {
		agent ledger.Agent
		want  string
	}{
		{ledger.Agent{}, "-"},
		{ledger.Agent{EnrolledUntil: end}, "2028-11-22"},
		{ledger.Agent{Certificate: shown}, "2028-11-22"},
		{ledger.Agent{Certificate: &wire.CertificateState{Serial: "0bad", NotAfter: end}}, "revoked"},
	} {
		if got := c.until(&test.agent, map[string]bool{"0bad": true}); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.agent, got, test.want)
		}
	}
}
