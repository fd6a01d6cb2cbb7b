package metrics

import (
	"bufio"
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zerofax/zerofax/agent/wire"
)

// contentType is that of Prometheus's text format, which every scraper takes.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// family is a metric with its labels.
type family struct {
	name, head string
	labels     []string // as their values are handed in
	order      []int    // in which they are written: by name, as Prometheus's own libraries do
}

func counter(name, help string, labels ...string) family {
	return familyOf("counter", "zerofax_"+name, help, labels)
}

func gauge(name, help string, labels ...string) family {
	return familyOf("gauge", "zerofax_"+name, help, labels)
}

func familyOf(kind, name, help string, labels []string) family {
	f := family{name: name, labels: labels, head: "# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n"}
	for i := range labels {
		f.order = append(f.order, i)
	}
	slices.SortFunc(f.order, func(a, b int) int { return cmp.Compare(labels[a], labels[b]) })
	return f
}

// exposition writes the text format, family after family, series after series. The client
// library's way, a metric object each, took ten times as long and 150 MB for 10 000 devices.
// What it would have found is left to whoever writes: no series comes twice.
type exposition struct {
	to    *bufio.Writer // keeps its first error
	now   family
	begun bool // the family's head is written
	line  []byte
}

func newExposition(w io.Writer) *exposition {
	return &exposition{to: bufio.NewWriterSize(w, 64<<10)}
}

// begin starts a family; one without series does not show.
func (e *exposition) begin(f family) { e.now, e.begun = f, false }

// count says a whole number, values are those of the family's labels.
func (e *exposition) count(n int64, values ...string) {
	e.series(values)
	e.end(strconv.AppendInt(e.line, n, 10))
}

func (e *exposition) truth(yes bool, values ...string) {
	n := int64(0)
	if yes {
		n = 1
	}
	e.count(n, values...)
}

// instant says nothing of a time that isn't known.
func (e *exposition) instant(at wire.Time, values ...string) {
	if at != 0 {
		e.series(values)
		e.end(strconv.AppendFloat(e.line, float64(at)/1000, 'f', -1, 64))
	}
}

func (e *exposition) series(values []string) {
	if !e.begun {
		e.begun = true
		_, _ = e.to.WriteString(e.now.head)
	}
	line := append(e.line[:0], e.now.name...)
	separator := byte('{')
	for _, i := range e.now.order {
		line = append(append(append(line, separator), e.now.labels[i]...), `="`...)
		line = append(appendLabel(line, values[i]), '"')
		separator = ','
	}
	e.line = append(line, "} "...)
}

func (e *exposition) end(line []byte) {
	e.line = append(line, '\n')
	_, _ = e.to.Write(e.line)
}

// appendLabel escapes a label's value. One that is no UTF-8 would spoil the whole scrape.
func appendLabel(to []byte, value string) []byte {
	if !utf8.ValidString(value) {
		value = strings.ToValidUTF8(value, "\uFFFD")
	}
	if !strings.ContainsAny(value, "\\\"\n") {
		return append(to, value...)
	}
	return append(to, escapes.Replace(value)...)
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
