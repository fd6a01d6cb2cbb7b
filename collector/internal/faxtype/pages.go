package faxtype

import (
	"cmp"
	"fmt"
)

// Sheet lays out the reply, in French or in English (fr, en).
func (r Reply) Sheet(language string) (*Sheet, error) {
	w := wordsIn(language)
	house := cmp.Or(r.House, w.blank)
	return lay(w.title+" – "+cmp.Or(r.Service, r.House, r.Number), language, func(p *pen) {
		p.write(w.to, 6, false, 3)
		p.write(cmp.Or(r.Service, w.blank), 11, true, 2)
		p.write(house, 6, false, 1)
		if r.Number != "" {
			p.write(fmt.Sprintf(w.number, spoken(r.Number)), 6, false, 0)
		}
		p.y += 8 * p.scale
		p.write(fmt.Sprintf(w.move, house), 6, false, 8)
		if r.Model == Closing {
			p.attention(w, r)
		}
		p.write(w.next, 6, true, 4)
		p.item(w.outside, 6)
		p.indented(8, func() {
			for _, address := range r.Addresses {
				p.write(address, 7, true, 1)
			}
			if len(r.Addresses) == 0 {
				p.write(w.blank, 7, true, 1)
			}
		})
		p.y += 4 * p.scale
		intranet := ""
		if r.Intranet != "" {
			intranet = fmt.Sprintf(w.intranet, r.Intranet)
		}
		p.item(fmt.Sprintf(w.inside, intranet), 6)
		p.y += 6 * p.scale
		p.write(w.ask, 6, false, 1)
		p.write(cmp.Or(r.Contact, w.blank), 6, true, 0)
	})
}

// attention says when the line ends.
func (p *pen) attention(w words, r Reply) {
	p.boxed(1.2, 6, func() {
		p.write(w.attention, 12, true, 2)
		if r.Cutoff == "" {
			p.write(w.soon, 8, true, 0)
			return
		}
		p.write(fmt.Sprintf(w.cut, dated(r.Cutoff)), 8, true, 0)
	})
	p.y += 8 * p.scale
}

// item writes one of a list.
func (p *pen) item(words string, size float64) {
	p.texts = append(p.texts, text{p.left + 2, p.y + size*p.scale*0.97, size * p.scale, false, p.color, "•"})
	p.indented(8, func() { p.write(words, size, false, 2) })
}

// Poster lays out what hangs above the machine: how to send without it.
func (r Reply) Poster(language string) (*Sheet, error) {
	w := wordsIn(language)
	return lay(w.posterTitle+" – "+cmp.Or(r.Service, r.House), language, func(p *pen) {
		p.color = blue
		p.write(w.posterTitle, 19, true, 4)
		p.color = black
		p.write(w.question, 9, true, 7)
		p.block(w.within, w.first, w.second, w.third)
		p.block(w.beyond, w.search, w.call, w.send)
		if len(r.Addresses) > 0 {
			p.write(w.own, 6, false, 1)
			for _, address := range r.Addresses {
				p.write(address, 8, true, 1)
			}
			p.y += 5 * p.scale
		}
		p.color = blue
		if r.Cutoff == "" {
			p.write(w.line, 8, true, 5)
		} else {
			p.write(fmt.Sprintf(w.date, dated(r.Cutoff)), 8, true, 5)
		}
		p.color = black
		p.write(cmp.Or(r.Service, w.blank)+", "+cmp.Or(r.House, w.blank), 5, false, 1)
		p.write(w.ask+" "+cmp.Or(r.Contact, w.blank), 5, false, 0)
	})
}

// block is a way to send, step by step.
func (p *pen) block(title string, steps ...string) {
	p.boxed(0.8, 5, func() {
		p.color = blue
		p.write(title, 9, true, 2)
		p.color = black
		for _, step := range steps {
			p.item(step, 7)
		}
	})
	p.y += 6 * p.scale
}
