package register

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// The columns of Extraction_Correspondance_MSSante that are read, of 31, by the letters of their names. More of them may
// come, and their order may change.
const (
	kindHeader       = "typedebal"
	addressHeader    = "adressebal"
	personHeader     = "identifiantpp"
	structureHeader  = "identificationstructure"
	serviceHeader    = "servicederattachement"
	nameHeader       = "raisonsocialestructurebal"
	signHeader       = "enseignecommercialestructurebal"
	nationalHeader   = "identificationnationalepp"
	surnameHeader    = "nomdexercice"
	forenameHeader   = "prenomdexercice"
	professionHeader = "libelleprofession"
	skillHeader      = "libellesavoirfaire"
	paperlessHeader  = "dematerialisation"
	routingHeader    = "l6ligneacheminementstructurebal"
	postcodeHeader   = "codepostalstructurebal"
)

const (
	maxExtractionSays = 20 // warnings
	sharedStructures  = 20 // a domain with more is an operator's, not ours
	mostListed        = 200_000
)

// Wanted says which mailboxes of the national directory are ours: those that are declared or were listed before, those
// of our structures, and those of the domains of declared ones, unless so many structures have addresses in a domain
// that it is an operator's.
type Wanted struct {
	addresses, structures, domains map[string]bool
}

// WhichAreOurs says it of what is declared and of what was listed.
func WhichAreOurs(r ledger.Register, mailboxes []ledger.Mailbox, listed []ledger.Listed) Wanted {
	w := Wanted{make(map[string]bool), make(map[string]bool), make(map[string]bool)}
	for _, x := range r.Establishments {
		if x.FINESS != "" {
			w.structures[x.FINESS] = true
		}
	}
	for _, x := range mailboxes {
		w.addresses[x.Address] = true
		w.domains[ledger.Domain(x.Address)] = true
	}
	for _, x := range listed {
		w.addresses[x.Address] = true
	}
	return w
}

// Nothing tells whether nothing can be ours.
func (w Wanted) Nothing() bool { return len(w.addresses)+len(w.structures) == 0 }

// ExtractionFile is an extraction of the national directory, a TXT file or a ZIP file that holds one.
type ExtractionFile struct{ *PublicFile }

// OpenExtraction opens one. The error is Faults where the file isn't as it should be.
func OpenExtraction(file string) (*ExtractionFile, error) {
	f, err := openPublic(file, `(?i)\.txt$`, "TXT")
	return &ExtractionFile{f}, err
}

// Extraction is what was read of one.
type Extraction struct {
	Rows  int64           // lines below the header
	Ours  []ledger.Listed // by address
	Notes []Note          // what is doubtful of ours
}

// Ours reads an extraction line by line, and keeps what is ours. The error is Faults where the file isn't as it should be.
func (e *ExtractionFile) Ours(w Wanted) (Extraction, error) {
	r := extractionReader{Wanted: w, PublicFile: e.PublicFile, ours: make(map[string]ledger.Listed), structured: make(map[string]map[string]bool), shared: make(map[string]bool)}
	if err := r.read(r.line); err != nil {
		return Extraction{}, err
	}
	r.dropShared()
	ours := slices.SortedFunc(maps.Values(r.ours), func(a, b ledger.Listed) int { return strings.Compare(a.Address, b.Address) })
	return Extraction{r.rows, ours, r.notes}, nil
}

type extractionReader struct {
	Wanted
	*PublicFile
	columns    map[string]int
	cells      int // of a line
	rows       int64
	ours       map[string]ledger.Listed
	structured map[string]map[string]bool // structures by domain of ours
	shared     map[string]bool            // domains of operators
	notes      []Note
}

// read hands over the lines below the header.
func (r *extractionReader) read(take func(number int64, line []byte) error) error {
	err := r.lines(func(number int64, line []byte, last bool) error {
		switch {
		case r.columns == nil:
			return r.header(number, string(line))
		case last && bytes.Count(line, []byte("|")) < r.cells-1:
			return r.fault(number, "ends in the middle of a line; want the file downloaded again, whole")
		}
		r.rows++
		return take(number, line)
	})
	switch {
	case err != nil:
		return err
	case r.columns == nil:
		return r.fault(0, "is empty; want Extraction_Correspondance_MSSante, TXT or ZIP")
	case r.rows == 0:
		return r.fault(0, "has no lines below its header; want it downloaded again")
	}
	return nil
}

func (r *extractionReader) line(number int64, line []byte) error {
	address := strings.ToLower(string(cellOf(line, r.columns[addressHeader])))
	structure := strings.TrimSpace(string(cellOf(line, r.columns[structureHeader])))
	domain := ledger.Domain(address)
	owned := r.structures[structure] || len(structure) == 10 && r.structures[structure[1:]] // some write its kind before it
	switch {
	case !strings.Contains(address, "@"):
		return nil
	case owned || r.addresses[address]:
	case !r.domains[domain] || r.shared[domain]:
		return nil
	case r.structured[domain] == nil:
		r.structured[domain] = map[string]bool{structure: true}
	default:
		r.structured[domain][structure] = true
		r.shared[domain] = len(r.structured[domain]) > sharedStructures
	}
	before, twice := r.ours[address]
	if twice && (!owned || r.structures[before.Structure]) {
		return nil
	}
	if len(r.ours) == mostListed {
		return r.fault(number, "has more than %d addresses that would be ours; are the domains of declared addresses those of an operator?", mostListed)
	}
	text := func(header string) string { return r.text(line, header) }
	r.ours[address] = ledger.Listed{
		Address: address, Kind: text(kindHeader), Structure: structure, Name: text(nameHeader), Service: text(serviceHeader),
	}
	r.check(number, structure, text(personHeader))
	return nil
}

// check warns of identifiers that can't be right.
func (r *extractionReader) check(number int64, structure, person string) {
	if len(r.notes) == maxExtractionSays {
		return
	}
	if _, doubt := finess(structure); doubt != "" && len(structure) == 9 {
		r.notes = append(r.notes, Note{r.Name, int(number), "Identification Structure", doubt})
	}
	if len(person) == 11 && onlyDigits(person) && !luhn(person) {
		r.notes = append(r.notes, Note{r.Name, int(number), "Identifiant PP", "its last digit doesn't fit the others, as an RPPS number's does"})
	}
}

func (r *extractionReader) header(number int64, line string) error {
	r.columns, r.cells = columnsOf(line, "|"), strings.Count(line, "|")+1
	for header, name := range map[string]string{addressHeader: "Adresse BAL", kindHeader: "Type de BAL", structureHeader: "Identification Structure"} {
		if _, ok := r.columns[header]; !ok {
			return r.fault(number, "there is no column %s; want Extraction_Correspondance_MSSante as the national directory makes it, | between cells", name)
		}
	}
	return nil
}

// text is a cell as it is kept; empty where there is no such column.
func (r *extractionReader) text(line []byte, header string) string {
	column, ok := r.columns[header]
	if !ok {
		return ""
	}
	return clean(string(cellOf(line, column)))
}

// cellOf is a cell of a line; empty where the line has none.
func cellOf(line []byte, column int) []byte {
	for ; column > 0; column-- {
		i := bytes.IndexByte(line, '|')
		if i < 0 {
			return nil
		}
		line = line[i+1:]
	}
	if column < 0 {
		return nil
	}
	cell, _, _ := bytes.Cut(line, []byte("|"))
	return cell
}

// dropShared forgets what was taken for ours only by the domain of an operator.
func (r *extractionReader) dropShared() {
	maps.DeleteFunc(r.ours, func(address string, x ledger.Listed) bool {
		return r.shared[ledger.Domain(address)] && !r.addresses[address] && !r.structures[x.Structure] && (len(x.Structure) != 10 || !r.structures[x.Structure[1:]])
	})
}
