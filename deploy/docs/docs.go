// Package docs takes out of the documentation what can be held to the truth: the commands that it tells people to type,
// the YAML that it tells them to write, its headings and its links. Tests of both programs and of deploy do so.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Files are the pages, by their paths from the top of the repository.
func Files() []string {
	return []string{
		"README.md", "deploy/README.md", "deploy/README.fr.md", "dashboards/README.md",
		"dashboards/prometheus/runbook.md", "dashboards/prometheus/runbook.fr.md",
	}
}

// Page is one of them.
type Page struct {
	File   string
	blocks []block
}

type block struct {
	kind string // of code: "", yaml, powershell…; of prose: prose
	line int    // of its first line
	text string
}

// Read reads a page of the repository whose top is given.
func Read(top, file string) (Page, error) {
	data, err := os.ReadFile(filepath.Join(top, file))
	return Page{File: file, blocks: blocksOf(string(data))}, err
}

// blocksOf divides Markdown into prose and code, fenced or indented after an empty line.
func blocksOf(text string) (all []block) {
	now := block{kind: "prose", line: 1}
	begin := func(kind string, line int) {
		all = append(all, now)
		now = block{kind: kind, line: line}
	}
	fenced, empty := false, true
	for i, line := range strings.Split(text, "\n") {
		bare := strings.TrimSpace(line)
		indented := strings.HasPrefix(line, "    ")
		switch {
		case strings.HasPrefix(bare, "```"):
			if fenced = !fenced; fenced {
				begin(strings.TrimPrefix(bare, "```"), i+2)
			} else {
				begin("prose", i+2)
			}
			continue
		case fenced:
		case now.kind == "" && !indented && bare != "":
			begin("prose", i+1)
		case now.kind == "prose" && indented && empty:
			begin("", i+1)
		}
		empty = bare == ""
		now.text += line + "\n"
	}
	return append(all, now)
}

// Command is one that a page tells people to type.
type Command struct {
	Line int // about where
	Args []string
}

// Commands are those of a program, in code and in prose. What people are to fill in, in capitals, is 1.
func (p Page) Commands(program string) (all []Command) {
	for _, b := range p.blocks {
		var texts []string
		switch b.kind {
		case "prose":
			for _, span := range codeSpan.FindAllStringSubmatch(b.text, -1) {
				texts = append(texts, strings.ReplaceAll(span[1], "\n", " "))
			}
		case "", "sh", "powershell":
			texts = strings.Split(b.text, "\n")
		}
		for _, text := range texts {
			for _, one := range simpleCommand.Split(comment.ReplaceAllString(text, ""), -1) {
				if args, ok := argsOf(one, program); ok {
					all = append(all, Command{Line: b.line, Args: args})
				}
			}
		}
	}
	return all
}

var (
	codeSpan      = regexp.MustCompile("`([^`]+)`")
	comment       = regexp.MustCompile(`\s#( .*)?$`)
	simpleCommand = regexp.MustCompile(`&&|\|\||[|;<>]`)
	before        = regexp.MustCompile(`^(do |sudo |[0-9]+ [0-9]+ [^ ]+ [^ ]+ [^ ]+ root )`)
	computed      = regexp.MustCompile(`\$\([^)]*\)`)
	word          = regexp.MustCompile(`"([^"]*)"?|(\S+)`)
)

func argsOf(text, program string) (args []string, ok bool) {
	text = before.ReplaceAllString(strings.TrimSpace(text), "")
	text = computed.ReplaceAllString(text, "x")
	for _, found := range word.FindAllStringSubmatch(text, -1) {
		args = append(args, filledIn(strings.TrimRight(found[1]+found[2], `"`)))
	}
	if len(args) < 2 || filepath.Base(args[0]) != program {
		return nil, false
	}
	return args[1:], true
}

func filledIn(arg string) string {
	for _, r := range arg {
		if !unicode.IsUpper(r) {
			return arg
		}
	}
	return "1"
}

// YAML is a block of it.
type YAML struct {
	Line int
	Text string
}

// YAML are the blocks of it, in which … stands for what people fill in.
func (p Page) YAML() (all []YAML) {
	for _, b := range p.blocks {
		if b.kind == "yaml" {
			all = append(all, YAML{Line: b.line, Text: b.text})
		}
	}
	return all
}

// Keys are those at the top of it.
func (y YAML) Keys() (keys []string) {
	for _, found := range topKey.FindAllStringSubmatch(y.Text, -1) {
		keys = append(keys, found[1])
	}
	return keys
}

var topKey = regexp.MustCompile(`(?m)^([a-z_]+):`)

// Of tells whether one of the keys stands at its top.
func (y YAML) Of(keys ...string) bool {
	return slices.ContainsFunc(y.Keys(), func(key string) bool { return slices.Contains(keys, key) })
}

// Heading is one of a page.
type Heading struct {
	Level  int
	Anchor string // as GitHub makes it of the text
}

// Headings are those of the page, in order.
func (p Page) Headings() (all []Heading) {
	for _, b := range p.blocks {
		if b.kind != "prose" {
			continue
		}
		for _, found := range heading.FindAllStringSubmatch(b.text, -1) {
			all = append(all, Heading{Level: len(found[1]), Anchor: anchor(found[2])})
		}
	}
	return all
}

var heading = regexp.MustCompile(`(?m)^(#+) (.+)$`)

func anchor(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// Links are where the page leads to.
func (p Page) Links() (all []string) {
	for _, b := range p.blocks {
		if b.kind == "prose" {
			for _, found := range link.FindAllStringSubmatch(b.text, -1) {
				all = append(all, found[1])
			}
		}
	}
	return all
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
