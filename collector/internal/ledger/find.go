package ledger

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// Search says which published mailboxes are looked for. Texts are as register.SoughtPerson and SoughtPlace make them.
type Search struct {
	Surname   string // it begins so
	Forename  string // likewise; only with a surname
	Person    string // RPPS number
	Place     string // words of the name or the town of where somebody works; digits are the beginning of the postcode
	Structure string // its number; with none of the above: mailboxes of teams
	Service   string // words of the service, of teams
	Most      int
}

const publishedColumns = "m.address, m.kind, m.person, m.surname, m.forename, m.calling, m.service, m.paperless, p.structure, p.name, p.postcode, p.town, m.sought"

// FindPublished are the mailboxes that the national directory publishes for a search, in their order, at most so many.
// more tells whether there are others.
func (l *Ledger) FindPublished(ctx context.Context, s Search) (found []Published, more bool, err error) {
	err = l.read(ctx, "directory", func(q querier, _ wire.Time) error {
		c := s.ofPerson()
		if s.Person == "" && s.Surname == "" {
			if c, more, err = s.ofTeams(ctx, q); err != nil {
				return err
			}
		}
		found, err = readPublished(ctx, q, c.text()+fmt.Sprintf(" ORDER BY m.sought, m.person, p.name, m.address LIMIT %d", s.Most+1), c.args...)
		return err
	})
	if len(found) > s.Most {
		found, more = found[:s.Most], true
	}
	return found, more, err
}

// conditions are of a query, all of them.
type conditions struct {
	texts []string
	args  []any
}

func (c *conditions) add(text string, args ...any) {
	c.texts, c.args = append(c.texts, text), append(c.args, args...)
}

func (c *conditions) text() string { return strings.Join(c.texts, " AND ") }

// words want all words in a column.
func (c *conditions) words(column, text string) {
	for word := range strings.FieldsSeq(text) {
		c.add(column+" LIKE ?", "%"+word+"%")
	}
}

// places want places of these words; digits are the beginning of the postcode.
func (c *conditions) places(words string) {
	for word := range strings.FieldsSeq(words) {
		if strings.Trim(word, "0123456789") == "" {
			c.add("p.postcode LIKE ?", word+"%")
		} else {
			c.words("p.sought", word)
		}
	}
}

func (s Search) ofPerson() (c conditions) {
	if s.Person != "" {
		c.add("m.person = ?", s.Person)
	} else {
		c.add("m.person <> '' AND m.sought >= ? AND m.sought < ?", s.Surname, s.Surname+"\U0010ffff")
	}
	if s.Person == "" && s.Forename != "" {
		c.add("m.sought LIKE ?", s.Surname+"% "+s.Forename+"%")
	}
	c.places(s.Place)
	return c
}

// ofTeams looks for places first, of which there are few: a database that begins with the names would read them all.
func (s Search) ofTeams(ctx context.Context, q querier) (c conditions, more bool, err error) {
	var p conditions
	p.add("p.teams = 1")
	if p.places(s.Place); s.Structure != "" {
		p.add("p.structure = ?", s.Structure)
	}
	query := fmt.Sprintf("SELECT p.id FROM directory_places AS p WHERE %s ORDER BY p.sought, p.id LIMIT %d", p.text(), mostPlaces+1)
	var ids []int64
	err = each(ctx, q, query, func(read func(...any) error) error {
		var id int64
		err := read(&id)
		ids = append(ids, id)
		return err
	}, p.args...)
	more = len(ids) > mostPlaces
	c.add("m.place IN (" + listed(ids[:min(len(ids), mostPlaces)]) + ")")
	c.words("m.sought", s.Service)
	return c, more, err
}

const mostPlaces = 200 // are looked through for teams

func readPublished(ctx context.Context, q querier, where string, args ...any) (found []Published, err error) {
	err = each(ctx, q, "SELECT "+publishedColumns+" FROM directory_mailboxes AS m JOIN directory_places AS p ON p.id = m.place WHERE "+where, func(read func(...any) error) error {
		var x Published
		err := read(&x.Address, &x.Kind, &x.Person, &x.Surname, &x.Forename, &x.Calling, &x.Service, &x.Paperless,
			&x.At.Structure, &x.At.Name, &x.At.Postcode, &x.At.Town, &x.Sought)
		found = append(found, x)
		return err
	}, args...)
	return found, err
}

// Known is what public files tell of an outside number.
type Known struct {
	Holders   []Holder    `json:"holders"`             // who has it, by name. None: no file says
	Published []Published `json:"published,omitempty"` // their mailboxes, of each at most a few
	Equipped  Equipped    `json:"equipped"`
	Day       Day         `json:"day,omitempty"` // of the national directory of mailboxes that tells it; empty: there is none
}

// Equipped tells whether who has a number has MSSanté.
type Equipped string

// What it may be.
const (
	EquippedYes     Equipped = "yes"     // all who have the number have a mailbox that is published
	EquippedSome    Equipped = "some"    // some of them do
	EquippedEntity  Equipped = "entity"  // only the legal entity does, which may be of other places
	EquippedNo      Equipped = "no"      // nobody: not published, which unlisted mailboxes (liste rouge) aren't either
	EquippedUnknown Equipped = "unknown" // nobody knows who has the number, or the directory wasn't read or is old
)

// Name is who has the number; where several do, what they have in common, else empty.
func (k *Known) Name() string {
	return k.common(func(h Holder) string { return h.Name }, func(h Holder) string { return h.Place })
}

// Town is where.
func (k *Known) Town() string { return k.common(func(h Holder) string { return h.Town }) }

// Several is how many have the number.
func (k *Known) Several() int { return len(k.Holders) }

// common is the first of some texts that is the same of all holders.
func (k *Known) common(texts ...func(Holder) string) string {
	for _, text := range texts {
		if len(k.Holders) > 0 && !slices.ContainsFunc(k.Holders, func(h Holder) bool { return text(h) != text(k.Holders[0]) }) {
			return text(k.Holders[0])
		}
	}
	return ""
}

// Known is what public files tell of parties, by their ids. It is found when it is asked for: a number that journals tell
// for the first time has its name by the files that were taken over before.
func (l *Ledger) Known(ctx context.Context, ids []int64) (known map[int64]Known, err error) {
	known = make(map[int64]Known, len(ids))
	err = l.read(ctx, "directory", func(q querier, now wire.Time) error {
		file, err := latestPublic(ctx, q, Mailboxes)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(ids, 500) {
			if err := readHolders(ctx, q, known, some); err != nil {
				return err
			}
		}
		mail, err := readMail(ctx, q, known)
		if err != nil {
			return err
		}
		for _, id := range ids {
			k := known[id]
			k.equip(mail, file, now)
			known[id] = k
		}
		return nil
	})
	return known, err
}

func readHolders(ctx context.Context, q querier, known map[int64]Known, ids []int64) error {
	const query = "SELECT parties.id, h.source, h.holder, h.name, h.calling, h.structure, h.place, h.town FROM parties " +
		"JOIN directory_holders AS h ON h.number = SUBSTR(parties.pseudonym, 1, 16) WHERE parties.id IN (%s) ORDER BY h.name, h.source DESC, h.place, h.id"
	return each(ctx, q, fmt.Sprintf(query, listed(ids)), func(read func(...any) error) error {
		var id int64
		var h Holder
		err := read(&id, &h.Source, &h.ID, &h.Name, &h.Calling, &h.Structure, &h.Place, &h.Town)
		k := known[id]
		if !slices.ContainsFunc(k.Holders, func(other Holder) bool { return other.ID == h.ID && other.Place == h.Place }) { // of several skills
			k.Holders = append(k.Holders, h)
		}
		known[id] = k
		return err
	})
}

// mail are mailboxes by who has them.
type mail struct {
	ofPerson, ofStructure map[string][]Published
}

const mailEach = 5 // mailboxes of a holder are shown

func readMail(ctx context.Context, q querier, known map[int64]Known) (m mail, err error) {
	m = mail{make(map[string][]Published), make(map[string][]Published)}
	people, structures := make(map[string]bool), make(map[string]bool)
	for _, k := range known {
		for _, h := range k.Holders {
			if h.Source == PS {
				people[h.ID] = true
			} else {
				structures[h.ID] = true
			}
			structures[h.Structure] = true
		}
	}
	for _, part := range []struct {
		numbers map[string]bool
		where   string
		keep    func(Published)
	}{
		{people, "m.person IN (%s)", func(x Published) { m.ofPerson[x.Person] = append(m.ofPerson[x.Person], x) }},
		{structures, "p.structure IN (%s) AND p.teams = 1", func(x Published) {
			m.ofStructure[x.At.Structure] = append(m.ofStructure[x.At.Structure], x)
		}},
	} {
		delete(part.numbers, "")
		var all []any
		for n := range part.numbers {
			all = append(all, n)
		}
		for some := range slices.Chunk(all, 500) {
			found, err := readPublished(ctx, q, fmt.Sprintf(part.where, "?"+strings.Repeat(", ?", len(some)-1)), some...)
			if err != nil {
				return m, err
			}
			slices.SortFunc(found, Published.Compare)
			for _, x := range found {
				part.keep(x)
			}
		}
	}
	return m, nil
}

// equip says whether who has the number has MSSanté.
func (k *Known) equip(m mail, file PublicFile, now wire.Time) {
	k.Day, k.Equipped = file.Day, EquippedUnknown
	have, entity := 0, false
	for _, h := range k.Holders {
		of := m.ofStructure[h.ID]
		if h.Source == PS {
			of = slices.Concat(at(h, m.ofPerson[h.ID]), m.ofStructure[h.Structure])
		}
		if len(of) > 0 {
			have++
		} else if of = m.ofStructure[h.Structure]; len(of) > 0 {
			entity = true
		}
		for _, x := range of[:min(len(of), mailEach)] {
			if !slices.Contains(k.Published, x) {
				k.Published = append(k.Published, x)
			}
		}
	}
	switch {
	case file.Day == "" || len(k.Holders) == 0:
	case have == len(k.Holders):
		k.Equipped = EquippedYes
	case have > 0:
		k.Equipped = EquippedSome
	case entity:
		k.Equipped = EquippedEntity
	case !file.Stale(now):
		k.Equipped = EquippedNo
	}
}

// at are the mailboxes of a person, those of where the number is first.
func at(h Holder, all []Published) []Published {
	here := func(x Published) bool { return h.Structure != "" && x.At.Structure == h.Structure }
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Published) int { return int(flag(here(b)) - flag(here(a))) })
	return all
}

// PartiesOf are the parties of some numbers, in the form of register.Number.Key, as far as journals told of them.
func (l *Ledger) PartiesOf(ctx context.Context, numbers []string) (ids map[string]int64, err error) {
	ids = make(map[string]int64)
	err = l.read(ctx, "parties", func(q querier, _ wire.Time) error {
		var secret string
		if err := each(ctx, q, "SELECT secret FROM journal_state", func(read func(...any) error) error { return read(&secret) }); err != nil || secret == "" {
			return err
		}
		key, err := hex.DecodeString(secret)
		if err != nil {
			return fmt.Errorf("key of pseudonyms: %w", err)
		}
		for _, number := range numbers {
			err := each(ctx, q, "SELECT id FROM parties WHERE pseudonym = ?", func(read func(...any) error) error {
				var id int64
				err := read(&id)
				ids[number] = id
				return err
			}, Pseudonyms{key}.Of(number))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return ids, err
}
