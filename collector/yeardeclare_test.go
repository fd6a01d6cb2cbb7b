package main

import (
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/deploy/year"
)

func (r *yearRun) declare(i year.Import) {
	err := r.books.Declare(r.Context(), somebody, func(reg ledger.Register) (ledger.Register, error) {
		for _, row := range i.Rows {
			id := row[0]
			versions := reg.Lines[id]
			cells := map[string]string{}
			for n, c := range i.Columns {
				cells[c] = row[n]
			}
			if zone, ok := cells["time_zone"]; ok {
				reg.Establishments[cells["establishment"]] = ledger.Establishment{ID: cells["establishment"], Name: cells["establishment"]}
				reg.Sites[cells["site"]] = ledger.Site{ID: cells["site"], Establishment: cells["establishment"], Name: cells["site"], TimeZone: zone, Commune: cells["commune"]}
				reg.Poles[cells["pole"]] = ledger.Pole{ID: cells["pole"], Establishment: cells["establishment"], Name: cells["pole"]}
				reg.Services[cells["service"]] = ledger.Service{ID: cells["service"], Establishment: cells["establishment"], Pole: cells["pole"], Name: cells["service"]}
			}
			var d ledger.Declaration
			if len(versions) > 0 {
				d = versions[len(versions)-1]
			}
			d.Line, d.Number = id, id
			dated := false
			day := func(text string) ledger.Day {
				if a := strings.Split(text, "/"); len(a) == 3 {
					return ledger.Day(a[2] + "-" + a[1] + "-" + a[0])
				}
				return ledger.Day(text)
			}
			for c, text := range cells {
				switch c {
				case "device":
					dated = dated || d.Device != ""
					d.Device = text
				case "gateway":
					d.Gateway = text
				case "gateway_port":
					d.GatewayPort = text
				case "establishment":
					d.Establishment = text
				case "site":
					d.Site = text
				case "pole":
					d.Pole = text
				case "service":
					dated = dated || d.Service != ""
					d.Service = text
				case "support":
					d.Support = text
				case "cutoff":
					d.Cutoff = day(text)
				case "cut_on":
					d.CutOn = day(text)
				case "kept_reason":
					d.KeptReason = text
				case "kept_until":
					d.KeptUntil = day(text)
				}
			}
			if len(versions) == 0 || !dated {
				d.From = 0
				if n := len(versions); n > 0 {
					d.From = versions[n-1].From
					versions = versions[:n-1]
				}
			} else {
				d.From = wire.TimeOf(r.now)
				if i.Since != "" {
					zone, _ := time.LoadLocation(reg.Sites[d.Site].TimeZone)
					d.From = ledger.Day(i.Since).In(zone)
				}
			}
			reg.Lines[id] = append(versions, d)
		}
		return reg, nil
	})
	if err != nil {
		r.Fatal(err)
	}
}
