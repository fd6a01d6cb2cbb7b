package ledger_test

import (
	"context"
	"errors"
	"math/rand"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// letters is what was declared of a mailbox or, with @ first, of a domain.
func letters(month ledger.Month, address string, received int64) ledger.MailboxVolume {
	return ledger.MailboxVolume{Month: month, Address: address, Received: &received}
}

func mailbox(address, establishment, service string, from ledger.Day) ledger.Mailbox {
	return ledger.Mailbox{Address: address, From: from, Establishment: establishment, Service: service, State: ledger.MailboxUsed}
}

func TestMessagesOfMailboxesBelongToTheirServices(t *testing.T) {
	mailboxes := []ledger.Mailbox{
		mailbox("a@chu.fr", "chu", "onco", "2026-08-01"),
		mailbox("a@chu.fr", "chu", "saas", "2026-09-15"),
		mailbox("b@chu.fr", "chu", "onco", "2026-01-01"),
		{Address: "b@chu.fr", From: "2026-09-10"}, // it is no more
	}
	for name, c := range map[string]struct {
		places  []ledger.Volume
		letters []ledger.MailboxVolume
		want    string
	}{
		"where it is at the end of the month":                            {nil, []ledger.MailboxVolume{letters(202608, "a@chu.fr", 1), letters(202609, "a@chu.fr", 2)}, "202608 chu/onco 1/?, 202609 chu/saas 2/?"},
		"before it was declared, where it was first":                     {nil, []ledger.MailboxVolume{letters(202601, "a@chu.fr", 1)}, "202601 chu/onco 1/?"},
		"one that went in the month":                                     {nil, []ledger.MailboxVolume{letters(202609, "b@chu.fr", 5)}, "202609 chu/onco 5/?"},
		"one that nobody declared is of the establishment of its domain": {nil, []ledger.MailboxVolume{letters(202609, "x@other.fr", 5)}, "202609 / 5/?"},
		"the table names the service":                                    {nil, []ledger.MailboxVolume{{Month: 202609, Address: "x@other.fr", Establishment: "chu", Service: "dim", Received: new(int64)}}, "202609 chu/dim 0/?"},
		"a service has more":                                             {[]ledger.Volume{volume(202608, "chu", "onco", 10)}, []ledger.MailboxVolume{letters(202608, "a@chu.fr", 4)}, "202608 chu/onco 10/?"},
		"a service has less":                                             {[]ledger.Volume{volume(202608, "chu", "onco", 3)}, []ledger.MailboxVolume{letters(202608, "a@chu.fr", 4)}, "202608 chu/onco 4/?"},
		"the whole and one of its boxes":                                 {[]ledger.Volume{volume(202608, "chu", "", 100)}, []ledger.MailboxVolume{letters(202608, "a@chu.fr", 4)}, "202608 chu/ 96/?, 202608 chu/onco 4/?"},
		"only a domain":                                                  {nil, []ledger.MailboxVolume{{Month: 202608, Address: "@chu.fr", Establishment: "chu", Received: number(50)}}, "202608 chu/ 50/?"},
		"a domain and one of its boxes":                                  {nil, []ledger.MailboxVolume{{Month: 202608, Address: "@chu.fr", Establishment: "chu", Received: number(50)}, letters(202608, "a@chu.fr", 4)}, "202608 chu/ 46/?, 202608 chu/onco 4/?"},
		"a domain and a service":                                         {[]ledger.Volume{volume(202608, "chu", "saas", 20)}, []ledger.MailboxVolume{{Month: 202608, Address: "@chu.fr", Establishment: "chu", Received: number(50)}}, "202608 chu/ 30/?, 202608 chu/saas 20/?"},
		"a domain, the whole, and others":                                {[]ledger.Volume{volume(202608, "chu", "", 70), volume(202608, "chu", "saas", 20)}, []ledger.MailboxVolume{{Month: 202608, Address: "@chu.fr", Establishment: "chu", Received: number(50)}, letters(202608, "a@chu.fr", 4)}, "202608 chu/ 46/?, 202608 chu/onco 4/?, 202608 chu/saas 20/?"},
	} {
		if got := shown(ledger.Apart(c.places, ledger.SumMailboxes(c.letters, mailboxes))); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func number(n int64) *int64 { return &n }

// Whatever is said of mailboxes, domains, services and wholes, in any order: no message counts twice, none is left out that
// somebody counted, and what the books keep is the same.
func TestMailboxesServicesAndWhatIsLeftAddUpToTheWhole(t *testing.T) {
	mailboxes := []ledger.Mailbox{mailbox("a@chu.fr", "chu", "chua", "2026-01-01"), mailbox("b@chu.fr", "chu", "chub", "2026-01-01"), mailbox("c@chu.fr", "chu", "", "2026-01-01")}
	amount := rapid.Int64Range(0, 40)
	rapid.Check(t, func(t *rapid.T) {
		places := volumes.Draw(t, "declared")
		var boxes []ledger.MailboxVolume
		for _, month := range []ledger.Month{202608, 202609} {
			for _, address := range []string{"@chu.fr", "a@chu.fr", "b@chu.fr", "c@chu.fr"} {
				if rapid.Bool().Draw(t, "declared") {
					boxes = append(boxes, letters(month, address, amount.Draw(t, "received")))
				}
			}
		}
		sums := ledger.SumMailboxes(boxes, mailboxes)
		apart := ledger.Apart(places, sums)
		of := func(month ledger.Month, establishment string) (n int64) {
			for _, v := range apart {
				if v.Month == month && (establishment == "*" || v.Establishment == establishment) && v.Received != nil {
					n += *v.Received
				}
			}
			return n
		}
		for _, month := range []ledger.Month{202608, 202609} {
			var single, domain, claimed, others, whole, all int64
			for _, x := range boxes {
				switch {
				case x.Month != month:
				case x.Whole():
					domain = *x.Received
				default:
					single += *x.Received
				}
			}
			for _, v := range places {
				switch {
				case v.Month != month || v.Received == nil:
				case v.Establishment == "chu" && v.Service == "":
					whole = *v.Received
				case v.Establishment == "chu":
					claimed += *v.Received
				case v.Establishment == "" && v.Service == "":
					all = *v.Received
				}
			}
			others = of(month, "*") - of(month, "chu")
			got := of(month, "chu")
			if least := max(single, domain, claimed, whole); got < least {
				t.Fatalf("%d: got %d, want at least %d, which somebody counted\n%s\n%v", month, got, least, shown(places), boxes)
			}
			if most := max(max(single, domain)+claimed, whole); got > most {
				t.Fatalf("%d: got %d, want at most %d: something counts twice\n%s\n%v", month, got, most, shown(places), boxes)
			}
			if got+others < all {
				t.Fatalf("%d: got %d in all, want at least %d", month, got+others, all)
			}
		}
		totals := ledger.Totals(places, sums)
		var want, got int64
		for i := range totals {
			if totals[i].Received != nil {
				got += *totals[i].Received
			}
		}
		if want = of(202608, "*") + of(202609, "*"); got != want {
			t.Fatalf("totals: got %d, want %d", got, want)
		}
	})
}

// declareLetters declares volumes of mailboxes one by one in a table each.
func (c *collector) declareLetters(all ...ledger.MailboxVolume) {
	c.Helper()
	for _, v := range all {
		err := c.DeclareCorrespondence(context.Background(), ledger.Author{Who: "anne", Source: "bal.csv"}, func(_ ledger.Register, _ []ledger.Mailbox, m ledger.Correspondence) (ledger.Correspondence, error) {
			i, known := slices.BinarySearchFunc(m.Mailboxes, v, ledger.MailboxVolume.Compare)
			if known {
				m.Mailboxes[i] = v
			} else {
				m.Mailboxes = slices.Insert(m.Mailboxes, i, v)
			}
			return m, nil
		}, v.Month)
		if err != nil {
			c.Fatal(err)
		}
	}
}

// Sums are made anew only of what a change concerns: after any changes they are those of all that is declared.
func TestSumsOfMailboxesAreThoseOfAllThatIsDeclared(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	addresses := []string{"a@chu.fr", "b@chu.fr", "c@laval.fr", "@chu.fr", "@laval.fr"}
	days := []ledger.Day{"2026-01-01", "2026-08-15", "2026-09-10"}
	random := rand.New(rand.NewSource(1))
	for range 60 {
		if random.Intn(2) == 0 {
			c.declareLetters(letters(202607+ledger.Month(random.Intn(3)), addresses[random.Intn(5)], random.Int63n(50)))
		} else {
			var all []ledger.Mailbox
			for _, address := range addresses[:random.Intn(4)] {
				from := random.Intn(3)
				all = append(all, mailbox(address, []string{"chu", "laval"}[random.Intn(2)], "onco", days[from]))
				if next := mailbox(address, "chu", "saas", days[2]); from < 2 && random.Intn(2) == 0 {
					next.State = []ledger.MailboxState{ledger.MailboxUsed, ledger.NoMailbox}[random.Intn(2)]
					all = append(all, next)
				}
			}
			c.declareMailboxes(all...)
		}
		c.balanced()
	}
	err := c.DeclareCorrespondence(context.Background(), ledger.Author{}, func(_ ledger.Register, _ []ledger.Mailbox, m ledger.Correspondence) (ledger.Correspondence, error) {
		m.Mailboxes = append(m.Mailboxes, letters(202612, "a@chu.fr", 1))
		return m, nil
	}, 202609)
	if err == nil {
		t.Error("messages of a month that wasn't to be changed were taken")
	}
}

func (c *collector) declareMailboxes(all ...ledger.Mailbox) {
	c.Helper()
	err := c.DeclareMailboxes(context.Background(), ledger.Author{Who: "anne"}, func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error) { return all, nil })
	if err != nil {
		c.Fatal(err)
	}
}

func TestTheOrderOfTablesDoesNotMatter(t *testing.T) {
	t.Parallel()
	steps := []func(*collector){
		func(c *collector) { c.declareMailboxes(mailbox("a@chu.fr", "chu", "onco", "2026-01-01")) },
		func(c *collector) { c.declareLetters(letters(202609, "a@chu.fr", 40), letters(202608, "a@chu.fr", 2)) },
		func(c *collector) { c.declareLetters(letters(202609, "@chu.fr", 90)) },
		func(c *collector) { c.declareVolumes(volume(202609, "chu", "", 100)) },
		func(c *collector) { c.declareVolumes(volume(202609, "chu", "saas", 7)) },
	}
	const want = "chu/ 53/?, chu/onco 42/?, chu/saas 7/?"
	for range 6 {
		c := newCollector(t)
		rand.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		for _, step := range steps {
			step(c)
		}
		s, err := c.Snapshot(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		m, err := c.MSSante(context.Background(), 202608, 202609)
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(s.Messages); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, want := shown(m.Messages), "202608 chu/onco 2/?, 202609 chu/ 53/?, 202609 chu/onco 40/?, 202609 chu/saas 7/?"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		c.balanced()
	}
}

func TestAMailboxThatMovesTakesItsMessagesAlong(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.declareMailboxes(mailbox("a@chu.fr", "chu", "onco", "2026-01-01"))
	c.declareLetters(letters(202608, "a@chu.fr", 2), letters(202609, "a@chu.fr", 40))
	c.declareMailboxes(mailbox("a@chu.fr", "chu", "onco", "2026-01-01"), mailbox("a@chu.fr", "chu", "saas", "2026-09-01"))
	s, err := c.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shown(s.Messages), "chu/onco 2/?, chu/saas 40/?"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.balanced()
}

// listed is what the directory says of one mailbox.
func listed(address, kind, service string) ledger.Listed {
	return ledger.Listed{Address: address, Kind: kind, Structure: "490000031", Service: service}
}

// extraction takes over an extraction of a day.
func (c *collector) extraction(day ledger.Day, rows int64, ours ...ledger.Listed) ledger.ExtractionNews {
	c.Helper()
	news, err := c.DeclareExtraction(context.Background(), ledger.Author{Who: "anne", Source: "e.zip"}, ledger.Extraction{Name: "e.txt", Day: day, Rows: rows}, ours)
	if err != nil {
		c.Fatal(err)
	}
	return news
}

func (c *collector) directory() ledger.Directory {
	c.Helper()
	s, err := c.Snapshot(context.Background())
	if err != nil {
		c.Fatal(err)
	}
	return s.Directory
}

func TestAnAddressIsLostOnceAFreshWholeExtractionDoesNotNameIt(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	today := ledger.Day(c.now.Format("2006-01-02"))
	before := func(days int) ledger.Day { return ledger.Day(c.now.AddDate(0, 0, -days).Format("2006-01-02")) }
	c.declareMailboxes(mailbox("a@chu.fr", "chu", "onco", "2026-01-01"), mailbox("never@chu.fr", "chu", "onco", "2026-01-01"))
	a, b, p := listed("a@chu.fr", "ORG", ""), listed("b@chu.fr", "ORG", ""), listed("p@chu.fr", "PER", "")
	if news := c.extraction(before(40), 1000, a, b, p); len(news.Moves) != 0 || news.Doubt != ledger.StaleExtraction {
		t.Errorf("the first says %+v, want no moves", news)
	}
	if news := c.extraction(before(20), 1000); len(news.Moves) != 0 || len(c.directory().Lost) != 0 {
		t.Errorf("a stale one says %+v, want nothing lost", news.Moves)
	}
	if news := c.extraction(before(3), 400); len(news.Moves) != 0 || news.Doubt != ledger.ShortExtraction {
		t.Errorf("a short one says %+v, want nothing lost", news)
	}
	if news := c.extraction(before(2), 400, a, b); len(news.Moves) != 0 || news.Doubt != ledger.ShortExtraction {
		t.Errorf("a second short one says %+v, want nothing lost", news)
	}
	news := c.extraction(before(1), 990, listed("b@chu.fr", "ORG", "DIM"))
	if len(news.Moves) != 3 || news.Moves[0].Move != ledger.Vanished || news.Moves[1].Move != ledger.Changed {
		t.Errorf("got %+v, want a and p vanished and b changed", news.Moves)
	}
	d := c.directory()
	if len(d.Lost) != 1 || d.Lost[0] != (ledger.LostMailbox{Address: "a@chu.fr", Day: before(1), Establishment: "chu", Service: "onco"}) {
		t.Errorf("lost are %+v, want a alone: p is a person's that nobody declared", d.Lost)
	}
	if len(d.Published) != 1 || d.Published[0].Declared != 2 || d.Published[0].Listed != 0 {
		t.Errorf("published are %+v, want none of two", d.Published)
	}
	if _, err := c.DeclareExtraction(context.Background(), ledger.Author{}, ledger.Extraction{Day: before(2), Rows: 1000}, nil); err == nil {
		t.Error("an older one was taken")
	}
	if err := c.SeeLost(context.Background(), ledger.Author{Who: "anne"}, "a@chu.fr"); err != nil {
		t.Fatal(err)
	}
	if d := c.directory(); len(d.Lost) != 0 {
		t.Errorf("got %+v, want what somebody knows told no more", d.Lost)
	}
	if news := c.extraction(today, 990, a, b); news.Moves[0].Move != ledger.Appeared {
		t.Errorf("got %+v, want a back", news.Moves)
	}
	if d := c.directory(); d.Published[0].Listed != 1 || d.Day != today {
		t.Errorf("got %+v, want one listed of two", d)
	}
	l, err := c.Listing(context.Background())
	if err != nil || len(l.Listed) != 3 || l.Listed[2].Lost != before(1) || len(l.Moves) != 2 {
		t.Errorf("got %+v, %v", l, err)
	}
	c.balanced()
}

func TestOnlyTwoFilesProveThatAllAddressesOfADomainAreGone(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	before := func(days int) ledger.Day { return ledger.Day(c.now.AddDate(0, 0, -days).Format("2006-01-02")) }
	var all []ledger.Listed
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		all = append(all, listed(name+"@chu.fr", "ORG", ""))
	}
	all = append(all, listed("z@laval.fr", "ORG", ""))
	c.extraction(before(9), 1000, all...)
	steps := []struct {
		what   string
		day    int
		rows   int64
		listed []ledger.Listed
		doubt  ledger.Doubtful
		gone   int
	}{
		{"a domain is missing", 8, 1000, all[5:], ledger.GoneExtraction, 0},
		{"the same day again", 8, 1000, all[5:], ledger.GoneExtraction, 0},
		{"it is back", 7, 1000, all, "", 0},
		{"a seventh of the file is missing", 6, 850, all[5:], ledger.ShortExtraction, 0},
		{"and the next day, too", 5, 855, all, "", 0},
		{"a domain is missing again", 4, 860, all[5:], ledger.GoneExtraction, 0},
		{"and the next day, too", 3, 860, all[5:], "", 5},
	}
	for _, step := range steps {
		news := c.extraction(before(step.day), step.rows, step.listed...)
		if news.Doubt != step.doubt || len(news.Moves) != step.gone {
			t.Errorf("%s: got %q and %d moves, want %q and %d", step.what, news.Doubt, len(news.Moves), step.doubt, step.gone)
		}
	}
	if _, err := c.DeclareExtraction(context.Background(), ledger.Author{}, ledger.Extraction{Day: before(-3), Rows: 1000}, all); !errors.Is(err, ledger.ErrFutureFile) {
		t.Errorf("one of a day to come: got %v", err)
	}
	c.balanced()
}

func TestProfilesAreKeptByName(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	by := ledger.Author{Who: "anne", Source: "page"}
	p := ledger.MSSanteProfile{Name: "console", Columns: map[string]string{"address": "BAL"}, Headers: []string{"BAL", "Nb"}}
	for range 2 {
		if err := c.SaveMSSanteProfile(context.Background(), by, p); err != nil {
			t.Fatal(err)
		}
	}
	all, err := c.MSSanteProfiles(context.Background())
	if err != nil || len(all) != 1 || all[0].Columns["address"] != "BAL" || !all[0].Fits([]string{"Nb", "BAL"}) || all[0].Fits([]string{"BAL"}) {
		t.Errorf("got %+v, %v", all, err)
	}
	if err := c.DropMSSanteProfile(context.Background(), by, "console"); err != nil {
		t.Fatal(err)
	}
	if all, err := c.MSSanteProfiles(context.Background()); err != nil || len(all) != 0 {
		t.Errorf("got %+v, %v", all, err)
	}
}

func TestVerifyFindsSumsOfMailboxesThatAreChangedByHand(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.declareMailboxes(mailbox("a@chu.fr", "chu", "onco", "2026-01-01"))
	c.declareLetters(letters(202609, "a@chu.fr", 40), letters(202609, "@chu.fr", 90))
	path := filepath.Join(t.TempDir(), "books.db")
	c.backup(path)
	execute(t, path, "UPDATE mssante_mailbox_volumes SET received = 41 WHERE address = 'a@chu.fr'")
	b, err := ledger.Verify(context.Background(), path)
	if err != nil || b.Err() == nil {
		t.Errorf("got %v, %v, want it found", b.Disagreements, err)
	}
}
