package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

const (
	mssanteMonths = 13 // are shown, so that a month stands beside that of a year ago
	idleMonths    = 3  // without a message after which a mailbox looks inactive
)

// mssanteBooks is what the pages of MSSanté need of the ledger.
type mssanteBooks interface {
	MailboxVolumes(ctx context.Context, from, to ledger.Month) ([]ledger.MailboxVolume, error)
	Listing(ctx context.Context) (ledger.Listing, error)
	Correspondence(ctx context.Context, months ...ledger.Month) (ledger.Correspondence, error)
	MSSanteProfiles(ctx context.Context) ([]ledger.MSSanteProfile, error)

	DeclareMailboxes(ctx context.Context, by ledger.Author, change func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error)) error
	DeclareCorrespondence(ctx context.Context, by ledger.Author, change func(ledger.Register, []ledger.Mailbox, ledger.Correspondence) (ledger.Correspondence, error), months ...ledger.Month) error
	DeclareExtraction(ctx context.Context, by ledger.Author, e ledger.Extraction, ours []ledger.Listed) (ledger.ExtractionNews, error)
	SeeLost(ctx context.Context, by ledger.Author, address string) error
	SaveMSSanteProfile(ctx context.Context, by ledger.Author, p ledger.MSSanteProfile) error
	DropMSSanteProfile(ctx context.Context, by ledger.Author, name string) error
}

// addresses are the addresses that a reader of some establishments sees: those declared there.
func (s scope) addresses(ctx context.Context) (map[string]bool, error) {
	all, err := s.Mailboxes(ctx)
	mine := make(map[string]bool, len(all))
	for _, m := range all {
		mine[m.Address] = true
	}
	return mine, err
}

func (s scope) MailboxVolumes(ctx context.Context, from, to ledger.Month) ([]ledger.MailboxVolume, error) {
	mine, err := s.addresses(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.all.MailboxVolumes(ctx, from, to)
	return keep(all, func(v *ledger.MailboxVolume) bool { return mine[v.Address] }), err
}

func (s scope) Listing(ctx context.Context) (ledger.Listing, error) {
	mine, err := s.addresses(ctx)
	if err != nil {
		return ledger.Listing{}, err
	}
	x, err := s.all.Listing(ctx)
	x.Listed = keep(x.Listed, func(l *ledger.Listed) bool { return mine[l.Address] })
	x.Moves = keep(x.Moves, func(m *ledger.ListedMove) bool { return mine[m.Address] })
	return x, err
}

// errNotAll is told to who would change what is of all establishments, and has a role for some only.
var errNotAll = errors.New("your role holds for some establishments, and this is of all of them")

func (s scope) Correspondence(context.Context, ...ledger.Month) (ledger.Correspondence, error) {
	return ledger.Correspondence{}, errNotAll
}

func (s scope) MSSanteProfiles(context.Context) ([]ledger.MSSanteProfile, error) {
	return nil, errNotAll
}

// mailboxes are the reader's.
func (s scope) mailboxes(all []ledger.Mailbox) []ledger.Mailbox { return keep(all, s.theirs(all)) }

// theirs tells which are the reader's: of each address that is the reader's now, the versions of the time since it is.
func (s scope) theirs(all []ledger.Mailbox) func(*ledger.Mailbox) bool {
	last := make(map[string]bool)
	for _, m := range all {
		last[m.Address] = s.who.Sees(m.Establishment)
	}
	return func(m *ledger.Mailbox) bool { return last[m.Address] && s.who.Sees(m.Establishment) }
}

// DeclareMailboxes hands change the reader's only, and takes back what is the reader's now, was before, and is new.
func (s scope) DeclareMailboxes(ctx context.Context, by ledger.Author, change func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error)) error {
	return s.all.DeclareMailboxes(ctx, by, func(r ledger.Register, all []ledger.Mailbox) ([]ledger.Mailbox, error) {
		isMine, foreign := s.theirs(all), make(map[string]bool) // addresses with versions that aren't the reader's
		began := make(map[string]ledger.Day)                    // when addresses became the reader's
		var mine, others []ledger.Mailbox
		for _, m := range slices.Backward(all) {
			if isMine(&m) {
				mine, began[m.Address] = append(mine, m), m.From
			} else {
				others, foreign[m.Address] = append(others, m), true
			}
		}
		slices.Reverse(mine)
		after, err := change(seen(&r, s.who), mine)
		if err != nil {
			return nil, err
		}
		for _, m := range after {
			since, was := began[m.Address]
			if !s.who.Sees(m.Establishment) || foreign[m.Address] && (!was || m.From < since) {
				return nil, errNotAll
			}
		}
		all = append(others, after...)
		slices.SortFunc(all, ledger.Mailbox.Compare)
		still := make(map[string]bool)
		for _, m := range s.mailboxes(all) {
			still[m.Address] = true
		}
		for address := range began { // else an address would be again whose it was before
			if foreign[address] && !still[address] {
				return nil, errNotAll
			}
		}
		return all, nil
	})
}

func (s scope) DeclareCorrespondence(context.Context, ledger.Author, func(ledger.Register, []ledger.Mailbox, ledger.Correspondence) (ledger.Correspondence, error), ...ledger.Month) error {
	return errNotAll
}

func (s scope) DeclareExtraction(context.Context, ledger.Author, ledger.Extraction, []ledger.Listed) (ledger.ExtractionNews, error) {
	return ledger.ExtractionNews{}, errNotAll
}

func (s scope) SeeLost(ctx context.Context, by ledger.Author, address string) error {
	mine, err := s.addresses(ctx)
	if err == nil && !mine[address] {
		err = errNotAll
	}
	if err != nil {
		return err
	}
	return s.all.SeeLost(ctx, by, address)
}

func (s scope) SaveMSSanteProfile(context.Context, ledger.Author, ledger.MSSanteProfile) error {
	return errNotAll
}
func (s scope) DropMSSanteProfile(context.Context, ledger.Author, string) error { return errNotAll }

// mssantePage is how far MSSanté takes the place of fax.
type mssantePage struct {
	frame
	States    []stateCount
	Directory ledger.Directory
	Age       int // days of the newest extraction
	Listed    int64
	Moves     map[string]int
	Choices   []field
	Narrowed  bool
	Rows      []mailboxRow
	Turn      turn
	Used      int // addresses with messages that aren't declared to be used
	Trend     chart
	Last      string // the last complete month
	Level     indicators.Level
	Levels    []pageLink
	Shares    []shareRow
	MayImport bool
}

// stateCount is how many addresses are declared in a state.
type stateCount struct {
	State ledger.MailboxState
	Count int64
	Link  string
	Here  bool
}

// mailboxRow is an address as it is declared, found, and used.
type mailboxRow struct {
	ledger.Mailbox
	Within   string // establishment and pôle of its service
	Link     string
	Found    string // how the directory has it: found, lost, absent, needless; empty: nothing tells
	Since    ledger.Day
	LastUse  string // month of the last message, empty: of none known
	Known    string // the last month of which its messages are known; empty: of none
	Month    ledger.MailboxVolume
	Disagree string // key of what contradicts the declared state
}

// shareRow is what went by MSSanté and by fax.
type shareRow struct {
	indicators.Substitution
	Name, Within string
}

// Percent is the share in words.
func (r shareRow) Percent(s speech) (string, error) {
	if r.Share == nil {
		return s.T("unknown")
	}
	return s.T("mssante.percent", 100**r.Share)
}

func (s *site) mssantePage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.mssante", "q", "establishment", "service", "state", "found", "by", "page")
	p := mssantePage{frame: f, MayImport: f.MayEdit() && len(f.reader.Establishments) == 0}
	if !p.Fault {
		if err := s.fillMSSante(r, &p, books); err != nil {
			s.Log.Error("make the page of MSSanté", "error", err)
			p.Fault = true
		}
	}
	s.Render(w, p.status(), "mssante.html", p)
}

// mssanteFacts are all that the page is made of.
type mssanteFacts struct {
	last      ledger.Month // complete
	mailboxes []ledger.Mailbox
	volumes   []ledger.MailboxVolume
	listing   ledger.Listing
	mssante   ledger.MSSante
	faxes     []ledger.MonthSum
	journals  ledger.Journals
}

func (s *site) mssanteFacts(r *http.Request, books ledger.Snapshot) (x mssanteFacts, err error) {
	x.last = cmp.Or(books.Month, ledger.MonthOf(books.At, s.Location)).Add(-1)
	first, b := x.last.Add(1-mssanteMonths), s.books(r)
	group, ctx := errgroup.WithContext(r.Context())
	group.Go(func() (err error) { x.mailboxes, err = b.Mailboxes(ctx); return err })
	group.Go(func() (err error) { x.volumes, err = b.MailboxVolumes(ctx, first, x.last.Add(1)); return err })
	group.Go(func() (err error) { x.listing, err = b.Listing(ctx); return err })
	group.Go(func() (err error) { x.mssante, err = b.MSSante(ctx, first, x.last); return err })
	group.Go(func() (err error) { x.faxes, err = b.Months(ctx, x.last, x.last); return err })
	group.Go(func() (err error) { x.journals, err = b.Journals(ctx, x.last, x.last); return err })
	return x, group.Wait()
}

func (s *site) fillMSSante(r *http.Request, p *mssantePage, books ledger.Snapshot) error {
	x, err := s.mssanteFacts(r, books)
	if err != nil {
		return err
	}
	if p.Last, err = p.monthName(x.last); err != nil {
		return err
	}
	p.count(books)
	p.Directory, p.Moves = books.Directory, make(map[string]int)
	p.Age = p.Directory.Day.Until(ledger.Day(books.At.Std().In(s.Location).Format("2006-01-02")))
	for _, m := range x.listing.Moves {
		p.Moves[string(m.Move)]++
	}
	for _, l := range x.listing.Listed {
		if l.Lost == "" {
			p.Listed++
		}
	}
	if err := p.rows(r, x); err != nil {
		return err
	}
	if err := p.choices(r, books); err != nil {
		return err
	}
	if p.Trend, err = p.trend(x); err != nil {
		return err
	}
	return p.shares(r, books, x)
}

// count counts the states as metrics do.
func (p *mssantePage) count(books ledger.Snapshot) {
	counts := make(map[ledger.MailboxState]int64)
	for _, x := range books.Mailboxes {
		counts[x.State] += x.Count
	}
	for _, state := range ledger.MailboxStates() {
		p.States = append(p.States, stateCount{State: state, Count: counts[state], Link: p.link("/mssante", "state", string(state)) + "#addresses"})
	}
}

// rows are the addresses that are asked for, by service and address.
func (p *mssantePage) rows(r *http.Request, x mssanteFacts) error {
	q := r.URL.Query()
	listed := make(map[string]ledger.Listed, len(x.listing.Listed))
	for _, l := range x.listing.Listed {
		listed[l.Address] = l
	}
	use := usesOf(x.volumes)
	var all []mailboxRow
	for i, m := range x.mailboxes {
		if m.State == ledger.NoMailbox || i+1 < len(x.mailboxes) && x.mailboxes[i+1].Address == m.Address {
			continue
		}
		row, err := p.row(m, listed[m.Address], x.listing.Day != "", use)
		if err != nil {
			return err
		}
		if row.Disagree == "mssante.says.used" {
			p.Used++
		}
		switch service := p.register.Services[m.Service].Name; {
		case q.Get("state") != "" && q.Get("state") != string(m.State),
			q.Get("establishment") != "" && q.Get("establishment") != m.Establishment,
			q.Get("service") != "" && q.Get("service") != cmp.Or(m.Service, nobody),
			q.Get("found") != "" && q.Get("found") != row.Found && (q.Get("found") != "disagree" || row.Disagree == ""),
			p.Query != "" && !fitsAll(p.Query, m.Address, m.Kind, service, row.Within):
			continue
		}
		all = append(all, row)
	}
	slices.SortStableFunc(all, func(a, b mailboxRow) int {
		return cmp.Or(strings.Compare(a.Establishment, b.Establishment), strings.Compare(p.ServiceName(a.Service), p.ServiceName(b.Service)), strings.Compare(a.Address, b.Address))
	})
	var from, to int
	p.Turn, from, to = p.turned(q, "/mssante", len(all))
	p.Rows = all[from:to]
	for i := range p.Rows {
		p.Rows[i].Link = p.link("/mssante/address", "address", p.Rows[i].Address)
	}
	return nil
}

// uses are what is known of the messages of mailboxes lately.
type uses struct {
	last   map[string]ledger.MailboxVolume // the newest month of an address
	used   map[string]ledger.Month         // the newest with a message
	newest map[string]ledger.Month         // of a domain
}

func usesOf(volumes []ledger.MailboxVolume) uses {
	u := uses{make(map[string]ledger.MailboxVolume), make(map[string]ledger.Month), make(map[string]ledger.Month)}
	for _, v := range volumes { // by month
		if v.Whole() {
			continue
		}
		u.last[v.Address] = v
		u.newest[ledger.Domain(v.Address)] = v.Month
		if v.Sent != nil && *v.Sent > 0 || v.Received != nil && *v.Received > 0 {
			u.used[v.Address] = v.Month
		}
	}
	return u
}

// lately tells whether an address had a message in the last months of which its domain's are known; known is false where none are.
func (u uses) lately(address string) (used, known bool) {
	newest := u.newest[ledger.Domain(address)]
	return newest != 0 && u.used[address] > newest.Add(-idleMonths), newest != 0
}

// row says of an address how it is declared, found and used.
func (p *mssantePage) row(m ledger.Mailbox, l ledger.Listed, extracted bool, u uses) (row mailboxRow, err error) {
	row = mailboxRow{Mailbox: m, Month: u.last[m.Address]}
	service := p.register.Services[m.Service]
	row.Within = joined(" · ", p.register.Poles[service.Pole].Name, cmp.Or(p.register.Establishments[m.Establishment].Name, m.Establishment))
	switch {
	case !extracted:
	case l.Address != "" && l.Lost == "":
		row.Found, row.Since = "found", l.First
	case l.Lost != "":
		row.Found, row.Since = "lost", l.Lost
	case m.Kind == "APP":
		row.Found = "needless"
	default:
		row.Found = "absent"
	}
	if month := u.used[m.Address]; month != 0 {
		if row.LastUse, err = p.monthName(month); err != nil {
			return row, err
		}
	}
	if month := u.newest[ledger.Domain(m.Address)]; month != 0 {
		if row.Known, err = p.monthName(month); err != nil {
			return row, err
		}
	}
	used, known := u.lately(m.Address)
	switch {
	case known && used && m.State != ledger.MailboxUsed:
		row.Disagree = "mssante.says.used"
	case known && !used && m.State == ledger.MailboxUsed:
		row.Disagree = "mssante.says.idle"
	case m.State == ledger.MailboxPublished && (row.Found == "absent" || row.Found == "lost"):
		row.Disagree = "mssante.says.absent"
	case m.State == ledger.MailboxCreated && row.Found == "found":
		row.Disagree = "mssante.says.published"
	}
	return row, nil
}

// choices are what the addresses can be narrowed to.
func (p *mssantePage) choices(r *http.Request, books ledger.Snapshot) error {
	q := r.URL.Query()
	for _, name := range []string{"q", "establishment", "service", "state", "found"} {
		p.Narrowed = p.Narrowed || q.Get(name) != ""
	}
	fields := []field{
		{Name: "q", ID: "find", Label: "mssante.search", Type: "search", Value: p.Query},
		{Name: "establishment", Label: "map.structure", Type: "select", Value: q.Get("establishment"), Options: establishmentOptions(books.Register)},
		{Name: "service", Label: "column.department", Type: "select", Value: q.Get("service"), Options: serviceOptions(books.Register)},
		{Name: "state", Label: "column.state", Type: "select", Value: q.Get("state")},
		{Name: "found", Label: "mssante.directory", Type: "select", Value: q.Get("found")},
	}
	for _, state := range ledger.MailboxStates() {
		fields[3].Options = append(fields[3].Options, option{Value: string(state), Name: "mailbox." + string(state)})
	}
	for _, found := range []string{"found", "lost", "absent", "needless", "disagree"} {
		fields[4].Options = append(fields[4].Options, option{Value: found, Name: "mssante.is." + found})
	}
	any, err := p.T("map.any")
	if err != nil {
		return err
	}
	for i := range fields {
		x := &fields[i]
		if x.Label, err = p.T(x.Label); err != nil {
			return err
		}
		if x.Type != "select" {
			continue
		}
		for j := range x.Options {
			if i < 3 {
				break
			}
			if x.Options[j].Name, err = p.T(x.Options[j].Name); err != nil {
				return err
			}
		}
		x.Options = append([]option{{Name: any}}, x.Options...)
	}
	p.Choices = fields
	return nil
}

func establishmentOptions(r ledger.Register) (list []option) {
	for _, x := range r.Establishments {
		list = append(list, option{Value: x.ID, Name: cmp.Or(x.Name, x.ID)})
	}
	byName(list)
	return list
}

func serviceOptions(r ledger.Register) (list []option) {
	for _, x := range r.Services {
		name := cmp.Or(x.Name, x.ID)
		if len(r.Establishments) > 1 {
			name = joined(" – ", name, r.Establishments[x.Establishment].Name)
		}
		list = append(list, option{Value: x.ID, Name: name})
	}
	byName(list)
	return list
}

// trend draws the messages of the last months, and what of them belongs to no service.
func (p *mssantePage) trend(x mssanteFacts) (c chart, err error) {
	sums := make(map[ledger.Month]*[3]*int64) // received, sent, and of both what belongs to no service
	for _, v := range x.mssante.Messages {
		if sums[v.Month] == nil {
			sums[v.Month] = new([3]*int64)
		}
		m := sums[v.Month]
		m[0], m[1] = added(m[0], v.Received), added(m[1], v.Sent)
		if v.Service == "" {
			m[2] = added(m[2], added(v.Received, v.Sent))
		}
	}
	c = chart{speech: p.speech, ID: "messages", Series: []series{{Kind: barSeries}, {Kind: barSeries}, {Kind: lineSeries}}}
	for month := x.last.Add(1 - mssanteMonths); month <= x.last; month = month.Add(1) {
		name, err := p.shortMonth(month)
		if err != nil {
			return c, err
		}
		c.Labels = append(c.Labels, name)
		m := sums[month]
		if m == nil {
			m = new([3]*int64)
		}
		for i := range c.Series {
			c.Series[i].Values = append(c.Series[i].Values, knownIf(m[i]))
		}
	}
	return c, p.name(map[string]*string{
		"mssante.trend": &c.Title, "mssante.messages": &c.Unit, "mssante.trend.note": &c.Note, "mssante.month": &c.Across,
		"column.received": &c.Series[0].Name, "column.sent": &c.Series[1].Name, "mssante.global": &c.Series[2].Name,
	})
}

// word puts texts by their keys where they belong.
func (f frame) name(words map[string]*string) (err error) {
	for key, to := range words {
		if *to, err = f.T(key); err != nil {
			return err
		}
	}
	return nil
}

// shares are those of the last complete month, by the level that is asked for.
func (p *mssantePage) shares(r *http.Request, books ledger.Snapshot, x mssanteFacts) error {
	p.Level = indicators.Structure
	levels := []indicators.Level{indicators.Structure, indicators.Pole, indicators.Service}
	if by := indicators.Level(r.URL.Query().Get("by")); slices.Contains(levels, by) {
		p.Level = by
	}
	for _, level := range levels {
		link := pageLink{Path: p.link("/mssante", "by", string(level)) + "#substitution"}
		var err error
		if link.Name, err = p.T("mssante.by." + string(level)); err != nil {
			return err
		}
		if level == p.Level {
			link.Current = "true"
		}
		p.Levels = append(p.Levels, link)
	}
	b := indicators.Books{At: books.At, Register: &books.Register, Lines: books.Lines, Months: x.faxes, MSSante: x.mssante, Journals: x.journals}.Heard(x.last, x.last)
	for _, level := range []indicators.Level{p.Level, indicators.Whole} {
		for _, sub := range indicators.Substitutions(b, x.last, level) {
			row := shareRow{Substitution: sub, Name: sub.Scope.Name}
			if level == indicators.Whole {
				if row.Name, _ = p.T("mssante.whole"); len(p.Shares) == 1 {
					continue
				}
			} else if level != indicators.Structure {
				row.Within = books.Register.Establishments[sub.Scope.Establishment].Name
			}
			p.Shares = append(p.Shares, row)
		}
	}
	if n := len(p.Shares); n > maxRows { // the whole stands last, and stays
		p.Shares = append(p.Shares[:maxRows:maxRows], p.Shares[n-1])
	}
	return nil
}

// seeLost takes note that somebody knows of a lost address.
func (s *site) seeLost(w http.ResponseWriter, r *http.Request) {
	if err := s.books(r).SeeLost(r.Context(), author(r), r.PostFormValue("address")); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.done(w, r, "/mssante?done=saved")
}

// declareUsed declares the addresses used that have messages.
func (s *site) declareUsed(w http.ResponseWriter, r *http.Request) {
	_, books := s.frame(r, "title.mssante")
	x, err := s.mssanteFacts(r, books)
	if err == nil {
		use := usesOf(x.volumes)
		err = s.books(r).DeclareMailboxes(r.Context(), author(r), func(reg ledger.Register, before []ledger.Mailbox) ([]ledger.Mailbox, error) {
			return register.UseMailboxes(before, func(m ledger.Mailbox) (ledger.Month, bool) {
				used, _ := use.lately(m.Address)
				return use.used[m.Address], used && readerOf(r).Sees(m.Establishment)
			}), nil
		})
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.done(w, r, "/mssante?done=saved#addresses")
}

// refuse says why something can't be done.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, errNotAll):
		http.Error(w, errNotAll.Error(), http.StatusForbidden)
	case errors.Is(err, ledger.ErrNoUpload):
		http.Error(w, ledger.ErrNoUpload.Error(), http.StatusNotFound)
	default:
		s.Log.Error("change the books", "path", r.URL.Path, "error", err)
		http.Error(w, "the books can't be changed now; see the collector's log", http.StatusInternalServerError)
	}
}

// FewLost are those that stand on the page.
func (p mssantePage) FewLost() []ledger.LostMailbox {
	return p.Directory.Lost[:min(len(p.Directory.Lost), pageRows)]
}

// Number is a figure that may not be known.
func (p mssantePage) Number(n *int64) (string, error) { return p.value(knownIf(n)) }

// Speaker is who words things.
func (p mssantePage) Speaker() speech { return p.speech }
