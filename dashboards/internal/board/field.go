package board

// Colours after Okabe and Ito, which people with any kind of colour blindness tell apart, of about the
// same contrast (4) to Grafana's light and dark background. Not for two series of a graph: Blue and
// Purple, Gold and Vermillion, Gold and Purple, Green and Grey.
const (
	Blue       = "#2A7FC0"
	Gold       = "#AD7300"
	Green      = "#008F68"
	Vermillion = "#D55E00"
	Purple     = "#B8609A"
	Grey       = "#777D86"
	Plain      = "text" // Grafana's colour of text
)

// Fields says how values look.
type Fields struct {
	Defaults  Field      `json:"defaults"`
	Overrides []Override `json:"overrides"`
}

// Field is how the values of a field look.
type Field struct {
	Unit       string      `json:"unit,omitempty"`
	Decimals   *int        `json:"decimals,omitempty"`
	Min        *float64    `json:"min,omitempty"`
	Max        *float64    `json:"max,omitempty"`
	NoValue    string      `json:"noValue,omitempty"`
	Color      *Color      `json:"color,omitempty"`
	Thresholds *Thresholds `json:"thresholds,omitempty"`
	Mappings   []Mapping   `json:"mappings,omitempty"`
	Links      []DataLink  `json:"links,omitempty"`
	Custom     any         `json:"custom,omitempty"` // by the panel's type
}

// Color says where a colour comes from.
type Color struct {
	Mode  string `json:"mode"`
	Fixed string `json:"fixedColor,omitempty"`
}

// Thresholds are colours by value.
type Thresholds struct {
	Mode  string `json:"mode"`
	Steps []Step `json:"steps"`
}

// Step is a colour from a value on; nil is the lowest.
type Step struct {
	Value *float64 `json:"value"`
	Color string   `json:"color"`
}

// From is a colour from a value on.
func From(value float64, color string) Step { return Step{&value, color} }

// Mapping says other words for values.
type Mapping struct {
	Type    string `json:"type"`
	Options any    `json:"options"`
}

// Word is what a value is called, and its colour, if any.
type Word struct {
	Text  string `json:"text"`
	Color string `json:"color,omitempty"`
	Index int    `json:"index"`
}

// Words says what values are called.
func Words(words map[string]Word) Mapping { return Mapping{"value", words} }

// Absent says what stands for null, for what is no number, and for an empty text.
func Absent(text string) []Mapping {
	var m []Mapping
	for i, match := range []string{"null+nan", "empty"} {
		m = append(m, Mapping{"special", struct {
			Match  string `json:"match"`
			Result Word   `json:"result"`
		}{match, Word{Text: text, Index: 100 + i}}})
	}
	return m
}

// Override sets properties of some fields.
type Override struct {
	Matcher    Matcher    `json:"matcher"`
	Properties []Property `json:"properties"`
}

// Matcher finds fields.
type Matcher struct {
	ID      string `json:"id"`
	Options any    `json:"options"`
}

// Named finds the field of a name.
func Named(name string) Matcher { return Matcher{"byName", name} }

// Each finds all fields.
func Each() Matcher { return Matcher{"byRegexp", "/.*/"} }

// Property is one thing of how a field looks.
type Property struct {
	ID    string `json:"id"`
	Value any    `json:"value"`
}

// Fixed is a colour of a field.
func Fixed(color string) Property { return Property{"color", Color{"fixed", color}} }

// Called is a name of a field.
func Called(name string) Property { return Property{"displayName", name} }

// Linked are links that are offered on a field's values.
func Linked(links ...DataLink) Property { return Property{"links", links} }

// DataLink leads from a value to a page. Its URL may name fields of the row: ${__data.fields.line}.
type DataLink struct {
	Title       string `json:"title"`
	URL         string `json:"url"`
	TargetBlank bool   `json:"targetBlank"`
}
