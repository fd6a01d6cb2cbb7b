package tail

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/zerofax/zerofax/agent/journal"
)

// head is what a file begins with: by it a file is known again under another name, copied or packed.
// Journals tell times, so no two begin alike; where they do, they are equal as far as they were read.
type head struct {
	Bytes int    `json:"bytes"` // so many, at most headBytes; 0 = the file was empty
	Sum   []byte `json:"sum,omitempty"`
}

const headBytes = 1024

func headOf(content []byte) head {
	if len(content) == 0 {
		return head{}
	}
	sum := sha256.Sum256(content)
	return head{len(content), sum[:16]}
}

// begins tells whether content begins as h says.
func (h head) begins(content []byte) bool {
	return len(content) >= h.Bytes && bytes.Equal(headOf(content[:h.Bytes]).Sum, h.Sum)
}

// file is one that is followed, wherever it is now.
type file struct {
	place
	info    os.FileInfo // as it was looked at last; nil: not yet
	handle  *os.File    // open while it is read; longer where keepOpen
	reader  Reader      // nil: to be resumed at the place
	seen    int64       // rows up to here were handed on already, though the place is before
	here    bool        // at its path
	old     bool        // rotated: its path is none of the journal's
	since   time.Time   // when it was seen first, had changed, or had gone
	refused error       // why none of it can be read
	told    bool        // in the log, that a row can't be read
}

// still looks whether the file is at path, and holds it open if it has grown. After an error nobody knows.
func (f *file) still(path string, now time.Time) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if f.info != nil && path == f.Path && os.SameFile(f.info, info) && f.info.Size() == info.Size() && f.info.ModTime().Equal(info.ModTime()) {
		return true, nil
	}
	if !info.Mode().IsRegular() {
		return false, notAFile(path)
	}
	opened, err := open(path)
	if err != nil {
		return false, err
	}
	begins, packed, err := beginning(opened)
	if err != nil || !f.is(begins, packed, info) {
		return false, errors.Join(err, opened.Close())
	}
	if f.Head.Bytes < headBytes {
		f.Head = headOf(begins)
	}
	f.close()
	f.Path, f.info, f.handle, f.since, f.refused = path, info, opened, now, nil
	return true, nil
}

// notAFile is the error of a folder, or of a pipe such as HylaFAX has beside its logs: to open one waits for its writer,
// maybe for ever.
func notAFile(path string) error { return fmt.Errorf("%s is no file; want a pattern without it", path) }

// reopen opens the file again where it was just seen.
func (f *file) reopen() error {
	opened, err := open(f.Path)
	if err != nil {
		return err
	}
	info, err := opened.Stat()
	if err == nil && !os.SameFile(info, f.info) {
		err = fmt.Errorf("%s was replaced meanwhile", f.Path)
	}
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	f.handle = opened
	return nil
}

// recheck looks at a file that has gone, through its handle: it may have been emptied and filled anew.
func (f *file) recheck() {
	begins, packed, err := beginning(f.handle)
	info, fault := f.handle.Stat()
	if err != nil || fault != nil || !f.is(begins, packed, info) {
		f.close()
		return
	}
	f.info = info
}

// is tells whether a file that begins so is this one.
func (f *file) is(begins []byte, packed bool, info os.FileInfo) bool {
	switch {
	case f.Head.Bytes == 0:
		return f.info == nil || os.SameFile(f.info, info)
	case !packed && info.Size() < f.Offset:
		return false
	}
	return f.Head.begins(begins)
}

// close gives the handle back.
func (f *file) close() {
	if f.handle != nil {
		_ = f.handle.Close() // nothing was written
		f.handle = nil
	}
}

// beginning is what a file's content begins with, and whether it is packed.
func beginning(file *os.File) (begins []byte, packed bool, err error) {
	content, packed, err := contentOf(file, 0)
	if err != nil {
		return nil, false, err
	}
	begins = make([]byte, headBytes)
	n, err := io.ReadFull(content, begins)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return begins[:n], packed, err
}

// contentOf reads a file from offset on, of what is packed in it if it is packed.
func contentOf(file *os.File, offset int64) (content io.Reader, packed bool, err error) {
	magic := make([]byte, 2)
	if _, err := file.ReadAt(magic, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	const most = 1 << 62
	if magic[0] != 0x1f || magic[1] != 0x8b && magic[1] != 0x9d {
		return io.NewSectionReader(file, offset, most), false, nil
	}
	content, err = journal.Unpack(io.NewSectionReader(file, 0, most))
	if err == nil {
		_, err = io.CopyN(io.Discard, content, offset)
	}
	if err != nil {
		return nil, true, fmt.Errorf("unpack %s: %w", file.Name(), err)
	}
	return content, true, nil
}
