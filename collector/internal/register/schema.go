package register

// Lines is the table of fax lines.
var Lines = &Schema{name: "lines", limit: 64 * mega, rows: maxRows, columns: []Column{
	{Name: "number", French: "numéro", Also: []string{"numéro de fax", "n° de fax", "numéro de ligne", "n° de ligne", "ligne", "ligne de fax", "fax", "n°", "no", "sda", "numéro sda", "phone number", "fax number", "line"}},
	{Name: "extension", French: "poste", Also: []string{"poste interne", "n° de poste", "numéro de poste", "numéro interne", "numéro court"}},
	{Name: "device", French: "machine", Also: []string{"appareil", "machine associée", "numéro de série", "n° de série", "serial", "serial number", "télécopieur", "multifonction"}},
	{Name: "port", French: "port", Also: []string{"port de la machine", "port machine", "device port"}},
	{Name: "gateway", French: "passerelle", Also: []string{"passerelle analogique"}},
	{Name: "gateway_port", French: "port passerelle", Also: []string{"port de passerelle", "port de la passerelle", "fxs", "port fxs"}},
	establishmentColumn, siteColumn, communeColumn, zoneColumn, poleColumn, serviceColumn, ufColumn,
	{Name: "support", French: "support", Also: []string{"type de ligne", "type de support", "support de la ligne", "line type"}},
	{Name: "cutoff", French: "coupure prévue", day: true, Also: []string{"date de coupure prévue", "coupure prévue le", "date de coupure", "cut-off date", "planned cut-off"}},
	{Name: "cut_on", French: "coupure réelle", day: true, Also: []string{"date de coupure réelle", "coupure effective", "coupée le", "coupé le", "suspension réalisée"}},
	{Name: "kept_reason", French: "motif de maintien", Also: []string{"raison du maintien", "motif", "exception", "motif d'exception"}},
	{Name: "kept_until", French: "à revoir le", day: true, Also: []string{"maintenue jusqu'au", "date de réexamen", "review date", "review on"}},
	{Name: "contact", French: "contact", Also: []string{"référent", "référent métier", "personne à contacter", "contact person"}},
}}

// Columns that several tables have.
var (
	establishmentColumn = Column{Name: "establishment", French: "établissement", Also: []string{"entité juridique", "ej", "hospital"}}
	siteColumn          = Column{Name: "site", French: "site", Also: []string{"entité géographique", "eg", "campus"}}
	communeColumn       = Column{Name: "commune", French: "commune", Also: []string{"commune insee", "code commune", "code insee", "insee"}}
	zoneColumn          = Column{Name: "time_zone", French: "fuseau", Also: []string{"fuseau horaire"}}
	poleColumn          = Column{Name: "pole", French: "pôle", Also: []string{"division"}}
	serviceColumn       = Column{Name: "service", French: "service", Also: []string{"department"}}
	ufColumn            = Column{Name: "uf", French: "UF", Also: []string{"code uf", "uf code", "unité fonctionnelle", "functional unit"}}
)

// Structure is the table of what hospitals are made of, down to their functional units.
var Structure = &Schema{name: "structure", limit: 64 * mega, rows: maxRows, columns: []Column{
	establishmentColumn,
	{Name: "establishment_id", French: "id établissement"},
	{Name: "finess", French: "FINESS", Also: []string{"finess ej", "n° finess", "numéro finess", "finess juridique"}},
	siteColumn,
	{Name: "site_id", French: "id site"},
	communeColumn, zoneColumn, poleColumn,
	{Name: "pole_id", French: "id pôle"},
	serviceColumn,
	{Name: "service_id", French: "id service"},
	ufColumn,
	{Name: "uf_name", French: "libellé UF", Also: []string{"libellé", "libellé de l'uf", "nom uf", "libellé unité fonctionnelle", "uf label"}},
	{Name: "opened", French: "date ouverture", day: true, Also: []string{"date d'ouverture", "ouverture", "ouverte le", "date début", "date de début", "valide du", "opened on", "valid from"}},
	{Name: "closed", French: "date fermeture", day: true, Also: []string{"date de fermeture", "fermeture", "fermée le", "date fin", "date de fin", "valide au", "closed on", "valid to"}},
}}

// Devices is the table of where machines stand.
var Devices = &Schema{name: "devices", limit: 64 * mega, rows: maxRows, columns: []Column{
	{Name: "device", French: "machine", Also: []string{"appareil", "numéro de série", "n° de série", "serial", "serial number"}},
	establishmentColumn, siteColumn, poleColumn, serviceColumn, ufColumn,
	{Name: "name", French: "nom", Also: []string{"nom de la machine", "libellé"}},
	{Name: "location", French: "lieu", Also: []string{"emplacement", "localisation"}},
	{Name: "inventory", French: "numéro d'inventaire", Also: []string{"n° d'inventaire", "inventaire", "inventory number", "asset tag"}},
}}

// Targets is the table of what indicators are to come to.
var Targets = &Schema{name: "targets", limit: 64 * mega, rows: maxRows, columns: []Column{
	{Name: "indicator", French: "indicateur", words: indicatorWords},
	establishmentColumn, poleColumn,
	{Name: "value", French: "objectif", Also: []string{"target", "cible", "valeur", "valeur cible"}},
	{Name: "from", French: "à partir de", day: true, Also: []string{"depuis", "mois", "à partir du mois", "valable depuis", "valable à partir de", "valid from", "since", "month"}},
}}

// AgentTargets is the table of the machines that agents poll, a row each.
var AgentTargets = &Schema{name: "agents' targets", limit: 64 * mega, rows: maxRows, columns: []Column{
	{Name: "agent", French: "agent", Also: []string{"serveur", "serveur d'impression", "print server"}},
	{Name: "host", French: "adresse", Also: []string{"hôte", "machine", "adresse IP", "ip", "ip address", "address", "nom dns"}},
	{Name: "range", French: "plage", Also: []string{"plage d'adresses", "réseau", "sous-réseau", "network", "subnet"}},
	{Name: "port", French: "port", Also: []string{"port snmp", "port udp", "snmp port"}},
	{Name: "credentials", French: "accès", Also: []string{"accès snmp", "identifiants", "identifiants snmp", "snmp credentials"}},
	{Name: "comment", French: "commentaire", Also: []string{"remarque", "note", "lieu", "emplacement", "location"}},
}}

var mailboxWords = []string{"adresse MSSanté", "adresse BAL", "BAL", "boîte aux lettres", "mailbox", "MSSanté address"}

// Mailboxes is the table of MSSanté addresses.
var Mailboxes = &Schema{name: "MSSanté addresses", limit: 64 * mega, rows: maxRows, columns: []Column{
	{Name: "address", French: "adresse", Also: mailboxWords},
	{Name: "kind", French: "type de BAL", words: mailboxKindWords, Also: []string{"type", "type BAL", "kind of mailbox"}},
	establishmentColumn, serviceColumn,
	{Name: "state", French: "état", words: mailboxStateWords, Also: []string{"statut", "status"}},
	{Name: "since", French: "depuis", day: true, Also: []string{"depuis le", "à partir du", "valable depuis", "date", "date d'effet", "from"}},
}}

// Volumes is the table of messages of MSSanté, by month: of mailboxes, of domains, of services or of all at once.
var Volumes = &Schema{name: "MSSanté volumes", limit: 64 * mega, rows: maxRows, columns: []Column{
	{Name: "month", French: "mois", day: true, Also: []string{"période", "period"}},
	establishmentColumn, serviceColumn,
	{Name: "address", French: "adresse", Also: mailboxWords},
	{Name: "received", French: "reçus", Also: []string{"messages reçus", "MSSanté reçus", "messages MSSanté reçus", "messages received", "nombre de messages reçus"}},
	{Name: "sent", French: "émis", Also: []string{"messages émis", "envoyés", "messages envoyés", "MSSanté émis", "messages MSSanté émis", "messages sent", "nombre de messages émis"}},
}}

// GLPI is the export of GLPI's list of printers; its columns depend on its user.
var GLPI = &Schema{name: "GLPI's printers", limit: 64 * mega, rows: maxRows, loose: true, columns: []Column{
	{Name: "name", French: "nom"},
	{Name: "serial", French: "numéro de série", Also: []string{"serial number", "n° de série", "s/n"}},
	{Name: "inventory", French: "numéro d'inventaire", Also: []string{"inventory number", "inventory/asset number", "n° d'inventaire"}},
	{Name: "location", French: "lieu", Also: []string{"localisation", "lieux", "locations"}},
	{Name: "address", French: "adresse IP", Also: []string{"ip", "ip address", "réseau - ip", "network - ip", "ports réseau - ip", "network ports - ip", "adresse ip du réseau"}},
}}

// Copper is the list of the dates on which copper closes, by commune.
var Copper = &Schema{name: "copper closures", limit: 1024 * mega, rows: maxRows, loose: true, columns: []Column{
	{Name: "code_insee", French: "code INSEE", Also: []string{"insee", "insee commune", "code commune", "code insee commune", "commune insee"}},
	{Name: "nom_commune", French: "commune", Also: []string{"nom de la commune", "nom commune", "libellé commune"}},
	{Name: "fermeture_commerciale", French: "date de fermeture commerciale", day: true, Also: []string{"commercial closure"}},
	{Name: "fermeture_technique", French: "date de fermeture technique", day: true, Also: []string{"technical closure"}},
	{Name: "lot", French: "lot", Also: []string{"numéro de lot", "n° de lot", "lot de fermeture"}},
}}
