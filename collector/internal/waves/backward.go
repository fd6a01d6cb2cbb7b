package waves

import (
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Step is when something is to be done, in days before a wave's day; after it where that is below 0.
type Step struct {
	Kind ledger.MilestoneKind
	Days int
}

// Steps are those of a backward plan. The national kit names what is to be done and that partners are to be told
// before the cut; how long before is ours, and people change it as they like.
func Steps() []Step {
	return []Step{
		{ledger.ProceduresReady, 90},
		{ledger.AddressesReady, 75},
		{ledger.ToldInside, 60},
		{ledger.ToldOutside, 45},
		{ledger.Trained, 30},
		{ledger.FirstCheck, 21},
		{ledger.AutomaticReply, 14},
		{ledger.LastCheck, 7},
		{ledger.CheckAfter, -7},
		{ledger.ChecklistCheck, -30},
	}
}

// Backward are the milestones of a wave's day, in order. None falls on a weekend: those before the day come earlier,
// those after it later. Holidays are not known.
func Backward(wave int64, cutoff ledger.Day) (plan []ledger.Milestone) {
	day, err := time.Parse(time.DateOnly, string(cutoff))
	if err != nil {
		return nil
	}
	for _, step := range Steps() {
		at, way := day.AddDate(0, 0, -step.Days), -1
		if step.Days < 0 {
			way = 1
		}
		for at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
			at = at.AddDate(0, 0, way)
		}
		plan = append(plan, ledger.Milestone{Wave: wave, Kind: step.Kind, Day: ledger.Day(at.Format(time.DateOnly))})
	}
	return plan
}

// Complete are milestones with those of a wave's backward plan that are missing.
func Complete(all []ledger.Milestone, wave int64, cutoff ledger.Day) []ledger.Milestone {
	known := make(map[ledger.MilestoneKind]bool)
	for _, m := range all {
		if m.Wave == wave {
			known[m.Kind] = true
		}
	}
	for _, m := range Backward(wave, cutoff) {
		if !known[m.Kind] {
			all = append(all, m)
		}
	}
	return all
}

// Again are milestones with those of a wave's backward plan that are not done yet on their days anew, for a wave whose
// day was moved.
func Again(all []ledger.Milestone, wave int64, cutoff ledger.Day) []ledger.Milestone {
	days := make(map[ledger.MilestoneKind]ledger.Day)
	for _, m := range Backward(wave, cutoff) {
		days[m.Kind] = m.Day
	}
	for i := range all {
		if m := &all[i]; m.Wave == wave && m.Done == "" && days[m.Kind] != "" {
			m.Day = days[m.Kind]
		}
	}
	return Complete(all, wave, cutoff)
}
