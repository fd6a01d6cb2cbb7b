package register

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/xuri/excelize/v2"
)

// sheetFacts are what excelize tells of a sheet only by building all of it in memory, which a small
// file can make enormous, or not at all: it ends silently where the XML is damaged.
type sheetFacts struct {
	merged    []string        // ranges, such as B3:B5
	fractions map[string]bool // cells that hold numbers written with a point or an exponent
	unknown   string          // the first cell whose formula has no value
}

// readSheet reads the XML of a sheet. Its error is a badFile.
func readSheet(book *excelize.File, sheet string) (*sheetFacts, error) {
	facts := &sheetFacts{fractions: make(map[string]bool)}
	file, err := sheetFile(book, sheet)
	if err == nil {
		err = facts.read(file)
	}
	if err != nil {
		return nil, badFile(fmt.Sprintf("can't be read in sheet %q (%v); want it saved again as .xlsx or as CSV UTF-8", sheet, err))
	}
	return facts, nil
}

// sheetFile is the XML of a sheet.
func sheetFile(book *excelize.File, sheet string) ([]byte, error) {
	const workbook, relations = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
	var sheets struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"id,attr"`
		} `xml:"sheets>sheet"`
	}
	var targets struct {
		Relations []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := errors.Join(xml.Unmarshal(part(book, workbook), &sheets), xml.Unmarshal(part(book, relations), &targets)); err != nil {
		return nil, err
	}
	for _, s := range sheets.Sheets {
		for _, to := range targets.Relations {
			if s.Name != sheet || to.ID != s.ID {
				continue
			}
			name := path.Join("xl", to.Target)
			if whole, ok := strings.CutPrefix(to.Target, "/"); ok {
				name = whole
			}
			if file := part(book, name); file != nil {
				return file, nil
			}
		}
	}
	return nil, errors.New("it isn't where Excel puts it")
}

// part is a file of the archive, nil if there is none.
func part(book *excelize.File, name string) []byte {
	file, _ := book.Pkg.Load(name)
	text, _ := file.([]byte)
	return text
}

func (f *sheetFacts) read(file []byte) error {
	var (
		in              = xml.NewDecoder(bytes.NewReader(file))
		row, column     int
		kind, element   string
		formula, filled bool
	)
	here := func() string {
		name, _ := excelize.CoordinatesToCellName(max(1, column), max(1, row))
		return name
	}
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch x := token.(type) {
		case xml.StartElement:
			switch element = x.Name.Local; element {
			case "row":
				row, column = row+1, 0
				fmt.Sscan(attr(x, "r"), &row)
			case "c":
				column++
				if at, _, err := excelize.CellNameToCoordinates(attr(x, "r")); err == nil {
					column = at
				}
				kind, formula, filled = attr(x, "t"), false, false
			case "f":
				formula = true
			case "v":
				filled = kind == "str" // an empty text is one
			case "mergeCell":
				f.merged = append(f.merged, attr(x, "ref"))
			}
		case xml.CharData:
			if element == "v" {
				filled = true
				if (kind == "" || kind == "n") && bytes.ContainsAny(x, "eE.") {
					f.fractions[here()] = true
				}
			}
		case xml.EndElement:
			element = ""
			if x.Name.Local == "c" && formula && !filled && f.unknown == "" {
				f.unknown = here()
			}
		}
	}
}

func attr(x xml.StartElement, name string) string {
	for _, a := range x.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
