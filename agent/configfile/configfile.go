// Package configfile reads the configuration file of either program: strict YAML, all
// faults told at once with file, line and what would be right, paths relative to the file,
// secrets in files of their own. What stands in both files, the broker and the addresses
// to listen on, is checked here by the same rules.
package configfile

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/agent/yamlfile"
)

// File is a configuration file being checked, with the faults found so far.
type File struct {
	*yamlfile.Doc
	dir string // where relative paths start; absolute, so that messages say where files really are
}

// Read reads the file at path into v, a pointer to a struct that holds the defaults.
// Without a path these stay as they are. Faults don't stop it; ask Err when all is checked.
func Read(path string, v any) (*File, error) {
	var data []byte
	if path != "" {
		var err error
		if data, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("read config: %w", err)
		}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	return &File{yamlfile.Decode(path, data, v), dir}, nil
}

// Path is where name leads to from the file's folder; "" stays.
func (f *File) Path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.dir, name)
}

// Secret reads the secret in the file that the value at where names.
func (f *File) Secret(where []any, name string) secret.Text {
	s, err := secret.Read(f.Path(name))
	if err != nil {
		f.Fault(where, "%v", err)
	}
	return s
}

// CheckListen wants an address to listen on that other machines can't reach, unless open
// says that they may. instead is what else would be right.
func (f *File) CheckListen(where []any, listen string, open bool, instead string) {
	host, port, err := net.SplitHostPort(listen)
	n, notNumber := strconv.Atoi(port)
	switch {
	case err != nil || notNumber != nil || n < 0 || n > 65535:
		f.Fault(where, "%q; want ADDRESS:PORT, 127.0.0.1:PORT for this computer alone", listen)
	case !Loopback(host) && !open:
		f.Fault(where, "%q can be reached from other machines; want 127.0.0.1:%s%s, or insecure: true beside it in a network you trust",
			listen, port, instead)
	}
}

// Loopback tells whether a host's name or address is this computer itself.
func Loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
