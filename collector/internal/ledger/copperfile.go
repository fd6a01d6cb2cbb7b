package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// CopperFile is a published list of the dates on which copper closes, commune by commune.
type CopperFile struct {
	Name string
	Day  Day // of the file: its dates are what was known then

	number int64 // 0: not in the books
}

// CopperMove is a commune whose dates a file changes.
type CopperMove struct {
	Before Copper // empty: nothing was known
	After  Copper
	Sites  []string // ids of those that stand there
}

// CopperNews is what a file of dates changes.
type CopperNews struct {
	Communes int          // in the file
	Moves    []CopperMove // by commune; those that say what was known already are left out
	Absent   int          // communes that are known and not in the file: they stay
	Latest   CopperFile   // the newest one imported before
}

// copperChange is a file of dates that is being taken over.
type copperChange struct {
	file CopperFile
	at   wire.Time
	CopperNews
}

// ErrOlderFile says that a newer file of the same kind was imported before.
var ErrOlderFile = errors.New("older than what is in the books")

var (
	copperFilesTable = table{"copper_files", "id, name, day, imported_at, communes", 0, false}
	copperTable      = table{"copper", "commune, file, name, commercial, technical, lot", 2, false}
)

// CompareCopper says what a file of dates would change.
func (l *Ledger) CompareCopper(ctx context.Context, file CopperFile, communes []Copper) (n CopperNews, err error) {
	err = l.read(ctx, "copper", func(q querier, _ wire.Time) error {
		r, err := readRegister(ctx, q)
		if err != nil {
			return err
		}
		n, _, err = compareCopper(ctx, q, file, communes, r.Sites)
		return err
	})
	return n, err
}

// DeclareCopper takes over a file of dates: what it changes is written, with all that follows
// from it, and what was known before stays as its history. A file that is neither newer nor
// changes anything leaves the books as they are. ErrOlderFile: nothing happened.
func (l *Ledger) DeclareCopper(ctx context.Context, by Author, file CopperFile, communes []Copper) (n CopperNews, err error) {
	err = l.transact(ctx, func(b *books) error {
		var known map[string]Copper
		n, known, err = compareCopper(ctx, l.store.conn, file, communes, b.register.Sites)
		if err != nil || len(n.Moves) == 0 && n.Latest.Day == file.Day {
			return err
		}
		b.takeCopper(by, file, n, known)
		return nil
	})
	return n, err
}

// takeCopper books a file of dates. known are the dates before it, by commune.
func (b *books) takeCopper(by Author, file CopperFile, n CopperNews, known map[string]Copper) {
	file.number = n.Latest.number + 1
	b.changes.copper = append(b.changes.copper, copperChange{file, wire.TimeOf(b.now()), n})
	subject := fmt.Sprintf("copper_files %d", file.number)
	b.log(by, subject, "name", "", file.Name)
	b.log(by, subject, "day", "", string(file.Day))
	for _, move := range n.Moves {
		known[move.After.Commune] = move.After
		if len(move.Sites) > 0 {
			b.log(by, "copper "+move.After.Commune, "commercial", string(move.Before.Commercial), string(move.After.Commercial))
			b.log(by, "copper "+move.After.Commune, "technical", string(move.Before.Technical), string(move.After.Technical))
		}
	}
	next := b.register.Clone()
	next.Copper = copperAt(next.Sites, known)
	b.declare(next, by)
}

// compareCopper also returns all dates known so far, by commune.
func compareCopper(ctx context.Context, q querier, file CopperFile, communes []Copper, sites map[string]Site) (CopperNews, map[string]Copper, error) {
	n := CopperNews{Communes: len(communes)}
	var err error
	if n.Latest, err = latestCopperFile(ctx, q); err != nil {
		return n, nil, err
	}
	if file.Day < n.Latest.Day {
		return n, nil, fmt.Errorf("file of %s: %w, which is %s of %s", file.Day, ErrOlderFile, n.Latest.Name, n.Latest.Day)
	}
	known, err := readCopper(ctx, q, "")
	if err != nil {
		return n, nil, err
	}
	at := make(map[string][]string)
	for _, id := range slices.Sorted(maps.Keys(sites)) {
		at[closesWith(sites[id].Commune, known)] = append(at[closesWith(sites[id].Commune, known)], id)
	}
	n.Absent = len(known)
	for _, now := range communes {
		before, was := known[now.Commune]
		if was {
			n.Absent--
		}
		now.File, now.FileDay = file.Name, file.Day
		if was && before.Name == now.Name && before.Commercial == now.Commercial && before.Technical == now.Technical && before.Lot == now.Lot {
			continue
		}
		n.Moves = append(n.Moves, CopperMove{before, now, at[now.Commune]})
	}
	slices.SortFunc(n.Moves, func(a, b CopperMove) int { return strings.Compare(a.After.Commune, b.After.Commune) })
	return n, known, nil
}

func latestCopperFile(ctx context.Context, q querier) (file CopperFile, err error) {
	err = each(ctx, q, "SELECT id, name, day FROM copper_files ORDER BY id", func(read func(...any) error) error {
		return read(&file.number, &file.Name, &file.Day)
	})
	return file, err
}

// copperUnder are the dates of the communes in which sites stand.
func copperUnder(ctx context.Context, q querier, sites map[string]Site) (map[string]Copper, error) {
	communes := make(map[string]bool)
	for _, site := range sites {
		if site.Commune != "" {
			communes[site.Commune], communes[municipality(site.Commune)] = true, true
		}
	}
	if len(communes) == 0 {
		return map[string]Copper{}, nil
	}
	list := slices.Sorted(maps.Keys(communes))
	where := "WHERE commune IN (?" + strings.Repeat(", ?", len(list)-1) + ")"
	args := make([]any, len(list))
	for i, commune := range list {
		args[i] = commune
	}
	known, err := readCopper(ctx, q, where, args...)
	return copperAt(sites, known), err
}

// copperAt picks the dates of the communes in which sites stand, by the commune that the site names.
func copperAt(sites map[string]Site, known map[string]Copper) map[string]Copper {
	picked := make(map[string]Copper)
	for _, site := range sites {
		if copper, ok := known[closesWith(site.Commune, known)]; ok {
			picked[site.Commune] = copper
		}
	}
	return picked
}

// readCopper reads the newest dates by commune; later files overwrite earlier ones.
func readCopper(ctx context.Context, q querier, where string, args ...any) (map[string]Copper, error) {
	known := make(map[string]Copper)
	query := "SELECT commune, copper.name, commercial, technical, lot, copper_files.name, day " +
		"FROM copper JOIN copper_files ON copper_files.id = copper.file " + where + " ORDER BY file"
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var x Copper
		if err := rows.Scan(&x.Commune, &x.Name, &x.Commercial, &x.Technical, &x.Lot, &x.File, &x.FileDay); err != nil {
			return nil, err
		}
		known[x.Commune] = x
	}
	return known, rows.Err()
}

// closesWith is the commune whose dates hold for a commune: the one that is listed.
func closesWith(commune string, known map[string]Copper) string {
	if _, listed := known[commune]; !listed && commune != "" {
		return municipality(commune)
	}
	return commune
}

// municipality is the commune of an arrondissement of Paris, Lyon or Marseille, which have INSEE
// codes of their own; lists name one or the other.
func municipality(commune string) string {
	switch {
	case strings.HasPrefix(commune, "751"):
		return "75056"
	case strings.HasPrefix(commune, "6938"):
		return "69123"
	case strings.HasPrefix(commune, "132"):
		return "13055"
	}
	return commune
}

// writeCopper writes what a file of dates changed.
func (s *store) writeCopper(ctx context.Context, c *changes) error {
	for _, x := range c.copper {
		if err := s.write(ctx, copperFilesTable, 1, func(_ int, to []any) []any {
			return append(to, x.file.number, x.file.Name, string(x.file.Day), int64(x.at), x.Communes)
		}); err != nil {
			return err
		}
		if err := s.write(ctx, copperTable, len(x.Moves), func(i int, to []any) []any {
			now := &x.Moves[i].After
			return append(to, now.Commune, x.file.number, now.Name, string(now.Commercial), string(now.Technical), now.Lot)
		}); err != nil {
			return err
		}
	}
	return nil
}
