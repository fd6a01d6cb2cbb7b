package metrics

// The metrics by name. Labels are line, device, agent and where they belong; all else is in an _info.
var (
	activeLines = gauge("active_lines", "Fax lines in state active.", "establishment", "pole", "service")
	lines       = gauge("lines", "Fax lines by state.", "establishment", "pole", "service", "state")
	faxPages    = counter("fax_pages_total", "Pages faxed; received are pages received where a device counts them, else pages printed for a fax.",
		"establishment", "pole", "service", "direction")
	faxes = counter("faxes_total", "Fax messages, where devices count them.", "establishment", "pole", "service", "direction")

	lineInfo        = gauge("line_info", "Where a line belongs.", "line", "device", "establishment", "site", "pole", "service")
	lineStatus      = gauge("line_status", "1 for the status that a phone line is in.", "line", "status")
	lineLastFax     = gauge("line_last_fax_timestamp_seconds", "End of the interval in which the last fax was counted.", "line")
	lineLastReading = gauge("line_last_reading_timestamp_seconds", "When the line's device answered last.", "line")
	lineCutoff      = gauge("line_cutoff_timestamp_seconds", "When the line is to be cut.", "line")
	lineFaxPages    = counter("line_fax_pages_total", "Pages faxed on a line, where that is known for it alone.", "line", "direction")

	deviceUp         = gauge("device_up", "Whether the device answered at the last look.", "device")
	deviceInfo       = gauge("device_info", "What a device is, and which agent reads it.", "device", "vendor", "model", "agent")
	deviceAnomalies  = counter("device_anomalies_total", "Anomalies of a device's counters and identity.", "device", "kind")
	deviceCounted    = counter("device_counted_total", "What a device counted since it was first seen.", "device", "measure", "unit")
	deviceFaxService = gauge("device_fax_service", "1 for the state that a device says its fax function is in.", "device", "state")

	agentUp              = gauge("agent_up", "Whether the agent is online and was heard within 3 minutes.", "agent")
	agentInfo            = gauge("agent_info", "What an agent runs.", "agent", "version", "os")
	agentLastSeen        = gauge("agent_last_seen_timestamp_seconds", "When the agent was heard last.", "agent")
	agentSpoolEnvelopes  = gauge("agent_spool_envelopes", "Envelopes that the agent holds and that are not in the books yet.", "agent")
	agentDroppedReadings = counter("agent_dropped_readings_total", "Readings that the agent gave up because its spool was full.", "agent")

	collectorEnvelopes = counter("collector_envelopes_total", "Envelopes received, by what became of them.", "result")
	buildInfo          = gauge("build_info", "What this program was built from.", "version", "goversion")
)
