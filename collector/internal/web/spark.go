package web

import (
	"fmt"
	"strings"
)

// spark is a small drawing of figures over time beside their words; template "spark" shows it. Unknown values leave
// gaps.
type spark struct {
	Label  string // what it shows, in words
	Path   string
	Target string // the path of a line across, empty: none
	Dots   []dot  // values without known neighbours, and the last one
}

type dot struct{ X, Y float64 }

// The size of a spark's canvas, with room for a stroke at its edges.
const (
	sparkWidth  = 120.0
	sparkHeight = 32.0
	sparkEdge   = 2.0
)

func newSpark(label string, values []*float64, target *float64) spark {
	top := 1.0
	for _, v := range append([]*float64{target}, values...) {
		if v != nil {
			top = max(top, *v)
		}
	}
	y := func(v float64) float64 { return sparkHeight - sparkEdge - v/top*(sparkHeight-2*sparkEdge) }
	s := spark{Label: label}
	if target != nil {
		s.Target = fmt.Sprintf("M0 %.1fH%.0f", y(*target), sparkWidth)
	}
	var path strings.Builder
	knownAt := func(i int) bool { return i >= 0 && i < len(values) && values[i] != nil }
	for i, v := range values {
		if v == nil {
			continue
		}
		x := sparkEdge + float64(i)/float64(max(1, len(values)-1))*(sparkWidth-2*sparkEdge)
		pen := "L"
		if !knownAt(i - 1) {
			pen = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, x, y(*v))
		if !knownAt(i+1) && (!knownAt(i-1) || i == len(values)-1) {
			s.Dots = append(s.Dots, dot{x, y(*v)})
		}
	}
	s.Path = path.String()
	return s
}
