package journals

import (
	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// Ours are the numbers and extensions of the declared lines.
type Ours struct {
	dialling register.Dialling
	known    map[string]bool
	list     []string
}

// OurNumbers are those of all lines that a register ever had.
func OurNumbers(r *ledger.Register, dialling register.Dialling) Ours {
	o := Ours{dialling: dialling, known: make(map[string]bool)}
	for _, versions := range r.Lines {
		for _, v := range versions {
			for _, number := range []string{v.Number, v.Extension} {
				if number != "" && !o.known[number] {
					o.known[number] = true
					o.list = append(o.list, number)
				}
			}
		}
	}
	return o
}

// numbers are them as journals of calls are searched for them.
func (o Ours) numbers() (journal.Numbers, error) { return journal.NewNumbers(o.list) }

// Show is a number as people may see it: masked, unless it is ours. What is no number isn't shown at all.
func (o Ours) Show(text string) string {
	if text == "" {
		return ""
	}
	found, _, err := o.dialling.Read(text)
	if err != nil || len(found) == 0 {
		return ledger.Mask("?")
	}
	for _, number := range []string{found[0].Key, found[0].Extension} {
		if o.known[number] {
			return number
		}
	}
	if found[0].Key == "" {
		return ledger.Mask(":" + found[0].Extension)
	}
	return ledger.Mask(found[0].Key)
}

// Veil is a cell of somebody's table as people may see it: a number that isn't ours is masked.
func (o Ours) Veil(cell string) string {
	found, _, err := o.dialling.Read(cell)
	if err != nil || len(found) == 0 || found[0].Key == "" || o.known[found[0].Key] {
		return cell
	}
	return ledger.Mask(found[0].Key)
}
