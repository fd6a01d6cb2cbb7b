package configfile

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
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

// checkURL also wants other machines to know who this is, and nobody else to listen.
func (b *Broker) checkURL(f *File, where []any) {
	u, err := BrokerURL(b.URL)
	switch {
	case err != nil:
		f.Fault(where, "%v", err)
		return
	case Loopback(u.Hostname()) || b.Insecure:
	case !b.encrypted():
		f.Fault(where, "would go unencrypted to %s; want mqtts:// with username and password_file or cert_file and key_file, or insecure: true beside it", u.Hostname())
	case b.Username == "" && b.CertFile == "":
		f.Fault(where, "%s would not know who this is; want username and password_file or cert_file and key_file, or insecure: true beside it", u.Hostname())
	}
	b.URL = u.String()
}

// BrokerURL reads where a broker is, and adds the port that belongs to the scheme where there is
// none. No error repeats the text: there might be a password in it.
func BrokerURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	ports := map[string]string{"mqtt": "1883", "tcp": "1883", "mqtts": "8883", "ssl": "8883"}
	switch {
	case err != nil || ports[u.Scheme] == "" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		return nil, errors.New("want mqtt://HOST:PORT or mqtts://HOST:PORT")
	case u.User != nil:
		return nil, errors.New("has a user in it; want that in username and password_file")
	}
	port := cmp.Or(u.Port(), ports[u.Scheme])
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return nil, fmt.Errorf("port %s; want 1 to 65535", port)
	}
	return &url.URL{Scheme: u.Scheme, Host: net.JoinHostPort(u.Hostname(), port)}, nil
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
