package journal

import (
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/agent/yamlfile"
)

// table and callTable are tables whose profile says what stands where.
var (
	table     = kind{quotes: true, head: headTable, read: readTable}
	callTable = kind{calls: true, quotes: true, head: headTable, read: readTable}
)

// roles are the columns of a profile in the order of their roles.
func (c *Columns) roles() [roleID + 1]*yamlfile.OneOrMore {
	return [...]*yamlfile.OneOrMore{&c.At, &c.Time, &c.Direction, &c.Local, &c.Remote, &c.From, &c.To, &c.Pages, &c.Duration, &c.Result, &c.ID}
}

// What words mean: two directions, two results, and what isn't counted.
const (
	toSent     = "sent"
	toReceived = "received"
	toSkip     = "skip"
)

var meanings = [...]string{toSent, toReceived, string(wire.Done), string(wire.Failed)}

// usualWords are those that need not be told, by what they mean.
var usualWords = [...]string{
	"|sent|send|tx|out|outgoing|outbound|émis|émise|emis|emise|émission|emission|envoi|envoyé|envoye|sortant|sortante|départ|depart|",
	"|received|receive|reception|rx|in|incoming|inbound|reçu|recu|reçue|recue|réception|entrant|entrante|arrivée|arrivee|",
	"|done|ok|success|successful|complete|completed|sent|received|réussi|reussi|succès|succes|envoyé|envoye|reçu|recu|terminé|termine|transmis|answered|",
	"|failed|fail|failure|error|erreur|ko|ng|nok|échec|echec|busy|occupé|occupe|no answer|sans réponse|pas de réponse|annulé|annule|cancelled|",
}

// headTable finds the columns of the profile in a header. A name that the header hasn't may be a number.
func headTable(r *Reader) {
	r.columns = columns{}
	for role, names := range r.profile.Columns.roles() {
		for _, name := range *names {
			if r.columns[role] == 0 {
				r.columns[role] = uint16(r.column(name))
			}
		}
		if r.columns[role] == 0 && len(*names) > 0 {
			r.end(Refused, NoColumn, (*names)[0])
		}
	}
}

// column is where the header has a column, from 1; 0 if it hasn't.
func (r *Reader) column(name string) int {
	if r.profile.Header {
		for i, cell := range r.fields {
			if fold(cell) == fold(name) {
				return i + 1
			}
		}
	}
	n, _ := strconv.Atoi(name)
	return n
}

// fold is a column's name or a word as it is compared.
func fold(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

func readTable(r *Reader) {
	if !r.profile.Header {
		if r.columns[roleAt] == 0 {
			headTable(r)
		}
	} else if !r.pastHeader() {
		return
	}
	if int(r.columns[roleAt]) > len(r.fields) {
		r.reject(FewColumns, "")
		return
	}
	if r.parties(); r.row.Verdict == Skipped {
		return
	}
	done := wire.Done
	if r.columns[roleResult] > 0 {
		done = wire.Result(r.meaning(2, r.profile.Values.Result, r.cell(roleResult)))
	}
	r.measure(strings.TrimSpace(r.cell(roleAt)+" "+r.cell(roleTime)), done == wire.Done)
	if id := r.cell(roleID); id != "" { // machines number from 1 each, and a job keeps its number when it is tried again
		e := &r.row.Event
		r.id = strings.Join([]string{id, r.cell(roleAt), e.From, e.To, string(e.Result)}, "\x1f")
	}
}

// parties finds who faxed whom.
func (r *Reader) parties() {
	from, to, witness := r.number(roleFrom), r.number(roleTo), wire.Exchange
	if r.columns[roleFrom]+r.columns[roleTo] == 0 {
		way := r.profile.Direction
		if r.columns[roleDirection] > 0 {
			way = r.meaning(0, r.profile.Values.Direction, r.cell(roleDirection))
		}
		from, to, witness = r.local(), r.number(roleRemote), wire.Sender
		if way == toReceived {
			from, to, witness = to, from, wire.Receiver
		}
	}
	if r.profile.kind.calls {
		r.call(from, to)
	} else {
		r.between(wire.Message, witness, from, to)
	}
}

// local is our own number. The row may name it by a label, or not at all.
func (r *Reader) local() string {
	told := r.number(roleLocal)
	own := r.own(r.cell(roleLocal))
	if told == "" || own != r.own("") {
		return own
	}
	return told
}

// meaning is what a word means; to guess one that isn't told might count what is no fax.
func (r *Reader) meaning(from int, own map[string]string, word string) string {
	other := ""
	for name, meant := range own {
		if fold(name) == fold(word) {
			return r.meant(meant)
		}
		if name == "*" {
			other = meant
		}
	}
	for i, words := range usualWords[from : from+2] {
		if word != "" && strings.Contains(words, "|"+fold(word)+"|") {
			return meanings[from+i]
		}
	}
	if other == "" {
		r.reject(BadValue, word)
	}
	return r.meant(other)
}

func (r *Reader) meant(meaning string) string {
	if meaning == toSkip {
		r.end(Skipped, OtherType, "")
	}
	return meaning
}
