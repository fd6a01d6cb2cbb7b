package stage

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// waves are those that the team planned, with how many months ahead their services are cut.
var waves = []struct {
	name     string
	months   int
	services []string
	note     string
}{
	{"Cancérologie", 2, []string{"oncologie", "radiotherapie"}, "Se faxent beaucoup l'une à l'autre : ensemble"},
	{"Femme-mère-enfant", 5, []string{"maternite", "pediatrie"}, "Après les formations"},
	{"Soins des Îles", 8, []string{"medecine-polyvalente", "laboratoire"}, ""},
}

// notes are what the team says of services: urgence vitale (1 least, 4 most), and whether they could begin.
var notes = []struct {
	service                       string
	urgency                       int
	motivated, available, blocked string
	blocker                       string
}{
	{"cardiologie", 2, "yes", "yes", "no", ""},
	{"urgences", 4, "no", "no", "yes", "secours du SAMU sans autre liaison"},
	{"oncologie", 2, "yes", "yes", "no", ""},
	{"maternite", 3, "yes", "no", "no", ""},
	{"pediatrie", 3, "yes", "yes", "no", ""},
	{"radiotherapie", 1, "yes", "yes", "yes", "appareil de traitement"},
	{"medecine-polyvalente", 2, "yes", "yes", "no", ""},
}

// plan declares waves, and what stands with services.
func (s *Stage) plan(ctx context.Context) error {
	for _, x := range waves {
		form := url.Values{"name": {x.name}, "cutoff": {s.monthsAgo(-x.months).Format(time.DateOnly)}, "note": {x.note}, "service": x.services}
		if err := s.send(ctx, "/waves/new", form); err != nil {
			return err
		}
	}
	for _, x := range notes {
		form := url.Values{
			"urgency": {fmt.Sprint(x.urgency)}, "motivated": {x.motivated}, "available": {x.available}, "blocked": {x.blocked}, "blocker": {x.blocker},
		}
		if err := s.send(ctx, "/services/"+x.service+"/planning", form); err != nil {
			return err
		}
	}
	return nil
}
