package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// Public is which file of a national directory one is.
type Public string

// The files.
const (
	FINESS    Public = "finess"  // structures, with their fax numbers
	PS        Public = "ps"      // professionals and where they work, likewise
	Mailboxes Public = "mssante" // all mailboxes of MSSanté
)

// PublicFile is one of them that was taken over.
type PublicFile struct {
	Source Public   `json:"source"`
	Name   string   `json:"name"`
	Day    Day      `json:"day"`  // what was published then; empty: no such file was ever taken over
	Rows   int64    `json:"rows"` // of the file
	Kept   int64    `json:"kept"` // what stands in the books by it
	Doubt  Doubtful `json:"doubt,omitempty"`

	number int64
}

// Stale tells whether much may have happened since.
func (f PublicFile) Stale(now wire.Time) bool {
	return f.Day != "" && f.Day.Until(dayOf(now)) > f.lasts()
}

// lasts is for how many days a file can be relied on: that of structures is published a few times a year.
func (f PublicFile) lasts() int {
	if f.Source == FINESS {
		return 366
	}
	return extractionAge
}

// PublicNews is what a file changed.
type PublicNews struct {
	PublicFile
	Latest         PublicFile // of the same source, before; of no day: this is the first
	Added, Removed int64
}

// ErrOvertaken says that a file was not taken over to its end: the taking over of another of the same source began.
var ErrOvertaken = errors.New("another file of its kind began to be taken over meanwhile; want one at a time")

// publicAtOnce is how many rows are written in one transaction: some tenths of a second, between which others book.
const publicAtOnce = 5000

var publicFilesTable = table{"directory_files", "id, source, name, day, begun_at, ended_at, rows, kept, doubt", 1, false}

// taking is the taking over of a file. It writes only what is new, a part at a time, and at the end removes what the file
// doesn't name any more, so that the file of another day costs no more than what changed.
type taking struct {
	*Ledger
	PublicNews
	begun  wire.Time
	table  table // written to
	seed   maphash.Seed
	stands map[uint64]int64 // ids of rows by what they say; negative once the file said so, too
	last   int64            // greatest id
	fresh  []record         // to be written
	before *taking          // of what these rows refer to, which must stand before them; nil: nothing
}

// takeFile takes over a file: read hands over its rows by take, in any order, and returns how many lines it has.
// ErrOlderFile, ErrFutureFile: nothing happened. On another error what was written stays, and holds until the next one.
func (l *Ledger) takeFile(ctx context.Context, by Author, f PublicFile, t table, where string, read func(*taking) (int64, error)) (PublicNews, error) {
	x := taking{Ledger: l, PublicNews: PublicNews{PublicFile: f}, table: t, seed: maphash.MakeSeed(), stands: make(map[uint64]int64)}
	if err := x.begin(ctx); err != nil {
		return x.PublicNews, err
	}
	if err := x.survey(ctx, where); err != nil {
		return x.PublicNews, err
	}
	var err error
	if x.Rows, err = read(&x); err != nil {
		return x.PublicNews, err
	}
	if err := x.write(ctx); err != nil {
		return x.PublicNews, err
	}
	return x.PublicNews, x.end(ctx, by)
}

func (x *taking) begin(ctx context.Context) error {
	return x.alter(ctx, "take over "+x.Name, func(s *store) (err error) {
		if x.Latest, err = latestPublic(ctx, s.conn, x.Source); err != nil {
			return err
		}
		x.begun = wire.TimeOf(x.now())
		switch {
		case x.Day < x.Latest.Day:
			return fmt.Errorf("file of %s: %w, which is %s of %s", x.Day, ErrOlderFile, x.Latest.Name, x.Latest.Day)
		case dayOf(x.begun).Until(x.Day) > 1: // of the 25th in Réunion while it is the 24th in Greenwich
			return fmt.Errorf("file of %s: %w", x.Day, ErrFutureFile)
		}
		if x.number, err = readNumber(ctx, s.conn, "SELECT COALESCE(MAX(id), 0) + 1 FROM directory_files"); err != nil {
			return err
		}
		if err := s.exec(ctx, "DELETE FROM directory_files WHERE source = ? AND ended_at = 0", string(x.Source)); err != nil { // broke off
			return err
		}
		return x.note(ctx, s, 0)
	})
}

func (x *taking) note(ctx context.Context, s *store, ended wire.Time) error {
	return s.write(ctx, publicFilesTable, 1, func(_ int, to []any) []any {
		return append(to, x.number, string(x.Source), x.Name, string(x.Day), int64(x.begun), int64(ended), x.Rows, x.Kept, string(x.Doubt))
	})
}

// survey looks what stands already. Nobody else writes it: they would be told that this one began.
func (x *taking) survey(ctx context.Context, where string) error {
	columns := strings.Split(x.table.columns, ", ")
	row, cells := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		row[i] = &cells[i]
	}
	return x.read(ctx, x.table.name, func(q querier, _ wire.Time) error {
		err := each(ctx, q, "SELECT "+x.table.columns+" FROM "+x.table.name+" WHERE "+where, func(read func(...any) error) error {
			err := read(row...)
			if id, ok := cells[0].(int64); ok {
				x.stands[x.says(cells[1:])] = id
			}
			return err
		})
		if err == nil {
			x.last, err = readNumber(ctx, q, "SELECT COALESCE(MAX(id), 0) FROM "+x.table.name)
		}
		return err
	})
}

// says is a number for what a row says.
func (x *taking) says(values []any) uint64 {
	var h maphash.Hash
	h.SetSeed(x.seed)
	for _, v := range values {
		switch v := v.(type) {
		case string:
			h.WriteString(v)
		case []byte:
			h.Write(v)
		default:
			fmt.Fprint(&h, v)
		}
		h.WriteByte(0)
	}
	return h.Sum64()
}

// take takes over a row, of whose values the id is left out, and returns its id.
func (x *taking) take(ctx context.Context, values ...any) (int64, error) {
	said := x.says(values)
	id, known := x.stands[said]
	switch {
	case known && id < 0: // twice in the file
		return -id, nil
	case known:
	default:
		x.last++
		id = x.last
		x.Added++
		x.fresh = append(x.fresh, record{&x.table, append([]any{id}, values...)})
	}
	x.stands[said] = -id
	x.Kept++
	if len(x.fresh) < publicAtOnce {
		return id, nil
	}
	return id, x.write(ctx)
}

// write writes what is fresh.
func (x *taking) write(ctx context.Context) error {
	if x.before != nil {
		if err := x.before.write(ctx); err != nil {
			return err
		}
	}
	if len(x.fresh) == 0 {
		return nil
	}
	return x.part(ctx, func(s *store) error {
		fresh := x.fresh
		x.fresh = x.fresh[:0]
		return s.write(ctx, x.table, len(fresh), func(i int, to []any) []any { return append(to, fresh[i].values...) })
	})
}

// part is a transaction of the taking over, as long as it is the newest of its source.
func (x *taking) part(ctx context.Context, do func(*store) error) error {
	return x.alter(ctx, "take over "+x.Name, func(s *store) error {
		newest, err := readNumber(ctx, s.conn, fmt.Sprintf("SELECT COALESCE(MAX(id), 0) FROM directory_files WHERE source = '%s'", x.Source))
		if err == nil && newest != x.number {
			err = ErrOvertaken
		}
		if err != nil {
			return err
		}
		return do(s)
	})
}

// end removes what the file doesn't name, unless it is much shorter than the one before, and notes that it was taken over.
func (x *taking) end(ctx context.Context, by Author) error {
	if 10*x.Rows < 9*x.Latest.Rows {
		x.Doubt = ShortExtraction
	} else if err := x.removeRest(ctx); err != nil {
		return err
	}
	x.Kept = int64(len(x.stands))
	return x.transact(ctx, func(b *books) error {
		subject := fmt.Sprintf("%s %d", publicFilesTable.name, x.number)
		b.log(by, subject, "name", "", x.Name)
		b.log(by, subject, "day", string(x.Latest.Day), string(x.Day))
		b.log(by, subject, "kept", countText(int(x.Latest.Kept)), countText(int(x.Kept)))
		return x.note(ctx, x.store, wire.TimeOf(b.now()))
	})
}

func (x *taking) removeRest(ctx context.Context) error {
	var gone []int64
	for said, id := range x.stands {
		if id > 0 {
			gone = append(gone, id)
			delete(x.stands, said)
		}
	}
	slices.Sort(gone)
	x.Removed = int64(len(gone))
	for some := range slices.Chunk(gone, publicAtOnce) {
		err := x.part(ctx, func(s *store) error {
			for few := range slices.Chunk(some, 500) {
				if err := s.exec(ctx, "DELETE FROM "+x.table.name+" WHERE id IN ("+listed(few)+")"); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if x.before != nil {
		return x.before.removeRest(ctx)
	}
	return nil
}

func listed(ids []int64) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = fmt.Sprint(id)
	}
	return strings.Join(texts, ", ")
}

// latestPublic is the newest file of a source.
func latestPublic(ctx context.Context, q querier, source Public) (f PublicFile, err error) {
	f.Source = source
	const query = "SELECT id, name, day, rows, kept, doubt FROM directory_files WHERE source = ? AND ended_at > 0 ORDER BY id DESC LIMIT 1"
	err = each(ctx, q, query, func(read func(...any) error) error {
		return read(&f.number, &f.Name, &f.Day, &f.Rows, &f.Kept, &f.Doubt)
	}, string(source))
	return f, err
}

// PublicFiles are the newest files of each source, in their order.
func (l *Ledger) PublicFiles(ctx context.Context) (files []PublicFile, err error) {
	err = l.read(ctx, "public files", func(q querier, _ wire.Time) error {
		for _, source := range []Public{Mailboxes, FINESS, PS} {
			f, err := latestPublic(ctx, q, source)
			if err != nil {
				return err
			}
			files = append(files, f)
		}
		return nil
	})
	return files, err
}

// Practice is where a mailbox is published.
type Practice struct {
	Structure string `json:"structure,omitempty"` // FINESS or another number of it
	Name      string `json:"name,omitempty"`
	Postcode  string `json:"postcode,omitempty"`
	Town      string `json:"town,omitempty"`
	Sought    string `json:"-"` // its words, without capitals and accents
}

// Published is a mailbox of MSSanté that the national directory publishes. It publishes no unlisted ones (liste rouge).
type Published struct {
	Address   string   `json:"address"` // lower case
	Kind      string   `json:"kind"`    // PER, ORG
	Person    string   `json:"person,omitempty"`
	Surname   string   `json:"surname,omitempty"`
	Forename  string   `json:"forename,omitempty"`
	Calling   string   `json:"calling,omitempty"` // profession
	Service   string   `json:"service,omitempty"`
	Paperless bool     `json:"paperless,omitempty"` // it takes documents without paper following
	At        Practice `json:"at"`
	Sought    string   `json:"-"` // surname and forename, else the service, without capitals and accents
}

// Compare orders mailboxes by person, then place.
func (p Published) Compare(other Published) int {
	return cmp.Or(strings.Compare(p.Sought, other.Sought), strings.Compare(p.Person, other.Person),
		strings.Compare(p.At.Name, other.At.Name), strings.Compare(p.Address, other.Address))
}

// Holder is who has a fax number, as a public file says.
type Holder struct {
	Source    Public `json:"source"`
	Number    string `json:"-"`  // of register.Number.Key; only its pseudonym is kept
	ID        string `json:"id"` // FINESS or RPPS number
	Name      string `json:"name"`
	Calling   string `json:"calling,omitempty"`   // category of a structure, profession of a person
	Structure string `json:"structure,omitempty"` // FINESS number of the legal entity, or of where a person works
	Place     string `json:"place,omitempty"`     // name of where a person works
	Town      string `json:"town,omitempty"`
}

var (
	holdersTable   = table{"directory_holders", "id, source, number, holder, name, calling, structure, place, town", 1, false}
	practicesTable = table{"directory_places", "id, structure, name, postcode, town, teams, sought", 1, false}
	publishedTable = table{"directory_mailboxes", "id, address, kind, person, surname, forename, calling, service, paperless, place, sought", 1, false}
)

// pseudonymKept is how much of a pseudonym is kept of a public number: enough for no two of a country to be the same.
const pseudonymKept = 16

// TakeHolders takes over a file of FINESS or PS: who has which fax number. read hands them over and returns how many
// lines the file has.
func (l *Ledger) TakeHolders(ctx context.Context, by Author, f PublicFile, read func(keep func(Holder) error) (int64, error)) (PublicNews, error) {
	var known Pseudonyms
	err := l.alter(ctx, "key of pseudonyms", func(s *store) error {
		book, err := l.phones(ctx, s)
		if err == nil {
			known = book.Pseudonyms
		}
		return err
	})
	if err != nil {
		return PublicNews{}, err
	}
	return l.takeFile(ctx, by, f, holdersTable, "source = '"+string(f.Source)+"'", func(x *taking) (int64, error) {
		return read(func(h Holder) error {
			_, err := x.take(ctx, string(f.Source), known.Of(h.Number)[:pseudonymKept], h.ID, h.Name, h.Calling, h.Structure, h.Place, h.Town)
			return err
		})
	})
}

// TakePublished takes over all mailboxes that the national directory publishes, likewise.
func (l *Ledger) TakePublished(ctx context.Context, by Author, f PublicFile, read func(keep func(Published) error) (int64, error)) (PublicNews, error) {
	f.Source = Mailboxes
	return l.takeFile(ctx, by, f, publishedTable, "TRUE", func(x *taking) (int64, error) {
		places := &taking{Ledger: l, PublicNews: x.PublicNews, table: practicesTable, seed: x.seed, stands: make(map[uint64]int64)}
		if err := places.survey(ctx, "TRUE"); err != nil {
			return 0, err
		}
		x.before = places
		return read(func(m Published) error {
			place, err := places.take(ctx, m.At.Structure, m.At.Name, m.At.Postcode, m.At.Town, flag(m.Person == ""), m.At.Sought)
			if err != nil {
				return err
			}
			_, err = x.take(ctx, m.Address, m.Kind, m.Person, m.Surname, m.Forename, m.Calling, m.Service, flag(m.Paperless), place, m.Sought)
			return err
		})
	})
}
