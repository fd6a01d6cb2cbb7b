package register

import (
	"fmt"
	"strings"
	"testing"
)

func TestNumbersAreReadAsPeopleWriteThem(t *testing.T) {
	pabx := Dialling{OutsidePrefix: "0", ExtensionLength: 4, SDAPrefix: "024135"}
	for _, test := range []struct {
		name, text, want, left string
		by                     Dialling
	}{
		// what a library for phone numbers reads too
		{name: "dots", text: "02.41.35.40.00", want: "0241354000"},
		{name: "spaces", text: "02 41 35 40 00", want: "0241354000"},
		{name: "dashes", text: "02-41-35-40-00", want: "0241354000"},
		{name: "slashes", text: "02/41/35/40/00", want: "0241354000"},
		{name: "brackets", text: "(02) 41.35.40.00", want: "0241354000"},
		{name: "no-break spaces", text: "02\u00a041\u202f35\u200940\u00a000", want: "0241354000"},
		{name: "marks that nobody sees", text: "\u202a02 41 35 40\u200b 00\u202c\ufeff", want: "0241354000"},
		{name: "a typographic dash", text: "02\u201141\u201335\u221240-00", want: "0241354000"},
		{name: "international with (0)", text: "+33 (0)2 41 35 40 00", want: "0241354000"},
		{name: "international", text: "+33241354000", want: "0241354000"},
		{name: "international with a 0 too many", text: "+33 02 41 35 40 00", want: "0241354000"},
		{name: "00 instead of +", text: "0033241354000", want: "0241354000"},
		{name: "00 and (0)", text: "0033 (0) 2 41 35 40 00", want: "0241354000"},
		{name: "the 0 in brackets", text: "(0)2 41 35 40 00", want: "0241354000"},
		{name: "Excel ate the 0", text: "241354000", want: "0241354000"},
		{name: "Excel ate the +", text: "33241354000", want: "0241354000"},
		{name: "a mobile number", text: "06 12 34 56 78", want: "0612345678"},
		{name: "over the internet", text: "09 72 12 34 56", want: "0972123456"},

		// what it gets wrong
		{name: "Réunion", text: "0262905000", want: "0262905000"},
		{name: "Réunion, Excel ate the 0", text: "262905000", want: "0262905000"},
		{name: "Réunion, international", text: "+262 262 90 50 00", want: "0262905000"},
		{name: "Réunion, 00", text: "00262262905000", want: "0262905000"},
		{name: "Réunion, (0)", text: "+262 (0)262 90 50 00", want: "0262905000"},
		{name: "Réunion, by way of France", text: "+33 262 90 50 00", want: "0262905000"},
		{name: "Réunion, Excel ate the +", text: "262262905000", want: "0262905000"},
		{name: "Réunion, 0263", text: "+262263123456", want: "0263123456"},
		{name: "Réunion, over the internet", text: "+262 976 12 34 56", want: "0976123456"},
		{name: "Mayotte", text: "0269618000", want: "0269618000"},
		{name: "Mayotte, international", text: "+262269618000", want: "0269618000"},
		{name: "Guadeloupe", text: "0590891010", want: "0590891010"},
		{name: "Guadeloupe, international", text: "+590590891010", want: "0590891010"},
		{name: "Guyane", text: "0594395050", want: "0594395050"},
		{name: "Guyane, international", text: "+594594395050", want: "0594395050"},
		{name: "Martinique", text: "0596552000", want: "0596552000"},
		{name: "Martinique, international", text: "+596 596 55 20 00", want: "0596552000"},
		{name: "Saint-Pierre-et-Miquelon", text: "0508412000", want: "0508412000"},
		{name: "Saint-Pierre-et-Miquelon, international", text: "+508 41 20 00", want: "0508412000"},
		{name: "Saint-Pierre-et-Miquelon, 00", text: "00508412000", want: "0508412000"},

		{name: "PABX prefix", text: "0 0241354000", by: pabx, want: "0241354000"},
		{name: "PABX prefix before Réunion", text: "00262905000", by: pabx, want: "0262905000"},
		{name: "PABX prefix, but no full number would remain", text: "0241354000", by: pabx, want: "0241354000"},
		{name: "PABX prefix, international", text: "0033241354000", by: pabx, want: "0241354000"},
		{name: "another PABX prefix", text: "9 02 41 35 40 00", by: Dialling{OutsidePrefix: "9"}, want: "0241354000"},
		{name: "what could be a prefix, not configured", text: "0 0241354000", want: "+241354000"},

		{name: "extension behind it", text: "02 41 35 40 00 poste 4512", want: "0241354000 poste 4512"},
		{name: "extension, short", text: "02 41 35 40 00 p. 4512", want: "0241354000 poste 4512"},
		{name: "extension, English", text: "0241354000 ext. 4512", want: "0241354000 poste 4512"},
		{name: "extension in brackets", text: "0241354000 (poste 4512)", want: "0241354000 poste 4512"},
		{name: "extension, capitals", text: "0241354000 POSTE:4512", want: "0241354000 poste 4512"},
		{name: "extension alone, by a word", text: "Poste 4512", want: " poste 4512"},
		{name: "extension alone, by its length", text: "4512", by: Dialling{ExtensionLength: 4}, want: " poste 4512"},
		{name: "extension with its direct number", text: "4512", by: pabx, want: "0241354512 poste 4512"},
		{name: "extension shorter than the direct number's end", text: "512", by: pabx, want: " poste 512"},
		{name: "second number after a slash", text: "0241 35 40 00 / 01", want: "0241354000", left: "01"},
		{name: "second number after a semicolon", text: "0241354000; 0241354001", want: "0241354000", left: "0241354001"},

		{name: "range", text: "02 41 35 40 00 à 02", want: "0241354000 0241354001 0241354002"},
		{name: "range, both numbers", text: "0241354099 - 0241354100", want: "0241354099 0241354100"},
		{name: "range by a dash", text: "02 41 35 40 08-09", want: "0241354008 0241354009"},
		{name: "range of one", text: "02 41 35 40 08 au 08", want: "0241354008"},
		{name: "range overseas", text: "0262905009 à 10", want: "0262905009 0262905010"},

		{name: "Belgium", text: "+32 2 345 67 89", want: "+3223456789"},
		{name: "Switzerland, 00", text: "0041 22 372 33 11", want: "+41223723311"},
		{name: "Monaco", text: "+377 97 98 99 00", want: "+37797989900"},
		{name: "New Caledonia has a plan of its own", text: "+687 20 80 00", want: "+687208000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			numbers, left, err := test.by.Read(test.text)
			var got []string
			for _, n := range numbers {
				text := n.Key
				if n.Extension != "" {
					text += " poste " + n.Extension
				}
				got = append(got, text)
			}
			if err != nil || strings.Join(got, " ") != test.want || left != test.left {
				t.Errorf("%q: got %q, left %q, %v; want %q, left %q", test.text, got, left, err, test.want, test.left)
			}
		})
	}
}

func TestWhatIsNoLinesNumberIsRefusedWithWhatWouldBeRight(t *testing.T) {
	pabx := Dialling{OutsidePrefix: "0", ExtensionLength: 4}
	for _, test := range []struct {
		text, want string
		by         Dialling
	}{
		{text: "", want: "is empty"},
		{text: "15", want: "short number"},
		{text: "15", by: pabx, want: "short number"},
		{text: "112", by: pabx, want: "short number"},
		{text: "3646", want: "short number"},
		{text: "118 218", want: "short number"},
		{text: "4512", want: "has 4 digits; want all 10, or an extension"},
		{text: "07 00 12 34 56 78 90", want: "14 digits"},
		{text: "0241 35 40 00 123", want: "has 13 digits; want 10"},
		{text: "02 41 35 40", want: "has 8 digits; want 10"},
		{text: "0041", want: "has 4 digits"},
		{text: "+33 2 41 35 40", want: "want +33 and 9 digits"},
		{text: "2,41354E+08", want: "as Excel shortens it"},
		{text: "2.41354E8", want: "as Excel shortens it"},
		{text: "accueil", want: "is no phone number; want 10 digits"},
		{text: "02 41 35 4O 00", want: "is no phone number"}, // an O
		{text: "#N/A", want: "is no phone number"},
		{text: "02 41 35 40 99 à 00", want: "want the lower number first"},
		{text: "0241350000 à 0241354000", want: "at most 1000 numbers"},
	} {
		numbers, _, err := test.by.Read(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, %v; want … %s", test.text, numbers, err, test.want)
		}
	}
}

func TestABlockOfDirectNumbersIsAllOfThem(t *testing.T) {
	numbers, _, err := Dialling{}.Read("02 41 35 40 00 à 99")
	if err != nil || len(numbers) != 100 || numbers[99].Key != "0241354099" {
		t.Errorf("got %v, %v; want 100 numbers up to 0241354099", numbers, err)
	}
}

func TestTheInternationalFormSaysWhereALineIs(t *testing.T) {
	for key, want := range map[string]string{
		"0241354000": "+33241354000", "0262905000": "+262262905000", "0263123456": "+262263123456", "0269618000": "+262269618000",
		"0590891010": "+590590891010", "0594395050": "+594594395050", "0596552000": "+596596552000", "0508412000": "+508412000",
		"0692123456": "+262692123456", "+3223456789": "+3223456789", "": "",
	} {
		if got := E164(key); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}

// However a number is written, what was read is read again as itself, in each of its forms.
func FuzzNumber(f *testing.F) {
	for _, text := range []string{
		"02 41 35 40 00", "+33 (0)2 41 35 40 00", "0262905000", "+508 41 20 00", "0241354000 poste 12", "02 41 35 40 00 à 99",
		"0 0241354000", "0041 22 372 33 11", "4512", "2,4E+08", "0241 35 40 00 / 01",
	} {
		f.Add(text, "0", 4, "024135")
		f.Add(text, "", 0, "")
	}
	f.Fuzz(func(t *testing.T, text, prefix string, length int, sda string) {
		if prefix != "" && (!onlyDigits(prefix) || len(prefix) > 2) || sda != "" && (!national(sda+strings.Repeat("0", max(0, 10-len(sda))))) {
			t.Skip()
		}
		d := Dialling{OutsidePrefix: prefix, ExtensionLength: length % 7, SDAPrefix: sda}
		numbers, _, err := d.Read(text)
		if (err == nil) != (len(numbers) > 0) || len(numbers) > maxSpan {
			t.Fatalf("%q: got %d numbers, %v", text, len(numbers), err)
		}
		for _, n := range numbers[:min(3, len(numbers))] {
			if n.Key == "" {
				if !onlyDigits(n.Extension) {
					t.Fatalf("%q: got %+v, want a number or an extension", text, n)
				}
				continue
			}
			if !national(n.Key) && (n.Key[0] != '+' || !onlyDigits(n.Key[1:])) {
				t.Fatalf("%q: got %+v, want 10 digits or E.164", text, n)
			}
			for _, form := range []string{n.Key, E164(n.Key), strings.Join(strings.Split(n.Key, ""), " ")} {
				again, _, err := Dialling{}.Read(form)
				if got := fmt.Sprint(again, err); got != fmt.Sprint([]Number{{Key: n.Key}}, nil) {
					t.Fatalf("%q was read as %s; %q is read as %s", text, n.Key, form, got)
				}
			}
		}
	})
}
