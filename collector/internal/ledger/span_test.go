package ledger

import (
	"slices"
	"testing"
)

func TestGapsAreTakenOutOfASpan(t *testing.T) {
	for name, c := range map[string]struct{ gaps, want []Span }{
		"none":              {nil, []Span{{10, 20}}},
		"before and after":  {[]Span{{1, 10}, {20, 30}}, []Span{{10, 20}}},
		"in the middle":     {[]Span{{12, 13}}, []Span{{10, 12}, {13, 20}}},
		"over its begin":    {[]Span{{5, 13}}, []Span{{13, 20}}},
		"over its end":      {[]Span{{15, 25}}, []Span{{10, 15}}},
		"overlapping":       {[]Span{{11, 15}, {12, 14}, {13, 16}}, []Span{{10, 11}, {16, 20}}},
		"all of it":         {[]Span{{5, 25}}, nil},
		"touching one more": {[]Span{{11, 12}, {12, 13}}, []Span{{10, 11}, {13, 20}}},
		"without length":    {[]Span{{12, 12}}, []Span{{10, 12}, {12, 20}}},
	} {
		if got := (Span{10, 20}).without(c.gaps); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if got := Watched([]Span{{0, 5}, {8, 12}, {15, 30}}, Span{3, 20}); got.Milliseconds() != 2+4+5 {
		t.Errorf("watched: got %d ms, want 11", got.Milliseconds())
	}
}
