package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/zerofax/zerofax/agent/wire"
)

// The tables of the register. Their columns name the fields in the audit log.
var (
	establishmentsTable = table{"establishments", "id, name, finess", 1, false}
	sitesTable          = table{"sites", "id, establishment, name, commune, time_zone", 1, false}
	polesTable          = table{"poles", "id, establishment, name", 1, false}
	servicesTable       = table{"services", "id, establishment, pole, name", 1, false}
	ufsTable            = table{"ufs", "establishment, code, from_at, to_at, service, name", 3, false}
	linesTable          = table{"declared_lines", "line, from_at, removed, number, extension, device, port, gateway, gateway_port, " +
		"establishment, site, pole, service, uf, support, cutoff, cut_on, kept_reason, kept_until, contact", 2, false}
	placesTable = table{"declared_devices", "device, from_at, establishment, site, pole, service, uf, name, location, inventory", 2, false}
	auditTable  = table{"audit", "id, at, who, source, subject, field, before, after", 0, false}
)

// record is one row of the register.
type record struct {
	table  *table
	values []any // in the order of the table's columns
}

// keyed puts a row where its table and its key say.
func keyed(t *table, all map[string]record, values ...any) {
	key := make([]string, 0, 5)
	key = append(key, t.name)
	for _, v := range values[:t.keys] {
		key = append(key, fmt.Sprint(v))
	}
	all[strings.Join(key, " ")] = record{t, values}
}

// records are all rows by table and key.
func (r *Register) records() map[string]record {
	all := make(map[string]record)
	add := func(t *table, values ...any) {
		keyed(t, all, values...)
	}
	for _, x := range r.Establishments {
		add(&establishmentsTable, x.ID, x.Name, x.FINESS)
	}
	for _, x := range r.Sites {
		add(&sitesTable, x.ID, x.Establishment, x.Name, x.Commune, x.TimeZone)
	}
	for _, x := range r.Poles {
		add(&polesTable, x.ID, x.Establishment, x.Name)
	}
	for _, x := range r.Services {
		add(&servicesTable, x.ID, x.Establishment, x.Pole, x.Name)
	}
	for _, versions := range r.UFs {
		for _, x := range versions {
			add(&ufsTable, x.Establishment, x.Code, int64(x.From), int64(x.To), x.Service, x.Name)
		}
	}
	for _, versions := range r.Lines {
		for _, x := range versions {
			add(&linesTable, x.Line, int64(x.From), flag(x.Removed), x.Number, x.Extension, x.Device, x.Port, x.Gateway, x.GatewayPort,
				x.Establishment, x.Site, x.Pole, x.Service, x.UF, x.Support, string(x.Cutoff), string(x.CutOn),
				x.KeptReason, string(x.KeptUntil), x.Contact)
		}
	}
	for _, versions := range r.Targets {
		for _, x := range versions {
			add(&targetsTable, x.values()...)
		}
	}
	for _, versions := range r.Devices {
		for _, x := range versions {
			add(&placesTable, x.Device, int64(x.From), x.Establishment, x.Site, x.Pole, x.Service, x.UF, x.Name, x.Location, x.Inventory)
		}
	}
	return all
}

// Clone is a copy whose maps and lists can be changed.
func (r Register) Clone() Register {
	return Register{
		Establishments: maps.Clone(r.Establishments), Sites: maps.Clone(r.Sites), Poles: maps.Clone(r.Poles),
		Services: maps.Clone(r.Services), UFs: cloneVersions(r.UFs), Lines: cloneVersions(r.Lines),
		Devices: cloneVersions(r.Devices), Targets: cloneVersions(r.Targets), Copper: maps.Clone(r.Copper),
	}
}

func cloneVersions[K comparable, T any](all map[K][]T) map[K][]T {
	clone := make(map[K][]T, len(all))
	for key, versions := range all {
		clone[key] = slices.Clone(versions)
	}
	return clone
}

// Register is what people declared, at present.
func (l *Ledger) Register(ctx context.Context) (r Register, err error) {
	err = l.read(ctx, "register", func(q querier, _ wire.Time) error {
		r, err = readRegister(ctx, q)
		return err
	})
	return r, err
}

// Declare lets change alter the register, in one transaction with all that follows from it:
// the audit log, where faxes count, and what is after a cut-off. change is handed a copy and
// must not touch the ledger. On its error nothing happens, and that error is returned, wrapped.
func (l *Ledger) Declare(ctx context.Context, by Author, change func(Register) (Register, error)) error {
	return l.transact(ctx, func(b *books) error {
		next, err := change(b.register.Clone())
		if err != nil {
			return err
		}
		if next.Copper, err = copperUnder(ctx, l.store.conn, next.Sites); err != nil {
			return err
		}
		b.declare(next, by)
		return nil
	})
}

// declare takes over a register.
func (b *books) declare(next Register, by Author) {
	before, after := b.register.records(), next.records()
	histories := versions(after)
	for _, key := range slices.Sorted(maps.Keys(before)) {
		if _, still := after[key]; !still {
			b.changes.undeclared = append(b.changes.undeclared, before[key])
			b.auditRow(by, key, before[key], record{})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(after)) {
		if old, now := before[key], after[key]; !slices.Equal(old.values, now.values) {
			b.changes.declared = append(b.changes.declared, now)
			if old.table == nil {
				old = now.predecessor(histories[thing(key)])
			}
			b.auditRow(by, key, old, now)
		}
	}
	changed := b.changedLines(&next)
	b.reviewLines(changed)
	b.register = next
	b.where = newWhereabouts(next, b.devices)
	b.bind()
	b.reviewLines(changed)
	for _, d := range b.devices {
		b.relocate(d)
	}
	b.rezone()
}

// versions are the rows that have versions, by thing, whose key is that of a row up to the last space.
func versions(all map[string]record) map[string][]record {
	things := make(map[string][]record)
	for key, r := range all {
		if r.table.keys > 1 {
			things[thing(key)] = append(things[thing(key)], r)
		}
	}
	return things
}

func thing(key string) string { return key[:strings.LastIndexByte(key, ' ')] }

// from is since when a version is valid: the last column of its key.
func (r record) from() int64 { return r.values[r.table.keys-1].(int64) }

// predecessor is the version before a new one, with which the audit log compares it.
func (r record) predecessor(versions []record) (last record) {
	for _, v := range versions {
		if v.from() < r.from() && (last.table == nil || v.from() > last.from()) {
			last = v
		}
	}
	return last
}

// auditRow notes each field of a row that is another than before. A new row has no before, a
// removed one no after, so that their ids are noted too; a new version is compared with the one before.
func (b *books) auditRow(by Author, key string, before, after record) {
	t := after.table
	if t == nil {
		t = before.table
	}
	columns, noted := strings.Split(t.columns, ", "), b.last.audit
	for i, field := range columns {
		if t.keys > 1 && i == t.keys-1 { // the beginning of a version, which is in the key
			continue
		}
		b.log(by, key, field, before.text(i), after.text(i))
	}
	if b.last.audit == noted { // a version that says the same as the one before
		b.log(by, key, columns[0], "", after.text(0))
	}
}

// log adds a line to the audit log, if there is a difference.
func (b *books) log(by Author, subject, field, before, after string) {
	if before == after {
		return
	}
	b.last.audit++
	b.changes.audit = append(b.changes.audit, Entry{
		ID: b.last.audit, At: wire.TimeOf(b.now()), Who: by.Who, Source: by.Source,
		Subject: subject, Field: field, Before: before, After: after,
	})
}

// text is a field as the audit log shows it.
func (r record) text(i int) string {
	if r.table == nil || r.values[i] == nil || r.values[i] == int64(0) { // nothing, no, or no time
		return ""
	}
	return fmt.Sprint(r.values[i])
}

// writeRegister writes what was declared.
func (s *store) writeRegister(ctx context.Context, c *changes) error {
	for _, r := range c.declared {
		if err := s.write(ctx, *r.table, 1, func(_ int, to []any) []any { return append(to, r.values...) }); err != nil {
			return err
		}
	}
	for _, r := range c.undeclared {
		keys := strings.Split(r.table.columns, ", ")[:r.table.keys]
		query := "DELETE FROM " + r.table.name + " WHERE " + strings.Join(keys, " = ? AND ") + " = ?"
		if err := s.exec(ctx, query, r.values[:r.table.keys]...); err != nil {
			return fmt.Errorf("remove from %s: %w", r.table.name, err)
		}
	}
	return s.write(ctx, auditTable, len(c.audit), func(i int, to []any) []any {
		x := &c.audit[i]
		return append(to, x.ID, int64(x.At), x.Who, x.Source, x.Subject, x.Field, x.Before, x.After)
	})
}

// registered is the register as it was read last. Thousands of lines take long to read, and people seldom change them;
// whoever does leaves an entry in the audit log.
type registered struct {
	mu     sync.Mutex
	known  bool
	change int64 // number of the last change by a person that is in it
	Register
}

// read is the register, which is shared: nobody may change it.
func (k *registered) read(ctx context.Context, q querier) (Register, error) {
	change, err := readNumber(ctx, q, "SELECT COALESCE(MAX(id), 0) FROM audit")
	if err != nil {
		return Register{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known && k.change == change {
		return k.Register, nil
	}
	r, err := readRegister(ctx, q)
	if err == nil {
		k.known, k.change, k.Register = true, change, r
	}
	return r, err
}

// readRegister reads the whole register.
func readRegister(ctx context.Context, q querier) (Register, error) {
	r := Register{
		Establishments: map[string]Establishment{}, Sites: map[string]Site{}, Poles: map[string]Pole{}, Services: map[string]Service{},
		UFs: map[string][]UF{}, Lines: map[string][]Declaration{}, Devices: map[string][]DeclaredDevice{}, Targets: map[TargetKey][]Target{},
	}
	for _, read := range []func(context.Context, querier) error{r.readStructure, r.readUFs, r.readLines, r.readDevices, r.readTargets} {
		if err := read(ctx, q); err != nil {
			return r, fmt.Errorf("register: %w", err)
		}
	}
	var err error
	if r.Copper, err = copperUnder(ctx, q, r.Sites); err != nil {
		return r, fmt.Errorf("register: %w", err)
	}
	return r, nil
}

func (r *Register) readStructure(ctx context.Context, q querier) error {
	return errors.Join(
		each(ctx, q, "SELECT "+establishmentsTable.columns+" FROM establishments", func(read func(...any) error) error {
			var x Establishment
			err := read(&x.ID, &x.Name, &x.FINESS)
			r.Establishments[x.ID] = x
			return err
		}),
		each(ctx, q, "SELECT "+sitesTable.columns+" FROM sites", func(read func(...any) error) error {
			var x Site
			err := read(&x.ID, &x.Establishment, &x.Name, &x.Commune, &x.TimeZone)
			r.Sites[x.ID] = x
			return err
		}),
		each(ctx, q, "SELECT "+polesTable.columns+" FROM poles", func(read func(...any) error) error {
			var x Pole
			err := read(&x.ID, &x.Establishment, &x.Name)
			r.Poles[x.ID] = x
			return err
		}),
		each(ctx, q, "SELECT "+servicesTable.columns+" FROM services", func(read func(...any) error) error {
			var x Service
			err := read(&x.ID, &x.Establishment, &x.Pole, &x.Name)
			r.Services[x.ID] = x
			return err
		}),
	)
}

func (r *Register) readUFs(ctx context.Context, q querier) error {
	return each(ctx, q, "SELECT "+ufsTable.columns+" FROM ufs ORDER BY establishment, code, from_at", func(read func(...any) error) error {
		var x UF
		err := read(&x.Establishment, &x.Code, &x.From, &x.To, &x.Service, &x.Name)
		r.UFs[x.Key()] = append(r.UFs[x.Key()], x)
		return err
	})
}

func (r *Register) readLines(ctx context.Context, q querier) error {
	return each(ctx, q, "SELECT "+linesTable.columns+" FROM declared_lines ORDER BY line, from_at", func(read func(...any) error) error {
		var x Declaration
		err := read(&x.Line, &x.From, &x.Removed, &x.Number, &x.Extension, &x.Device, &x.Port, &x.Gateway, &x.GatewayPort,
			&x.Establishment, &x.Site, &x.Pole, &x.Service, &x.UF, &x.Support, &x.Cutoff, &x.CutOn, &x.KeptReason, &x.KeptUntil, &x.Contact)
		r.Lines[x.Line] = append(r.Lines[x.Line], x)
		return err
	})
}

func (r *Register) readDevices(ctx context.Context, q querier) error {
	return each(ctx, q, "SELECT "+placesTable.columns+" FROM declared_devices ORDER BY device, from_at", func(read func(...any) error) error {
		var x DeclaredDevice
		err := read(&x.Device, &x.From, &x.Establishment, &x.Site, &x.Pole, &x.Service, &x.UF, &x.Name, &x.Location, &x.Inventory)
		r.Devices[x.Device] = append(r.Devices[x.Device], x)
		return err
	})
}

// Declared is the number of the last line of the audit log: another one whenever people changed something.
func (l *Ledger) Declared(ctx context.Context) (last int64, err error) {
	err = l.read(ctx, "audit log", func(q querier, _ wire.Time) error {
		last, err = readNumber(ctx, q, "SELECT COALESCE(MAX(id), 0) FROM audit")
		return err
	})
	return last, err
}

// Audit is the newest of the audit log, newest first, at most limit.
func (l *Ledger) Audit(ctx context.Context, limit int) (entries []Entry, err error) {
	query := fmt.Sprintf("SELECT %s FROM audit ORDER BY id DESC LIMIT %d", auditTable.columns, limit)
	err = l.read(ctx, "audit log", func(q querier, _ wire.Time) error {
		return each(ctx, q, query, func(read func(...any) error) error {
			var x Entry
			err := read(&x.ID, &x.At, &x.Who, &x.Source, &x.Subject, &x.Field, &x.Before, &x.After)
			entries = append(entries, x)
			return err
		})
	})
	return entries, err
}
