package configfile

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/agent/secret"
)

// Broker is an MQTT broker and who to be there.
type Broker struct {
	URL          string `yaml:"url"`
	CAFile       string `yaml:"ca_file"`
	CertFile     string `yaml:"cert_file"`
	KeyFile      string `yaml:"key_file"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
	Insecure     bool   `yaml:"insecure"` // another machine without TLS or without credentials

	Password secret.Text `yaml:"-"`          // from PasswordFile
	TLS      *tls.Config `yaml:"-" json:"-"` // from the other files; nil = the system's authorities, nothing to show
}

// Check finds what is wrong with the broker at where, completes the URL's port and the paths,
// and reads the files.
func (b *Broker) Check(f *File, where []any) {
	at := func(key string) []any { return append(where[:len(where):len(where)], key) }
	b.CAFile, b.CertFile, b.KeyFile = f.Path(b.CAFile), f.Path(b.CertFile), f.Path(b.KeyFile)
	b.checkURL(f, at("url"))
	b.checkTLS(f, where, at)
	switch {
	case b.PasswordFile == "":
	case b.Username == "":
		f.Fault(at("password_file"), "a password without a user; want username too")
	default:
		b.Password = f.Secret(at("password_file"), b.PasswordFile)
	}
}

// checkURL adds the port that belongs to the scheme where there is none. It never repeats
// the URL: there might be a password in it.
func (b *Broker) checkURL(f *File, where []any) {
	u, err := url.Parse(b.URL)
	ports := map[string]string{"mqtt": "1883", "tcp": "1883", "mqtts": "8883", "ssl": "8883"}
	switch {
	case err != nil || ports[u.Scheme] == "" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		f.Fault(where, "want mqtt://HOST:PORT or mqtts://HOST:PORT")
		return
	case u.User != nil:
		f.Fault(where, "has a user in it; want that in username and password_file")
		return
	case Loopback(u.Hostname()) || b.Insecure:
	case !b.encrypted():
		f.Fault(where, "would go unencrypted to %s; want mqtts:// with username and password_file or cert_file and key_file, or insecure: true beside it", u.Hostname())
	case b.Username == "" && b.CertFile == "":
		f.Fault(where, "%s would not know who this is; want username and password_file or cert_file and key_file, or insecure: true beside it", u.Hostname())
	}
	port := cmp.Or(u.Port(), ports[u.Scheme])
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		f.Fault(where, "port %s; want 1 to 65535", port)
	}
	b.URL = u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port)
}

func (b *Broker) encrypted() bool {
	return strings.HasPrefix(b.URL, "mqtts:") || strings.HasPrefix(b.URL, "ssl:")
}

func (b *Broker) checkTLS(f *File, where []any, at func(key string) []any) {
	if b.CAFile == "" && b.CertFile == "" && b.KeyFile == "" {
		return
	}
	if !b.encrypted() {
		f.Fault(at("url"), "is not encrypted, so ca_file, cert_file and key_file have no use; want mqtts://")
		return
	}
	b.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if b.CAFile != "" {
		b.TLS.RootCAs = x509.NewCertPool()
		if pem, err := os.ReadFile(b.CAFile); err != nil {
			f.Fault(at("ca_file"), "%v", err)
		} else if !b.TLS.RootCAs.AppendCertsFromPEM(pem) {
			f.Fault(at("ca_file"), "no certificate in it; want PEM")
		}
	}
	switch {
	case b.CertFile == "" && b.KeyFile == "":
	case b.CertFile == "" || b.KeyFile == "":
		f.Fault(where, "cert_file and key_file go together; want both or neither")
	default:
		pair, err := tls.LoadX509KeyPair(b.CertFile, b.KeyFile)
		if err != nil {
			f.Fault(at("cert_file"), "with its key_file: %v", err)
		}
		b.TLS.Certificates = []tls.Certificate{pair}
	}
}
