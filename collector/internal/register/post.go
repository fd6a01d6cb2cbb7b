package register

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// post is what is declared of messages mailbox by mailbox, while a table changes it.
type post struct {
	volumes  map[postKey]ledger.MailboxVolume
	rows     map[postKey]Row
	named    map[postKey]bool // months and domains whose mailboxes the table names
	declared map[string]bool  // addresses
	strange  []string         // addresses of the table that aren't
}

// postKey is a month and an address, or a domain.
type postKey struct {
	month   ledger.Month
	address string
}

func newPost(mailboxes []ledger.Mailbox, before []ledger.MailboxVolume) post {
	p := post{
		volumes: make(map[postKey]ledger.MailboxVolume, len(before)), rows: make(map[postKey]Row),
		named: make(map[postKey]bool), declared: make(map[string]bool),
	}
	for _, v := range before {
		p.volumes[postKey{v.Month, v.Address}] = v
	}
	for _, m := range mailboxes {
		p.declared[m.Address] = true
	}
	return p
}

var domainForm = regexp.MustCompile(`^(\*?@)?([a-z0-9-]+(\.[a-z0-9-]+)+)$`)

// mailbox takes in a row of a mailbox, or of a domain.
func (d *volumeDraft) mailbox(row Row, month ledger.Month, text string) {
	address := strings.ToLower(text)
	if m := domainForm.FindStringSubmatch(address); m != nil {
		address = "@" + m[2]
	} else if !addressForm.MatchString(address) {
		d.fault(row, "address", "%q is no address; want one such as secretariat.cardiologie@chu-exemple.mssante.fr, a domain for all of its mailboxes, or nothing", text)
		return
	}
	key := postKey{month, address}
	if before, twice := d.post.rows[key]; twice && month != 0 {
		d.fault(row, "address", "the same month and address are in row %d too; want them once", before.Number)
		return
	}
	d.post.rows[key] = row
	v := d.post.volumes[key]
	v.Month, v.Address = month, address
	if d.has("service") || d.has("establishment") || d.only() != "" {
		v.Establishment, v.Service = d.whose(row)
	}
	v.Sent, v.Received = d.count(row, "sent", v.Sent), d.count(row, "received", v.Received)
	d.post.volumes[key] = v
	if v.Whole() {
		return
	}
	d.post.named[postKey{month, ledger.Domain(address)}] = true
	if !d.post.declared[address] && v.Service == "" && !slices.Contains(d.post.strange, address) {
		d.post.strange = append(d.post.strange, address)
	}
}

// only is the only establishment there is, if there is but one.
func (d *draft) only() string {
	if all := d.ids(establishment); len(all) == 1 {
		return all[0]
	}
	return ""
}

// settlePost makes what the table doesn't name of its months and domains unknown, and puts all in order.
func (d *volumeDraft) settlePost() []ledger.MailboxVolume {
	p := &d.post
	for key, v := range p.volumes {
		if _, said := p.rows[key]; !said && !v.Whole() && p.named[postKey{key.month, ledger.Domain(key.address)}] {
			if d.has("sent") {
				v.Sent = nil
			}
			if d.has("received") {
				v.Received = nil
			}
			p.volumes[key] = v
		}
	}
	if n := len(p.strange); n > 0 {
		few := strings.Join(p.strange[:min(n, 5)], ", ")
		if n > 5 {
			few += fmt.Sprintf(" and %d more", n-5)
		}
		d.warn(Row{}, "", "no such mailboxes are declared, so their messages belong to no service: %s; import mssante-addresses declares them", few)
	}
	all := slices.SortedFunc(maps.Values(p.volumes), ledger.MailboxVolume.Compare)
	return slices.DeleteFunc(all, func(v ledger.MailboxVolume) bool { return v.Sent == nil && v.Received == nil })
}
