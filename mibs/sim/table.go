package sim

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/mibs"
)

// table is the objects of a device in the order of a walk. It never changes; a device
// that gets other objects gets another table.
type table struct {
	objects []object // their OIDs without placeholders
	at      map[string]int
}

// newTable sets in the row numbers of one place. Of an OID given twice the last counts,
// so that states can be put behind the ordinary objects.
func newTable(objects []object, rows map[string][]uint32, place int) *table {
	fill := fillRows(rows, place)
	at := make(map[string]int, len(objects))
	t := &table{at: at}
	for _, o := range objects {
		o.oid = fill.Replace(o.oid)
		if o.row != "" {
			o.value = int(rows[o.row][place])
		}
		if i, known := at[o.oid]; known {
			t.objects[i] = o
			continue
		}
		at[o.oid] = len(t.objects)
		t.objects = append(t.objects, o)
	}
	slices.SortFunc(t.objects, func(a, b object) int { return mibs.CompareOIDs(a.oid, b.oid) })
	for i := range t.objects {
		at[t.objects[i].oid] = i
	}
	return t
}

func fillRows(rows map[string][]uint32, place int) *strings.Replacer {
	var pairs []string
	for name, numbers := range rows {
		pairs = append(pairs, "{"+name+"}", strconv.FormatUint(uint64(numbers[place]), 10))
	}
	return strings.NewReplacer(pairs...)
}

func (t *table) get(oid string) *object {
	if i, ok := t.at[oid]; ok {
		return &t.objects[i]
	}
	return nil
}

// next is the first object behind oid, nil at the end.
func (t *table) next(oid string) *object {
	i, ok := t.at[oid]
	if ok {
		i++
	} else {
		i = t.search(oid)
	}
	if i == len(t.objects) {
		return nil
	}
	return &t.objects[i]
}

func (t *table) search(oid string) int {
	return sort.Search(len(t.objects), func(i int) bool { return mibs.CompareOIDs(t.objects[i].oid, oid) >= 0 })
}

// hasColumn tells whether there are other rows beside the one that oid asks for.
func (t *table) hasColumn(oid string) bool {
	column := oid[:strings.LastIndexByte(oid, '.')+1]
	i := t.search(column[:max(0, len(column)-1)])
	return i < len(t.objects) && strings.HasPrefix(t.objects[i].oid, column)
}
