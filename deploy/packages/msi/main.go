// Command msi makes the MSI files that it is given depend on nothing but their content and the time in SOURCE_DATE_EPOCH:
// wixl writes the time of day and a random package code into each.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/richardlehane/mscfb"
)

func main() {
	if err := settleAll(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "msi:", err)
		os.Exit(1)
	}
}

func settleAll(names []string) error {
	epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("read SOURCE_DATE_EPOCH: %w", err)
	}
	for _, name := range names {
		if err := settle(name, epoch); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// settle gives the file a package code made of its content, as every other content must have another one, and the time.
func settle(name string, epoch int64) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	summary, err := summaryOf(f)
	if err != nil {
		return err
	}
	text := make([]byte, summary.Size)
	if _, err := summary.ReadAt(text, 0); err != nil {
		return fmt.Errorf("read summary: %w", err)
	}
	code, times, err := fields(text)
	if err != nil {
		return err
	}
	copy(code, "{00000000-0000-0000-0000-000000000000}")
	for _, t := range times {
		binary.LittleEndian.PutUint64(t, filetime(epoch))
	}
	if _, err := summary.WriteAt(text, 0); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	copy(code, guid(sha256.Sum256(whole)))
	if _, err := summary.WriteAt(text, 0); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return f.Close()
}

func summaryOf(f *os.File) (*mscfb.File, error) {
	doc, err := mscfb.New(f)
	if err != nil {
		return nil, err
	}
	for _, entry := range doc.File {
		if entry.Initial == 5 && entry.Name == "SummaryInformation" {
			return entry, nil
		}
	}
	return nil, errors.New("no summary information")
}

// Properties of the summary information (MS-OLEPS, "Summary Information Property Set"; the package code is MSI's own use
// of the revision number), and the types that they have here.
const (
	revisionNumber = 9
	created        = 12
	lastSaved      = 13

	typeString   = 30
	typeFiletime = 64
)

// fields are the places of the package code and of the times in the stream, which must be as wixl writes it.
func fields(stream []byte) (code []byte, times [][]byte, err error) {
	part := func(at, size uint32) []byte {
		if uint64(at)+uint64(size) > uint64(len(stream)) {
			return make([]byte, size) // no property
		}
		return stream[at : at+size]
	}
	number := func(at uint32) uint32 { return binary.LittleEndian.Uint32(part(at, 4)) }
	set := number(44) // after the header (28) and the id of the set (16)
	for i := range min(number(set+4), 100) {
		id, at := number(set+8+8*i), set+number(set+12+8*i)
		switch {
		case id == revisionNumber && number(at) == typeString:
			code = part(at+8, 38)
		case (id == created || id == lastSaved) && number(at) == typeFiletime:
			times = append(times, part(at+4, 8))
		}
	}
	if code == nil || len(times) != 2 {
		return nil, nil, errors.New("summary information isn't as wixl writes it")
	}
	return code, times, nil
}

// filetime is a Unix time as Windows has it: 100 ns since 1601.
func filetime(epoch int64) uint64 { return uint64(epoch+11_644_473_600) * 10_000_000 }

func guid(sum [sha256.Size]byte) string {
	return fmt.Sprintf("{%X-%X-%X-%X-%X}", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
