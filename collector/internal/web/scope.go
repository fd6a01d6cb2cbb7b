package web

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// books are the books as the reader may see them. All pages and lists are made of these.
func (s *site) books(r *http.Request) Books { return scoped(s.Books, readerOf(r)) }

// scoped is what a reader sees of the books.
func scoped(all Books, who reader) Books {
	switch {
	case !who.May(ledger.ReaderRole):
		return scope{all, reader{Establishments: []string{"\x00"}}} // which is no establishment's id
	case len(who.Establishments) == 0:
		return all
	}
	return scope{all, who}
}

// scope is the books as far as they are of a reader's establishments. What is of none, such as lines
// that nobody assigned, is only for those who see all. Books isn't embedded: whatever pages ask of
// them one day doesn't compile until it stands here, too.
type scope struct {
	all Books
	who reader
}

func (s scope) Snapshot(ctx context.Context) (ledger.Snapshot, error) {
	view, err := s.view(ctx)
	return view.Snapshot, err
}

func (s scope) Agents(ctx context.Context) ([]ledger.Agent, error) {
	view, err := s.view(ctx)
	return view.Agents, err
}

func (s scope) Watch(ctx context.Context, limit int) (ledger.Watch, error) {
	view, err := s.view(ctx)
	if err != nil {
		return ledger.Watch{}, err
	}
	watch, err := s.all.Watch(ctx, math.MaxInt32)
	open := keep(watch.Open, view.anomaly)
	return ledger.Watch{OpenCount: int64(len(open)), Open: open[:min(len(open), limit)]}, err
}

func (s scope) Anomalies(ctx context.Context, limit int) ([]ledger.Anomaly, error) {
	view, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.all.Anomalies(ctx, math.MaxInt32)
	all = keep(all, view.anomaly)
	return all[:min(len(all), limit)], err
}

func (s scope) Episodes(ctx context.Context, f ledger.EpisodeFilter) ([]ledger.Episode, error) {
	view, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	limit := f.Limit
	f.Limit = 0
	all, err := s.all.Episodes(ctx, f)
	all = keep(all, view.episode)
	if limit > 0 {
		all = all[:min(len(all), limit)]
	}
	return all, err
}

func (s scope) Months(ctx context.Context, from, to ledger.Month) ([]ledger.MonthSum, error) {
	sums, err := s.all.Months(ctx, from, to)
	return keep(sums, s.sum), err
}

func (s scope) Period(ctx context.Context, from, to ledger.Month) ([]ledger.MonthSum, error) {
	sums, err := s.all.Period(ctx, from, to)
	return keep(sums, s.sum), err
}

func (s scope) sum(x *ledger.MonthSum) bool { return s.who.Sees(x.Establishment) }

func (s scope) MSSante(ctx context.Context, from, to ledger.Month) (ledger.MSSante, error) {
	m, err := s.all.MSSante(ctx, from, to)
	return ledger.MSSante{Mailboxes: keep(m.Mailboxes, s.mailboxCount), Messages: keep(m.Messages, s.messages)}, err
}

func (s scope) mailboxCount(x *ledger.MailboxCount) bool { return s.who.Sees(x.Establishment) }
func (s scope) messages(x *ledger.Volume) bool           { return s.who.Sees(x.Establishment) }

// Weeks are those of the machines that are seen.
func (s scope) Weeks(ctx context.Context, from, to ledger.Week, zone *time.Location) ([]ledger.WeekSum, error) {
	view, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	sums, err := s.all.Weeks(ctx, from, to, zone)
	return keep(sums, func(x *ledger.WeekSum) bool { return view.devices[x.Device] }), err
}

// displacements are those of the lines that the reader sees. Each is found in all of its establishment, so that
// everybody reads the same. Where they aren't at hand and the page can do without, ok is false.
func (s *site) displacements(r *http.Request, books *ledger.Snapshot, wait bool) (list []indicators.Displacement, ok bool, err error) {
	if recent, is := s.Books.(*Recent); is {
		list, ok, err = recent.displaced.of(r.Context(), recent, s.Location, wait)
	} else {
		list, err = displacementsIn(r.Context(), s.Books, s.Location)
		ok = true
	}
	seen := make(map[string]bool, len(books.Lines))
	for i := range books.Lines {
		seen[books.Lines[i].ID] = true
	}
	return keep(list, func(d *indicators.Displacement) bool { return seen[d.Line] }), ok, err
}

// view is a snapshot as a reader sees it.
type view struct {
	ledger.Snapshot
	who     reader
	lines   map[string]bool // seen
	devices map[string]bool
	agents  map[string]bool
}

// view hides what isn't the reader's. The snapshot may be others', too: nothing in it is changed.
func (s scope) view(ctx context.Context) (view, error) {
	all, err := s.all.Snapshot(ctx)
	if err != nil {
		return view{}, err
	}
	v := view{
		Snapshot: ledger.Snapshot{At: all.At, Month: all.Month, Envelopes: all.Envelopes, Register: seen(&all.Register, s.who)},
		who:      s.who, lines: map[string]bool{}, devices: map[string]bool{}, agents: map[string]bool{},
	}
	v.takeLines(all.Lines)
	v.takeDevices(all.Devices, portsOfOthers(all.Lines, s.who))
	v.takeAgents(all.Agents, all.Devices)
	v.Certified = only(all.Certified, func(name string) bool { return v.agents[name] })
	v.AgentAnomalies = keep(all.AgentAnomalies, func(x *ledger.AnomalyCount) bool { return v.agents[x.Agent] })
	v.Sums = keep(all.Sums, func(x *ledger.Sum) bool { return s.who.Sees(x.Establishment) })
	v.Open = keep(all.Open, func(x *ledger.OpenEpisode) bool { return v.lines[x.Line] })
	v.Mailboxes = keep(all.Mailboxes, s.mailboxCount)
	v.Messages = keep(all.Messages, s.messages)
	v.Directory = ledger.Directory{
		Extraction: all.Directory.Extraction,
		Lost:       keep(all.Directory.Lost, func(x *ledger.LostMailbox) bool { return s.who.Sees(x.Establishment) }),
		Published:  keep(all.Directory.Published, func(x *ledger.PublishedCount) bool { return s.who.Sees(x.Establishment) }),
	}
	return v, nil
}

func (v *view) takeLines(all []ledger.Line) {
	for i := range all {
		if !v.who.Sees(all[i].Establishment) {
			continue
		}
		l := all[i]
		l.History = keep(l.History, func(x *ledger.Stretch) bool { return v.who.Sees(x.Establishment) })
		v.Lines = append(v.Lines, l)
		v.lines[l.ID] = true
		v.devices[l.Device], v.devices[l.Gateway] = true, true
	}
}

// takeDevices takes the machines on which a line hangs that is seen, and those declared to stand where the reader sees.
func (v *view) takeDevices(all []ledger.Device, others map[[2]string]bool) {
	for i := range all {
		d := all[i]
		if v.devices[d.ID] || v.stands(d.ID) || d.Serial != "" && v.stands(d.Serial) {
			v.devices[d.ID] = true
			d.Ports = keep(d.Ports, func(p *ledger.Port) bool { return !others[[2]string{d.ID, p.Port}] })
			v.Devices = append(v.Devices, d)
			v.agents[d.Agent] = true
		}
	}
}

// portsOfOthers are the ports, of machines and gateways, on which lines of others hang.
func portsOfOthers(lines []ledger.Line, who reader) map[[2]string]bool {
	others := make(map[[2]string]bool)
	for i := range lines {
		if l := &lines[i]; l.Establishment != "" && !who.Sees(l.Establishment) {
			others[[2]string{l.Device, l.Port}], others[[2]string{l.Gateway, l.GatewayPort}] = true, true
		}
	}
	for i := range lines { // what several share is theirs, too
		if l := &lines[i]; who.Sees(l.Establishment) {
			delete(others, [2]string{l.Device, l.Port})
			delete(others, [2]string{l.Gateway, l.GatewayPort})
		}
	}
	return others
}

func (v *view) stands(device string) bool {
	return len(v.Register.Devices[strings.ToLower(device)]) > 0
}

// takeAgents takes those that read a machine that is seen. What they tell of addresses is left out where
// they read others' machines, too.
func (v *view) takeAgents(all []ledger.Agent, devices []ledger.Device) {
	shared := map[string]bool{}
	for i := range devices {
		shared[devices[i].Agent] = shared[devices[i].Agent] || !v.devices[devices[i].ID]
	}
	for _, a := range all {
		if a.ID == "" || !v.agents[a.ID] {
			continue
		}
		if shared[a.ID] {
			a.Silent, a.Config.Error, a.Spool.Error = nil, "", ""
		}
		v.Agents = append(v.Agents, a)
	}
}

func (v *view) anomaly(x *ledger.Anomaly) bool {
	if x.Device != "" {
		return v.devices[x.Device]
	}
	return v.agents[x.Agent]
}

// episode tells by the narrowest that an episode is about whether it is seen.
func (v *view) episode(e *ledger.Episode) bool {
	switch {
	case e.Service != "":
		_, seen := v.Register.Services[e.Service]
		return seen
	case e.Line != "":
		return v.lines[e.Line]
	case e.Device != "":
		return v.devices[e.Device]
	}
	return v.agents[e.Agent]
}

// seen is what a reader sees of a register. Of a line or machine that is seen now its stays elsewhere are left out;
// one that has left is not seen at all. Targets of the structure as a whole are for those who see it.
func seen(all *ledger.Register, who reader) ledger.Register {
	at := func(p ledger.Place) bool { return who.Sees(all.Complete(p).Establishment) }
	r := ledger.Register{
		Establishments: only(all.Establishments, who.Sees),
		Sites:          only(all.Sites, func(id string) bool { return who.Sees(all.Sites[id].Establishment) }),
		Poles:          only(all.Poles, func(id string) bool { return who.Sees(all.Poles[id].Establishment) }),
		Services:       only(all.Services, func(id string) bool { return who.Sees(all.Services[id].Establishment) }),
		UFs:            versionsOf(all.UFs, func(x *ledger.UF) bool { return who.Sees(x.Establishment) }),
		Lines:          versionsOf(all.Lines, func(x *ledger.Declaration) bool { return at(x.Place) }),
		Devices:        versionsOf(all.Devices, func(x *ledger.DeclaredDevice) bool { return at(x.Place) }),
		Targets:        only(all.Targets, func(k ledger.TargetKey) bool { return at(ledger.Place{Establishment: k.Establishment, Pole: k.Pole}) }),
	}
	communes := map[string]bool{}
	for _, x := range r.Sites {
		communes[x.Commune] = true
	}
	r.Copper = only(all.Copper, func(commune string) bool { return communes[commune] })
	return r
}

// keep are the things that are wanted, in a list of their own.
func keep[T any](all []T, wanted func(*T) bool) []T {
	var list []T
	for i := range all {
		if wanted(&all[i]) {
			list = append(list, all[i])
		}
	}
	return list
}

// only are the things whose keys are wanted.
func only[K comparable, T any](all map[K]T, wanted func(K) bool) map[K]T {
	some := make(map[K]T)
	for key, x := range all {
		if wanted(key) {
			some[key] = x
		}
	}
	return some
}

// versionsOf are the versions that are wanted of the things whose last one is.
func versionsOf[K comparable, T any](all map[K][]T, wanted func(*T) bool) map[K][]T {
	some := make(map[K][]T)
	for key, versions := range all {
		if n := len(versions); n > 0 && wanted(&versions[n-1]) {
			some[key] = slices.Clip(keep(versions, wanted))
		}
	}
	return some
}

// common are the waves, of those that a reader of some establishments sees, that they don't see wholly.
func (s *site) common(ctx context.Context, shown []ledger.Wave) (map[int64]bool, error) {
	all, err := s.Books.Plan(ctx)
	services := make(map[int64]int)
	for _, w := range all.Waves {
		services[w.Number] = len(w.Services)
	}
	common := make(map[int64]bool)
	for _, w := range shown {
		common[w.Number] = services[w.Number] != len(w.Services)
	}
	return common, err
}
