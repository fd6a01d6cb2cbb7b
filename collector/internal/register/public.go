package register

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const (
	maxPublic     = 2 << 30 // bytes of a public file, unpacked; the largest has 700 million
	maxPublicLine = 64 << 10
)

// PublicFile is a file that a national directory publishes: a text, or a ZIP file that holds it.
type PublicFile struct {
	io.ReadCloser
	Name string // of the text
	path string
}

// openPublic opens a file of which a ZIP file is to hold one text that fits a pattern; like is what it is called. The
// error is Faults where the file isn't as it should be.
func openPublic(file, pattern, like string) (*PublicFile, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	start := make([]byte, 4)
	n, _ := io.ReadFull(f, start) // a shorter file has no lines either, which will be said
	switch start = start[:n]; {
	case string(start) == "PK\x03\x04":
		return openZIP(f, file, regexp.MustCompile(pattern), like)
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return nil, errors.Join(Faults{{File: filepath.Base(file), Text: "is packed with gzip; want it unpacked"}}, f.Close())
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &PublicFile{f, filepath.Base(file), file}, nil
}

func openZIP(f *os.File, file string, pattern *regexp.Regexp, like string) (*PublicFile, error) {
	fault := func(format string, args ...any) (*PublicFile, error) {
		return nil, errors.Join(Faults{{File: filepath.Base(file), Text: fmt.Sprintf(format, args...)}}, f.Close())
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	archive, err := zip.NewReader(f, info.Size())
	if err != nil {
		return fault("is no ZIP file that can be read (%v); want it downloaded again", err)
	}
	texts := slices.DeleteFunc(slices.Clone(archive.File), func(x *zip.File) bool { return !pattern.MatchString(path.Base(x.Name)) })
	switch {
	case slices.ContainsFunc(archive.File, func(x *zip.File) bool { return x.Name == "xl/workbook.xml" }):
		return fault("is an Excel file; want %s as it is published: Excel changes numbers", like)
	case len(texts) != 1:
		return fault("holds %d files %s; want one, as it is published", len(texts), like)
	case texts[0].UncompressedSize64 > maxPublic:
		return fault("unpacks to more than %d GB; want %s as it is published", maxPublic>>30, like)
	}
	in, err := texts[0].Open()
	if err != nil {
		return fault("can't be unpacked (%v); want it downloaded again", err)
	}
	both := struct {
		io.Reader
		io.Closer
	}{in, closers{in, f}}
	return &PublicFile{both, path.Base(texts[0].Name), file}, nil
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

// Day is the day of the file: that in the text's name, …_202610310230.txt; else that in the name of its file, or on which
// that was last written. how says which.
func (f *PublicFile) Day(zone *time.Location) (day ledger.Day, how string, err error) {
	if day, ok := f.NamedDay(); ok {
		return day, "by its name", nil
	}
	return FileDay(f.path, zone)
}

// NamedDay is the day that the names tell. When a file was last written says nothing of one that was handed in just now.
func (f *PublicFile) NamedDay() (day ledger.Day, ok bool) {
	m := momentInName.FindStringSubmatch(f.Name)
	for _, name := range []string{f.Name, filepath.Base(f.path)} {
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

func (f *PublicFile) fault(row int64, format string, args ...any) error {
	return Faults{{File: f.Name, Row: int(row), Text: fmt.Sprintf(format, args...)}}
}

// lines hands over the lines that aren't empty, as UTF-8 without their ends, until take refuses one. last tells whether
// it may have been cut: nothing ends it. What it is handed holds until it returns.
func (f *PublicFile) lines(take func(number int64, line []byte, last bool) error) error {
	limited := &io.LimitedReader{R: f, N: maxPublic + 1}
	in := bufio.NewReaderSize(limited, maxPublicLine)
	if mark, _ := in.Peek(3); bytes.HasPrefix(mark, []byte("\xff\xfe")) || bytes.HasPrefix(mark, []byte("\xfe\xff")) {
		return f.fault(0, "is encoded in UTF-16; want it as it is published, in UTF-8")
	} else if string(mark) == "\ufeff" {
		_, _ = in.Discard(len(mark))
	}
	for number := int64(1); ; number++ {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return f.fault(number, "is longer than %d bytes; want the file as it is published", maxPublicLine)
		case err != nil && !errors.Is(err, io.EOF):
			return f.fault(number, "can't be read (%v); want the file downloaded again", err)
		case limited.N == 0:
			return f.fault(number, "the file has more than %d GB; want it as it is published", maxPublic>>30)
		case bytes.IndexByte(line, 0) >= 0:
			return f.fault(number, "is no text; want the file as it is published")
		}
		if text := bytes.TrimRight(line, "\r\n"); len(text) > 0 {
			if fault := take(number, inUTF8(text), err != nil); fault != nil {
				return fault
			}
		}
		if err != nil {
			return nil
		}
	}
}

// inUTF8 is a line in UTF-8: others are as Windows writes French.
func inUTF8(line []byte) []byte {
	if utf8.Valid(line) {
		return line
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(line)
	if err != nil {
		return bytes.ToValidUTF8(line, nil)
	}
	return text
}

// columnsOf are the places of columns in a header, by the letters of their names.
func columnsOf(header, separator string) map[string]int {
	columns := make(map[string]int)
	for i, name := range strings.Split(header, separator) {
		if _, twice := columns[letters(name)]; !twice {
			columns[letters(name)] = i
		}
	}
	return columns
}

var routing = regexp.MustCompile(`^(?:([0-9]{5})\b *)?(.*?)(?: *\bCEDEX\b.*)?$`) // the last line of an address

// townOf is the town of an address's last line: « 49933 ANGERS CEDEX 9 ».
func townOf(line string) (postcode, town string) {
	m := routing.FindStringSubmatch(strings.ToUpper(line))
	return m[1], m[2]
}
