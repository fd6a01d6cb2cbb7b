package journal

import (
	"slices"
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

const (
	roleAt = iota
	roleTime
	roleDirection
	roleLocal
	roleRemote
	roleFrom
	roleTo
	rolePages
	roleDuration
	roleResult
	roleID
)

var roleNames = [...]string{"at", "time", "direction", "local", "remote", "from", "to", "pages", "duration", "result", "id"}

func (c *Columns) roles() []*yamlfile.OneOrMore {
	return []*yamlfile.OneOrMore{&c.At, &c.Time, &c.Direction, &c.Local, &c.Remote, &c.From, &c.To, &c.Pages, &c.Duration, &c.Result, &c.ID}
}

// The meanings of directions, and of what isn't counted.
const (
	toSent     = "sent"
	toReceived = "received"
	toSkip     = "skip"
)

// The usual words, with _ for a blank.
var (
	usualDirections = map[string]string{
		toSent:     "sent send tx s out outgoing outbound émis émise emis emise émission emission envoi envoyé envoye envoyée sortant sortante départ depart",
		toReceived: "received receive reception rx r in incoming inbound reçu recu reçue recue réception entrant entrante arrivée arrivee",
	}
	usualResults = map[string]string{
		"done":   "done ok success successful succeeded complete completed sent received réussi reussi réussie reussie succès succes envoyé envoye reçu recu terminé termine transmis answered",
		"failed": "failed fail failure error erreur ko ng nok échec echec échoué echoue busy occupé occupe no_answer sans_réponse pas_de_réponse annulé annule cancelled canceled",
	}
)

// headTable finds the columns of the profile in a header. A name that the header hasn't may be a number.
func headTable(r *Reader, header []string) error {
	folded := make([]string, len(header))
	for i, name := range header {
		folded[i] = fold(name)
	}
	found := make(columns, len(roleNames))
	for role, names := range r.profile.Columns.roles() {
		found[role] = -1
		for _, name := range *names {
			i := slices.Index(folded, fold(name))
			if n, err := strconv.Atoi(name); i < 0 && err == nil {
				i = n - 1
			}
			if i >= 0 {
				found[role] = i
				break
			}
		}
		if found[role] < 0 && len(*names) > 0 {
			return refuse(NoColumn, (*names)[0])
		}
	}
	r.columns = found
	return nil
}

// fold is a name of a column or a word as it is compared.
func fold(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

func readTable(r *Reader, f []string) (event, string, error) {
	if !r.profile.Header {
		if !r.begun {
			r.begun = true
			if err := headTable(r, nil); err != nil {
				return event{}, "", err
			}
		}
	} else if err := r.pastHeader(f); err != nil {
		return event{}, "", err
	}
	c, p := r.columns, r.profile
	if c[roleAt] >= len(f) {
		return event{}, "", reject(FewColumns, "")
	}
	e, err := r.parties(f)
	if err != nil {
		return e, "", err
	}
	var errs [4]error
	e.At, errs[0] = r.clock.read(strings.TrimSpace(c.of(f, roleAt) + " " + c.of(f, roleTime)))
	e.Pages, errs[1] = count(strings.TrimSuffix(c.of(f, rolePages), ",0"))
	e.Seconds, errs[2] = count(c.of(f, roleDuration))
	e.Result = wire.Done
	if c[roleResult] >= 0 {
		var meant string
		meant, errs[3] = meaning(p.words[1], c.of(f, roleResult))
		e.Result = wire.Result(meant)
	}
	id := c.of(f, roleID)
	if id != "" { // machines number from 1 each
		id = strings.Join([]string{id, c.of(f, roleAt), e.From, e.To}, "\x1f")
	}
	return e, id, first(errs[:]...)
}

// parties is an event with who faxed whom.
func (r *Reader) parties(f []string) (event, error) {
	c := r.columns
	local, err1 := r.local(c.of(f, roleLocal))
	remote, err2 := number(c.of(f, roleRemote))
	from, err3 := number(c.of(f, roleFrom))
	to, err4 := number(c.of(f, roleTo))
	if err := first(err1, err2, err3, err4); err != nil {
		return event{}, err
	}
	witness := wire.Exchange
	if c[roleFrom] < 0 && c[roleTo] < 0 {
		way := r.profile.Direction
		if c[roleDirection] >= 0 {
			var err error
			if way, err = meaning(r.profile.words[0], c.of(f, roleDirection)); err != nil {
				return event{}, err
			}
		}
		from, to, witness = local, remote, wire.Sender
		if way == toReceived {
			from, to, witness = remote, local, wire.Receiver
		}
	}
	if r.profile.kind.calls {
		return r.call(from, to, "")
	}
	return event{Unit: wire.Message, Witness: witness, From: from, To: to}, nil
}

// local is our own number, which the row may name by a label instead.
func (r *Reader) local(text string) (string, error) {
	if line := r.own(text); line != "" && !strings.ContainsAny(text, "0123456789") {
		return line, nil
	}
	for _, lines := range [...]map[string]string{r.place.Lines, r.profile.Lines} {
		if line, ok := lines[text]; ok {
			return line, nil
		}
	}
	return number(text)
}

// meaning is what a word means; one that isn't told is a fault, since guessing would count what isn't a fax.
func meaning(words map[string]string, word string) (string, error) {
	meant, ok := words[fold(word)]
	if !ok {
		meant, ok = words["*"]
	}
	switch {
	case !ok:
		return "", reject(BadValue, word)
	case meant == toSkip:
		return "", skip(OtherType)
	}
	return meant, nil
}
