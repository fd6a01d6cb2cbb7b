package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// Extraction is a file of all mailboxes of MSSanté that the national directory publishes.
type Extraction struct {
	Name  string
	Day   Day   // of the file: what was published then
	Rows  int64 // lines below the header
	Ours  int64 // addresses of them that are ours
	Doubt Doubtful

	number int64 // 0: not in the books
}

// Doubtful says why an extraction proves no address lost; empty: it does.
type Doubtful string

// The reasons.
const (
	StaleExtraction Doubtful = "stale" // much happened since
	ShortExtraction Doubtful = "short" // it is but a part of what the one before was
	GoneExtraction  Doubtful = "gone"  // all addresses of a domain are missing at once; the next one proves it
)

// extractionAge is how many days old an extraction may be and still prove that an address is lost. It is
// published daily, with gaps of up to ten days.
const extractionAge = 15

// manyListed are so many addresses of a domain that it is a wonder if all of them are missing at once.
const manyListed = 5

// ErrFutureFile says that a file is of a day that is still to come: all true ones would be older.
var ErrFutureFile = errors.New("lies in the future; want a day until today")

// Listed is what the national directory says of one of our mailboxes.
type Listed struct {
	Address   string // lower case
	Kind      string // PER, ORG, APP, CAB
	Structure string // FINESS or another number of it; empty: of none
	Name      string // of the structure
	Service   string // as the directory has it
	First     Day    // of the first extraction that named it
	Last      Day    // and of the last
	Lost      Day    // of the first that didn't any more; empty: it is listed
	Seen      bool   // somebody knows that it is lost
}

// ListedMove is what an extraction changed of a mailbox.
type ListedMove struct {
	Address string
	Move    Move
	Before  string // what changed: kind, structure and service
	After   string
}

// Move is what happens to a listed mailbox.
type Move string

// The moves.
const (
	Appeared Move = "appeared"
	Vanished Move = "vanished"
	Changed  Move = "changed"
)

// ExtractionNews is what an extraction changes.
type ExtractionNews struct {
	Extraction
	Latest Extraction   // the newest one read before; of no day: this is the first
	Moves  []ListedMove // by address; none of the first
	after  []Listed
}

// Listing is what is known of our mailboxes by the national directory.
type Listing struct {
	Extraction              // the newest; of no day: none was ever read
	Moves      []ListedMove // that it made
	Listed     []Listed     // by address, also those that are lost
}

// Directory is the same in short.
type Directory struct {
	Extraction               // the newest; of no day: none was ever read
	Lost       []LostMailbox // by address
	Published  []PublishedCount
}

// LostMailbox is one that the directory listed and doesn't any more, though it is declared or is of a service, and of
// which nobody said yet that this is known. Persons come and go: theirs are lost only where they are declared.
type LostMailbox struct {
	Address       string
	Day           Day    // of the extraction that didn't name it any more
	Establishment string // ids, where it is declared
	Service       string
}

// PublishedCount is how many of the mailboxes declared for a service the newest extraction lists. Those of software
// (APP) needn't be listed and don't count.
type PublishedCount struct {
	Establishment, Service string
	Declared, Listed       int64
}

var (
	extractionsTable = table{"mssante_extractions", "id, name, day, imported_at, rows, ours, doubt", 1, false}
	listedTable      = table{"mssante_listed", "address, kind, structure, name, service, first_day, last_day, lost_day, seen", 1, false}
	movesTable       = table{"mssante_moves", "extraction, address, move, before, after", 2, false}
)

// CompareExtraction says what an extraction would change. ours are its mailboxes that are ours, by address.
func (l *Ledger) CompareExtraction(ctx context.Context, e Extraction, ours []Listed) (n ExtractionNews, err error) {
	err = l.read(ctx, "extractions", func(q querier, now wire.Time) error {
		n, _, err = compareExtraction(ctx, q, e, ours, now)
		return err
	})
	return n, err
}

// DeclareExtraction takes over what an extraction says of our mailboxes. What it doesn't name any more is lost, unless
// it is in doubt. ErrOlderFile, ErrFutureFile: nothing happened.
func (l *Ledger) DeclareExtraction(ctx context.Context, by Author, e Extraction, ours []Listed) (n ExtractionNews, err error) {
	err = l.transact(ctx, func(b *books) error {
		now := wire.TimeOf(b.now())
		var before []Listed
		if n, before, err = compareExtraction(ctx, l.store.conn, e, ours, now); err != nil {
			return err
		}
		n.number = n.Latest.number + 1
		b.swap(listedRecords(before), listedRecords(n.after))
		added := make(map[string]record)
		keyed(&extractionsTable, added, n.number, n.Name, string(n.Day), int64(now), n.Rows, n.Ours, string(n.Doubt))
		for _, m := range n.Moves {
			keyed(&movesTable, added, n.number, m.Address, string(m.Move), m.Before, m.After)
		}
		b.swap(nil, added)
		b.auditExtraction(by, n)
		return nil
	})
	return n, err
}

func (b *books) auditExtraction(by Author, n ExtractionNews) {
	subject := fmt.Sprintf("%s %d", extractionsTable.name, n.number)
	b.log(by, subject, "name", "", n.Name)
	b.log(by, subject, "day", "", string(n.Day))
	b.log(by, subject, "ours", countText(int(n.Latest.Ours)), countText(int(n.Ours)))
	for _, m := range n.Moves {
		if m.Move == Vanished {
			b.log(by, listedTable.name+" "+m.Address, "lost", "", string(n.Day))
		}
	}
}

// SeeLost notes that somebody knows that a mailbox is lost.
func (l *Ledger) SeeLost(ctx context.Context, by Author, address string) error {
	return l.transact(ctx, func(b *books) error {
		all, err := readListed(ctx, l.store.conn, "address = ? AND lost_day <> ''", address)
		if err != nil || len(all) == 0 || all[0].Seen {
			return err
		}
		before := listedRecords(all)
		all[0].Seen = true
		b.swap(before, listedRecords(all))
		b.log(by, listedTable.name+" "+address, "seen", "", string(all[0].Lost))
		return nil
	})
}

// compareExtraction also returns what was listed before.
func compareExtraction(ctx context.Context, q querier, e Extraction, ours []Listed, now wire.Time) (n ExtractionNews, before []Listed, err error) {
	e.Ours = int64(len(ours))
	n.Extraction = e
	if n.Latest, err = latestExtraction(ctx, q); err != nil {
		return n, nil, err
	}
	if e.Day < n.Latest.Day {
		return n, nil, fmt.Errorf("file of %s: %w, which is %s of %s", e.Day, ErrOlderFile, n.Latest.Name, n.Latest.Day)
	}
	if dayOf(now).Until(e.Day) > 1 { // of the 25th in Réunion while it is the 24th in Greenwich
		return n, nil, fmt.Errorf("file of %s: %w", e.Day, ErrFutureFile)
	}
	if before, err = readListed(ctx, q, "TRUE"); err != nil {
		return n, nil, err
	}
	whole, err := readNumber(ctx, q, "SELECT COALESCE(MAX(rows), 0) FROM mssante_extractions WHERE id = (SELECT MAX(id) FROM mssante_extractions WHERE doubt <> 'short')")
	if err != nil {
		return n, nil, err
	}
	switch {
	case e.Day.Until(dayOf(now)) > extractionAge:
		n.Doubt = StaleExtraction
	case n.short(whole):
		n.Doubt = ShortExtraction
	case goneDomain(before, ours) && !n.confirms(GoneExtraction):
		n.Doubt = GoneExtraction
	}
	n.compare(before, ours)
	return n, before, nil
}

// short tells whether so many lines are missing, of those of the last whole extraction, that it looks cut short. The
// directory may have been tidied up: then the one of another day has as many lines.
func (n *ExtractionNews) short(whole int64) bool {
	tidied := n.confirms(ShortExtraction) && 10*n.Rows >= 9*n.Latest.Rows
	return 2*n.Rows < whole || whole >= 1000 && 10*n.Rows < 9*whole && !tidied // few lines are of a file made by hand
}

// confirms tells whether the one before, of an earlier day, was in that doubt.
func (n *ExtractionNews) confirms(d Doubtful) bool {
	return n.Latest.Doubt == d && n.Latest.Day < n.Day
}

// goneDomain tells whether all addresses of a domain, many of them, were listed before and aren't any more.
func goneDomain(before, ours []Listed) bool {
	gone := make(map[string]int)
	for _, x := range before {
		if x.Lost == "" {
			gone[Domain(x.Address)]++
		}
	}
	for _, x := range ours {
		delete(gone, Domain(x.Address))
	}
	for _, n := range gone {
		if n >= manyListed {
			return true
		}
	}
	return false
}

// compare finds what moves. Both lists are by address.
func (n *ExtractionNews) compare(before, ours []Listed) {
	listed, named := make(map[string]Listed, len(before)+len(ours)), make(map[string]bool, len(ours))
	for _, x := range before {
		listed[x.Address] = x
	}
	move := func(address string, m Move, was, is string) {
		if n.Latest.Day != "" {
			n.Moves = append(n.Moves, ListedMove{address, m, was, is})
		}
	}
	for _, is := range ours {
		was, known := listed[is.Address]
		is.First, is.Last = cmp.Or(was.First, n.Day), n.Day
		switch {
		case !known || was.Lost != "":
			move(is.Address, Appeared, "", is.text())
		case was.text() != is.text():
			move(is.Address, Changed, was.text(), is.text())
		}
		listed[is.Address], named[is.Address] = is, true
	}
	for _, was := range before {
		if !named[was.Address] && was.Lost == "" && n.Doubt == "" {
			x := was
			x.Lost = n.Day
			listed[was.Address] = x
			move(was.Address, Vanished, was.text(), "")
		}
	}
	n.after = slices.SortedFunc(maps.Values(listed), func(a, b Listed) int { return strings.Compare(a.Address, b.Address) })
	slices.SortFunc(n.Moves, func(a, b ListedMove) int { return strings.Compare(a.Address, b.Address) })
}

// text is what may change.
func (x Listed) text() string {
	return strings.Join(slices.DeleteFunc([]string{x.Kind, x.Structure, x.Service}, func(s string) bool { return s == "" }), " · ")
}

// Listing is what the newest extractions say.
func (l *Ledger) Listing(ctx context.Context) (x Listing, err error) {
	err = l.read(ctx, "listing", func(q querier, _ wire.Time) error {
		if x.Extraction, err = latestExtraction(ctx, q); err != nil {
			return err
		}
		if x.Listed, err = readListed(ctx, q, "TRUE"); err != nil {
			return err
		}
		return each(ctx, q, "SELECT address, move, before, after FROM mssante_moves WHERE extraction = ? ORDER BY address", func(read func(...any) error) error {
			var m ListedMove
			err := read(&m.Address, &m.Move, &m.Before, &m.After)
			x.Moves = append(x.Moves, m)
			return err
		}, x.number)
	})
	return x, err
}

// readDirectory is it in short.
func readDirectory(ctx context.Context, q querier) (d Directory, err error) {
	if d.Extraction, err = latestExtraction(ctx, q); err != nil || d.Day == "" {
		return d, err
	}
	const declared = "mssante_addresses AS declared ON declared.address = mssante_listed.address AND declared.until_month = 0"
	err = each(ctx, q, "SELECT mssante_listed.address, lost_day, COALESCE(declared.establishment, ''), COALESCE(declared.service, '') "+
		"FROM mssante_listed LEFT JOIN "+declared+" WHERE lost_day <> '' AND seen = 0 AND "+
		"(declared.state <> '' OR declared.state IS NULL AND mssante_listed.kind IN ('ORG', 'APP')) ORDER BY mssante_listed.address", func(read func(...any) error) error {
		var x LostMailbox
		err := read(&x.Address, &x.Day, &x.Establishment, &x.Service)
		d.Lost = append(d.Lost, x)
		return err
	})
	if err != nil {
		return d, err
	}
	err = each(ctx, q, "SELECT declared.establishment, declared.service, COUNT(*), COUNT(listed.address) FROM mssante_addresses AS declared "+
		"LEFT JOIN mssante_listed AS listed ON listed.address = declared.address AND listed.lost_day = '' "+
		"WHERE declared.until_month = 0 AND declared.state <> '' AND declared.kind <> 'APP' "+
		"GROUP BY declared.establishment, declared.service ORDER BY declared.establishment, declared.service", func(read func(...any) error) error {
		var x PublishedCount
		err := read(&x.Establishment, &x.Service, &x.Declared, &x.Listed)
		d.Published = append(d.Published, x)
		return err
	})
	return d, err
}

func latestExtraction(ctx context.Context, q querier) (e Extraction, err error) {
	err = each(ctx, q, "SELECT id, name, day, rows, ours, doubt FROM mssante_extractions ORDER BY id DESC LIMIT 1", func(read func(...any) error) error {
		return read(&e.number, &e.Name, &e.Day, &e.Rows, &e.Ours, &e.Doubt)
	})
	return e, err
}

func readListed(ctx context.Context, q querier, where string, args ...any) (all []Listed, err error) {
	err = each(ctx, q, "SELECT "+listedTable.columns+" FROM mssante_listed WHERE "+where, func(read func(...any) error) error {
		var x Listed
		err := read(&x.Address, &x.Kind, &x.Structure, &x.Name, &x.Service, &x.First, &x.Last, &x.Lost, &x.Seen)
		all = append(all, x)
		return err
	}, args...)
	slices.SortFunc(all, func(a, b Listed) int { return strings.Compare(a.Address, b.Address) })
	return all, err
}

func listedRecords(all []Listed) map[string]record {
	records := make(map[string]record, len(all))
	for _, x := range all {
		keyed(&listedTable, records, x.Address, x.Kind, x.Structure, x.Name, x.Service, string(x.First), string(x.Last), string(x.Lost), flag(x.Seen))
	}
	return records
}
