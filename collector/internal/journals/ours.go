package journals

import (
	"slices"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// Ours are the numbers and extensions of the declared lines.
type Ours struct {
	dialling   register.Dialling
	numbers    map[string]bool
	extensions map[string][]string // the sites where a line has it
}

// OurNumbers are those of all lines that a register ever had.
func OurNumbers(r *ledger.Register, dialling register.Dialling) Ours {
	o := Ours{dialling: dialling, numbers: make(map[string]bool), extensions: make(map[string][]string)}
	for _, versions := range r.Lines {
		for _, v := range versions {
			if v.Number != "" {
				o.numbers[v.Number] = true
			}
			if v.Extension != "" && !slices.Contains(o.extensions[v.Extension], v.Site) {
				o.extensions[v.Extension] = append(o.extensions[v.Extension], v.Site)
			}
		}
	}
	return o
}

// at are them as journals of calls at a site are searched for them; where none is named, the extensions of all sites.
func (o Ours) at(site string) (journal.Numbers, error) {
	var list []string
	for number := range o.numbers {
		list = append(list, number)
		if last := number[max(0, len(number)-o.dialling.ExtensionLength):]; last != "" && o.has(last, site) {
			list = append(list, last)
		}
	}
	for extension := range o.extensions {
		if o.has(extension, site) {
			list = append(list, extension)
		}
	}
	return journal.NewNumbers(list)
}

// has tells whether an extension is a line's of ours: of the one with the number by which it is reached from outside, or
// of one at the site.
func (o Ours) has(extension, site string) bool {
	if found, _, err := o.dialling.Read(extension); err == nil && len(found) == 1 && o.numbers[found[0].Key] {
		return true
	}
	return site == "" && len(o.extensions[extension]) > 0 || slices.Contains(o.extensions[extension], site)
}

// Show is a number as people may see it: masked, unless it is ours. What is no number isn't shown at all.
func (o Ours) Show(text string) string {
	if text == "" {
		return ""
	}
	found, _, err := o.dialling.Read(text)
	if err != nil || len(found) == 0 {
		return ledger.Mask("?")
	}
	switch number := found[0]; {
	case o.numbers[number.Key]:
		return number.Key
	case len(o.extensions[number.Extension]) > 0:
		return number.Extension
	case number.Key == "":
		return ledger.Mask(":" + number.Extension)
	default:
		return ledger.Mask(number.Key)
	}
}

// Veil is a cell of somebody's table as people may see it: a number that isn't ours is masked.
func (o Ours) Veil(cell string) string {
	found, _, err := o.dialling.Read(cell)
	if err != nil || len(found) == 0 || found[0].Key == "" || o.numbers[found[0].Key] {
		return cell
	}
	return ledger.Mask(found[0].Key)
}
