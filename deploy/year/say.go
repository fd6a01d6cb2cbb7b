package year

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// What is true and what a collector says is compared as texts, one for each thing.

// Say is the text of an event.
func (e *Event) Say() string {
	return fmt.Sprintf("%s %s %s %s %d %s in (%s, %s] %s, noticed %s", e.Kind, e.Line, e.Machine.ID, e.Measure, e.Count, e.Unit,
		stamp(e.From), stamp(e.To), e.Certainty, stamp(e.Noticed))
}

// Say is the text of an episode.
func (x *Episode) Say() string {
	closed := "open"
	if !x.Closed.IsZero() {
		closed = fmt.Sprintf("closed %s, %s", stamp(x.Closed), x.Why)
	}
	return fmt.Sprintf("%s %s: opened %s, %s, %s", x.Kind, x.about(), stamp(x.Opened), closed, x.certainty())
}

// about is whom an episode is about.
func (x *Episode) about() string {
	if x.Kind == "anomaly" {
		return x.Machine
	}
	return x.subject()
}

// certainty is the best of an episode's events.
func (x *Episode) certainty() string {
	for _, c := range []string{"certain", "probable", "unsure", "test", "withdrawn"} {
		if slices.ContainsFunc(x.Events, func(e *Event) bool { return e.Certainty == c }) {
			return c
		}
	}
	return "none"
}

func stamp(t time.Time) string { return t.UTC().Format("01-02T15:04:05.000") }

// SayEvents are the texts of all events that belong to an episode. A test that nothing preceded makes none.
func (t *Truth) SayEvents() (texts []string) {
	for _, e := range t.Events {
		if e.episode != nil {
			texts = append(texts, e.Say())
		}
	}
	return texts
}

// SayEpisodes are the texts of all episodes.
func (t *Truth) SayEpisodes() (texts []string) {
	for _, x := range t.Episodes {
		texts = append(texts, x.Say())
	}
	return texts
}

// SaySums are the texts of all accounts.
func (t *Truth) SaySums() []string { return SaySums(t.Sums()) }

// SaySums are the texts of accounts, except empty ones.
func SaySums[A comparable](sums map[A]int64) (texts []string) {
	for account, count := range sums {
		if count != 0 {
			texts = append(texts, fmt.Sprintf("%+v: %d", account, count))
		}
	}
	return texts
}

// Difference tells in how far what was got isn't what was wanted; empty: in nothing.
func Difference(got, want []string) string {
	count := map[string]int{}
	for _, text := range got {
		count[text]++
	}
	for _, text := range want {
		count[text]--
	}
	var b strings.Builder
	n := 0
	for _, text := range slices.Sorted(maps.Keys(count)) {
		sign, times := "+", count[text]
		if times < 0 {
			sign, times = "-", -times
		}
		for range times {
			if n++; n <= 30 {
				fmt.Fprintf(&b, "%s %s\n", sign, text)
			}
		}
	}
	if n > 30 {
		fmt.Fprintf(&b, "… and %d more\n", n-30)
	}
	return b.String()
}
