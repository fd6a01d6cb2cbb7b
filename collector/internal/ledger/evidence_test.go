package ledger

import (
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

func TestEvidenceInWords(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	from, to := instant(t, "2026-10-09T22:00:00Z"), instant(t, "2026-10-09T22:05:00Z")
	for _, c := range []struct {
		evidence        Evidence
		french, english string
	}{
		{Evidence{Kind: EvidencePlanned, Day: "2026-10-10", From: from}, "coupure prévue le 10/10/2026", "planned cut-off: 10 Oct 2026"},
		{Evidence{Kind: EvidenceCut, Day: "2026-10-09"}, "ligne déclarée coupée le 09/10/2026", "declared cut on 9 Oct 2026"},
		{Evidence{Kind: EvidenceCopper, Subject: "Angers", Day: "2026-01-31"}, "réseau cuivre fermé à Angers depuis le 31/01/2026", "copper network closed in Angers on 31 Jan 2026"},
		{
			Evidence{Kind: EvidenceCounted, Certainty: Certain, Measure: wire.FaxReceivedPages, Unit: "pages", Count: 1, From: from, To: to},
			"1 page reçue entre le 10/10/2026 à 00:00 et le 10/10/2026 à 00:05 : certain",
			"1 page received between 10 Oct 2026 00:00 and 10 Oct 2026 00:05: certain",
		},
		{
			Evidence{Kind: EvidenceCounted, Certainty: Certain, Measure: wire.FaxSentPages, Unit: "pages", Count: 2, From: from, To: to, Attempts: true},
			"2 pages envoyées ou dont l'envoi a été tenté entre le 10/10/2026 à 00:00 et le 10/10/2026 à 00:05 : certain",
			"2 pages sent, or tried to be sent between 10 Oct 2026 00:00 and 10 Oct 2026 00:05: certain",
		},
		{
			Evidence{Kind: EvidenceCounted, Certainty: Probable, Measure: wire.FaxPrintedPages, Unit: "impressions", Count: 3, From: from, To: to},
			"3 impressions imprimées à la réception entre le 10/10/2026 à 00:00 et le 10/10/2026 à 00:05 : probable (le fax, arrivé avant la coupure, a pu n'être imprimé qu'après)",
			"3 impressions printed on reception between 10 Oct 2026 00:00 and 10 Oct 2026 00:05: probable (the fax may have come before the cut-off and been printed after it)",
		},
		{
			Evidence{Kind: EvidenceCounted, Certainty: Unsure, Doubt: Straddles, Measure: wire.FaxReceived, Unit: "faxes", Count: 1, From: from, To: to},
			"1 fax reçu entre le 10/10/2026 à 00:00 et le 10/10/2026 à 00:05 : incertain (aucun relevé à l'instant de la coupure : avant ou après)",
			"1 fax received between 10 Oct 2026 00:00 and 10 Oct 2026 00:05: unsure (nobody looked at the instant of the cut-off: before or after it)",
		},
		{
			Evidence{Kind: EvidenceTested, Certainty: Test, Measure: wire.FaxPages, Unit: "a4_equivalents", Count: 4},
			"4 équivalents A4 de fax, sens inconnu pendant un essai annoncé : non retenu",
			"4 a4 equivalents of fax, direction unknown during an announced test: not counted",
		},
		{Evidence{Kind: EvidenceBlind}, "aucune machine n'est déclarée pour cette ligne", "no machine is declared for this line"},
		{Evidence{Kind: EvidenceBlind, Subject: "VCG1", From: to}, "machine VCG1 : dernier relevé le 10/10/2026 à 00:05", "machine VCG1 was read last on 10 Oct 2026 00:05"},
		{Evidence{Kind: EvidenceClock, Subject: "ps-01", Count: -90_000}, "l'horloge de l'agent ps-01 avance de 1 min 30 s", "the clock of agent ps-01 is 1 min 30 s ahead"},
		{Evidence{Kind: EvidenceClock, Subject: "ps-01", Count: 90_000_000}, "l'horloge de l'agent ps-01 retarde de 25 h", "the clock of agent ps-01 is 25 h behind"},
		{
			Evidence{Kind: EvidenceHole, Subject: "ps-01", Count: 2, From: from, To: to},
			"2 envois de l'agent ps-01 perdus, entre le 10/10/2026 à 00:00 et le 10/10/2026 à 00:05",
			"2 messages of agent ps-01 lost, between 10 Oct 2026 00:00 and 10 Oct 2026 00:05",
		},
	} {
		if got := c.evidence.Text("fr", paris); got != c.french {
			t.Errorf("got  %s\nwant %s", got, c.french)
		}
		if got := c.evidence.Text("en", paris); got != c.english {
			t.Errorf("got  %s\nwant %s", got, c.english)
		}
	}
}
