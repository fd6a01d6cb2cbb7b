// Package credentials is how devices are asked, as people write it: under snmp.credentials of
// agent.yml, where passwords stand in files of their own, and in bundles, which hold them.
// Both are checked by the same rules. No fault repeats a secret.
package credentials

import (
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/agent/yamlfile"
)

// Credentials are one way to ask. Targets refer to it by its name.
type Credentials struct {
	Name      string      `yaml:"name"`
	Version   string      `yaml:"version"`   // 1, 2c, 3
	Community secret.Text `yaml:"community"` // of 1 and 2c

	User            string      `yaml:"user"` // of 3, as all below
	Auth            string      `yaml:"auth"`
	AuthPassword    secret.Text `yaml:"auth_password"`
	Privacy         string      `yaml:"privacy"`
	PrivacyPassword secret.Text `yaml:"privacy_password"`

	// Files that hold the secrets; Check reads them.
	CommunityFile       string `yaml:"community_file"`
	AuthPasswordFile    string `yaml:"auth_password_file"`
	PrivacyPasswordFile string `yaml:"privacy_password_file"`
}

// Read reads the secret in the file that the value at where names; what is wrong with it is
// a fault there.
type Read func(where []any, file string) secret.Text

// Check finds what is wrong with all credentials of a list at where, and reads the secrets.
// Without read it is a list that holds the passwords itself.
func Check(doc *yamlfile.Doc, where []any, all []Credentials, read Read) {
	for i := range all {
		c := check{&all[i], doc, append(where[:len(where):len(where)], i), read}
		switch {
		case c.Name == "":
			c.fault("", "name is missing; want one that targets can refer to")
		case slices.ContainsFunc(all[:i], func(other Credentials) bool { return other.Name == c.Name }):
			c.fault("name", "%q is there already; want another", c.Name)
		}
		c.secrets()
		c.rest()
	}
}

// Load reads a file with nothing but snmp.credentials of agent.yml, for people to hand to many
// agents. Names of files in it are relative to it.
func Load(path string) ([]Credentials, error) {
	var file struct {
		SNMP struct {
			Credentials []Credentials `yaml:"credentials"`
		} `yaml:"snmp"`
	}
	f, err := configfile.Read(path, &file)
	if err != nil {
		return nil, err
	}
	where := []any{"snmp", "credentials"}
	if len(file.SNMP.Credentials) == 0 {
		f.Fault(where, "no credentials; want snmp: {credentials: […]} as in agent.yml")
	}
	Check(f.Doc, where, file.SNMP.Credentials, f.Secret)
	return file.SNMP.Credentials, f.Err()
}

// check is one of the list.
type check struct {
	*Credentials
	doc   *yamlfile.Doc
	where []any
	read  Read
}

// at is the place of a key of it, of all of it without one.
func (c *check) at(key string) []any {
	if key == "" {
		return c.where
	}
	return append(c.where[:len(c.where):len(c.where)], key)
}

func (c *check) fault(key, format string, args ...any) { c.doc.Fault(c.at(key), format, args...) }

// secrets sees to it that they stand where they belong.
func (c *check) secrets() {
	for _, key := range []string{"community", "auth_password", "privacy_password"} {
		file := key + "_file"
		switch {
		case c.read == nil && c.doc.Has(c.at(file)...):
			c.fault(file, "has no place in a bundle; want %s, the secret itself", key)
		case c.read != nil && key != "community" && c.doc.Has(c.at(key)...):
			c.fault(key, "is no place for a password; want %s, a file with nothing else in it", file)
		}
	}
}

func (c *check) rest() {
	switch c.Version {
	case "1", "2c":
		c.community()
	case "3":
		c.user()
	case "":
		c.fault("", "version is missing; want 1, 2c or 3")
	default:
		c.fault("version", "%q; want 1, 2c or 3", c.Version)
	}
}

// In bytes, as agent/internal/snmp has them.
const (
	longestCommunity = 127
	longestUser      = 32
)

// wanted is the key to write a secret behind.
func (c *check) wanted(key string) string {
	if c.read == nil {
		return key
	}
	return key + "_file"
}

func (c *check) community() {
	either := "community or community_file"
	if c.read == nil {
		either = "community"
	}
	for _, key := range []string{"user", "auth", c.wanted("auth_password"), "privacy", c.wanted("privacy_password")} {
		if c.doc.Has(c.at(key)...) {
			c.fault(key, "belongs to version 3; version %s wants %s", c.Version, either)
		}
	}
	switch {
	case c.Community != "" && c.CommunityFile != "":
		c.fault("community_file", "stands beside community; want one of them")
	case c.CommunityFile != "" && c.read != nil:
		c.Community = c.read(c.at("community_file"), c.CommunityFile)
	case c.Community == "":
		c.fault("", "community is missing; want %s", either)
	}
	if len(c.Community) > longestCommunity {
		c.fault("", "the community has %d bytes; want 1 to %d", len(c.Community), longestCommunity)
	}
}

var (
	authProtocols    = []string{"MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"}
	privacyProtocols = []string{"DES", "AES", "AES192", "AES256", "AES192C", "AES256C"}
)

func (c *check) user() {
	for _, key := range []string{"community", "community_file"} {
		if c.doc.Has(c.at(key)...) {
			c.fault(key, "belongs to versions 1 and 2c; version 3 wants user")
		}
	}
	switch {
	case c.User == "":
		c.fault("", "user is missing; version 3 wants one")
	case len(c.User) > longestUser:
		c.fault("user", "has %d bytes; want 1 to %d", len(c.User), longestUser)
	}
	if c.Privacy != "" && c.Auth == "" {
		c.fault("privacy", "without auth; want both, SNMPv3 has no privacy alone")
	}
	c.protocol("auth", c.Auth, authProtocols, &c.AuthPassword, c.AuthPasswordFile)
	c.protocol("privacy", c.Privacy, privacyProtocols, &c.PrivacyPassword, c.PrivacyPasswordFile)
}

// protocol checks one of the two that version 3 has, and its password.
func (c *check) protocol(key, protocol string, known []string, password *secret.Text, file string) {
	wanted := c.wanted(key + "_password")
	given := file != "" || c.read == nil && *password != ""
	switch {
	case protocol == "" && given:
		c.fault(wanted, "without %s; want one of %s there", key, strings.Join(known, ", "))
	case protocol == "":
	case !slices.Contains(known, protocol):
		c.fault(key, "%q; want one of %s", protocol, strings.Join(known, ", "))
	case !given:
		c.fault(key, "without a password; want %s", wanted)
	default:
		if c.read != nil {
			*password = c.read(c.at(wanted), file)
		}
		if *password != "" && len(*password) < 8 { // RFC 3414, 11.2
			c.fault(wanted, "the password is too short; SNMPv3 wants 8 characters or more")
		}
	}
}
