package ledger

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// country is what national directories say, taken over into books.
type country struct {
	*testing.T
	*Ledger
	now time.Time
}

func newCountry(t *testing.T) *country {
	t.Helper()
	c := &country{T: t, now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	l, err := Open(t.Context(), t.TempDir()+"/ledger.db", Options{Now: func() time.Time { return c.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c.Ledger = l
	return c
}

func (c *country) holders(source Public, day Day, rows int64, all ...Holder) PublicNews {
	c.Helper()
	news, err := c.TakeHolders(c.Context(), Author{Who: "anne"}, PublicFile{Source: source, Name: string(source) + ".txt", Day: day}, func(keep func(Holder) error) (int64, error) {
		for _, h := range all {
			if err := keep(h); err != nil {
				return 0, err
			}
		}
		return rows, nil
	})
	if err != nil {
		c.Fatal(err)
	}
	return news
}

func (c *country) mailboxes(day Day, all ...Published) PublicNews {
	c.Helper()
	news, err := c.TakePublished(c.Context(), Author{Who: "anne"}, PublicFile{Name: "e.txt", Day: day}, func(keep func(Published) error) (int64, error) {
		for _, m := range all {
			if err := keep(m); err != nil {
				return 0, err
			}
		}
		return int64(len(all)), nil
	})
	if err != nil {
		c.Fatal(err)
	}
	return news
}

// faxed books a fax to each of some numbers, and returns their parties in this order.
func (c *country) faxed(numbers ...string) (ids []int64) {
	c.Helper()
	ctx := c.Context()
	id, err := c.BeginImport(ctx, Author{Who: "anne"}, Import{Journal: "hylafax", Profile: "hylafax", Source: "x"})
	if err != nil {
		c.Fatal(err)
	}
	for i, number := range numbers {
		e := wire.Event{
			Journal: "hylafax", Key: fmt.Sprint(c.now.UnixNano(), i), At: wire.TimeOf(c.now), Unit: wire.Message, Witness: wire.Sender,
			From: "0241000001", To: number, Result: wire.Done,
		}
		if _, err := c.BookEvents(ctx, id, []wire.Event{e}, 0, 0); err != nil {
			c.Fatal(err)
		}
		ids = append(ids, c.party(number))
	}
	if err := c.EndImport(ctx, id); err != nil {
		c.Fatal(err)
	}
	return ids
}

// party is the one of a number.
func (c *country) party(number string) (id int64) {
	c.Helper()
	err := c.alter(c.Context(), "look", func(s *store) error {
		book, err := c.phones(c.Context(), s)
		if err != nil {
			return err
		}
		return each(c.Context(), s.conn, "SELECT id FROM parties WHERE pseudonym = ?", func(read func(...any) error) error { return read(&id) }, book.Of(number))
	})
	if err != nil || id == 0 {
		c.Fatalf("party of the number: got %d, %v", id, err)
	}
	return id
}

func (c *country) known(ids ...int64) []Known {
	c.Helper()
	all, err := c.Known(c.Context(), ids)
	if err != nil {
		c.Fatal(err)
	}
	var list []Known
	for _, id := range ids {
		list = append(list, all[id])
	}
	return list
}

func person(rpps, surname, forename, address, structure, place, town string) Published {
	return Published{
		Address: address, Kind: "PER", Person: rpps, Surname: surname, Forename: forename, Sought: surname + " " + forename,
		At: Practice{Structure: structure, Name: place, Town: town, Postcode: "49000", Sought: place + " " + town},
	}
}

func team(address, structure, place, service string) Published {
	return Published{Address: address, Kind: "ORG", Service: service, Sought: service, At: Practice{Structure: structure, Name: place, Town: "angers", Postcode: "49000", Sought: place + " angers"}}
}

func TestCorrespondentsAreNamedByPublicFilesWhicheverCameFirst(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	before := c.faxed("0241354000", "0612345678")
	c.holders(FINESS, "2026-05-12", 2, Holder{Number: "0241354000", ID: "490000023", Name: "CH D'EXEMPLE", Town: "ANGERS", Structure: "490000031"})
	c.holders(PS, "2026-11-10", 9,
		Holder{Number: "0241354009", ID: "10000000025", Name: "DR DURAND Paul", Place: "CABINET DURAND", Town: "CHOLET"},
		Holder{Number: "0241354010", ID: "10000000017", Name: "DR MARTIN Jeanne", Place: "MAISON DE SANTE", Town: "ANGERS"},
		Holder{Number: "0241354010", ID: "10000000033", Name: "DR PETIT Luc", Place: "MAISON DE SANTE", Town: "ANGERS"},
		Holder{Number: "0241354011", ID: "10000000017", Name: "DR MARTIN Jeanne", Place: "MAISON DE SANTE", Town: "ANGERS"},
		Holder{Number: "0241354011", ID: "10000000041", Name: "DR ROUX Zoé", Place: "AUTRE CABINET", Town: "ANGERS"},
	)
	c.now = c.now.Add(time.Hour)
	after := c.faxed("0241354009", "0241354010", "0241354011")
	for i, k := range c.known(append(before, after...)...) {
		want := []struct {
			name, town string
			several    int
		}{{"CH D'EXEMPLE", "ANGERS", 1}, {"", "", 0}, {"DR DURAND Paul", "CHOLET", 1}, {"MAISON DE SANTE", "ANGERS", 2}, {"", "ANGERS", 2}}[i]
		if k.Name() != want.name || k.Town() != want.town || k.Several() != want.several {
			t.Errorf("number %d: got %q in %q of %d, want %+v", i, k.Name(), k.Town(), k.Several(), want)
		}
		if k.Equipped != EquippedUnknown || k.Day != "" {
			t.Errorf("number %d: got %s of %q, want that nobody knows without the directory of mailboxes", i, k.Equipped, k.Day)
		}
	}
}

func TestWhoHasMSSanteIsToldWithItsAddress(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	c.holders(FINESS, "2026-05-12", 3,
		Holder{Number: "0241354000", ID: "490000023", Name: "CH D'EXEMPLE", Structure: "490000031"},
		Holder{Number: "0241354001", ID: "490011111", Name: "EHPAD", Structure: "490000031"},
		Holder{Number: "0241354002", ID: "490000015", Name: "PHARMACIE"})
	c.holders(PS, "2026-11-10", 4,
		Holder{Number: "0241354003", ID: "10000000017", Name: "DR MARTIN Jeanne", Structure: "490000023"},
		Holder{Number: "0241354004", ID: "10000000017", Name: "DR MARTIN Jeanne", Place: "CABINET"},
		Holder{Number: "0241354004", ID: "10000000025", Name: "DR DURAND Paul", Place: "CABINET"})
	c.mailboxes("2026-11-18",
		team("secretariat@ch.mssante.fr", "490000023", "ch d exemple", "cardiologie"),
		team("direction@groupe.mssante.fr", "490000031", "groupe", ""),
		person("10000000017", "martin", "jeanne", "j.martin@medecin.mssante.fr", "", "", ""),
		person("10000000017", "martin", "jeanne", "jeanne.martin@ch.mssante.fr", "490000023", "ch d exemple", "angers"))
	ids := c.faxed("0241354000", "0241354001", "0241354002", "0241354003", "0241354004", "0241999999")
	want := []string{
		"yes secretariat@ch.mssante.fr",
		"entity direction@groupe.mssante.fr",
		"no",
		"yes jeanne.martin@ch.mssante.fr j.martin@medecin.mssante.fr secretariat@ch.mssante.fr", // where the number is comes first
		"some j.martin@medecin.mssante.fr jeanne.martin@ch.mssante.fr",
		"unknown",
	}
	look := func() (got []string) {
		for _, k := range c.known(ids...) {
			text := string(k.Equipped)
			for _, m := range k.Published {
				text += " " + m.Address
			}
			got = append(got, text)
		}
		return got
	}
	if got := look(); !slices.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	c.now = c.now.AddDate(0, 1, 0)
	if want[2] = "unknown"; !slices.Equal(look(), want) {
		t.Errorf("with an old directory got\n%q, want that it proves nobody unequipped:\n%q", look(), want)
	}
}

func TestTheFileOfAnotherDayWritesOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	var all []Published
	for i := range 12_000 {
		all = append(all, person(fmt.Sprint(i), "nom", fmt.Sprint("p", i), fmt.Sprintf("p%d@medecin.mssante.fr", i), fmt.Sprint(i%3000), fmt.Sprint("place ", i%3000), "angers"))
	}
	if n := c.mailboxes("2026-11-10", all...); n.Added != 12_000 || n.Kept != 12_000 || n.Latest.Day != "" {
		t.Errorf("first: got %+v", n)
	}
	if n := c.mailboxes("2026-11-11", append(all[:11_990:11_990], all[3], team("x@y.fr", "1", "tout neuf", ""))...); n.Added != 1 || n.Removed != 10 || n.Kept != 11_991 || n.Latest.Day != "2026-11-10" {
		t.Errorf("next: got %+v, want 1 new, 10 gone, nothing twice", n)
	}
	if n := c.mailboxes("2026-11-12", all[:6000]...); n.Doubt != ShortExtraction || n.Removed != 0 || n.Kept != 11_991 {
		t.Errorf("short: got %+v, want nothing gone", n)
	}
	if n := c.mailboxes("2026-11-13", all[:6000]...); n.Doubt != "" || n.Removed != 5991 || n.Kept != 6000 {
		t.Errorf("short again: got %+v, want it believed", n)
	}
	places, err := readNumber(t.Context(), c.readers, "SELECT COUNT(*) FROM directory_places")
	if err != nil || places != 3000 {
		t.Errorf("got %d places, %v, want those of mailboxes that there are", places, err)
	}
	orphans, err := readNumber(t.Context(), c.readers, "SELECT COUNT(*) FROM directory_mailboxes WHERE place NOT IN (SELECT id FROM directory_places)")
	if err != nil || orphans != 0 {
		t.Errorf("got %d mailboxes nowhere, %v", orphans, err)
	}
	files, err := c.PublicFiles(t.Context())
	if err != nil || len(files) != 3 || files[0].Day != "2026-11-13" || files[1].Day != "" {
		t.Errorf("got %+v, %v", files, err)
	}
}

func TestAFileIsRefusedThatIsOlderOrFromTheFuture(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	c.mailboxes("2026-11-10", team("a@b.fr", "1", "ch", ""))
	for day, want := range map[Day]error{"2026-11-09": ErrOlderFile, "2026-11-25": ErrFutureFile} {
		_, err := c.TakePublished(t.Context(), Author{}, PublicFile{Day: day}, func(func(Published) error) (int64, error) {
			t.Error("it is read")
			return 0, nil
		})
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", day, err, want)
		}
	}
}

func TestOfTwoTakingsOverAtOnceTheLaterHolds(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	_, err := c.TakePublished(t.Context(), Author{}, PublicFile{Name: "1", Day: "2026-11-10"}, func(keep func(Published) error) (int64, error) {
		c.mailboxes("2026-11-11", team("a@b.fr", "1", "ch", ""))
		return 1, keep(team("x@y.fr", "2", "chu", ""))
	})
	if !errors.Is(err, ErrOvertaken) {
		t.Errorf("got %v, want %v", err, ErrOvertaken)
	}
	if n := c.mailboxes("2026-11-12", team("a@b.fr", "1", "ch", "")); n.Added != 0 || n.Removed != 0 || n.Latest.Day != "2026-11-11" {
		t.Errorf("got %+v, want nothing of the earlier one left", n)
	}
}

func TestWhatBrokeOffIsPutRightByTheNextFile(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	fault := errors.New("the disk is gone")
	_, err := c.TakePublished(t.Context(), Author{}, PublicFile{Name: "1", Day: "2026-11-10"}, func(keep func(Published) error) (int64, error) {
		for i := range publicAtOnce + 1 {
			if err := keep(team(fmt.Sprintf("a%d@b.fr", i), fmt.Sprint(i), "ch", "")); err != nil {
				return 0, err
			}
		}
		return 0, fault
	})
	if !errors.Is(err, fault) {
		t.Errorf("got %v, want %v", err, fault)
	}
	if files, err := c.PublicFiles(t.Context()); err != nil || files[0].Day != "" {
		t.Errorf("got %+v, %v, want that no file counts", files, err)
	}
	if n := c.mailboxes("2026-11-10", team("a1@b.fr", "1", "ch", "")); n.Added != 0 || n.Removed != publicAtOnce-1 || n.Kept != 1 {
		t.Errorf("got %+v", n)
	}
}

func TestMailboxesAreFoundByNameAndPlaceOrNumber(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	c.mailboxes("2026-11-18",
		team("cardio@ch.mssante.fr", "490000023", "centre hospitalier d exemple", "secretariat de cardiologie"),
		team("onco@ch.mssante.fr", "490000023", "centre hospitalier d exemple", "oncologie"),
		person("1", "martin", "jeanne", "jeanne@ch.mssante.fr", "490000023", "centre hospitalier d exemple", "angers"),
		person("1", "martin", "jeanne", "jeanne@medecin.mssante.fr", "", "cabinet martin", "cholet"),
		person("2", "martin", "paul", "paul@medecin.mssante.fr", "", "", ""),
		person("3", "martinez", "jean", "jean@medecin.mssante.fr", "", "", ""),
		person("4", "durand", "martin", "durand@medecin.mssante.fr", "", "", ""))
	for name, x := range map[string]struct {
		Search
		want []string
		more bool
	}{
		"surname":           {Search{Surname: "martin", Most: 10}, []string{"jeanne@medecin.mssante.fr", "jeanne@ch.mssante.fr", "paul@medecin.mssante.fr", "jean@medecin.mssante.fr"}, false},
		"few":               {Search{Surname: "martin", Most: 1}, []string{"jeanne@medecin.mssante.fr"}, true},
		"its beginning":     {Search{Surname: "dur", Most: 10}, []string{"durand@medecin.mssante.fr"}, false},
		"forename":          {Search{Surname: "martin", Forename: "paul", Most: 10}, []string{"paul@medecin.mssante.fr"}, false},
		"town":              {Search{Surname: "martin", Place: "angers", Most: 10}, []string{"jeanne@ch.mssante.fr"}, false},
		"postcode":          {Search{Surname: "martin", Place: "490 exemple", Most: 10}, []string{"jeanne@ch.mssante.fr"}, false},
		"elsewhere":         {Search{Surname: "martin", Place: "brest", Most: 10}, nil, false},
		"RPPS":              {Search{Person: "1", Most: 10}, []string{"jeanne@medecin.mssante.fr", "jeanne@ch.mssante.fr"}, false},
		"teams of a place":  {Search{Place: "exemple angers", Most: 10}, []string{"onco@ch.mssante.fr", "cardio@ch.mssante.fr"}, false},
		"team of a service": {Search{Place: "exemple", Service: "cardio", Most: 10}, []string{"cardio@ch.mssante.fr"}, false},
		"teams by FINESS":   {Search{Structure: "490000023", Most: 10}, []string{"onco@ch.mssante.fr", "cardio@ch.mssante.fr"}, false},
		"no wildcards":      {Search{Surname: "%", Most: 10}, nil, false},
	} {
		found, more, err := c.FindPublished(t.Context(), x.Search)
		var got []string
		for _, m := range found {
			got = append(got, m.Address)
		}
		if err != nil || !slices.Equal(got, x.want) || more != x.more {
			t.Errorf("%s: got %q, %t, %v, want %q, %t", name, got, more, err, x.want, x.more)
		}
	}
}
