package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Evidence is a piece of what an episode rests on. It is kept as what it says, not as a text, since
// it is told in two languages.
type Evidence struct {
	Kind      EvidenceKind    `json:"kind"`
	Subject   string          `json:"subject,omitempty"` // a device, agent, address or commune
	Names     []string        `json:"names,omitempty"`
	Port      string          `json:"port,omitempty"`
	Status    wire.LineStatus `json:"status,omitempty"`
	Certainty Certainty       `json:"certainty,omitempty"`
	Doubt     Doubt           `json:"doubt,omitempty"`
	Measure   wire.Measure    `json:"measure,omitempty"`
	Unit      string          `json:"unit,omitempty"`
	Count     int64           `json:"count,omitempty"`
	Value     int64           `json:"value,omitempty"` // of a counter
	From      wire.Time       `json:"from,omitempty"`
	To        wire.Time       `json:"to,omitempty"`
	Day       Day             `json:"day,omitempty"`
	Anomaly   int64           `json:"anomaly,omitempty"`
	Attempts  bool            `json:"attempts,omitempty"` // what is counted as sent may only have been tried
}

// EvidenceKind says what a piece of evidence tells.
type EvidenceKind string

// The kinds of evidence, with what they use.
const (
	EvidencePlanned   EvidenceKind = "planned"   // Day: the line's cut-off; From: the instant
	EvidenceCut       EvidenceKind = "cut"       // Day: the line was cut; From: the instant
	EvidenceCopper    EvidenceKind = "copper"    // Day: copper closed in the commune Subject; From: the instant
	EvidenceCounted   EvidenceKind = "counted"   // Count of Measure in Unit, between From and To; Certainty, Doubt
	EvidenceJournaled EvidenceKind = "journaled" // the same, as journal Subject tells
	EvidenceReset     EvidenceKind = "reset"     // the counter of Measure began anew between From and To, and is at Value
	EvidenceTested    EvidenceKind = "tested"    // Count of Measure in Unit in an announced test
	EvidenceMachine   EvidenceKind = "machine"   // Subject: the device that counted
	EvidenceShared    EvidenceKind = "shared"    // Names: other lines on that device, all of them cut
	EvidencePort      EvidenceKind = "port"      // Port of device Subject is in Status since From
	EvidenceBlind     EvidenceKind = "blind"     // Subject was read last at From, 0 = never; empty = no machine is declared
	EvidenceUncounted EvidenceKind = "uncounted" // Subject was read last at From, but nothing counts the line's faxes
	EvidenceSilent    EvidenceKind = "silent"    // agent Subject was heard last at From
	EvidenceClock     EvidenceKind = "clock"     // the clock of agent Subject is Count ms behind ours
	EvidenceDropped   EvidenceKind = "dropped"   // agent Subject gave up Count readings
	EvidenceHole      EvidenceKind = "hole"      // Count envelopes of agent Subject between From and To will never come
	EvidenceJump      EvidenceKind = "jump"      // Measure of device Subject grew by Count Unit between From and To, to Value
	EvidenceReplaced  EvidenceKind = "replaced"  // at address Subject Names[1] answers in place of Names[0]
)

// endOf is the evidence of when a line should have ended.
func (b *books) endOf(kind EpisodeKind, line string) []Evidence {
	d, declared := b.deadlines[line], lasting(b.register.Lines[line])
	switch {
	case kind == AfterCopper && d.copper != 0:
		c := b.register.Copper[b.register.Sites[declared.Site].Commune]
		return []Evidence{{Kind: EvidenceCopper, Subject: c.Name, Day: c.Technical, From: d.copper}}
	case kind == AfterCopper || d.At() == 0:
		return nil
	case d.At() == d.Done:
		return []Evidence{{Kind: EvidenceCut, Day: declared.CutOn, From: d.Done}}
	case d.Done != 0:
		return []Evidence{
			{Kind: EvidencePlanned, Day: declared.Cutoff, From: d.Planned},
			{Kind: EvidenceCut, Day: declared.CutOn, From: d.Done},
		}
	}
	return []Evidence{{Kind: EvidencePlanned, Day: declared.Cutoff, From: d.Planned}}
}

// explain gives an episode the evidence of its events.
func (b *books) explain(e *episode) {
	e.Evidence = b.endOf(e.Kind, e.Line)
	d := b.devices[e.Device]
	for _, s := range e.sums {
		x := Evidence{
			Kind: EvidenceCounted, Certainty: s.Certainty, Doubt: s.Doubt, Measure: s.Measure, Unit: s.Unit, Count: s.Count,
			From: s.From, To: s.Last, Attempts: d != nil && d.attempts(s.Measure),
		}
		switch {
		case s.Certainty == Withdrawn:
			continue
		case s.Certainty == Test:
			x.Kind = EvidenceTested
		case s.Doubt == BeganAnew:
			x.Kind, x.Value = EvidenceReset, s.Value
		case s.Journal != "":
			x.Kind, x.Subject = EvidenceJournaled, s.Journal
		}
		e.Evidence = append(e.Evidence, x)
	}
	if e.Device != "" {
		e.Evidence = append(e.Evidence, Evidence{Kind: EvidenceMachine, Subject: e.Device})
	}
	for _, p := range b.ports(e.Line, e.LastAt) {
		if p.inService() && p.linesAt > b.deadlines[e.Line].of(e.Kind) {
			e.Evidence = append(e.Evidence, p.alive())
		}
	}
	if d == nil {
		return
	}
	if others := slices.DeleteFunc(b.linesAt(d, e.LastAt), func(line string) bool { return line == e.Line }); len(others) > 0 {
		slices.Sort(others)
		e.Evidence = append(e.Evidence, Evidence{Kind: EvidenceShared, Names: others})
	}
}

// attempts tells whether a device counts what was scanned to be faxed, whether or not it went.
func (d *device) attempts(m wire.Measure) bool {
	c := d.present(m)
	return c != nil && m == wire.FaxSentPages && strings.HasSuffix(c.rule, "originals")
}

// inService tells whether a port is idle or busy, which a dead line isn't.
func (p portOf) inService() bool {
	return p.goneAt == 0 && (p.Status == wire.LineIdle || p.Status == wire.LineBusy)
}

// alive is the evidence that a port is in service.
func (p portOf) alive() Evidence {
	return Evidence{Kind: EvidencePort, Subject: p.id, Port: p.Port, Status: p.Status, From: p.since}
}

// Texts is the evidence in words: in French, or in English where language is "en".
func (e *Episode) Texts(language string) []string {
	zone := e.Zone
	if zone == nil {
		zone = time.UTC
	}
	texts := make([]string, len(e.Evidence))
	for i, x := range e.Evidence {
		texts[i] = x.Text(language, zone)
	}
	return texts
}

// Text is a piece of evidence in words, in French, or in English where language is "en". Times are
// those of the zone.
func (x Evidence) Text(language string, zone *time.Location) string {
	w := words{language == "en", zone}
	switch x.Kind {
	case EvidencePlanned:
		return w.say("coupure prévue le %s", "planned cut-off: %s", w.day(x.Day))
	case EvidenceCut:
		return w.say("ligne déclarée coupée le %s", "declared cut on %s", w.day(x.Day))
	case EvidenceCopper:
		return w.say("réseau cuivre fermé à %s depuis le %s", "copper network closed in %s on %s", x.Subject, w.day(x.Day))
	case EvidenceCounted:
		return w.say("%s entre le %s et le %s : %s", "%s between %s and %s: %s", w.counted(x), w.time(x.From), w.time(x.To), w.sure(x))
	case EvidenceJournaled:
		return w.say("%s d'après le journal %s, entre le %s et le %s : %s", "%s by journal %s, between %s and %s: %s",
			w.counted(x), x.Subject, w.time(x.From), w.time(x.To), w.sure(x))
	case EvidenceReset:
		return w.say("compteur « %s » remis à zéro entre le %s et le %s, il est à %d : on ne peut pas savoir s'il y a eu un fax",
			"counter “%s” began anew between %s and %s and is at %d: nobody can know whether there was a fax",
			w.measure(x.Measure), w.time(x.From), w.time(x.To), x.Value)
	case EvidenceTested:
		return w.say("%s pendant un essai annoncé : non retenu", "%s during an announced test: not counted", w.counted(x))
	case EvidenceMachine:
		return w.say("compté par la machine %s", "counted by machine %s", x.Subject)
	case EvidenceShared:
		return w.say("autres lignes de cette machine, toutes coupées : %s", "other lines of this machine, all of them cut: %s", strings.Join(x.Names, ", "))
	case EvidencePort:
		return w.say("le port %s de %s est %s depuis le %s", "port %s of %s is %s since %s", x.Port, x.Subject, w.status(x.Status), w.time(x.From))
	case EvidenceBlind:
		return w.blind(x)
	case EvidenceUncounted:
		return w.say("la machine %s répond (dernier relevé le %s), mais rien ne compte les fax de cette ligne",
			"machine %s answers (read last on %s), but nothing counts the faxes of this line", x.Subject, w.time(x.From))
	case EvidenceSilent:
		return w.say("agent %s entendu pour la dernière fois le %s", "agent %s was heard last on %s", x.Subject, w.time(x.From))
	case EvidenceClock:
		return w.clock(x)
	case EvidenceDropped:
		return w.say("l'agent %s a dû abandonner des relevés : %d", "agent %s had to give readings up: %d", x.Subject, x.Count)
	case EvidenceHole:
		return w.hole(x)
	case EvidenceJump:
		return w.say("%s de plus entre le %s et le %s, le compteur de %s est à %d : à accepter ou à rejeter (anomalie %d)",
			"%s more between %s and %s, the counter of %s is at %d: to be accepted or rejected (anomaly %d)",
			w.counted(x), w.time(x.From), w.time(x.To), x.Subject, x.Value, x.Anomaly)
	case EvidenceReplaced:
		return w.say("à l'adresse %s répond %s au lieu de %s", "at %s answers %s in place of %s", x.Subject, x.Names[1], x.Names[0])
	}
	return string(x.Kind)
}

// ReasonText is why an episode closed, in words: in French, or in English where language is "en".
func (e *Episode) ReasonText(language string) string {
	w := words{english: language == "en"}
	if e.ClosedBy != "" {
		return e.Reason
	}
	switch e.Reason {
	case ClosedQuiet:
		return w.say("7 jours observés sans autre fax", "7 days watched without another fax")
	case ClosedOver:
		return w.say("terminé", "over")
	case ClosedWithdrawn:
		return w.say("dates ou lignes modifiées : plus rien à retenir", "dates or lines were changed: nothing of it holds any more")
	case ClosedTest:
		return w.say("essai annoncé", "announced test")
	case ClosedRemoved:
		return w.say("ligne retirée du registre", "line removed from the register")
	}
	return e.Reason
}

// words are in one of two languages; times are those of a zone.
type words struct {
	english bool
	zone    *time.Location
}

func (w words) say(french, english string, values ...any) string {
	if w.english {
		french = english
	}
	return fmt.Sprintf(french, values...)
}

func (w words) time(t wire.Time) string {
	return t.Std().In(w.zone).Format(w.say("02/01/2006 à 15:04", "2 Jan 2006 15:04"))
}

func (w words) day(d Day) string {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return string(d)
	}
	return t.Format(w.say("02/01/2006", "2 Jan 2006"))
}

// counted is how much a counter grew by: 3 pages envoyées.
func (w words) counted(x Evidence) string {
	return fmt.Sprintf("%d %s %s", x.Count, w.unit(x.Unit, x.Count), w.way(x))
}

// unit is a unit as wire.Counter names them.
func (w words) unit(unit string, count int64) string {
	many := count > 1 || w.english && count != 1
	french := map[string]string{"faxes": "fax", "calls": "appel", "impressions": "impression", "sides": "face", "sheets": "feuille", "a4_equivalents": "équivalent A4", "pages": "page", "images": "image"}
	text := french[unit]
	switch {
	case text == "" || w.english:
		text = strings.ReplaceAll(unit, "_", " ")
		if !many {
			text = strings.TrimSuffix(strings.Replace(text, "faxes", "fax", 1), "s")
		}
	case many && unit == "a4_equivalents":
		text = "équivalents A4"
	case many && unit != "faxes":
		text += "s"
	}
	return text
}

// way is which way faxes went.
func (w words) way(x Evidence) string {
	feminine, many := !slices.Contains([]string{"faxes", "calls", "a4_equivalents"}, x.Unit), x.Count > 1
	agree := func(word string) string {
		if feminine {
			word += "e"
		}
		if many {
			word += "s"
		}
		return word
	}
	switch {
	case x.Measure == wire.FaxPrintedPages:
		return w.say(agree("imprimé")+" à la réception", "printed on reception")
	case DirectionOf(x.Measure) == Received:
		return w.say(agree("reçu"), "received")
	case x.Attempts:
		return w.say(agree("envoyé")+" ou dont l'envoi a été tenté", "sent, or tried to be sent")
	case DirectionOf(x.Measure) == Sent:
		return w.say(agree("envoyé"), "sent")
	}
	return w.say("de fax, sens inconnu", "of fax, direction unknown")
}

func (w words) measure(m wire.Measure) string {
	switch m {
	case wire.FaxSentPages:
		return w.say("pages envoyées", "pages sent")
	case wire.FaxReceivedPages:
		return w.say("pages reçues", "pages received")
	case wire.FaxPrintedPages:
		return w.say("pages imprimées à la réception", "pages printed on reception")
	case wire.FaxSent:
		return w.say("fax envoyés", "faxes sent")
	case wire.FaxReceived:
		return w.say("fax reçus", "faxes received")
	}
	return w.say("pages de fax", "fax pages")
}

func (w words) sure(x Evidence) string {
	switch {
	case x.Certainty == Certain:
		return w.say("certain", "certain")
	case x.Certainty == Probable:
		return w.say("probable (le fax, arrivé avant la coupure, a pu n'être imprimé qu'après)", "probable (the fax may have come before the cut-off and been printed after it)")
	case x.Doubt == Straddles:
		return w.say("incertain (aucun relevé à l'instant de la coupure : avant ou après)", "unsure (nobody looked at the instant of the cut-off: before or after it)")
	case x.Doubt == ClocksOff:
		return w.say("incertain (l'horloge de l'agent n'était pas assez juste)", "unsure (the agent's clock wasn't right enough)")
	case x.Doubt == OnlyCall:
		return w.say("incertain (un appel : rien ne dit si c'était un fax)", "unsure (a call: nothing tells whether it was a fax)")
	case x.Doubt == CountedBy:
		return w.say("incertain (la machine compte elle-même les fax de cette ligne, et fait foi)", "unsure (the machine counts this line's faxes itself, and that holds)")
	case x.Doubt == InWindow:
		return w.say("incertain (peut-être l'essai annoncé)", "unsure (it may be the announced test)")
	}
	return w.say("incertain", "unsure")
}

func (w words) status(s wire.LineStatus) string {
	switch s {
	case wire.LineIdle:
		return w.say("en service (raccroché)", "in service (on hook)")
	case wire.LineBusy:
		return w.say("occupé", "busy")
	}
	return string(s)
}

func (w words) blind(x Evidence) string {
	switch {
	case x.Subject == "":
		return w.say("aucune machine n'est déclarée pour cette ligne", "no machine is declared for this line")
	case x.From == 0:
		return w.say("la machine déclarée, %s, n'a jamais été vue", "the declared machine, %s, was never seen", x.Subject)
	}
	return w.say("machine %s : dernier relevé le %s", "machine %s was read last on %s", x.Subject, w.time(x.From))
}

func (w words) clock(x Evidence) string {
	off := w.long((time.Duration(x.Count) * time.Millisecond).Abs())
	if x.Count < 0 {
		return w.say("l'horloge de l'agent %s avance de %s", "the clock of agent %s is %s ahead", x.Subject, off)
	}
	return w.say("l'horloge de l'agent %s retarde de %s", "the clock of agent %s is %s behind", x.Subject, off)
}

// long is how long something is, in its two largest units.
func (w words) long(d time.Duration) string {
	switch {
	case d >= 2*day:
		return w.say("%d jours", "%d days", d/day)
	case d >= time.Hour:
		return strings.TrimSuffix(fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute), " 0 min")
	}
	return strings.TrimSuffix(fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second), " 0 s")
}

func (w words) hole(x Evidence) string {
	from := cmp.Or(x.From, x.To)
	many := ""
	if x.Count > 1 {
		many = "s"
	}
	return w.say("%d envoi%s de l'agent %s perdu%[2]s, entre le %[4]s et le %[5]s", "%d message%s of agent %s lost, between %s and %s",
		x.Count, many, x.Subject, w.time(from), w.time(cmp.Or(x.To, from)))
}
