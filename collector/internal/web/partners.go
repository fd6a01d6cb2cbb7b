package web

import (
	"cmp"
	"context"
	"encoding/csv"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// partner is a correspondent as public files and the team know it.
type partner struct {
	ledger.Correspondent
	Known    ledger.Known
	Critical string // what the team calls it among its critical partners; empty: it isn't one
}

// Equipped says whether it has MSSanté; Addresses where.
func (p partner) Equipped() string { return string(p.Known.Equipped) }

// Addresses are those that are published of it.
func (p partner) Addresses() string {
	list := make([]string, len(p.Known.Published))
	for i, m := range p.Known.Published {
		list[i] = m.Address
	}
	return strings.Join(slices.Compact(list), ", ")
}

// known names correspondents by public files, and finds the critical partners among them, by number or by name.
func (s *site) known(ctx context.Context, books Books, f frame, all []ledger.Correspondent) ([]partner, error) {
	ids := make([]int64, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	known, err := books.Known(ctx, ids)
	if err != nil {
		return nil, err
	}
	critical, err := s.critical(ctx, books)
	if err != nil {
		return nil, err
	}
	list := make([]partner, len(all))
	for i, c := range all {
		k := known[c.ID]
		k.Equipped = cmp.Or(k.Equipped, ledger.EquippedUnknown)
		if c.Name == "" {
			c.Name = f.called(&k)
		}
		list[i] = partner{c, k, critical.of(c.ID, &k)}
	}
	return list, nil
}

// called is what somebody is called of whom public files know: where a number is several's, and they have nothing in
// common, all of them.
func (f frame) called(k *ledger.Known) string {
	switch name := k.Name(); {
	case k.Several() < 2:
		return name
	case name != "":
		return f.say("partner.several.at", name, k.Several())
	}
	var names []string
	for _, h := range k.Holders[:min(len(k.Holders), 3)] {
		names = append(names, h.Name)
	}
	if k.Several() > len(names) {
		names = append(names, "…")
	}
	return f.say("partner.several", k.Several(), strings.Join(names, ", "))
}

// criticals are the critical partners by the party of their number, and by their name.
type criticals struct {
	byParty map[int64]string
	byName  map[string]string
}

func (s *site) critical(ctx context.Context, books Books) (c criticals, err error) {
	c = criticals{make(map[int64]string), make(map[string]string)}
	all, err := books.Followups(ctx)
	if err != nil {
		return c, err
	}
	names, numbers := make(map[string]string), []string(nil)
	for _, x := range all {
		if x.Kind != ledger.Partner {
			continue
		}
		c.byName[register.SoughtPlace(x.Who)] = x.Who
		if read, _, err := s.Dialling.Read(x.Contact); err == nil && len(read) == 1 && read[0].Key != "" {
			names[read[0].Key], numbers = x.Who, append(numbers, read[0].Key)
		}
	}
	parties, err := books.PartiesOf(ctx, numbers)
	for number, id := range parties {
		c.byParty[id] = names[number]
	}
	return c, err
}

func (c criticals) of(id int64, k *ledger.Known) string {
	if name := c.byParty[id]; name != "" {
		return name
	}
	for _, h := range k.Holders {
		for _, text := range []string{h.Name, h.Place} {
			if name := c.byName[register.SoughtPlace(text)]; name != "" {
				return name
			}
		}
	}
	return ""
}

// partnersCSV lists the correspondents of what is chosen, with ?wave=N of the lines of a wave; or with ?without=1 those to
// be warned before a cut-off: all that aren't known to have MSSanté.
func (s *site) partnersCSV(w http.ResponseWriter, r *http.Request) {
	p, err := s.flowsOf(r)
	if err != nil || p.Fault {
		s.noTable(w, err)
		return
	}
	_, books := s.frame(r, "title.flows")
	without, most := r.URL.Query().Has("without"), mostPartners
	if without { // nobody may be left out
		most = math.MaxInt32
	}
	all, err := s.partnersListed(r, &p, books.Lines, most)
	if err != nil {
		s.noTable(w, err)
		return
	}
	var table strings.Builder
	table.WriteString("\ufeff")
	out := csv.NewWriter(&table)
	out.Comma = ';'
	row := func(cells ...string) {
		for i := range cells {
			cells[i] = register.Guarded(cells[i])
		}
		_ = out.Write(cells) // to memory
	}
	row(p.say("flows.partner"), p.say("partner.name"), p.say("partner.town"), p.say("partner.equipped"), p.say("partner.addresses"), p.say("partner.day"),
		p.say("partner.critical"), p.say("flows.partner.received"), p.say("flows.partner.sent"))
	for _, x := range all {
		if without && x.Known.Equipped == ledger.EquippedYes {
			continue
		}
		row(x.Masked, x.Name, x.Known.Town(), p.say("partner."+x.Equipped()), x.Addresses(), string(x.Known.Day), x.Critical,
			p.say("flows.number", x.Received), p.say("flows.number", x.Sent))
	}
	out.Flush()
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="correspondants.csv"`)
	if _, err := w.Write([]byte(table.String())); err != nil {
		s.Log.Debug("send the table", "error", err)
	}
}

// partnersListed are those of what is chosen; where a wave is asked for, of all its lines.
func (s *site) partnersListed(r *http.Request, p *flowsPage, lines []ledger.Line, most int) ([]partner, error) {
	number := r.URL.Query().Get("wave")
	if number == "" {
		return s.partners(r.Context(), s.books(r), p, lines, most)
	}
	waves, err := s.books(r).Waves(r.Context())
	if err != nil {
		return nil, err
	}
	waves = keep(waves, func(w *ledger.Wave) bool { return strconv.FormatInt(w.Number, 10) == number })
	var wanted []string
	for i := range lines {
		if slices.ContainsFunc(waves, func(w ledger.Wave) bool { return slices.Contains(w.Services, lines[i].Service) }) {
			wanted = append(wanted, lines[i].ID)
		}
	}
	all, err := correspondentsOf(r.Context(), s.books(r), wanted, p.First, p.Last, p.Unit, most)
	if err != nil {
		return nil, err
	}
	return s.known(r.Context(), s.books(r), p.frame, all)
}

// Warn is where those are listed who are to be warned, of what is chosen.
func (p flowsPage) Warn() string {
	return p.same("/flows/partners.csv") + "&without=1"
}
