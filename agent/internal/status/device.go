package status

import (
	"encoding/hex"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// devicePage is all that is known of one target.
type devicePage struct {
	frame
	Target Target
	told
	Raw  []rawLook
	JSON string // URL of the same as JSON
	File string // name for that
}

// rawLook is a look as it came.
type rawLook struct {
	At      wire.Time
	Answers []raw
}

var notInFile = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// raw is one object as the device told it.
type raw struct {
	OID   string `json:"oid"`
	Type  string `json:"type"` // "" = the device doesn't have it
	Value string `json:"value"`
	Hex   string `json:"hex,omitempty"`  // of texts and addresses, as they came
	Use   string `json:"used,omitempty"` // what was made of it
	Plain bool   `json:"-"`              // Value says all that Hex does
}

func (p *Page) device(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept, Accept-Language")
	address := r.URL.Query().Get("address")
	d := devicePage{frame: p.frame(r, "address")}
	if !d.find(p.targets(), address) {
		p.gone(w, r, address)
		return
	}
	last, _ := p.Last(address)
	d.told = toldBy(last)
	for i := range last.Looks {
		d.Raw = append(d.Raw, rawLook{last.Looks[i].At, rawOf(&last.Looks[i])})
	}
	if wantsJSON(r) {
		page.Answer(w, "application/json", http.StatusOK, d.facts())
		return
	}
	d.JSON = "/device?" + url.Values{"address": {address}, "format": {"json"}}.Encode()
	d.File = "zerofax-" + notInFile.ReplaceAllString(address, "-") + ".json"
	p.Render(w, http.StatusOK, "device.html", &d)
}

// find tells whether there is a target with that address.
func (d *devicePage) find(targets iter.Seq[Target], address string) bool {
	for d.Target = range targets {
		if d.Target.Address == address {
			return true
		}
	}
	return false
}

// gone says that the agent doesn't look at address. A page that is open stays one: what was
// discovered may be dropped.
func (p *Page) gone(w http.ResponseWriter, r *http.Request, address string) {
	if wantsJSON(r) {
		fault(w, r, http.StatusNotFound, "the agent doesn't look at "+address)
		return
	}
	p.Render(w, http.StatusNotFound, "gone.html", struct {
		frame
		Address string
	}{p.frame(r, "address"), address})
}

// facts are the page for programs, and for a support case.
func (d *devicePage) facts() any {
	type measure struct {
		Measure   wire.Measure `json:"measure"`
		Value     int64        `json:"value"`
		Unit      string       `json:"unit"`
		OID       string       `json:"oid"`
		Rule      string       `json:"rule"`
		Certainty string       `json:"certainty"`
		Note      string       `json:"note,omitempty"`
	}
	type look struct {
		At       wire.Time    `json:"at"`
		Answers  []raw        `json:"answers"`
		Reading  wire.Reading `json:"reading"`
		Measures []measure    `json:"measures"`
		Unknown  []string     `json:"unknown"`
		Warnings []string     `json:"warnings"`
	}
	out := struct {
		Agent   string    `json:"agent"`
		Version string    `json:"version"`
		At      wire.Time `json:"at"`
		State   state     `json:"state"`
		TookMS  int64     `json:"last_look_ms,omitempty"`
		Target
		Looks []look `json:"last_answers"` // empty: it never answered
	}{d.Agent, d.Version, d.Now, d.Target.State(), d.Target.Took.Milliseconds(), d.Target, []look{}}
	for i := range d.Looks {
		l := &d.Looks[i]
		one := look{
			At: l.At, Answers: d.Raw[i].Answers, Reading: l.Result.Reading, Measures: []measure{},
			Unknown: append([]string{}, l.Result.Unknown...), Warnings: append([]string{}, l.Result.Warnings...),
		}
		for _, m := range l.Measures {
			one.Measures = append(one.Measures, measure{m.Measure, m.Value, m.Unit, m.OID, m.Rule, m.Certainty, m.Note})
		}
		out.Looks = append(out.Looks, one)
	}
	return out
}

// mostHex is how many bytes are shown of a value that can't be read.
const mostHex = 64

// rawOf are the answers as people can read them.
func rawOf(look *Look) []raw {
	list := []raw{}
	for _, a := range look.Answers {
		if !a.Told {
			list = append(list, raw{OID: a.OID, Use: a.Use, Plain: true})
			continue
		}
		one := raw{OID: a.OID, Type: kinds[a.Value.Kind], Value: a.Value.Text(), Use: a.Use, Plain: true}
		if a.Value.Kind == mibs.OctetString || a.Value.Kind == mibs.IPAddress {
			one.Hex = hex.EncodeToString(a.Value.Bytes)
			one.Plain = one.Value == string(a.Value.Bytes) || a.Value.Kind == mibs.IPAddress
		}
		list = append(list, one)
	}
	return list
}

// kinds are the types of values by the names of SMI (RFC 2578).
var kinds = map[mibs.Kind]string{
	mibs.Null: "NULL", mibs.Integer: "INTEGER", mibs.OctetString: "OCTET STRING", mibs.ObjectID: "OBJECT IDENTIFIER",
	mibs.IPAddress: "IpAddress", mibs.Counter: "Counter32", mibs.Gauge: "Gauge32", mibs.TimeTicks: "TimeTicks", mibs.Counter64: "Counter64",
}

// Bytes are those of a, in groups, cut where they are many.
func (a raw) Bytes() string {
	text, more := a.Hex, ""
	if len(text) > 2*mostHex {
		text, more = text[:2*mostHex], " …"
	}
	var groups []string
	for ; len(text) > 2; text = text[2:] {
		groups = append(groups, text[:2])
	}
	return strings.Join(append(groups, text), " ") + more
}
