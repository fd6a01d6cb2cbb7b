package register

import (
	"strings"
	"unicode"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Published hands over the mailboxes of an extraction, ours and others', in the order of the file. rows are the lines
// below its header. The error is Faults where the file isn't as it should be, else keep's.
func (e *ExtractionFile) Published(keep func(ledger.Published) error) (rows int64, err error) {
	r := extractionReader{PublicFile: e.PublicFile}
	err = r.read(func(_ int64, line []byte) error {
		if x := r.published(line); strings.Contains(x.Address, "@") {
			return keep(x)
		}
		return nil
	})
	return r.rows, err
}

func (r *extractionReader) published(line []byte) ledger.Published {
	text := func(header string) string { return r.text(line, header) }
	x := ledger.Published{
		Address: strings.ToLower(text(addressHeader)), Kind: text(kindHeader), Person: text(personHeader),
		Surname: text(surnameHeader), Forename: text(forenameHeader), Calling: joinedBy(", ", text(professionHeader), text(skillHeader)),
		Service: text(serviceHeader), Paperless: fold(text(paperlessHeader)) == "oui",
		At: ledger.Practice{Structure: structureNumber(text(structureHeader)), Name: text(nameHeader)},
	}
	if x.Person == "" {
		x.Person = strings.TrimPrefix(text(nationalHeader), "8") // of an RPPS number
	}
	if x.At.Name == "" {
		x.At.Name = text(signHeader)
	}
	x.At.Postcode, x.At.Town = townOf(text(routingHeader))
	if code := text(postcodeHeader); code != "" {
		x.At.Postcode = code
	}
	if x.Sought = SoughtPerson(x.Surname, x.Forename); x.Person == "" {
		x.Sought = SoughtPlace(x.Service)
	}
	x.At.Sought = SoughtPlace(joinedBy(" ", x.At.Name, x.At.Town))
	return x
}

// structureNumber is the number of a structure: some write its kind before a FINESS number.
func structureNumber(text string) string {
	if len(text) == 10 && text[0] == '1' && finessForm.MatchString(text[1:]) {
		return text[1:]
	}
	return text
}

// SoughtPerson is a name as people are looked for by it: a word for the surname and one for the forename, without
// accents, capitals, dashes and spaces.
func SoughtPerson(surname, forename string) string {
	return strings.TrimSpace(letters(surname) + " " + letters(forename))
}

// SoughtPlace are the words by which a place is looked for.
func SoughtPlace(text string) string {
	return strings.Join(strings.FieldsFunc(fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
}

func joinedBy(separator string, words ...string) string {
	var said []string
	for _, w := range words {
		if w != "" {
			said = append(said, w)
		}
	}
	return strings.Join(said, separator)
}
