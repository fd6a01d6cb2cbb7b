package register

import (
	"bytes"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// HoldersFile is a public file that says who has which fax number.
type HoldersFile struct {
	*PublicFile
	read func(*PublicFile, func(ledger.Holder) error) (HoldersRead, error)
}

// HoldersRead is what was read of one.
type HoldersRead struct {
	Rows       int64 // structures or activities of people
	Holders    int64 // of them with a fax number
	Unreadable int64 // with something else in its place
	Notes      []Note
}

// OpenFINESS opens the national file of structures, etalab-cs1100502-stock-….csv. The error is Faults where the file
// isn't as it should be.
func OpenFINESS(file string) (*HoldersFile, error) {
	f, err := openPublic(file, `(?i)cs1100502.*\.csv$`, "etalab-cs1100502-stock-….csv")
	return &HoldersFile{f, readFINESS}, err
}

// OpenPS opens the national file of professionals, PS_LibreAcces. Of its three texts it is the one that says where they
// work.
func OpenPS(file string) (*HoldersFile, error) {
	f, err := openPublic(file, `(?i)personne_activite.*\.txt$`, "PS_LibreAcces_Personne_activite_….txt")
	return &HoldersFile{f, readPS}, err
}

// Each hands over who has a fax number, in the order of the file. The error is Faults where the file isn't as it should
// be, else keep's.
func (f *HoldersFile) Each(keep func(ledger.Holder) error) (HoldersRead, error) {
	return f.read(f.PublicFile, keep)
}

// The cells of a structure in the file of FINESS, which has no header: the first line tells of which day it is.
const (
	finessNumber = 1 + iota
	finessEntity
	finessName
	finessLongName
	finessRouting  = 15
	finessFax      = 17
	finessCategory = 19
	finessCells    = 20 // of 32, those that are read
)

const finessRow = "structureet;"

func readFINESS(f *PublicFile, keep func(ledger.Holder) error) (read HoldersRead, err error) {
	err = f.lines(func(number int64, line []byte, last bool) error {
		switch {
		case number == 1 && !bytes.HasPrefix(line, []byte("finess;")) && !bytes.HasPrefix(line, []byte(finessRow)):
			return f.fault(number, "is no line of the national file of structures; want etalab-cs1100502-stock-….csv, which begins with finess;etalab;")
		case !bytes.HasPrefix(line, []byte(finessRow)): // the first, and where structures stand on the map
			return nil
		}
		cells := strings.Split(string(line), ";")
		if len(cells) < finessCells {
			if last {
				return f.fault(number, "ends in the middle of a line; want the file downloaded again, whole")
			}
			return f.fault(number, "has %d cells; want 32, as published", len(cells))
		}
		read.Rows++
		cell := func(i int) string { return clean(strings.Trim(cells[i], `"`)) }
		fax := read.fax(f, number, cell(finessFax))
		if fax == "" {
			return nil
		}
		code, doubt := finess(cell(finessNumber))
		read.doubt(f, number, "nofinesset", doubt)
		name := cell(finessLongName)
		if name == "" {
			name = cell(finessName)
		}
		_, town := townOf(cell(finessRouting))
		entity, _ := finess(cell(finessEntity))
		return keep(ledger.Holder{Number: fax, ID: code, Name: name, Calling: cell(finessCategory), Structure: entity, Town: town})
	})
	if err == nil && read.Rows == 0 {
		err = f.fault(0, "has no structures; want etalab-cs1100502-stock-….csv, whose lines begin with structureet;")
	}
	return read, err
}

// The columns of PS_LibreAcces_Personne_activite that are read, of some 55, by the letters of their names.
const (
	psPerson     = "identifiantpp"
	psTitle      = "codecivilitedexercice" // DR, PR
	psSurname    = "nomdexercice"
	psForename   = "prenomdexercice"
	psProfession = "libelleprofession"
	psSkill      = "libellesavoirfaire"
	psFINESS     = "numerofinesssite"
	psPlace      = "raisonsocialesite"
	psSign       = "enseignecommercialesite"
	psTown       = "libellecommunecoordstructure"
	psRouting    = "bureaucedexcoordstructure"
	psFax        = "telecopiecoordstructure"
)

func readPS(f *PublicFile, keep func(ledger.Holder) error) (read HoldersRead, err error) {
	var columns map[string]int
	cells := 0
	err = f.lines(func(number int64, line []byte, last bool) error {
		if columns == nil {
			columns, cells = columnsOf(string(line), "|"), bytes.Count(line, []byte("|"))
			for header, name := range map[string]string{psPerson: "Identifiant PP", psSurname: "Nom d'exercice", psFax: "Télécopie (coord. structure)"} {
				if _, ok := columns[header]; !ok {
					return f.fault(number, "there is no column %s; want PS_LibreAcces_Personne_activite_….txt as it is published, | between cells", name)
				}
			}
			return nil
		}
		if last && bytes.Count(line, []byte("|")) < cells-1 { // each line may end with one | more than it needs
			return f.fault(number, "ends in the middle of a line; want the file downloaded again, whole")
		}
		read.Rows++
		cell := func(header string) string {
			if i, ok := columns[header]; ok {
				return clean(string(cellOf(line, i)))
			}
			return ""
		}
		fax := read.fax(f, number, cell(psFax))
		if fax == "" {
			return nil
		}
		person := cell(psPerson)
		if len(person) == 11 && onlyDigits(person) && !luhn(person) {
			read.doubt(f, number, "Identifiant PP", "its last digit doesn't fit the others, as an RPPS number's does")
		}
		structure, _ := finess(cell(psFINESS))
		h := ledger.Holder{
			Number: fax, ID: person, Name: joinedBy(" ", cell(psTitle), cell(psSurname), cell(psForename)), Calling: joinedBy(", ", cell(psProfession), cell(psSkill)),
			Structure: structure, Place: cell(psPlace), Town: strings.ToUpper(cell(psTown)),
		}
		if h.Place == "" {
			h.Place = cell(psSign)
		}
		if h.Town == "" {
			_, h.Town = townOf(cell(psRouting))
		}
		return keep(h)
	})
	switch {
	case err != nil:
	case columns == nil:
		err = f.fault(0, "is empty; want PS_LibreAcces, ZIP or TXT")
	case read.Rows == 0:
		err = f.fault(0, "has no lines below its header; want it downloaded again")
	}
	return read, err
}

// fax is the key of the fax number in a cell; empty where none is there that can be read.
func (r *HoldersRead) fax(f *PublicFile, row int64, text string) string {
	if text == "" {
		return ""
	}
	numbers, _, err := Dialling{}.Read(text)
	if err != nil || len(numbers) != 1 || numbers[0].Key == "" {
		r.Unreadable++ // the number itself is not repeated: it may be somebody's
		r.doubt(f, row, "", "has no fax number that can be read in its place; the line is left out")
		return ""
	}
	r.Holders++
	return numbers[0].Key
}

func (r *HoldersRead) doubt(f *PublicFile, row int64, column, text string) {
	if text != "" && len(r.Notes) < maxExtractionSays {
		r.Notes = append(r.Notes, Note{f.Name, int(row), column, text})
	}
}
