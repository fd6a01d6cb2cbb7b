package stage

// A service that loses its fax goes to the one next door.

// borrowing adds a line of the emergencies that stood among cardiology and was cut 12 weeks ago. Its people go on, on a
// machine of their neighbours'. It gives the line, and the machine that took over.
func (h *hospital) borrowing() (*Line, *Machine) {
	var urgences *Service
	var next *Machine
	for _, l := range h.lines {
		if l.Service.ID == "urgences" {
			urgences = l.Service
		}
		if l.Service.ID == "cardiologie" && l.Machine != nil && l.Machine.kind == allThree && l.CutOn.IsZero() {
			next = l.Machine
		}
	}
	l := h.cut(h.own(urgences, sentReceived, 16), 0, 7*12)
	next.guest, next.since = l.Machine, l.Cutoff
	return l, next
}

// floors are where the machines of services stand.
var floors = map[string]string{
	"urgences": "Site Nord > Bâtiment A > Niveau 0", "cardiologie": "Site Nord > Bâtiment A > Niveau 1",
	"oncologie": "Site Nord > Bâtiment B > Niveau 1", "maternite": "Site Nord > Bâtiment C > Niveau 0", "pediatrie": "Site Nord > Bâtiment C > Niveau 1",
	"radiotherapie":        "Site Sud > Bâtiment D > Niveau 0",
	"medecine-polyvalente": "Saint-Pierre > Bâtiment principal > Niveau 1", "laboratoire": "Saint-Pierre > Bâtiment principal > Niveau 0",
}

// devicesTable is where machines stand. Those of a service that borrows one stand beside it.
func (h *hospital) devicesTable() []byte {
	var rows [][]string
	for _, m := range h.machines {
		if len(m.lines) == 0 {
			continue
		}
		s := m.lines[0].Service
		floor := floors[s.ID]
		for _, next := range h.machines {
			if next.guest == m {
				floor = floors[next.lines[0].Service.ID]
			}
		}
		rows = append(rows, []string{m.ID, floor})
	}
	return table([]string{"Machine", "Lieu"}, rows)
}
