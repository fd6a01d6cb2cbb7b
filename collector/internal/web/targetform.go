package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// newTarget is the row of a target that is to be added.
const newTarget = "new"

// aimForm is a form of a target as it came in.
type aimForm struct {
	of               string
	indicator        indicators.Indicator
	key              ledger.TargetKey
	was, from, value string
	remove           bool

	faults    faults
	conflicts []difference
}

// into puts what was typed into the row that it was typed in.
func (x *aimForm) into(a *aim) {
	row := &a.Add
	for i := range a.Rows {
		if a.Rows[i].Was == x.was {
			row = &a.Rows[i]
		}
	}
	if !x.remove {
		row.From.Value, row.Value.Value = x.from, x.value
	}
	row.From.Fault, row.Value.Fault = x.faults["from"], x.faults["value"]
}

// aimRow is the form of a target.
func (p *targetsPage) aimRow(t *ledger.Target) (row aimRow, err error) {
	row.Was = "always"
	if t.From != 0 {
		row.Was = t.From.String()
	}
	if row.From, row.Value, err = p.aimFields(row.Was); err != nil {
		return row, err
	}
	if row.Since, err = p.since(t.From); err != nil {
		return row, err
	}
	if t.From != 0 {
		row.From.Value = t.From.String()
	}
	if t.None {
		row.Says, err = p.T("aims.ended")
		return row, err
	}
	row.Value.Value = strconv.FormatInt(t.Value, 10)
	row.Says, err = p.T("aims.number", t.Value)
	return row, err
}

func (p *targetsPage) newRow() (row aimRow, err error) {
	row.Was = newTarget
	row.From, row.Value, err = p.aimFields(newTarget)
	return row, err
}

func (p *targetsPage) aimFields(row string) (from, value field, err error) {
	from = field{Name: "from", ID: "from-" + row, Type: "month"}
	value = field{Name: "value", ID: "value-" + row, Type: "text"}
	for key, to := range map[string]*string{
		"aims.from": &from.Label, "aims.from.hint": &from.Hint, "aims.target": &value.Label, "aims.value.hint": &value.Hint,
	} {
		if *to, err = p.T(key); err != nil {
			return from, value, err
		}
	}
	if row != newTarget {
		from.Hint, value.Hint = "", ""
	}
	return from, value, nil
}

// targetForm reads the form of a target.
func targetForm(r *http.Request) (x aimForm, ok bool) {
	x = aimForm{
		of: r.PostFormValue("of"), indicator: indicators.Indicator(r.PostFormValue("indicator")), was: r.PostFormValue("was"),
		from: r.PostFormValue("from"), value: r.PostFormValue("value"), remove: r.PostFormValue("action") == "remove",
	}
	x.key.Indicator = string(x.indicator)
	kind, id, _ := strings.Cut(x.of, ":")
	switch kind {
	case "whole":
	case "establishment":
		x.key.Establishment = id
	case "pole":
		x.key.Pole = id
	default:
		return x, false
	}
	return x, slices.Contains(indicators.Kit(), x.indicator)
}

// saveTarget adds, changes or removes a target.
func (s *site) saveTarget(w http.ResponseWriter, r *http.Request) {
	x, ok := targetForm(r)
	if !ok {
		http.Error(w, "no such target; want of and indicator", http.StatusBadRequest)
		return
	}
	err := s.books(r).Declare(r.Context(), author(r), func(before ledger.Register) (ledger.Register, error) {
		if err := unchanged(r, before.Targets[x.key]); err != nil {
			return before, err
		}
		return s.aimed(before, &x)
	})
	var wrong register.Faults
	switch {
	case err == nil || errors.Is(err, errNothing):
		done := "saved"
		if x.remove {
			done = "removed"
		}
		s.done(w, r, s.speech(r, 0).link("/targets", "of", x.of, "indicator", string(x.indicator), "done", done))
	case errors.Is(err, errChanged):
		s.conflictingTarget(w, r, &x)
	case errors.As(err, &wrong):
		x.faults = s.aimFaults(r, wrong)
		s.showTargets(w, r, &x)
	case errors.Is(err, errNotYours):
		http.Error(w, err.Error(), http.StatusForbidden)
	default:
		s.Log.Error("save the target", "error", err)
		http.Error(w, "the target could not be saved; the log says why", http.StatusInternalServerError)
	}
}

// aimed is the register with what the form says.
func (s *site) aimed(before ledger.Register, x *aimForm) (ledger.Register, error) {
	after := before
	moves := x.was != newTarget && x.was != x.from && !(x.was == "always" && x.from == "")
	if x.remove || moves {
		from := ledger.Month(0)
		if x.was != "always" {
			var err error
			if from, err = register.ReadMonth(x.was); err != nil {
				return before, errChanged
			}
		}
		after = register.WithoutTarget(before, ledger.Target{Indicator: x.key.Indicator, Establishment: x.key.Establishment, Pole: x.key.Pole, From: from})
	}
	if x.remove {
		return after, nil
	}
	if month, err := register.ReadMonth(x.from); err == nil && (x.was == newTarget || moves) {
		if slices.ContainsFunc(after.Targets[x.key], func(t ledger.Target) bool { return t.From == month }) {
			return before, register.Faults{{Column: "twice"}}
		}
	}
	place := before.Complete(ledger.Place{Establishment: x.key.Establishment, Pole: x.key.Pole})
	table, err := register.Typed(register.Targets, map[string]string{
		"indicator": x.key.Indicator, "establishment": place.Establishment, "pole": x.key.Pole, "from": x.from, "value": x.value,
	})
	if err != nil {
		return before, err
	}
	plan, err := register.PlanTargets(after, table, register.Options{Zone: s.Location})
	if err == nil && plan.Nothing && !moves {
		err = errNothing
	}
	return plan.Register, err
}

// aimFaults words the faults of a target at its fields.
func (s *site) aimFaults(r *http.Request, wrong register.Faults) faults {
	speech := s.speech(r, 0)
	said := faults{}
	for _, note := range wrong {
		text, at := note.In(speech.language()), note.Column
		key := map[string]string{"from": "aims.fault.from", "value": "aims.fault.value", "twice": "aims.fault.twice"}[at]
		if words, err := speech.T(key); err == nil {
			text = words
		}
		if at == "twice" {
			at = "from"
		}
		if at != "from" && at != "value" {
			at = ""
		}
		said[at] = text
	}
	return said
}

// conflictingTarget shows the form again beside what somebody else made of the target meanwhile.
func (s *site) conflictingTarget(w http.ResponseWriter, r *http.Request, x *aimForm) {
	speech := s.speech(r, 0)
	books, err := s.books(r).Snapshot(r.Context())
	if err != nil {
		s.unreadable(w, err)
		return
	}
	yours, standing := "", ""
	say := func(from ledger.Month, value string) string {
		since, failed := speech.since(from)
		if failed != nil {
			err = failed
		}
		return since + speech.Colon() + value
	}
	for _, t := range books.Register.Targets[x.key] {
		value := "—"
		if !t.None {
			value = strconv.FormatInt(t.Value, 10)
		}
		standing = joined(" · ", standing, say(t.From, value))
	}
	if !x.remove {
		yours = x.from + speech.Colon() + x.value
		if month, wrong := register.ReadMonth(x.from); wrong == nil {
			yours = say(month, x.value)
		}
	}
	label, failed := speech.T("indicator." + string(x.indicator))
	if err = errors.Join(err, failed); err != nil {
		s.Log.Error("word the conflict", "error", err)
	}
	x.conflicts = []difference{{label, yours, standing}}
	s.showTargets(w, r, x)
}
