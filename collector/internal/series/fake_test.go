package series

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// influx is an InfluxDB that takes nothing that the line protocol's documentation doesn't allow, and
// that answers as it is told.
type influx struct {
	*httptest.Server
	token, org, bucket string

	mu       sync.Mutex
	answer   func() answer // to the next request; nil: takes it
	spoilt   func(line string) (reason string)
	limit    int // bytes that a request may have, 0 = any
	points   map[string]string
	requests int
	faults   []string // of the client
	release  chan struct{}
}

// answer is what becomes of a request.
type answer int

const (
	takes answer = iota
	takesSlowly
	takesAndHangsUp // what it took stays, but nobody hears of it
	hangsUp
	isBusy      // 429, come back in 7 s
	isFull      // 413
	fails       // 500
	unavailable // 503, HTML
	refusesUser // 401
	knowsNoBucket
	refusesAll   // 400
	asksToLogIn  // 302, to a page that is fine
	isNoInfluxDB // 200, HTML
)

func startInflux(t interface {
	Helper()
	Cleanup(func())
},
) *influx {
	t.Helper()
	x := &influx{token: "t0ken", org: "chu", bucket: "fax", points: make(map[string]string), release: make(chan struct{})}
	x.Server = httptest.NewServer(http.HandlerFunc(x.serve))
	t.Cleanup(func() { close(x.release); x.CloseClientConnections(); x.Close() })
	return x
}

func (x *influx) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/login" {
		return
	}
	x.mu.Lock()
	x.requests++
	now := takes
	if x.answer != nil {
		now = x.answer()
	}
	x.mu.Unlock()
	switch now {
	case hangsUp:
		panic(http.ErrAbortHandler)
	case isBusy:
		w.Header().Set("Retry-After", "7")
		complain(w, http.StatusTooManyRequests, "write rate limit")
	case fails:
		complain(w, http.StatusInternalServerError, "engine: out of cache")
	case isFull:
		complain(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	case unavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "<html>maintenance</html>")
	case refusesUser:
		complain(w, http.StatusUnauthorized, "authorization failed")
	case knowsNoBucket:
		complain(w, http.StatusNotFound, "bucket \"fax\" not found")
	case refusesAll:
		complain(w, http.StatusBadRequest, "not today")
	case asksToLogIn:
		http.Redirect(w, r, "/login", http.StatusFound)
	case isNoInfluxDB:
		_, _ = io.WriteString(w, "<html>intranet</html>")
	default:
		x.take(w, r)
		switch now {
		case takesSlowly:
			select {
			case <-r.Context().Done():
			case <-x.release:
			}
		case takesAndHangsUp:
			panic(http.ErrAbortHandler)
		}
	}
}

func complain(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":"invalid","message":%q}`, message)
}

// take takes what it can of a request, and complains of the rest as InfluxDB 1.8 and 2 do.
func (x *influx) take(w http.ResponseWriter, r *http.Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	want := map[string]string{"org": x.org, "bucket": x.bucket, "precision": "ms"}
	for key, value := range want {
		if got := r.URL.Query().Get(key); got != value {
			x.faults = append(x.faults, fmt.Sprintf("%s is %q, want %q", key, got, value))
		}
	}
	if r.Method != http.MethodPost || r.URL.Path != "/api/v2/write" || r.Header.Get("Content-Encoding") != "gzip" ||
		r.Header.Get("Authorization") != "Token "+x.token || !strings.HasPrefix(r.UserAgent(), "influxdb-client-go/") {
		x.faults = append(x.faults, fmt.Sprintf("%s %s %v", r.Method, r.URL, r.Header))
	}
	body, err := gunzip(r.Body)
	if err != nil {
		x.faults = append(x.faults, err.Error())
	}
	if x.limit > 0 && len(body) > x.limit {
		complain(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	var refused []string
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if x.spoilt != nil {
			if reason := x.spoilt(line); reason != "" {
				refused = append(refused, reason)
				continue
			}
		}
		key, value, err := parse(line)
		if err != nil {
			x.faults = append(x.faults, fmt.Sprintf("%s: %v", line, err))
			continue
		}
		x.points[key] = value
	}
	if len(refused) > 0 {
		complain(w, http.StatusBadRequest, fmt.Sprintf("partial write: %s dropped=%d", refused[0], len(refused)))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func gunzip(r io.Reader) (string, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(z)
	return string(body), err
}

var (
	escaped   = `(?:[^\\,= \n]|\\[,= ])+`
	lineForm  = regexp.MustCompile(`^([a-z_]+)((?:,` + escaped + `=` + escaped + `)*) ([a-z]+=(?:-?\d+i|-?\d+(?:\.\d+)?|"(?:[^"\\]|\\["\\])*")(?:,[a-z]+=-?\d+(?:\.\d+)?)*) (\d{13})$`)
	tagForm   = regexp.MustCompile(`,(` + escaped + `)=` + escaped)
	fieldForm = map[string]*regexp.Regexp{
		faxActivity:  regexp.MustCompile(`^count=(-?\d+i)$`),
		faxCounter:   regexp.MustCompile(`^value=(\d+i)$`),
		lineStatus:   regexp.MustCompile(`^status=(".*")$`),
		deviceStatus: regexp.MustCompile(`^up=([01]i)$`),
		faxIndicator: regexp.MustCompile(`^(value=\d+,completeness=(?:1|0(?:\.\d+)?)(?:,target=\d+)?)$`),
	}
)

// parse reads a line of line protocol: which point it is, and its value, or its fields if it has several.
func parse(line string) (key, value string, err error) {
	m := lineForm.FindStringSubmatch(line)
	if m == nil {
		return "", "", fmt.Errorf("is no line protocol")
	}
	var names []string
	for _, tag := range tagForm.FindAllStringSubmatch(m[2], -1) {
		names = append(names, tag[1])
	}
	form := fieldForm[m[1]]
	if form == nil {
		return "", "", fmt.Errorf("measurement %s isn't known", m[1])
	}
	fields := form.FindStringSubmatch(m[3])
	switch at, err := strconv.ParseInt(m[4], 10, 64); {
	case err != nil || at < 1_500_000_000_000 || at > 2_500_000_000_000:
		return "", "", fmt.Errorf("time %s is no time in milliseconds", m[4])
	case !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names):
		return "", "", fmt.Errorf("tags %v: want each once, in order", names)
	case fields == nil:
		return "", "", fmt.Errorf("fields %s of %s: want %s", m[3], m[1], form)
	}
	return m[1] + m[2] + " " + m[4], fields[1], nil
}

// does sets what becomes of the next requests; afterwards it takes them.
func (x *influx) does(answers ...answer) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.answer = func() answer {
		if len(answers) == 0 {
			return takes
		}
		now := answers[0]
		answers = answers[1:]
		return now
	}
}

// has is what it has of a measurement, by tags and time.
func (x *influx) has(measurement string) map[string]string {
	x.mu.Lock()
	defer x.mu.Unlock()
	found := make(map[string]string)
	for key, value := range x.points {
		if strings.HasPrefix(key, measurement+",") {
			found[key] = value
		}
	}
	return found
}

func (x *influx) wantNoFault(t interface {
	Helper()
	Errorf(string, ...any)
},
) {
	t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, fault := range x.faults {
		t.Errorf("a strict InfluxDB wouldn't take it: %s", fault)
	}
}

func TestTheFakeIsStrict(t *testing.T) {
	for line, fine := range map[string]bool{
		`fax_activity,device=x,unit=A4\ equivalents count=-3i 1790841600123`:             true,
		`line_status,line=x:1 status="idle" 1790841600123`:                               true,
		`fax_activity count=3i 1790841600123`:                                            true,
		`fax_activity,device= count=3i 1790841600123`:                                    false,
		`fax_activity,unit=A4 equivalents count=3i 1790841600123`:                        false,
		`fax_activity,unit=x\ count=3i 1790841600123`:                                    false,
		`fax_activity,device=x count=3 1790841600123`:                                    false,
		`fax_activity,device=x count="3" 1790841600123`:                                  false,
		`fax_activity,device=x value=3i 1790841600123`:                                   false,
		`fax_activity,device=x count=3i 1790841600123000000`:                             false,
		`fax_activity,device=x count=3i`:                                                 false,
		`fax_activity,unit=x,device=x count=3i 1790841600123`:                            false,
		`fax_activity,device=x,device=y count=3i 1790841600123`:                          false,
		`line_status,line=x status=idle 1790841600123`:                                   false,
		`fax_indicator,by=pole,unit=lines value=3,completeness=0.5 1790841600123`:        true,
		`fax_indicator,by=pole,unit=lines value=3,completeness=1,target=0 1790841600123`: true,
		`fax_indicator,by=pole,unit=lines value=3i,completeness=0.5 1790841600123`:       false,
		`fax_indicator,by=pole,unit=lines value=3,completeness=1.5 1790841600123`:        false,
		`fax_indicator,by=pole,unit=lines value=3 1790841600123`:                         false,
	} {
		if _, _, err := parse(line); (err == nil) != fine {
			t.Errorf("%s: got %v, want it fine: %v", line, err, fine)
		}
	}
}

// clock is a clock that a test turns.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
