package snmp_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/zerofax/zerofax/agent/internal/snmp"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/mibs"
)

var zerofax = snmp.Credentials{
	Version: snmp.V3, User: "zerofax", Auth: "SHA256", AuthPassword: "topsecret-auth", Privacy: "AES", PrivacyPassword: "topsecret-privacy",
}

// impatient suits tests in which no answer comes; others wait as long as it takes.
var impatient = snmp.Options{Timeout: 400 * time.Millisecond}

// machine is a device that speaks SNMPv3 to one user, as RFC 3414 has it. Every object of it is 1.
type machine struct {
	at netip.AddrPort

	mu          sync.Mutex
	user        snmp.Credentials
	id          string
	boots       uint32
	seconds     uint32
	shy         bool // tells its clock to users only
	lax         bool // doesn't look at the time of requests
	silent      bool
	discoveries int
	requests    int
	earlier     []byte                               // the answer to the request before
	twist       func(in, out *gosnmp.SnmpPacket)     // changes an answer before it is sealed
	before      func(in *gosnmp.SnmpPacket) [][]byte // is sent ahead of an answer; nil at the end = no answer
}

func startMachine(t testing.TB, user snmp.Credentials) *machine {
	m := &machine{user: user, id: "\x80\x00\x1f\x88\x04made-up", boots: 3, seconds: 1000, earlier: []byte("nothing yet")}
	m.at = serveAll(t, m.handle)
	return m
}

func (m *machine) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

// asked is how many discoveries and requests came since it was last called.
func (m *machine) asked() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	told := fmt.Sprintf("%d+%d", m.discoveries, m.requests)
	m.discoveries, m.requests = 0, 0
	return told
}

func (m *machine) target(user snmp.Credentials) snmp.Target {
	return snmp.Target{Host: m.at.Addr().String(), Port: m.at.Port(), Credentials: user}
}

var (
	authOf = map[string]gosnmp.SnmpV3AuthProtocol{
		"": gosnmp.NoAuth, "MD5": gosnmp.MD5, "SHA": gosnmp.SHA, "SHA224": gosnmp.SHA224,
		"SHA256": gosnmp.SHA256, "SHA384": gosnmp.SHA384, "SHA512": gosnmp.SHA512,
	}
	privacyOf = map[string]gosnmp.SnmpV3PrivProtocol{
		"": gosnmp.NoPriv, "DES": gosnmp.DES, "AES": gosnmp.AES, "AES192": gosnmp.AES192, "AES256": gosnmp.AES256,
		"AES192C": gosnmp.AES192C, "AES256C": gosnmp.AES256C,
	}
)

func levelOf(c snmp.Credentials) gosnmp.SnmpV3MsgFlags {
	switch {
	case c.Privacy != "":
		return gosnmp.AuthPriv
	case c.Auth != "":
		return gosnmp.AuthNoPriv
	}
	return gosnmp.NoAuthNoPriv
}

// usm is the machine's security parameters, with the keys of c.
func (m *machine) usm(c snmp.Credentials) *gosnmp.UsmSecurityParameters {
	u := &gosnmp.UsmSecurityParameters{
		AuthoritativeEngineID: m.id, AuthoritativeEngineBoots: m.boots, AuthoritativeEngineTime: m.seconds, UserName: c.User,
		AuthenticationProtocol: authOf[c.Auth], AuthenticationPassphrase: string(c.AuthPassword),
		PrivacyProtocol: privacyOf[c.Privacy], PrivacyPassphrase: string(c.PrivacyPassword), PrivacyParameters: []byte("saltsalt"),
	}
	if err := u.InitSecurityKeys(); err != nil {
		panic(err)
	}
	return u
}

func (m *machine) handle(request []byte) [][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	decoder := gosnmp.GoSNMP{
		Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: levelOf(m.user), SecurityParameters: m.usm(m.user),
	}
	in, err := decoder.SnmpDecodePacket(bytes.Clone(request))
	if in == nil || in.Version != gosnmp.Version3 || m.silent {
		return nil
	}
	told := in.SecurityParameters.(*gosnmp.UsmSecurityParameters)
	late := told.AuthoritativeEngineBoots != m.boots || told.AuthoritativeEngineTime+150 < m.seconds || told.AuthoritativeEngineTime > m.seconds+150
	if told.AuthoritativeEngineID == "" {
		m.discoveries++
	} else {
		m.requests++
	}
	_, verify := decoder.UnmarshalTrap(bytes.Clone(request), false)
	switch {
	case told.AuthoritativeEngineID != m.id:
		return m.report(in, 4, gosnmp.NoAuthNoPriv)
	case told.UserName != m.user.User:
		return m.report(in, 3, gosnmp.NoAuthNoPriv)
	case in.MsgFlags&gosnmp.AuthPriv != levelOf(m.user):
		return m.report(in, 1, gosnmp.NoAuthNoPriv)
	case err != nil:
		return m.report(in, 6, gosnmp.NoAuthNoPriv)
	case verify != nil:
		return m.report(in, 5, gosnmp.NoAuthNoPriv)
	case late && !m.lax && levelOf(m.user) != gosnmp.NoAuthNoPriv:
		return m.report(in, 2, gosnmp.AuthNoPriv)
	}
	var replies [][]byte
	if m.before != nil {
		if replies = m.before(in); replies != nil && replies[len(replies)-1] == nil {
			return replies[:len(replies)-1]
		}
	}
	return append(replies, m.answer(in))
}

func (m *machine) report(in *gosnmp.SnmpPacket, what int, level gosnmp.SnmpV3MsgFlags) [][]byte {
	u := m.usm(m.user)
	if u.UserName = in.SecurityParameters.(*gosnmp.UsmSecurityParameters).UserName; m.shy && what == 4 {
		u.AuthoritativeEngineBoots, u.AuthoritativeEngineTime = 0, 0
	}
	out := m.packet(in, level, u)
	out.PDUType = gosnmp.Report
	out.Variables = []gosnmp.SnmpPDU{{Name: fmt.Sprintf("1.3.6.1.6.3.15.1.1.%d.0", what), Type: gosnmp.Counter32, Value: uint32(7)}}
	return [][]byte{seal(out)}
}

func (m *machine) answer(in *gosnmp.SnmpPacket) []byte {
	out := m.packet(in, levelOf(m.user), m.usm(m.user))
	for _, v := range in.Variables {
		out.Variables = append(out.Variables, gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.Integer, Value: 1})
	}
	if m.twist != nil {
		m.twist(in, out)
	}
	return seal(out)
}

func (m *machine) packet(in *gosnmp.SnmpPacket, level gosnmp.SnmpV3MsgFlags, u *gosnmp.UsmSecurityParameters) *gosnmp.SnmpPacket {
	return &gosnmp.SnmpPacket{
		Version: gosnmp.Version3, MsgFlags: level, SecurityModel: gosnmp.UserSecurityModel, SecurityParameters: u,
		ContextEngineID: m.id, PDUType: gosnmp.GetResponse, MsgID: in.MsgID, RequestID: in.RequestID,
	}
}

func seal(out *gosnmp.SnmpPacket) []byte {
	raw, err := out.MarshalMsg()
	if err != nil {
		panic(err)
	}
	return raw
}

// serveAll answers each request with some datagrams.
func serveAll(t testing.TB, handle func(request []byte) [][]byte) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			for _, reply := range handle(buf[:n]) {
				conn.WriteToUDPAddrPort(reply, from)
			}
		}
	})
	t.Cleanup(func() {
		conn.Close()
		done.Wait()
	})
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func wantOne(t *testing.T, d *snmp.Device) {
	t.Helper()
	answers, err := get(d, mibs.Quirks{}, sent)
	if err != nil || answers[sent].Int != 1 {
		t.Errorf("got %v, %v, want 1", answers, err)
	}
}

func TestEveryPairOfSNMPv3ProtocolsIsSpoken(t *testing.T) {
	for auth := range authOf {
		for privacy := range privacyOf {
			user := snmp.Credentials{Version: snmp.V3, User: "u", Auth: auth, Privacy: privacy, AuthPassword: "password-1", PrivacyPassword: "password-2"}
			if auth == "" && privacy != "" {
				continue
			}
			t.Run(auth+privacy, func(t *testing.T) {
				m := startMachine(t, user)
				d := newPool(t, snmp.Options{}).Device(m.target(user))
				wantOne(t, d)
				wantOne(t, d)
				if got := m.asked(); got != "1+2" {
					t.Errorf("two polls took %s messages, want 1 discovery and 2 requests", got)
				}
			})
		}
	}
}

func TestASNMPv3ColumnIsReadWithGETBULKAlsoFromWhoeverHasTheQuirkOfV1(t *testing.T) {
	m := startMachine(t, zerofax)
	m.set(func() {
		m.twist = func(in, out *gosnmp.SnmpPacket) {
			out.Variables = nil
			for i := range int(in.MaxRepetitions) {
				out.Variables = append(out.Variables, gosnmp.SnmpPDU{Name: fmt.Sprintf("1.3.9.%d", i+1), Type: gosnmp.Integer, Value: i})
			}
		}
	})
	rows, err := column(newPool(t, snmp.Options{}).Device(m.target(zerofax)), mibs.Quirks{V1: true}, "1.3.9", 10)
	if err != nil || len(rows) != 10 {
		t.Errorf("got %v, %v, want 10 rows", rows, err)
	}
}

func TestAfterTheFirstLookAtAnSNMPv3DeviceAPollIsOneRequest(t *testing.T) {
	m := startMachine(t, zerofax)
	now := time.Now()
	d := newPool(t, snmp.Options{Timeout: 2 * time.Second, Now: func() time.Time { return now }}).Device(m.target(zerofax))
	wantOne(t, d)
	m.asked()
	for range 5 {
		now = now.Add(10 * time.Minute)
		m.set(func() { m.seconds += 600 })
		wantOne(t, d)
		if got := m.asked(); got != "0+1" {
			t.Errorf("a poll ten minutes later took %s messages, want one request", got)
		}
	}
	if d.Rediscoveries() != 0 {
		t.Errorf("counts %d rediscoveries of a device that didn't change", d.Rediscoveries())
	}
}

func TestAnSNMPv3DeviceThatChangesIsFoundOutAnewInTheSameLook(t *testing.T) {
	for name, test := range map[string]struct {
		change func(m *machine)
		asked  string
	}{
		"it restarts":                 {func(m *machine) { m.boots, m.seconds = m.boots+1, 2 }, "0+2"},
		"it forgets its restarts":     {func(m *machine) { m.boots, m.seconds = 1, 2 }, "0+2"},
		"it has none":                 {func(m *machine) { m.boots, m.seconds = 0, 0 }, "0+2"},
		"its clock jumps ahead":       {func(m *machine) { m.seconds += 100_000 }, "0+2"},
		"its clock falls back":        {func(m *machine) { m.seconds = 5 }, "0+2"},
		"it has another board":        {func(m *machine) { m.id, m.boots, m.seconds = "\x80\x00\x1f\x88\x04another", 9, 9 }, "1+2"},
		"another, with a shy engine":  {func(m *machine) { m.id, m.boots, m.shy = "\x80\x00\x1f\x88\x04another", 9, true }, "1+3"},
		"it has the longest engine":   {func(m *machine) { m.id = strings.Repeat("x", 32) }, "1+2"},
		"it restarted for years":      {func(m *machine) { m.boots = 1<<31 - 1 }, "0+2"},
		"it ran for too long a while": {func(m *machine) { m.seconds = 1<<31 - 1 }, "0+2"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			m := startMachine(t, zerofax)
			pool := newPool(t, snmp.Options{Timeout: 2 * time.Second, Log: slog.New(slog.NewTextHandler(&log, nil))})
			d := pool.Device(m.target(zerofax))
			wantOne(t, d)
			m.asked()
			m.set(func() { test.change(m) })
			wantOne(t, d)
			if got := m.asked(); got != test.asked {
				t.Errorf("took %s messages, want %s", got, test.asked)
			}
			wantOne(t, d)
			if got := m.asked(); got != "0+1" {
				t.Errorf("the next poll took %s messages, want one request", got)
			}
			if d.Rediscoveries() != 1 || pool.Rediscoveries() != 1 {
				t.Errorf("counts %d rediscoveries, %d in all, want 1", d.Rediscoveries(), pool.Rediscoveries())
			}
			if !strings.Contains(log.String(), "SNMPv3 engine is not as it was") || strings.Contains(log.String(), "topsecret") {
				t.Errorf("the log says %s", log.String())
			}
		})
	}
}

func TestAnSNMPv3PollOutlivesJumpsOfOurOwnClock(t *testing.T) {
	for name, jump := range map[string]time.Duration{
		"back": -time.Hour, "ahead": time.Hour, "by a year": 365 * 24 * time.Hour, "to the beginning": -time.Since(time.Unix(0, 0)), "into the small": 100 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			m := startMachine(t, zerofax)
			now := time.Now().Round(0) // without the reading that never jumps
			d := newPool(t, snmp.Options{Now: func() time.Time { return now }}).Device(m.target(zerofax))
			wantOne(t, d)
			now = now.Add(jump)
			wantOne(t, d)
			m.asked()
			wantOne(t, d)
			if got := m.asked(); got != "0+1" {
				t.Errorf("the next poll took %s messages, want one request", got)
			}
		})
	}
}

// Cloned machines have the same engine, as have all of a make that forgot to give each its own.
func TestMachinesWithTheSameSNMPv3EngineAreNotMistakenForEachOther(t *testing.T) {
	pool := newPool(t, snmp.Options{Sessions: 1})
	var clones []*machine
	var devices []*snmp.Device
	for i := range 3 {
		m := startMachine(t, zerofax)
		m.set(func() {
			m.boots, m.seconds = uint32(3-i), uint32(1000*i)
			m.twist = func(_, out *gosnmp.SnmpPacket) { out.Variables[0].Value = i }
		})
		clones, devices = append(clones, m), append(devices, pool.Device(m.target(zerofax)))
	}
	for _, want := range []string{"1+1", "0+1", "0+1"} {
		for i, d := range devices {
			if answers, err := get(d, mibs.Quirks{}, sent); err != nil || answers[sent].Int != int64(i) {
				t.Errorf("machine %d: got %v, %v", i, answers, err)
			}
			if got := clones[i].asked(); got != want || d.Rediscoveries() != 0 {
				t.Errorf("machine %d: took %s messages, want %s; counts %d changes", i, got, want, d.Rediscoveries())
			}
		}
	}
}

func TestAnSNMPv3DeviceThatWasSilentIsAskedAgainWhoItIs(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(m *machine)
		changes int64
	}{
		"it was only away":  {func(m *machine) { m.seconds += 9 }, 0},
		"away, and is shy":  {func(m *machine) { m.shy = true }, 0},
		"it restarted":      {func(m *machine) { m.boots++ }, 1},
		"it is another one": {func(m *machine) { m.id = "another" }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := startMachine(t, zerofax)
			d := newPool(t, impatient).Device(m.target(zerofax))
			wantOne(t, d)
			m.set(func() { m.silent = true })
			for range 2 {
				_, err := get(d, mibs.Quirks{}, sent)
				wantError(t, err, "no answer from "+m.at.String()+" (1 try of 400ms)")
			}
			m.set(func() { m.silent = false; test.change(m) })
			m.asked()
			wantOne(t, d)
			if got := m.asked(); got != "1+1" || d.Rediscoveries() != test.changes {
				t.Errorf("took %s messages and counts %d changes, want 1+1 and %d", got, d.Rediscoveries(), test.changes)
			}
		})
	}
}

func TestARefusalSaysWhatToCorrectAndCostsFewMessages(t *testing.T) {
	change := func(change func(c *snmp.Credentials)) snmp.Credentials {
		c := zerofax
		change(&c)
		return c
	}
	for name, test := range map[string]struct {
		user snmp.Credentials
		want string
	}{
		"user":             {change(func(c *snmp.Credentials) { c.User = "nobody" }), `doesn't know SNMPv3 user "nobody"; correct the user, here or there`},
		"auth password":    {change(func(c *snmp.Credentials) { c.AuthPassword = "topsecret-wrong" }), `refuses SNMPv3 user "zerofax": its auth password or protocol is not SHA256 as here; correct one of them`},
		"privacy password": {change(func(c *snmp.Credentials) { c.PrivacyPassword = "topsecret-wrong" }), `refuses SNMPv3 user "zerofax": its privacy password or protocol is not AES as here; correct one of them`},
		"no privacy":       {change(func(c *snmp.Credentials) { c.Privacy = "" }), `refuses SNMPv3 user "zerofax" with auth and without privacy; correct auth and privacy, here or there`},
		"no auth":          {change(func(c *snmp.Credentials) { c.Auth, c.Privacy = "", "" }), `refuses SNMPv3 user "zerofax" without auth; correct auth and privacy, here or there`},
	} {
		t.Run(name, func(t *testing.T) {
			m := startMachine(t, zerofax)
			d := newPool(t, snmp.Options{}).Device(m.target(test.user))
			for range 2 {
				_, err := get(d, mibs.Quirks{}, sent)
				wantError(t, err, m.at.String()+" "+test.want)
				if got := m.asked(); got != "1+1" {
					t.Errorf("took %s messages, want 1 discovery and 1 request", got)
				}
			}
			m.set(func() { m.user = test.user })
			wantOne(t, d)
			if d.Rediscoveries() != 0 {
				t.Errorf("counts %d rediscoveries of a device that didn't change", d.Rediscoveries())
			}
		})
	}
}

func TestADeviceThatIsNeverContentIsNotHammered(t *testing.T) {
	for name, test := range map[string]struct {
		change func(m *machine)
		asked  string
		want   string
	}{
		"its clock is never right": {
			func(m *machine) { m.boots = 1<<31 - 1; m.before = m.alwaysReport(2, gosnmp.AuthNoPriv) }, "1+3",
			"refuses SNMPv3 requests with its own time (engine boots 2147483647): its count of restarts is used up until its SNMPv3 is set up anew",
		},
		"nor authentic":                {func(m *machine) { m.before = m.alwaysReport(2, gosnmp.NoAuthNoPriv) }, "1+2", "refuses SNMPv3 requests with its own time (engine boots 3)"},
		"it doesn't know its engine":   {func(m *machine) { m.before = m.alwaysReport(4, gosnmp.NoAuthNoPriv) }, "1+2", "doesn't know the SNMPv3 engine that it names itself"},
		"it reports what no one knows": {func(m *machine) { m.before = m.alwaysReport(99, gosnmp.AuthNoPriv) }, "1+2", "refuses SNMPv3 (report .1.3.6.1.6.3.15.1.1.99.0)"},
	} {
		t.Run(name, func(t *testing.T) {
			m := startMachine(t, zerofax)
			d := newPool(t, snmp.Options{}).Device(m.target(zerofax))
			wantOne(t, d)
			m.asked()
			m.set(func() { m.lax = true; test.change(m) })
			_, err := get(d, mibs.Quirks{}, sent)
			wantError(t, err, m.at.String()+" "+test.want)
			if got := m.asked(); got != test.asked {
				t.Errorf("took %s messages, want %s", got, test.asked)
			}
			m.set(func() { m.before = nil })
			wantOne(t, d)
		})
	}
}

func (m *machine) alwaysReport(what int, level gosnmp.SnmpV3MsgFlags) func(in *gosnmp.SnmpPacket) [][]byte {
	return func(in *gosnmp.SnmpPacket) [][]byte { return append(m.report(in, what, level), nil) }
}

func TestOnlyAnAuthenticAnswerToThisRequestIsBelieved(t *testing.T) {
	forge := func(change func(m *machine, in, out *gosnmp.SnmpPacket)) func(m *machine, in *gosnmp.SnmpPacket) []byte {
		return func(m *machine, in *gosnmp.SnmpPacket) []byte {
			out := m.packet(in, levelOf(m.user), m.usm(m.user))
			for _, v := range in.Variables {
				out.Variables = append(out.Variables, gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.Integer, Value: 666})
			}
			change(m, in, out)
			return seal(out)
		}
	}
	guess := func(c snmp.Credentials) snmp.Credentials {
		c.AuthPassword = "guessed-password"
		return c
	}
	authOnly := zerofax
	authOnly.Privacy = ""
	for name, test := range map[string]func(m *machine, in *gosnmp.SnmpPacket) []byte{
		"in the clear": forge(func(_ *machine, _, out *gosnmp.SnmpPacket) { out.MsgFlags = gosnmp.NoAuthNoPriv }),
		"in SNMPv2c":   forge(func(_ *machine, _, out *gosnmp.SnmpPacket) { out.Version, out.Community = gosnmp.Version2c, "public" }),
		"in another security model": forge(func(_ *machine, _, out *gosnmp.SnmpPacket) {
			out.MsgFlags, out.SecurityModel = gosnmp.NoAuthNoPriv, 1
		}),
		"in another security model, with another key": forge(func(m *machine, _, out *gosnmp.SnmpPacket) {
			out.SecurityModel, out.SecurityParameters = 1, m.usm(guess(m.user))
		}),
		"protected by less": forge(func(_ *machine, _, out *gosnmp.SnmpPacket) { out.MsgFlags = out.MsgFlags & gosnmp.AuthPriv >> 1 }),
		"with another key": forge(func(m *machine, _, out *gosnmp.SnmpPacket) {
			out.SecurityParameters = m.usm(guess(m.user))
		}),
		"of another engine, whose key is empty": forge(func(_ *machine, _, out *gosnmp.SnmpPacket) {
			out.SecurityParameters = &gosnmp.UsmSecurityParameters{
				AuthoritativeEngineID: "stranger", AuthoritativeEngineBoots: 1, UserName: zerofax.User,
				AuthenticationProtocol: gosnmp.SHA256, PrivacyProtocol: gosnmp.AES,
			}
			out.MsgFlags, out.ContextEngineID = gosnmp.AuthNoPriv, "stranger"
		}),
		"of another user": forge(func(m *machine, _, out *gosnmp.SnmpPacket) {
			other := m.user
			other.User = "other"
			out.SecurityParameters = m.usm(other)
		}),
		"with another message id": forge(func(_ *machine, _, out *gosnmp.SnmpPacket) { out.MsgID++ }),
		"with another request id": forge(func(_ *machine, _, out *gosnmp.SnmpPacket) { out.RequestID++ }),
		"with request id 0":       forge(func(_ *machine, _, out *gosnmp.SnmpPacket) { out.RequestID = 0 }),
		"as an empty report":      forge(func(_ *machine, _, out *gosnmp.SnmpPacket) { out.PDUType, out.Variables = gosnmp.Report, nil }),
		"as a request":            forge(func(_ *machine, _, out *gosnmp.SnmpPacket) { out.PDUType = gosnmp.GetRequest }),
		"with a bit changed": func(m *machine, in *gosnmp.SnmpPacket) []byte {
			raw := m.answer(in)
			raw[len(raw)-3] ^= 1
			return raw
		},
		"cut short": func(m *machine, in *gosnmp.SnmpPacket) []byte { raw := m.answer(in); return raw[:len(raw)/2] },
		"said before": func(m *machine, in *gosnmp.SnmpPacket) []byte {
			before := m.earlier
			m.earlier = m.answer(in)
			return before
		},
		"no SNMP": func(*machine, *gosnmp.SnmpPacket) []byte { return []byte("rubbish") },
		"nothing": func(*machine, *gosnmp.SnmpPacket) []byte { return []byte{} },
	} {
		for _, user := range []snmp.Credentials{zerofax, authOnly} {
			t.Run(name+user.Privacy, func(t *testing.T) { neverBelieved(t, user, test) })
		}
	}
}

func neverBelieved(t *testing.T, user snmp.Credentials, forged func(m *machine, in *gosnmp.SnmpPacket) []byte) {
	t.Parallel()
	m := startMachine(t, user)
	d := newPool(t, impatient).Device(m.target(user))
	wantOne(t, d)
	m.set(func() { m.before = func(in *gosnmp.SnmpPacket) [][]byte { return [][]byte{forged(m, in)} } })
	wantOne(t, d) // the forged one comes first
	m.set(func() { m.before = func(in *gosnmp.SnmpPacket) [][]byte { return [][]byte{forged(m, in), nil} } })
	m.asked()
	_, err := get(d, mibs.Quirks{}, sent)
	wantError(t, err, "no answer from "+m.at.String()+" that could be believed (1 try of 400ms): what came was damaged, late or forged")
	if got := m.asked(); got != "0+1" {
		t.Errorf("took %s messages, want one", got)
	}
	m.set(func() { m.before = nil })
	wantOne(t, d)
}

// A report that anyone could have sent makes the device be asked anew, and nothing else.
func TestAForgedReportChangesNothing(t *testing.T) {
	m := startMachine(t, zerofax)
	d := newPool(t, snmp.Options{}).Device(m.target(zerofax))
	wantOne(t, d)
	m.asked()
	once := true
	m.set(func() {
		m.before = func(in *gosnmp.SnmpPacket) [][]byte {
			if !once {
				return nil
			}
			once = false
			stranger := &machine{id: "stranger", boots: 77, user: snmp.Credentials{User: zerofax.User}}
			return append(stranger.report(in, 2, gosnmp.NoAuthNoPriv), nil)
		}
	})
	wantOne(t, d)
	if got := m.asked(); got != "1+2" {
		t.Errorf("took %s messages, want 1 discovery and 2 requests", got)
	}
}

func TestAnEngineThatCannotBeIsAnError(t *testing.T) {
	m := startMachine(t, zerofax)
	m.set(func() { m.id = strings.Repeat("x", 33) })
	_, err := get(newPool(t, snmp.Options{}).Device(m.target(zerofax)), mibs.Quirks{}, sent)
	wantError(t, err, m.at.String()+" names an SNMPv3 engine of 33 bytes; want 1 to 32")
}

// Wrong keys of privacy make some devices silent.
func TestADeviceThatIsSilentOnlyToTheUserSaysSo(t *testing.T) {
	m := startMachine(t, zerofax)
	m.set(func() { m.before = func(*gosnmp.SnmpPacket) [][]byte { return [][]byte{nil} } })
	_, err := get(newPool(t, impatient).Device(m.target(zerofax)), mibs.Quirks{}, sent)
	wantError(t, err, "no answer from "+m.at.String()+` to SNMPv3 user "zerofax" (1 try of 400ms), though it names its engine; check its privacy password and protocol`)
}

func TestNoTwoSNMPv3MessagesAreSaltedAlike(t *testing.T) {
	m := startMachine(t, zerofax)
	seen := map[uint64]bool{}
	m.set(func() {
		m.before = func(in *gosnmp.SnmpPacket) [][]byte {
			seen[binary.BigEndian.Uint64(in.SecurityParameters.(*gosnmp.UsmSecurityParameters).PrivacyParameters)] = true
			return nil
		}
	})
	pool := newPool(t, snmp.Options{})
	for range 5 {
		wantOne(t, pool.Device(m.target(zerofax)))
	}
	m.set(func() {
		if len(seen) != 5 {
			t.Errorf("5 messages had %d salts", len(seen))
		}
	})
}

func TestBadSNMPv3CredentialsSayWhatIsWrong(t *testing.T) {
	for want, change := range map[string]func(c *snmp.Credentials){
		"SNMPv3 user of 0 bytes; want 1 to 32":                                              func(c *snmp.Credentials) { c.User = "" },
		"SNMPv3 user of 33 bytes; want 1 to 32":                                             func(c *snmp.Credentials) { c.User = strings.Repeat("u", 33) },
		`SNMPv3 auth protocol "SHA1"; want MD5, SHA, SHA224, SHA256, SHA384 or SHA512`:      func(c *snmp.Credentials) { c.Auth = "SHA1" },
		`SNMPv3 privacy protocol "3DES"; want DES, AES, AES192, AES256, AES192C or AES256C`: func(c *snmp.Credentials) { c.Privacy = "3DES" },
		"SNMPv3 privacy without auth; want both":                                            func(c *snmp.Credentials) { c.Auth = "" },
		"SNMPv3 password of less than 8 bytes":                                              func(c *snmp.Credentials) { c.PrivacyPassword = secret.Text("short") },
	} {
		c := zerofax
		change(&c)
		if err := c.Check(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
