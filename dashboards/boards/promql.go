package boards

import "fmt"

// The places that dashboards let people choose, as labels.
const (
	inEstablishment = `establishment=~"$establishment"`
	inPlace         = `establishment=~"$establishment",pole=~"$pole",service=~"$service"`
	inService       = `service="$service"`
)

// now is a gauge that each line has one of, of the lines of a place. It is without the labels that
// Prometheus adds, so that nothing is doubled while a collector moves to another address.
func ofLines(gauge, in string) string {
	return fmt.Sprintf(`max by (line) (%s) and on (line) zerofax_line_info{%s}`, gauge, in)
}

// growth is by how much counters grew in so many days: the difference of two sums, and not increase,
// which takes it for a restart when lines move to another service. Where Prometheus has not watched
// for so long, it is what it saw. What fell is unknown.
func growth(by, counter string, days int) string {
	sum := "sum"
	if by != "" {
		sum = fmt.Sprintf("sum by (%s)", by)
	}
	return fmt.Sprintf(`(%[1]s (%[2]s) - (%[1]s (%[2]s offset %[3]dd) or min_over_time(%[1]s (%[2]s)[%[3]dd:30m]))) >= 0`, sum, counter, days)
}

// ifLines is a sum over the lines of a place where there are any, else unknown.
func ifLines(sum, in string) string {
	return fmt.Sprintf(`%s and sum(zerofax_lines{%s}) > 0`, sum, in)
}

// withName joins the name of a service.
func withName(expr string) string {
	return fmt.Sprintf(`%s * on (service) group_left (name) max by (service, name) (zerofax_service_info)`, expr)
}

// linesWithName are the lines of a place with the name of their service, "" where they have none.
func linesWithName(in string) string {
	return fmt.Sprintf(`max by (line, device, service) (zerofax_line_info{%s}) * on (service) group_left (name) `+
		`(max by (service, name) (zerofax_service_info) or max by (service) (zerofax_line_info{service=""}))`, in)
}

// answering is 1 for each machine that answered at the last look, 0 for one that didn't, and 2 for one
// whose agent is silent: nobody looks, and its last answer says nothing of today.
const answering = `(max by (device) (zerofax_device_up) and on (device) zerofax_device_info * on (agent) group_left () (max by (agent) (zerofax_agent_up) == 1)` +
	` or max by (device) (zerofax_device_info) * 2)`

const month = 30 // days

// today reads a metric as it stands at the end of the time range for all of it. So what people declared
// is drawn over years, however short Prometheus' memory is.
const today = " @ ${__to:date:seconds}"
