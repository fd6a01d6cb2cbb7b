package status

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/agent/wire"
)

// frame is what is around every page.
type frame struct {
	page.Speech
	Agent   string
	Version string
	Other   string // URL of this page in the other language
	Query   string // what the reader searches
	State   state  // which targets the reader wants; empty = all
}

// frame follows the request; kept are those of its parameters that make the page.
func (p *Page) frame(r *http.Request, kept ...string) frame {
	query := r.URL.Query()
	f := frame{
		Speech: texts.Speech(r, "fr", p.Location, p.now()), Agent: p.Agent, Version: p.Version,
		Query: strings.TrimSpace(query.Get("q")), State: state(query.Get("state")),
	}
	if !slices.Contains(states, f.State) {
		f.State = ""
	}
	f.Other = f.OtherLanguage(r.URL, kept...)
	return f
}

// States are those that can be asked for.
func (f frame) States() []state { return states }

// Lang is the page's language.
func (f frame) Lang() string {
	if f.French {
		return "fr"
	}
	return "en"
}

// When says a day and time with its zone.
func (f frame) When(t wire.Time) string { return f.At(t) + " " + f.Zone(t) }

// In says how long after now t will be, or how long ago it should have been.
func (f frame) In(t wire.Time) (string, error) {
	left := t.Sub(f.Now)
	if left < time.Second && left >= -tardy {
		return f.T("soon")
	}
	length, err := f.Length(left)
	if err != nil {
		return "", err
	}
	if left < 0 {
		return f.T("overdue", length)
	}
	return f.T("in", length)
}

// Since says for how long something lasts.
func (f frame) Since(t wire.Time) (string, error) { return f.Length(f.Now.Sub(t)) }

// Size says a number of bytes.
func (f frame) Size(n int64) (string, error) {
	for _, unit := range []struct {
		size float64
		key  string
	}{{1e9, "size.g"}, {1e6, "size.m"}, {1e3, "size.k"}} {
		if float64(n) >= unit.size {
			return f.T(unit.key, float64(n)/unit.size)
		}
	}
	return f.T("size", n)
}

// CountOf is Count for an int.
func (f frame) CountOf(key string, n int) (string, error) { return f.Count(key, int64(n)) }

// Word says a value of ours that has a text, such as status.idle; else it stands as it is.
func (f frame) Word(kind, value string) string {
	said, err := f.T(kind + "." + cmp.Or(value, "unknown"))
	if err != nil {
		return value
	}
	return said
}

// Phrase is an English sentence of another package, in French if the page is and its
// translation is known.
func (f frame) Phrase(english string) string {
	if !f.French {
		return english
	}
	text := strings.TrimPrefix(english, "identify: ")
	for _, p := range phrases {
		if values, ok := taken(text, p[page.English]); ok {
			for i, v := range values {
				values[i] = duration(v.(string))
			}
			return fmt.Sprintf(page.Unbroken(p[page.French]), values[:strings.Count(p[page.French], "%s")]...)
		}
	}
	return english
}

// taken are the texts that stand for %s in form; ok is false where text doesn't have that form.
func taken(text, form string) (values []any, ok bool) {
	first, rest, more := strings.Cut(form, "%s")
	text, ok = strings.CutPrefix(text, first)
	if !more || !ok {
		return nil, ok && text == ""
	}
	for part := range strings.SplitSeq(rest, "%s") {
		value, after, found := text, "", true
		if part != "" {
			value, after, found = strings.Cut(text, part)
		}
		if !found {
			return nil, false
		}
		values, text = append(values, value), after
	}
	return values, text == ""
}

// duration is text as French writes it if it is a duration as Go does, else text.
func duration(text string) string {
	d, err := time.ParseDuration(text)
	if err != nil {
		return text
	}
	var parts []string
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}} {
		if d >= unit.of {
			parts = append(parts, fmt.Sprintf("%d\u00a0%s", d/unit.of, unit.name))
			d %= unit.of
		}
	}
	if d > 0 || parts == nil {
		seconds := strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
		parts = append(parts, strings.Replace(seconds, ".", ",", 1)+"\u00a0s")
	}
	return strings.Join(parts, "\u00a0")
}
