package ledger

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zerofax/zerofax/agent/wire"
)

// Numbers of others are personal data. The books know a number again by its pseudonym, which only who has the key in
// them can compute, and show a mask of it. In clear there are only the numbers of declared lines.

// party is a number that a journal named.
type party struct {
	id   int64
	line string // empty: none of ours
}

// pair is who faxes whom, in one unit.
type pair struct {
	id        int64
	unit      string
	from, to  *party // nil: not told
	witnesses int64
}

func (p *pair) lines() (from, to string) {
	if p.from != nil {
		from = p.from.line
	}
	if p.to != nil {
		to = p.to.line
	}
	return from, to
}

// identityOf is what a number is known by: the number itself, an extension with its site, or whatever stands there.
func (l *Ledger) identityOf(text, site string) string {
	number, extension := l.numbers(text)
	switch {
	case number != "":
		return number
	case extension != "":
		return site + ":" + extension
	}
	return "?" + strings.ToLower(strings.Join(strings.Fields(text), " "))
}

// plainNumber is how numbers are read where nobody says how: their digits.
func plainNumber(text string) (number, extension string) {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, text)
	if len(digits) < 7 {
		return "", digits
	}
	return digits, ""
}

// Mask is what people see of a number that isn't ours: 02 41 •• •• 12. An extension has a colon before it; of what
// begins with a question mark nothing is seen.
func Mask(number string) string {
	const dots = "••"
	before, after, extension := strings.Cut(number, ":")
	switch {
	case strings.HasPrefix(number, "?"):
		return dots + dots
	case extension && len(after) > 2:
		return strings.TrimSpace(before + " " + dots + after[len(after)-2:])
	case extension || utf8.RuneCountInString(number) < 6:
		return dots
	case len(number) == 10 && (strings.HasPrefix(number, "06") || strings.HasPrefix(number, "07")):
		return number[:2] + " " + dots + " " + dots + " " + dots + " " + number[8:]
	case len(number) == 10:
		return number[:2] + " " + number[2:4] + " " + dots + " " + dots + " " + number[8:]
	}
	return number[:3] + " " + dots + " " + dots + " " + number[len(number)-2:]
}

// Pseudonyms makes of numbers what the books know them by.
type Pseudonyms struct{ secret []byte }

// Of is the pseudonym of a number in its one form: that of register.Number.Key.
func (p Pseudonyms) Of(number string) string {
	mac := hmac.New(sha256.New, p.secret)
	mac.Write([]byte(number))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// digestDays is how many days' rows stand together by their digests: what is read in the order of time is written so.
const digestDays = 8

// digestOf is what is kept of an event's key, beside about when it was.
func digestOf(key string, stretch int64) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("%05d%s", stretch, hex.EncodeToString(sum[:10]))
}

// stretchesOf are those in which an event's row may stand, that of its own instant first: it was read with another
// time zone, perhaps.
func stretchesOf(at wire.Time) []int64 {
	stretch := func(t wire.Time) int64 { return int64(t) / (digestDays * day).Milliseconds() }
	all := []int64{stretch(at), stretch(at.Add(-26 * time.Hour)), stretch(at.Add(26 * time.Hour))}
	if all[1] == all[0] {
		all = slices.Delete(all, 1, 2)
	}
	return slices.Compact(all)
}

// most things of a kind that the phone book remembers.
const mostRemembered = 200_000

// pairKey tells pairs apart; 0 = not told.
type pairKey struct {
	unit     string
	from, to int64
}

// phoneBook is who is who among the numbers that journals name, as far as it was asked lately. It holds as long as
// nobody else changes these books, or the register.
type phoneBook struct {
	Pseudonyms
	revision int64 // of the books of journals
	declared int64 // number of the last change by a person
	horizon  int64
	lines    map[string]string // of declared lines, by pseudonym
	parties  map[string]*party // by pseudonym
	byID     map[int64]*party
	ofLine   map[string][]*party
	pairs    map[pairKey]*pair
	last     struct{ party, pair, row int64 }
}

// phones is the phone book, as it is in the transaction that has begun.
func (l *Ledger) phones(ctx context.Context, s *store) (*phoneBook, error) {
	var now phoneBook
	var secret string
	err := each(ctx, s.conn, "SELECT secret, revision, horizon, last_row, (SELECT COALESCE(MAX(id), 0) FROM audit) FROM journal_state",
		func(read func(...any) error) error {
			return read(&secret, &now.revision, &now.horizon, &now.last.row, &now.declared)
		})
	if err != nil {
		return nil, err
	}
	if secret == "" {
		key := make([]byte, 32)
		rand.Read(key) // never fails
		secret = hex.EncodeToString(key)
		if err := s.exec(ctx, "INSERT INTO journal_state (id, secret, revision, last_row, horizon) VALUES (1, ?, 0, 0, 0)", secret); err != nil {
			return nil, err
		}
	}
	if known := l.phoneBook; known != nil && known.revision == now.revision && known.declared == now.declared {
		return known, nil
	}
	if now.secret, err = hex.DecodeString(secret); err != nil {
		return nil, fmt.Errorf("key of pseudonyms: %w", err)
	}
	if err := now.load(ctx, s); err != nil {
		return nil, err
	}
	l.phoneBook = &now
	return l.phoneBook, nil
}

func (p *phoneBook) load(ctx context.Context, s *store) (err error) {
	p.parties, p.byID, p.ofLine = make(map[string]*party), make(map[int64]*party), make(map[string][]*party)
	p.pairs = make(map[pairKey]*pair)
	if p.lines, err = p.declaredLines(ctx, s.conn); err != nil {
		return err
	}
	for _, of := range []struct {
		table string
		last  *int64
	}{{"parties", &p.last.party}, {"pairs", &p.last.pair}} {
		if *of.last, err = readNumber(ctx, s.conn, "SELECT COALESCE(MAX(id), 0) FROM "+of.table); err != nil {
			return err
		}
	}
	return each(ctx, s.conn, "SELECT id, pseudonym, line FROM parties WHERE line <> ''", func(read func(...any) error) error {
		var pseudonym string
		x := new(party)
		err := read(&x.id, &pseudonym, &x.line)
		p.know(pseudonym, x)
		return err
	})
}

func (p *phoneBook) know(pseudonym string, x *party) {
	p.parties[pseudonym], p.byID[x.id] = x, x
	if x.line != "" {
		p.ofLine[x.line] = append(p.ofLine[x.line], x)
	}
}

// declaredLines are the declared lines by the pseudonyms of all numbers that they ever had. Where two had the same one
// it is that of the later.
func (p *phoneBook) declaredLines(ctx context.Context, q querier) (map[string]string, error) {
	type claim struct {
		line string
		from int64
	}
	claims, sites := make(map[string]claim), make(map[string]map[string]string)
	add := func(identity string, c claim) {
		if held, taken := claims[identity]; !taken || cmp.Or(cmp.Compare(c.from, held.from), strings.Compare(held.line, c.line)) > 0 {
			claims[identity] = c
		}
	}
	err := each(ctx, q, "SELECT line, from_at, number, extension, site FROM declared_lines", func(read func(...any) error) error {
		var c claim
		var number, extension, site string
		if err := read(&c.line, &c.from, &number, &extension, &site); err != nil {
			return err
		}
		if number != "" {
			add(number, c)
		}
		if extension != "" {
			add(site+":"+extension, c)
			if sites[extension] == nil {
				sites[extension] = make(map[string]string)
			}
			sites[extension][c.line] = site
		}
		return nil
	})
	lines := make(map[string]string, len(claims))
	for extension, of := range sites { // a journal needn't tell the site where only one line has the extension
		if len(of) == 1 {
			for line := range of {
				add(":"+extension, claim{line: line})
			}
		}
	}
	for identity, c := range claims {
		lines[p.Of(identity)] = c.line
	}
	return lines, err
}

// partyOf is the party of an identity; it is a new one if need be.
func (w *booking) partyOf(ctx context.Context, identity string) (*party, error) {
	pseudonym := w.Of(identity)
	if known := w.parties[pseudonym]; known != nil {
		return known, nil
	}
	x := &party{}
	err := each(ctx, often{w.store}, "SELECT id, line FROM parties WHERE pseudonym = ?", func(read func(...any) error) error { return read(&x.id, &x.line) }, pseudonym)
	if err != nil {
		return nil, err
	}
	if x.id == 0 {
		w.last.party++
		x.id, x.line = w.last.party, w.lines[pseudonym]
		w.newParties = append(w.newParties, newParty{x, pseudonym, Mask(identity)})
	} else if x.line != "" { // all of a line are known from the beginning
		return nil, fmt.Errorf("party %d of line %s is not in the phone book", x.id, x.line)
	}
	w.know(pseudonym, x)
	return x, nil
}

// pairOf is the pair of two parties; nil where there is none and none is to be made.
func (w *booking) pairOf(ctx context.Context, unit string, from, to *party, create bool) (*pair, error) {
	key := pairKey{unit, numberOf(from), numberOf(to)}
	if known, asked := w.pairs[key]; asked && (known != nil || !create) {
		return known, nil
	}
	x := &pair{unit: unit, from: from, to: to}
	err := each(ctx, often{w.store}, "SELECT id, witnesses FROM pairs WHERE from_party = ? AND to_party = ? AND unit = ?",
		func(read func(...any) error) error { return read(&x.id, &x.witnesses) }, key.from, key.to, unit)
	if err != nil {
		return nil, err
	}
	if x.id == 0 && !create {
		w.pairs[key] = nil
		return nil, nil
	}
	if x.id == 0 {
		w.last.pair++
		x.id = w.last.pair
	}
	w.pairs[key] = x
	return x, nil
}

func numberOf(p *party) int64 {
	if p == nil {
		return 0
	}
	return p.id
}

// siblings are the pairs of the same two: a line is known by its number and by its extension.
func (w *booking) siblings(ctx context.Context, p *pair) ([]*pair, error) {
	same := func(x *party) []*party {
		if x == nil || x.line == "" {
			return []*party{x}
		}
		return w.ofLine[x.line]
	}
	all := []*pair{}
	for _, from := range same(p.from) {
		for _, to := range same(p.to) {
			x, err := w.pairOf(ctx, p.unit, from, to, false)
			if err != nil {
				return nil, err
			}
			if x != nil {
				all = append(all, x)
			}
		}
	}
	slices.SortFunc(all, func(a, b *pair) int { return cmp.Compare(a.id, b.id) })
	return all, nil
}
