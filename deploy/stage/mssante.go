package stage

import (
	"fmt"
	"time"
)

// What takes the place of fax: as much as a service gave up faxing it sends by MSSanté, from a year and a half ago on.

// Volume is what a service sent and received by MSSanté in a month.
type Volume struct {
	Month          string // 2026-10
	Service        *Service
	Received, Sent int64
}

// Mailbox is an MSSanté address of a service, and since when it is in a state.
type Mailbox struct {
	Address string
	Service *Service
	State   string // created, published, used or inactive
	Since   time.Time
}

const mssanteMonths = 18

// volumes are those of all services, up to the month before the present one.
func (h *hospital) volumes() (all []Volume) {
	today := h.now.In(h.paris)
	for ago := mssanteMonths; ago > 0; ago-- {
		month := time.Date(today.Year(), today.Month()-time.Month(ago), 1, 0, 0, 0, 0, h.paris).Format("2006-01")
		for i, s := range h.services {
			gone := min(1, max(0, (s.turn+5-float64(ago))/10)) * (1 - s.left)
			all = append(all, Volume{month, s, int64(20 + 600*gone + float64(7*i)), int64(10 + 450*gone + float64(5*i))})
		}
	}
	return all
}

// mailboxes are those of all services, each with what became of it, in order.
func (h *hospital) mailboxes() (all []Mailbox) {
	for i, s := range h.services {
		for n := range 2 + i%3 {
			add := func(state string, months int) {
				all = append(all, Mailbox{fmt.Sprintf("%s-%d@%s.mssante.fr", s.ID, n+1, s.Establishment), s, state, h.ago(h.paris, months, 0)})
			}
			add("created", mssanteMonths-n)
			switch {
			case n == 3:
			case n == 2:
				add("published", 5)
			default:
				add("published", 12-n)
				add("used", 10-i-n)
			}
			if i == 0 && n == 1 {
				add("inactive", 1)
			}
		}
	}
	return all
}

// boxesTable is what each address of the university hospital's domain sent and received of late: most of what its
// service did, the rest being software's.
func (h *hospital) boxesTable() []byte {
	used := map[*Service][]string{}
	for _, m := range h.mailboxes() {
		if m.State == "used" && m.Service.Establishment == "chu-exemple" {
			used[m.Service] = append(used[m.Service], m.Address)
		}
	}
	var rows [][]string
	for _, v := range h.volumes() {
		for i, address := range used[v.Service] {
			if v.Month < h.monthsAgo(boxesMonths).Format("2006-01") {
				continue
			}
			part := []int64{60, 25}[i%2]
			rows = append(rows, []string{v.Month, address, fmt.Sprint(v.Received * part / 100), fmt.Sprint(v.Sent * part / 100)})
		}
	}
	return table([]string{"Mois", "Adresse", "Reçus", "Émis"}, rows)
}

// boxesMonths is how many months ago the operator began to tell the messages of each address.
const boxesMonths = 4

func volumesTable(volumes []Volume) []byte {
	var rows [][]string
	for _, v := range volumes {
		rows = append(rows, []string{v.Month, v.Service.EstablishmentName, v.Service.Name, fmt.Sprint(v.Received), fmt.Sprint(v.Sent)})
	}
	return table([]string{"Mois", "Établissement", "Service", "Reçus", "Émis"}, rows)
}

func (h *hospital) mailboxesTable() []byte {
	french := map[string]string{"created": "créée", "published": "publiée", "used": "utilisée", "inactive": "inactive"}
	var rows [][]string
	for _, m := range h.mailboxes() {
		rows = append(rows, []string{m.Address, "ORG", m.Service.EstablishmentName, m.Service.Name, french[m.State], date(m.Since)})
	}
	return table([]string{"Adresse", "Type de BAL", "Établissement", "Service", "État", "Depuis"}, rows)
}
