package register

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// The columns of Extraction_Correspondance_MSSante that are read, of 31, by the letters of their names. More of them may
// come, and their order may change.
const (
	kindHeader      = "typedebal"
	addressHeader   = "adressebal"
	personHeader    = "identifiantpp"
	structureHeader = "identificationstructure"
	serviceHeader   = "servicederattachement"
	nameHeader      = "raisonsocialestructurebal"
)

const (
	maxExtraction     = 2 << 30 // bytes, unpacked; it has 89 million
	maxExtractionLine = 64 << 10
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
type ExtractionFile struct {
	io.ReadCloser
	Name string // of the TXT file
	path string
}

// OpenExtraction opens one. The error is Faults where the file isn't as it should be.
func OpenExtraction(file string) (*ExtractionFile, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	start := make([]byte, 4)
	n, _ := io.ReadFull(f, start) // a shorter file has no header either, which will be said
	if string(start[:n]) == "PK\x03\x04" {
		return openZIP(f, file)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &ExtractionFile{f, filepath.Base(file), file}, nil
}

func openZIP(f *os.File, file string) (*ExtractionFile, error) {
	fault := func(text string) (*ExtractionFile, error) {
		return nil, errors.Join(Faults{{File: filepath.Base(file), Text: text}}, f.Close())
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	archive, err := zip.NewReader(f, info.Size())
	if err != nil {
		return fault("is no ZIP file that can be read (" + err.Error() + "); want it downloaded again")
	}
	texts := slices.DeleteFunc(slices.Clone(archive.File), func(x *zip.File) bool { return !strings.EqualFold(path.Ext(x.Name), ".txt") })
	if len(texts) != 1 {
		return fault(fmt.Sprintf("holds %d TXT files; want one, as the national directory makes it", len(texts)))
	}
	in, err := texts[0].Open()
	if err != nil {
		return fault("can't be unpacked (" + err.Error() + "); want it downloaded again")
	}
	both := struct {
		io.Reader
		io.Closer
	}{in, closers{in, f}}
	return &ExtractionFile{both, path.Base(texts[0].Name), file}, nil
}

// closers are closed together.
type closers []io.Closer

func (c closers) Close() error {
	var err error
	for _, x := range c {
		err = errors.Join(err, x.Close())
	}
	return err
}

var momentInName = regexp.MustCompile(`_(20[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{4}(\.|$)`)

// Day is the day of an extraction: that in its name, …_202610310230.txt; else that in the name of its file, or on which
// that was last written. how says which.
func (e *ExtractionFile) Day(zone *time.Location) (day ledger.Day, how string, err error) {
	if day, ok := e.NamedDay(); ok {
		return day, "by its name", nil
	}
	return FileDay(e.path, zone)
}

// NamedDay is the day that the names tell. When a file was last written says nothing of one that was handed in just now.
func (e *ExtractionFile) NamedDay() (day ledger.Day, ok bool) {
	m := momentInName.FindStringSubmatch(e.Name)
	for _, name := range []string{e.Name, filepath.Base(e.path)} {
		if m == nil {
			m = dayInName.FindStringSubmatch(name)
		}
	}
	if m == nil {
		return "", false
	}
	day, err := calendar(m[1], m[2], m[3])
	return day, err == nil
}

// Extraction is what was read of one.
type Extraction struct {
	Rows  int64           // lines below the header
	Ours  []ledger.Listed // by address
	Notes []Note          // what is doubtful of ours
}

// Ours reads an extraction line by line, and keeps what is ours. The error is Faults where the file isn't as it should be.
func (e *ExtractionFile) Ours(w Wanted) (Extraction, error) {
	r := extractionReader{Wanted: w, file: e.Name, ours: make(map[string]ledger.Listed), structured: make(map[string]map[string]bool), shared: make(map[string]bool)}
	if err := r.read(bufio.NewReaderSize(io.LimitReader(e, maxExtraction), maxExtractionLine)); err != nil {
		return Extraction{}, err
	}
	r.dropShared()
	ours := slices.SortedFunc(maps.Values(r.ours), func(a, b ledger.Listed) int { return strings.Compare(a.Address, b.Address) })
	return Extraction{r.rows, ours, r.notes}, nil
}

type extractionReader struct {
	Wanted
	file       string
	columns    map[string]int
	cells      int // of a line
	rows       int64
	ours       map[string]ledger.Listed
	structured map[string]map[string]bool // structures by domain of ours
	shared     map[string]bool            // domains of operators
	notes      []Note
}

func (r *extractionReader) fault(row int64, format string, args ...any) error {
	return Faults{{File: r.file, Row: int(row), Text: fmt.Sprintf(format, args...)}}
}

func (r *extractionReader) read(in *bufio.Reader) error {
	for number := int64(1); ; number++ {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return r.fault(number, "is longer than %d bytes; want the file as the national directory makes it", maxExtractionLine)
		case err != nil && !errors.Is(err, io.EOF):
			return r.fault(number, "can't be read (%v); want the file downloaded again", err)
		}
		if text := bytes.TrimRight(line, "\r\n"); len(text) > 0 {
			if fault := r.line(number, text); fault != nil {
				return fault
			}
		}
		if err != nil {
			if r.rows > 0 && len(line) > 0 && bytes.Count(line, []byte("|")) < r.cells-1 {
				return r.fault(number, "ends in the middle of a line; want the file downloaded again, whole")
			}
			break
		}
	}
	if r.columns == nil {
		return r.fault(0, "is empty; want Extraction_Correspondance_MSSante, TXT or ZIP")
	}
	if r.rows == 0 {
		return r.fault(0, "has no lines below its header; want it downloaded again")
	}
	return nil
}

func (r *extractionReader) line(number int64, line []byte) error {
	if r.columns == nil {
		return r.header(number, string(line))
	}
	r.rows++
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
	text := func(header string) string {
		return clean(strings.ToValidUTF8(string(cellOf(line, r.columns[header])), ""))
	}
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
		r.notes = append(r.notes, Note{r.file, int(number), "Identification Structure", doubt})
	}
	if len(person) == 11 && onlyDigits(person) && !luhn(person) {
		r.notes = append(r.notes, Note{r.file, int(number), "Identifiant PP", "its last digit doesn't fit the others, as an RPPS number's does"})
	}
}

func (r *extractionReader) header(number int64, line string) error {
	columns := make(map[string]int)
	names := strings.Split(strings.TrimPrefix(line, "\ufeff"), "|")
	r.cells = len(names)
	for i, name := range names {
		columns[letters(name)] = i
	}
	for header, name := range map[string]string{addressHeader: "Adresse BAL", kindHeader: "Type de BAL", structureHeader: "Identification Structure"} {
		if _, ok := columns[header]; !ok {
			return r.fault(number, "there is no column %s; want Extraction_Correspondance_MSSante as the national directory makes it, | between cells", name)
		}
	}
	for _, header := range []string{personHeader, serviceHeader, nameHeader} {
		if _, ok := columns[header]; !ok {
			columns[header] = -1
		}
	}
	r.columns = columns
	return nil
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
