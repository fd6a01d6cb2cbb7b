package page

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

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
	"unit.s":   {"%d s", "%d s"},
	"unit.min": {"%d min", "%d min"},
	"unit.h":   {"%d h", "%d h"},
	"unit.d":   {"%d j", "%d d"},
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
func With(own Texts) Texts {
	all := maps.Clone(common)
	maps.Copy(all, own)
	return all
}

// Speech says things in one language, place and instant.
type Speech struct {
	French   bool
	Now      wire.Time
	texts    Texts
	printer  *message.Printer
	location *time.Location
}

var languages = language.NewMatcher([]language.Tag{language.French, language.English})

// Speech follows ?lang=, else what the browser accepts, else the language otherwise (fr or en).
func (t Texts) Speech(r *http.Request, otherwise string, location *time.Location, now wire.Time) Speech {
	french := otherwise != "en"
	if tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language")); err == nil && len(tags) > 0 {
		if _, index, confidence := languages.Match(tags...); confidence >= language.High {
			french = index == French
		}
	}
	switch r.URL.Query().Get("lang") {
	case "fr":
		french = true
	case "en":
		french = false
	}
	tag := language.English
	if french {
		tag = language.French
	}
	return Speech{French: french, Now: now, texts: t, printer: message.NewPrinter(tag), location: location}
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

// unbroken keeps French punctuation from beginning a line.
var unbroken = strings.NewReplacer(" :", "\u00a0:", " ;", "\u00a0;", " ?", "\u00a0?", "« ", "«\u00a0", " »", "\u00a0»")

// T says key. A key that has no text is an error, so that tests find it.
func (s Speech) T(key string, args ...any) (string, error) {
	t, ok := s.texts[key]
	if !ok {
		return "", fmt.Errorf("no text %q", key)
	}
	form := t[English]
	if s.French {
		form = unbroken.Replace(t[French])
	}
	if len(args) == 0 {
		return form, nil
	}
	return s.printer.Sprintf(form, args...), nil
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
		return s.printer.Sprintf("%d %s", n, unit), nil
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
