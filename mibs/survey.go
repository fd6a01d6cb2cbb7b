package mibs

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// survey is one identification going on: what was asked and answered so far, so that nothing
// is asked twice. After an error of the asker everything reads as absent; see err at the end.
type survey struct {
	ctx     context.Context
	asker   Asker
	err     error
	answers Answers
	asked   map[string]bool
	columns map[columnKey][]Varbind
	found   map[rowKey]found
	behind  []string          // what comes behind the last rows of tables that grow
	proven  map[*profile]bool // of the profiles that want it
}

type columnKey struct {
	root string
	max  int
}

type rowKey struct {
	profile *profile
	row     string
}

// found is what became of looking for a row.
type found struct {
	indexes []string
	guards  []guard
	absent  bool // its columns were read to the end and hold no such row
}

// guard is an object that must still say what it said when the device was identified;
// else the row behind it is another one now.
type guard struct {
	oid  string
	row  *row   // its value must fit this row,
	text string // or read so
	was  Value  // what it said then
}

func (g *guard) holds(v Value) bool {
	if v.equal(g.was) { // as it nearly always is
		return true
	}
	if g.row != nil {
		return g.row.fits(v)
	}
	return v.Text() == g.text
}

func newSurvey(ctx context.Context, asker Asker) *survey {
	return &survey{
		ctx: ctx, asker: asker, answers: Answers{}, asked: map[string]bool{},
		columns: map[columnKey][]Varbind{}, found: map[rowKey]found{}, proven: map[*profile]bool{},
	}
}

// ask gets, in one request, those of the objects that weren't asked for yet.
func (s *survey) ask(oids ...string) {
	var open []string
	for _, oid := range oids {
		if !s.asked[oid] {
			s.asked[oid] = true
			open = append(open, oid)
		}
	}
	if s.err != nil || len(open) == 0 {
		return
	}
	answers, err := s.asker.Get(s.ctx, open)
	if err != nil {
		s.err = err
		return
	}
	for oid, value := range answers {
		s.answers[oid] = value
	}
}

func (s *survey) value(oid string) (v Value, ok bool) {
	s.ask(oid)
	v, ok = s.answers[oid]
	return v, ok && v.Kind != Null
}

// column reads the objects below root, once. The whole column is known if there are fewer than max.
func (s *survey) column(root string, max int) []Varbind {
	key := columnKey{root, max}
	if column, known := s.columns[key]; known || s.err != nil {
		return column
	}
	column, err := s.asker.Column(s.ctx, root, max)
	if err != nil {
		s.err = err
		return nil
	}
	s.columns[key] = column
	return column
}

// row looks for a row of a profile.
func (s *survey) row(p *profile, name string) found {
	key := rowKey{p, name}
	if f, known := s.found[key]; known {
		return f
	}
	var f found
	for i := range p.Rows {
		if r := &p.Rows[i]; r.Row == name && len(f.indexes) == 0 {
			found, absent := s.look(p, r)
			f.indexes, f.guards = found.indexes, found.guards
			f.absent = f.absent || absent
		}
	}
	f.absent = f.absent && len(f.indexes) == 0
	s.found[key] = f
	return f
}

func (s *survey) look(p *profile, r *row) (f found, absent bool) {
	if r.Read != "" {
		return s.readIndex(p, r), false
	}
	under, guards := []string{""}, []guard(nil)
	if r.Under != "" {
		if under, guards = s.resolve(p, r.Under); len(under) != 1 {
			return found{}, false
		}
	}
	column := s.column(strings.TrimSuffix(r.Column+"."+under[0], "."), r.Max)
	fitting := 0
	for _, vb := range column {
		if !below(r.Column, vb.OID) || !r.fits(vb.Value) || r.Index.Regexp != nil && !r.Index.fits(vb.OID[len(r.Column)+1:]) {
			continue
		}
		index := firstNumbers(vb.OID[len(r.Column)+1:], r.Take)
		if fitting++; !slices.Contains(f.indexes, index) {
			f.indexes = append(f.indexes, index)
			f.guards = append(f.guards, guard{oid: vb.OID, row: r, was: vb.Value.keep()})
		}
		if !r.All && !r.Only {
			break
		}
	}
	whole := len(column) > 0 && len(column) < r.Max
	if r.Only && fitting > 1 {
		return found{}, false
	}
	if last := len(column) - 1; r.Grows && whole && lastNumber(column[last].OID) < math.MaxUint32 {
		s.behind = append(s.behind, nextRow(column[last].OID))
	}
	f.guards = append(f.guards, guards...)
	return f, fitting == 0 && whole
}

// nextRow is the object behind a column's last.
func nextRow(last string) string {
	return fmt.Sprintf("%s.%d", last[:strings.LastIndexByte(last, '.')], lastNumber(last)+1)
}

// next is what the device doesn't answer yet of what comes behind the last rows of tables that grow.
func (s *survey) next() []string {
	oids := slices.Compact(slices.Sorted(slices.Values(s.behind)))
	s.ask(oids...)
	return slices.DeleteFunc(oids, func(oid string) bool { _, there := s.value(oid); return there })
}

// readIndex takes a row's index from an object, or one from each; 0 and below mean that there is no such row.
func (s *survey) readIndex(p *profile, r *row) (f found) {
	oids, guards := s.resolve(p, r.Read)
	s.ask(oids...)
	for _, oid := range oids {
		v, ok := s.value(oid)
		if n, isNumber := v.Number(); !ok || !isNumber || n <= 0 {
			return found{}
		}
		if text := v.Text(); !slices.Contains(f.indexes, text) {
			f.indexes = append(f.indexes, text)
		}
		guards = append(guards, guard{oid: oid, text: v.Text(), was: v.keep()})
	}
	f.guards = guards
	return f
}

// resolve is the objects that an OID of a profile means: several if it is a sum or a row of
// it is one of many, none if there is no such row or not all parts of a sum.
func (s *survey) resolve(p *profile, text string) (oids []string, guards []guard) {
	for part := range strings.SplitSeq(text, plus) {
		texts, more := s.fillRows(p, part)
		for _, text := range texts {
			oid, ok := s.suffixed(text)
			if !ok {
				return nil, nil
			}
			oids = append(oids, oid)
		}
		if len(texts) == 0 {
			return nil, nil
		}
		guards = append(guards, more...)
	}
	return oids, guards
}

// suffixed finds what the device answers of an OID that may end in one way or another.
func (s *survey) suffixed(text string) (oid string, ok bool) {
	spellings := spell(text)
	if len(spellings) == 1 {
		return text, true
	}
	s.ask(spellings...)
	for _, oid := range spellings {
		if _, ok := s.value(oid); ok {
			return oid, true
		}
	}
	return "", false
}

// spell is the ways in which an OID may end.
func spell(text string) []string {
	stem, any := strings.CutSuffix(text, anySuffix)
	if !any {
		return []string{text}
	}
	var spellings []string
	for _, suffix := range suffixes {
		spellings = append(spellings, stem+suffix)
	}
	return spellings
}

// fillRows puts row indexes where text has {row}: several texts if such a row is one of many,
// none if there is no such row.
func (s *survey) fillRows(p *profile, text string) (texts []string, guards []guard) {
	texts = []string{text}
	for len(texts) > 0 {
		ref := placeholder.FindString(texts[0])
		if ref == "" {
			break
		}
		f := s.row(p, strings.Trim(ref, "{}"))
		var next []string
		for _, text := range texts {
			for _, index := range f.indexes {
				next = append(next, strings.ReplaceAll(text, ref, index))
			}
		}
		texts, guards = next, append(guards, f.guards...)
	}
	return texts, guards
}

// resolveOne is resolve where only a single object makes sense.
func (s *survey) resolveOne(p *profile, text string) (oid string, guards []guard, ok bool) {
	oids, guards := s.resolve(p, text)
	if len(oids) != 1 {
		return "", nil, false
	}
	return oids[0], guards, true
}

// firstNumbers keeps n numbers of an index, all if n is 0.
func firstNumbers(index string, n int) string {
	if n == 0 {
		return index
	}
	parts := strings.SplitN(index, ".", n+1)
	return strings.Join(parts[:min(n, len(parts))], ".")
}

// lastNumber is the last number of an OID.
func lastNumber(oid string) int {
	n, _ := strconv.Atoi(oid[strings.LastIndexByte(oid, '.')+1:])
	return n
}
