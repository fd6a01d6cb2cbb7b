package web

import (
	"cmp"
	"slices"
	"strings"
)

// faults are what is wrong with a form, by the names of its fields; "" is the form as a whole. A page with faults
// answers with status 422, says all of them on top by template "faults" and each at its field.
type faults map[string]string

// difference is a field of a form in which the reader's words and what stands in the books by now differ. A page
// with some answers with status 409 and shows them by template "conflict"; its form keeps what the reader typed,
// with the revision of what stands now.
type difference struct{ Label, Yours, Standing string }

// differ adds a field to the differences, if it is one.
func differ(list []difference, label, yours, standing string) []difference {
	if yours == standing {
		return list
	}
	return append(list, difference{label, yours, standing})
}

// field is a control of a form with its label, hint and fault, as template "field" shows it:
//
//	{{template "field" .Cutoff}}
//
// All of its texts are for people, in their language.
type field struct {
	Name     string // of what is sent
	ID       string // in the page; empty: Name
	Label    string
	Value    string
	Type     string // of the input: text if empty, date, month, number, email, password, file…; or textarea, select, checkbox
	Hint     string
	Fault    string   // what is wrong with the value
	Options  []option // to choose from: of a select all there are, else suggestions
	Required bool
	Locked   bool   // to read only
	Checked  bool   // of a checkbox
	Min, Max string // of a number or date
	Step     string // of a number
	Accept   string // of a file, as .csv,.xlsx
	Autofill string // as attribute autocomplete has it; empty: off
}

// option is something to choose.
type option struct {
	Value, Name string
	Chosen      bool
}

// choices are things of which several may be chosen.
type choices struct {
	Label   string
	Options []option
}

// serviceChoices are all services by name, of which some are chosen. more is what else is to be said of one.
func (f *frame) serviceChoices(label string, chosen []string, more func(id string) string) choices {
	all := choices{Label: label}
	for id, x := range f.register.Services {
		name := joined(" · ", cmp.Or(x.Name, id), f.register.Establishments[x.Establishment].Name) + more(id)
		all.Options = append(all.Options, option{id, name, slices.Contains(chosen, id)})
	}
	slices.SortFunc(all.Options, func(a, b option) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	return all
}

// Called is the field's id.
func (f field) Called() string {
	if f.ID != "" {
		return f.ID
	}
	return f.Name
}

// About are the ids of what says more about the field.
func (f field) About() string {
	hint, fault := "", ""
	if f.Hint != "" {
		hint = f.Called() + "-hint"
	}
	if f.Fault != "" {
		fault = f.Called() + "-fault"
	}
	return joined(" ", hint, fault)
}

// Completes is its attribute autocomplete.
func (f field) Completes() string {
	if f.Autofill != "" {
		return f.Autofill
	}
	return "off"
}
