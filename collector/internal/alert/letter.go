package alert

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"unicode"
	"unicode/utf8"
)

// letter is a mail as it is kept in the outbox: the same words for its text and its HTML.
type letter struct {
	Subject  string    `json:"subject"`
	Language string    `json:"language"` // fr, en
	Lead     []string  `json:"lead"`
	Sections []section `json:"sections,omitempty"`
	More     string    `json:"more,omitempty"` // what is left out
	Link     string    `json:"link,omitempty"`
	Footer   string    `json:"footer"`
}

// section is one thing that a letter tells.
type section struct {
	Title  string      `json:"title"`
	Lead   string      `json:"lead,omitempty"`
	Facts  [][2]string `json:"facts,omitempty"` // what, how it is
	Advice string      `json:"advice,omitempty"`
}

// plain is s without characters that would break a line or a header, or hide in one.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// text is the letter as plain text.
func (l *letter) text() string {
	var b strings.Builder
	for _, p := range l.Lead {
		fmt.Fprintf(&b, "%s\n\n", p)
	}
	for i := range l.Sections {
		l.Sections[i].text(&b)
	}
	for _, p := range []string{l.More, l.Link} {
		if p != "" {
			fmt.Fprintf(&b, "%s\n\n", p)
		}
	}
	fmt.Fprintf(&b, "-- \n%s\n", l.Footer)
	return b.String()
}

func (s *section) text(b *strings.Builder) {
	fmt.Fprintf(b, "%s\n", s.Title)
	fmt.Fprintf(b, "%s\n", strings.Repeat("─", utf8.RuneCountInString(s.Title)))
	if s.Lead != "" {
		fmt.Fprintf(b, "%s\n", s.Lead)
	}
	width := 0
	for _, f := range s.Facts {
		width = max(width, utf8.RuneCountInString(f[0]))
	}
	for i, f := range s.Facts {
		name := f[0]
		if i > 0 && name == s.Facts[i-1][0] {
			name = ""
		}
		fmt.Fprintf(b, "  %s%s  %s\n", name, strings.Repeat(" ", width-utf8.RuneCountInString(name)), f[1])
	}
	if s.Advice != "" {
		fmt.Fprintf(b, "→ %s\n", s.Advice)
	}
	b.WriteString("\n")
}

//go:embed letter.html
var letterHTML string

var letterTemplate = template.Must(template.New("letter").Parse(letterHTML))

// html is the letter as HTML. Mail programs know little of it: tables, and styles in place.
func (l *letter) html() (string, error) {
	var b bytes.Buffer
	if err := letterTemplate.Execute(&b, l); err != nil {
		return "", fmt.Errorf("write mail as HTML: %w", err)
	}
	return b.String(), nil
}
