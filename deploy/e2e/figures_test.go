//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/dashboards/boards"
	"github.com/zerofax/zerofax/deploy/stage"
)

// figures are what a query says by some labels; "" is the label of what has none.
type figures map[string]float64

// panel asks the nth query of a panel, with values of the dashboard's variables as name=value.
func panel(t *testing.T, s *stage.Stage, dashboard, title string, nth int, label string, variables ...string) figures {
	t.Helper()
	values := map[string]string{}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		values[name] = value
	}
	q := query(t, dashboard, title, nth)
	return answer(t, s, q, q.At(begin(q, s.Truth.Now), time.Now(), time.Second, values), label)
}

// query is the nth query of a panel of a French dashboard.
func query(t *testing.T, dashboard, title string, nth int) boards.Query {
	t.Helper()
	var titles []string
	for _, q := range boards.Queries() {
		if q.Dashboard != "zerofax-"+dashboard+"-fr" {
			continue
		}
		panel := strings.ReplaceAll(q.Panel, "\u00a0", " ")
		if titles = append(titles, panel); panel != title {
			continue
		}
		if nth == 0 {
			return q
		}
		nth--
	}
	t.Fatalf("dashboard %s has no panel %q with so many queries; it has %q", dashboard, title, slices.Compact(titles))
	return boards.Query{}
}

func answer(t *testing.T, s *stage.Stage, q boards.Query, text, label string) figures {
	t.Helper()
	got := figures{}
	if q.Source == "influxdb" {
		rows, err := s.InfluxQL(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			for _, v := range r.Values {
				if n, ok := v[1].(float64); ok {
					got[r.Tags[label]] += n
				}
			}
		}
		return got
	}
	samples, err := s.PromQL(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range samples {
		got[x.Labels[label]] += x.Value
	}
	return got
}

// same compares figures. What is 0 may be absent on either side: a panel says "0" or nothing as it likes,
// but for what others check.
func (got figures) same(t *testing.T, what string, want figures) {
	t.Helper()
	for key, n := range want {
		if math.Abs(got[key]-n) > 1e-9*math.Abs(n) {
			t.Errorf("%s, %q: got %v, want %v", what, key, got[key], n)
		}
	}
	for key, n := range got {
		if _, known := want[key]; !known && n != 0 {
			t.Errorf("%s, %q: got %v, want nothing", what, key, n)
		}
	}
}

func one(n int) figures { return figures{"": float64(n)} }

// panelsAreTrue compares what panels show with what happened.
func panelsAreTrue(t *testing.T, s *stage.Stage) {
	truth := s.Truth
	for _, establishment := range []string{"", "chu-exemple", "ch-iles"} {
		var values []string
		if establishment != "" {
			values = []string{"establishment=" + establishment}
		}
		steering(t, s, func(l *stage.Line) bool { return establishment == "" || l.Service.Establishment == establishment }, values...)
	}
	lines, after := figures{}, figures{}
	for line, n := range truth.After {
		after[line] = float64(n)
	}
	for line, n := range truth.Messages {
		after[line] += float64(n)
	}
	panel(t, s, "apres-coupure", "Lignes faxées après leur coupure", 4, "line").same(t, "after the cut-off", after)
	for line := range truth.Unsure {
		if truth.Now.Sub(lineOf(truth, line).Cutoff) < 7*24*time.Hour { // else it was closed by now
			lines[line] = 1
		}
	}
	panel(t, s, "apres-coupure", "Fax incertains", 0, "line").same(t, "unsure faxes", lines)
	for _, service := range truth.Services {
		ofService(t, s, service)
	}
	trends(t, s)
	fleetPanels(t, s)
}

func lineOf(truth *stage.Truth, number string) *stage.Line {
	for _, l := range truth.Lines {
		if l.Number == number {
			return l
		}
	}
	return nil
}

// steering compares Pilotage, for some establishments.
func steering(t *testing.T, s *stage.Stage, in func(*stage.Line) bool, values ...string) {
	truth := s.Truth
	count := func(which func(*stage.Line) bool) int {
		return truth.Count(func(l *stage.Line) bool { return in(l) && which(l) })
	}
	state := func(state string) func(*stage.Line) bool {
		return func(l *stage.Line) bool { return l.State == state }
	}
	ended := func(l *stage.Line) bool {
		return !l.Cutoff.IsZero() && l.KeptReason == "" && l.Cutoff.Before(truth.Now)
	}
	noticed := func(l *stage.Line) bool { return truth.Noticed[l.Number].After(truth.Now.AddDate(0, 0, -30)) }
	all, cut := count(func(*stage.Line) bool { return true }), count(state("cut"))
	for title, want := range map[string]figures{
		"Lignes actives":                 one(count((*stage.Line).Active)),
		"Lignes coupées":                 {"": float64(cut) / float64(all)},
		"Plan tenu":                      {"": math.Min(1, float64(cut)/float64(count(ended)))},
		"Coupure dépassée":               one(count(state("overdue"))),
		"Lignes non vues":                one(count((*stage.Line).Unseen)),
		"Fax après coupure":              one(count(noticed)),
		"Lignes coupées : prévu et fait": one(count(ended)),
	} {
		panel(t, s, "pilotage", title, 0, "", values...).same(t, fmt.Sprint(title, values), want)
	}
	panel(t, s, "pilotage", "Lignes coupées : prévu et fait", 1, "", values...).same(t, fmt.Sprint("cut", values), one(cut))
	states := map[string]int{}
	poles, services, sent := figures{}, figures{}, figures{}
	for _, l := range truth.Lines {
		if !in(l) {
			continue
		}
		states[l.State]++
		if l.Active() {
			poles[l.Service.Pole]++
			services[l.Service.ID]++
		}
		if l.Service.ID != "" {
			sent[l.Service.ID] = monthly(s, l.Service, "sent")
		}
	}
	for nth, state := range []string{"active", "quiet", "dormant", "blind", "overdue", "kept", "cut"} { // a bar each
		panel(t, s, "pilotage", "Lignes par état", nth, "", values...).same(t, fmt.Sprint(state, values), one(states[state]))
	}
	panel(t, s, "pilotage", "Lignes par pôle", 2, "pole", values...).same(t, fmt.Sprint("active lines of poles", values), poles)
	panel(t, s, "pilotage", "Lignes par service", 3, "service", values...).same(t, fmt.Sprint("active lines of services", values), services)
	panel(t, s, "pilotage", "Les 10 plus gros émetteurs, 30 jours", 0, "service", values...).same(t, fmt.Sprint("senders", values), sent)
}

// trends compares the curves of Pilotage, by the months that begin in them.
func trends(t *testing.T, s *stage.Stage) {
	for title, way := range map[string]string{
		"Reçus : pages de fax et messages MSSanté": "received", "Émis : pages de fax et messages MSSanté": "sent",
	} {
		paris, err := time.LoadLocation("Europe/Paris")
		if err != nil {
			t.Fatal(err)
		}
		from := begin(query(t, "pilotage", title, 0), s.Truth.Now).In(paris)
		first := time.Date(from.Year(), from.Month()+1, 1, 0, 0, 0, 0, paris).Format("2006-01")
		want := s.Truth.Sum(true, func(b *stage.Booking) bool { return b.Direction == way && b.Month() >= first })
		got := panel(t, s, "pilotage", title, 0, "indicator")
		figures{"": got["fax_"+way]}.same(t, title, one(int(want)))
	}
}

// monthly are the pages of the last 30 days as Prometheus sees them: by when the collector heard of them,
// since the first full hour, at which it has a scrape.
func monthly(s *stage.Stage, service *stage.Service, direction string) float64 {
	from := time.Now().AddDate(0, 0, -30)
	if from.Sub(from.Truncate(time.Hour)) > 4*time.Minute { // what is older isn't found any more
		from = from.Add(time.Hour)
	}
	from = from.Truncate(time.Hour)
	return float64(s.Truth.Sum(true, func(b *stage.Booking) bool {
		return b.Service == service.ID && b.Direction == direction && b.Known.After(from)
	}))
}

// ofService compares Service.
func ofService(t *testing.T, s *stage.Stage, service *stage.Service) {
	truth, value := s.Truth, "service="+service.ID
	active := truth.Count(func(l *stage.Line) bool { return l.Service == service && l.Active() })
	panel(t, s, "service", "Lignes actives", 0, "", value).same(t, service.ID+": active lines", one(active))
	panel(t, s, "service", "Pages émises, 30 j", 0, "", value).same(t, service.ID+": sent", figures{"": monthly(s, service, "sent")})
	panel(t, s, "service", "Pages reçues, 30 j", 0, "", value).same(t, service.ID+": received", figures{"": monthly(s, service, "received")})
	for title, way := range map[string]string{
		"Pages émises par jour": "sent", "Pages reçues par jour": "received", "Pages de sens inconnu par jour": "unknown", "Messages par jour": "",
	} {
		from := begin(query(t, "service", title, 0), truth.Now)
		want := truth.Sum(way != "", func(b *stage.Booking) bool {
			return b.Service == service.ID && (b.Direction == way || way == "") && !b.At.Before(from)
		})
		panel(t, s, "service", title, 0, "", value).same(t, service.ID+": "+title, one(int(want)))
	}
}

// fleetPanels compares Parc and Collecteur.
func fleetPanels(t *testing.T, s *stage.Stage) {
	vendors := figures{}
	for _, m := range s.Truth.Machines {
		vendors[m.Vendor]++
	}
	panel(t, s, "parc", "Machines par marque", 0, "vendor").same(t, "machines by vendor", vendors)
	panel(t, s, "parc", "Agents en ligne", 0, "").same(t, "agents", figures{"": 2. / 3})
	panel(t, s, "parc", "Abandonnées", 0, "").same(t, "dropped", figures{"": float64(s.Truth.Dropped)})
	panel(t, s, "parc", "Agents par version", 0, "version").same(t, "versions", figures{"1.4.0": 1, "1.3.0": 1, "1.2.1": 1})
	for nth, want := range []int{3, len(s.Truth.Machines), len(s.Truth.Lines)} {
		panel(t, s, "collecteur", "Ce que les comptes connaissent", nth, "").same(t, fmt.Sprint("known ", nth), one(want))
	}
}
