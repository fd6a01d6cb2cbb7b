package page

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Texts are things to say, each in French and in English. Keys that end in .one and .other
// belong together.
type Texts map[string][2]string

// The places of the languages in Texts.
const (
	French = iota
	English
)

// common are the texts that both programs need.
var common = Texts{
	"language":       {"fr", "en"},
	"other.language": {"English", "Français"},
	"other.lang":     {"en", "fr"},

	"skip":     {"Aller au contenu", "Skip to content"},
	"updated":  {"État au %s", "As of %s"},
	"unknown":  {"inconnu", "unknown"},
	"never":    {"jamais", "never"},
	"none":     {"—", "—"},
	"now":      {"à l’instant", "just now"},
	"ago":      {"il y a %s", "%s ago"},
	"unit.s":   {"%d\u00a0s", "%d\u00a0s"},
	"unit.min": {"%d\u00a0min", "%d\u00a0min"},
	"unit.h":   {"%d\u00a0h", "%d\u00a0h"},
	"unit.d":   {"%d\u00a0j", "%d\u00a0d"},
	"port":     {"port %s", "port %s"},

	"status.idle":    {"libre", "idle"},
	"status.busy":    {"occupée", "busy"},
	"status.down":    {"hors service", "down"},
	"status.unknown": {"état inconnu", "status unknown"},

	"service.ready":       {"prête", "ready"},
	"service.attention":   {"à surveiller", "attention"},
	"service.unavailable": {"indisponible", "unavailable"},
	"service.unknown":     {"état inconnu", "state unknown"},

	"count.pages.one":            {"%d page", "%d page"},
	"count.pages.other":          {"%d pages", "%d pages"},
	"count.images.one":           {"%d image", "%d image"},
	"count.images.other":         {"%d images", "%d images"},
	"count.impressions.one":      {"%d impression", "%d impression"},
	"count.impressions.other":    {"%d impressions", "%d impressions"},
	"count.sides.one":            {"%d face", "%d side"},
	"count.sides.other":          {"%d faces", "%d sides"},
	"count.sheets.one":           {"%d feuille", "%d sheet"},
	"count.sheets.other":         {"%d feuilles", "%d sheets"},
	"count.a4_equivalents.one":   {"%d équivalent A4", "%d A4 equivalent"},
	"count.a4_equivalents.other": {"%d équivalents A4", "%d A4 equivalents"},
	"count.faxes.one":            {"%d fax", "%d fax"},
	"count.faxes.other":          {"%d fax", "%d faxes"},
}

// With adds own texts to those that both programs need.
func With(own ...Texts) Texts {
	all := maps.Clone(common)
	for _, texts := range own {
		maps.Copy(all, texts)
	}
	return all
}

// Speech says things in one language, place and instant.
type Speech struct {
	French   bool
	Now      wire.Time
	texts    Texts
	location *time.Location
}

// Speech follows ?lang=, else what the browser accepts, else the language otherwise (fr or en).
func (t Texts) Speech(r *http.Request, otherwise string, location *time.Location, now wire.Time) Speech {
	language := cmp.Or(accepted(r.Header.Get("Accept-Language")), otherwise)
	if asked := r.URL.Query().Get("lang"); asked == "fr" || asked == "en" {
		language = asked
	}
	return t.In(language, location, now)
}

// In says things in a language (fr or en) to somebody who can't be asked which, as in a mail.
func (t Texts) In(language string, location *time.Location, now wire.Time) Speech {
	return Speech{French: language != "en", Now: now, texts: t, location: location}
}

// accepted is which of our languages a browser wants most (RFC 9110, 12.5.4), empty if none.
func accepted(header string) (language string) {
	most := 0.0
	for item := range strings.SplitSeq(header, ",") {
		tag, weight, weighted := strings.Cut(strings.TrimSpace(item), ";q=")
		base, _, _ := strings.Cut(strings.ToLower(tag), "-")
		q := 1.0
		if weighted {
			q, _ = strconv.ParseFloat(weight, 64)
		}
		if (base == "fr" || base == "en") && q > most {
			language, most = base, q
		}
	}
	return language
}

// OtherLanguage is the page at u in the other language; of its query only the keys kept.
func (s Speech) OtherLanguage(u *url.URL, kept ...string) string {
	q := url.Values{}
	for _, key := range kept {
		if text := u.Query().Get(key); text != "" {
			q.Set(key, text)
		}
	}
	q.Set("lang", "fr")
	if s.French {
		q.Set("lang", "en")
	}
	return u.Path + "?" + q.Encode()
}

// Unbroken is a French text whose punctuation doesn't begin a line.
func Unbroken(french string) string { return unbroken.Replace(french) }

var unbroken = strings.NewReplacer(" :", "\u00a0:", " ;", "\u00a0;", " ?", "\u00a0?", "« ", "«\u00a0", " »", "\u00a0»")

// T says key. A key that has no text is an error, so that tests find it.
func (s Speech) T(key string, args ...any) (string, error) {
	t, ok := s.texts[key]
	if !ok {
		return "", fmt.Errorf("no text %q", key)
	}
	form := t[English]
	if s.French {
		form = Unbroken(t[French])
	}
	if len(args) == 0 {
		return form, nil
	}
	return s.sprintf(form, args...), nil
}

// sprintf writes numbers as the language does. (golang.org/x/text would, too, but adds half a
// megabyte to an agent that shall stay small.)
func (s Speech) sprintf(form string, args ...any) string {
	said := make([]any, len(args))
	for i, arg := range args {
		switch arg.(type) {
		case int, int64, float64:
			arg = number{arg, s.French}
		}
		said[i] = arg
	}
	return fmt.Sprintf(form, said...)
}

// number writes itself with its thousands apart.
type number struct {
	value  any
	french bool
}

// Format implements fmt.Formatter.
func (n number) Format(out fmt.State, verb rune) {
	apart, point := ",", "."
	if n.french {
		apart, point = "\u00a0", ","
	}
	whole, fraction, broken := strings.Cut(fmt.Sprintf(fmt.FormatString(out, verb), n.value), ".")
	digits := strings.TrimPrefix(whole, "-")
	text := whole[:len(whole)-len(digits)]
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			text += apart
		}
		text += string(digit)
	}
	if broken {
		text += point + fraction
	}
	_, _ = io.WriteString(out, text)
}

// Count says key.one or key.other. In French 0 is singular.
func (s Speech) Count(key string, n int64) (string, error) {
	if n == 1 || n == 0 && s.French {
		return s.T(key+".one", n)
	}
	return s.T(key+".other", n)
}

// Amount says a figure with its unit; a unit without a text of its own stands as it is.
func (s Speech) Amount(n int64, unit string) (string, error) {
	if _, ok := s.texts["count."+unit+".one"]; !ok {
		return s.sprintf("%d %s", n, unit), nil
	}
	return s.Count("count."+unit, n)
}

// At says a day and time.
func (s Speech) At(t wire.Time) string {
	if s.French {
		return t.Std().In(s.location).Format("02/01/2006 15:04:05")
	}
	return t.Std().In(s.location).Format("2 Jan 2006 15:04:05")
}

// Zone is the difference from UTC at t, as "UTC+02:00".
func (s Speech) Zone(t wire.Time) string { return t.Std().In(s.location).Format("UTC-07:00") }

// Day says a day.
func (s Speech) Day(t wire.Time) string {
	if s.French {
		return t.Std().In(s.location).Format("02/01/2006")
	}
	return t.Std().In(s.location).Format("2 Jan 2006")
}

// Ago says how long before now t was.
func (s Speech) Ago(t wire.Time) (string, error) {
	age := s.Now.Sub(t)
	if age < time.Second {
		return s.T("now")
	}
	length, err := s.Length(age)
	if err != nil {
		return "", err
	}
	return s.T("ago", length)
}

// Length says a duration in its largest unit.
func (s Speech) Length(d time.Duration) (string, error) {
	switch d = d.Abs(); {
	case d < time.Minute:
		return s.T("unit.s", int(d/time.Second))
	case d < time.Hour:
		return s.T("unit.min", int(d/time.Minute))
	case d < 48*time.Hour:
		return s.T("unit.h", int(d/time.Hour))
	}
	return s.T("unit.d", int(d/(24*time.Hour)))
}
