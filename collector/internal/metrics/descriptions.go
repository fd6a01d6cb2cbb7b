package metrics

// The metrics by name. Labels are line, device, agent and where they belong; all else is in an _info.
var (
	activeLines = desc("active_lines", "Fax lines that live: those in state active, and those overdue or kept that still show activity. Lines that nobody can see are none of them.",
		"establishment", "pole", "service")
	unseenLines  = desc("unseen_lines", "Fax lines that may be active without anybody seeing it.", "establishment", "pole", "service")
	linesByState = desc("lines", "Fax lines by state; each line is in one.", "establishment", "pole", "service", "state")
	faxPages     = desc("fax_pages_total", "Pages faxed; received are pages received where a device counts them, else pages printed for a fax.",
		"establishment", "pole", "service", "direction")
	faxes = desc("faxes_total", "Fax messages, where journals tell them or devices count them; internal ones are of the service that sent them.", "establishment", "pole", "service", "direction")

	lineInfo        = desc("line_info", "Where a line belongs.", "line", "device", "establishment", "site", "pole", "service")
	lineStatus      = desc("line_status", "1 for the status that a phone line is in.", "line", "status")
	lineState       = desc("line_state", "1 for the state that a line is in on its way to the cut-off.", "line", "state")
	lineLastFax     = desc("line_last_fax_timestamp_seconds", "End of the interval in which the last fax was counted.", "line")
	lineLastReading = desc("line_last_reading_timestamp_seconds", "When the line's device answered last.", "line")
	lineCutoff      = desc("line_cutoff_timestamp_seconds", "From when on nobody should fax on the line.", "line")
	lineCut         = desc("line_cut_timestamp_seconds", "End of the day on which the line was really cut, as declared.", "line")
	lineKeptUntil   = desc("line_kept_until_timestamp_seconds", "When a line that is kept is to be looked at again.", "line")
	lineFaxPages    = desc("line_fax_pages_total", "Pages faxed on a line, where that is known for it alone.", "line", "direction")
	linePagesAfter  = desc("line_pages_after_cutoff_total", "Pages certainly or probably faxed on a line after its cut-off.", "line")
	lineFaxesAfter  = desc("line_faxes_after_cutoff_total", "Fax messages certainly or probably faxed on a line after its cut-off.", "line")
	lineAfterAt     = desc("line_after_cutoff_noticed_timestamp_seconds", "When the last fax after a line's cut-off was booked.", "line")
	lineAlertOpened = desc("line_alert_opened_timestamp_seconds", "When an open alert about a line was opened.", "line", "kind", "certainty")
	openAlerts      = desc("open_alerts", "Open alerts by kind, and, of faxes after a date, by how sure it is that they came after it.", "kind", "certainty")

	establishmentInfo = desc("establishment_info", "The name of an establishment.", "establishment", "name", "finess")
	siteInfo          = desc("site_info", "The name of a site.", "establishment", "site", "name")
	poleInfo          = desc("pole_info", "The name of a pole.", "establishment", "pole", "name")
	serviceInfo       = desc("service_info", "The name of a service, and where it belongs.", "establishment", "pole", "service", "name")

	mssanteAddresses = desc("mssante_addresses", "MSSanté addresses by state, as declared; absent where none ever was.", "establishment", "pole", "service", "state")
	mssanteMessages  = desc("mssante_messages_total", "MSSanté messages of all months that were declared; absent where none was. It grows when a month is declared, and falls when one is corrected.",
		"establishment", "pole", "service", "direction")

	target = desc("target", "What an indicator is to come to in the present month: of a pole, of an establishment, or of the structure as a whole where neither is named. Of faxes received and sent it is pages.",
		"indicator", "establishment", "pole")

	deviceUp         = desc("device_up", "Whether the device answered at the last look.", "device")
	deviceInfo       = desc("device_info", "What a device is, and which agent reads it.", "device", "vendor", "model", "agent")
	deviceAnomalies  = desc("device_anomalies_total", "Anomalies of a device's counters and identity.", "device", "kind")
	deviceCounted    = desc("device_counted_total", "What a device counted since it was first seen.", "device", "measure", "unit")
	deviceFaxService = desc("device_fax_service", "1 for the state that a device says its fax function is in.", "device", "state")

	agentUp              = desc("agent_up", "Whether the agent is online and was heard within 3 minutes.", "agent")
	agentInfo            = desc("agent_info", "What an agent runs.", "agent", "version", "os")
	agentLastSeen        = desc("agent_last_seen_timestamp_seconds", "When the agent was heard last.", "agent")
	agentSpoolEnvelopes  = desc("agent_spool_envelopes", "Envelopes that the agent holds and that are not in the books yet.", "agent")
	agentClockOffset     = desc("agent_clock_offset_seconds", "How far the agent's clock is behind the collector's.", "agent")
	agentConfigCurrent   = desc("agent_config_current", "Whether the agent polls what is declared for it here; absent where nothing is.", "agent")
	agentCertificate     = desc("agent_certificate_not_after_timestamp_seconds", "When the newest certificate of an agent ends, or ended; revoked ones don't count. zerofax-broker and zerofax-collector are those for an outside broker.", "agent")
	agentDroppedReadings = desc("agent_dropped_readings_total", "Readings that the agent gave up because its spool was full.", "agent")

	anomaliesOpen = desc("anomalies_open", "Anomalies that wait for a person to judge them.")

	collectorEnvelopes = desc("collector_envelopes_total", "Envelopes received, by what became of them.", "result")
	collectorReady     = desc("collector_ready", "Whether readings can come in and be booked now: the broker is reached, and the disk has room.")
	buildInfo          = desc("build_info", "What this program was built from.", "version", "goversion")
)
