package series

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"
	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"
	"github.com/influxdata/influxdb-client-go/v2/api/write"
)

// bucket is where the points go.
type bucket struct {
	http *http.Client
	api  api.WriteAPIBlocking
}

// requestLimit bounds one request, from dialling to the last byte of the answer.
const requestLimit = 20 * time.Second

func openBucket(o *Options) *bucket {
	b := &bucket{http: &http.Client{
		Transport: influxOnly{http.DefaultTransport.(*http.Transport).Clone()}, Timeout: cmp.Or(o.Timeout, requestLimit),
		// Elsewhere it would be asked for a page, without the points, and the page might be fine.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	b.api = influxdb2.NewClientWithOptions(o.URL, string(o.Token), influxdb2.DefaultOptions().SetHTTPClient(b.http).
		SetApplicationName("zerofax").SetUseGZip(true).SetPrecision(time.Millisecond)).WriteAPIBlocking(o.Org, o.Bucket)
	return b
}

// influxOnly takes no other success than that of a write: some other program may find anything fine.
type influxOnly struct{ *http.Transport }

var errNoInfluxDB = errors.New("want 204: this is no InfluxDB")

func (t influxOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.Transport.RoundTrip(r)
	if err == nil && answer.StatusCode/100 == 2 && answer.StatusCode != http.StatusNoContent {
		return nil, errors.Join(fmt.Errorf("it answers %s, %w", answer.Status, errNoInfluxDB), answer.Body.Close())
	}
	return answer, err
}

// refusal is a point that InfluxDB won't take.
type refusal struct {
	point  *write.Point
	reason string
	old    bool // beyond the bucket's retention: nobody's fault
}

// trouble is why nothing can be written for now.
type trouble struct {
	configured bool          // a person must change something: token, bucket, schema
	after      time.Duration // what InfluxDB asks to wait, 0 if it doesn't
	err        error
}

func (t *trouble) Error() string { return t.err.Error() }
func (t *trouble) Unwrap() error { return t.err }

// write writes points, in one request if it can, else in halves until it is clear which are refused.
// Writing a point again changes nothing. An error is a *trouble: then try them all again later.
func (b *bucket) write(ctx context.Context, points []*write.Point) ([]refusal, error) {
	refused, err := b.halves(ctx, points)
	if err != nil {
		return nil, err
	}
	// Where not one is taken it is hardly the points: a field of another type in the bucket, a
	// gateway in between. They can wait until somebody has seen to it, or until one in their midst is taken.
	if n := len(refused); n > 0 && n == len(points) && !slices.ContainsFunc(refused, func(r refusal) bool { return r.old }) {
		return nil, &trouble{configured: true, err: fmt.Errorf("every point is refused, such as %s: %s", lineOf(refused[0].point), refused[0].reason)}
	}
	return refused, nil
}

func (b *bucket) close() { b.http.CloseIdleConnections() }

func (b *bucket) halves(ctx context.Context, points []*write.Point) ([]refusal, error) {
	err := b.api.WritePoint(ctx, points...)
	if err == nil {
		return nil, nil
	}
	fault := new(influxhttp.Error)
	if !errors.As(err, &fault) {
		fault = influxhttp.NewError(err)
	}
	reason, about := reasonOf(fault), blames(fault.StatusCode)
	alone := len(points) == 1
	if errors.Is(err, errNoInfluxDB) || alone && fault.StatusCode == http.StatusRequestEntityTooLarge { // no point is too large
		about = theSettings
	}
	switch {
	case about != thePoints:
		return nil, &trouble{
			configured: about == theSettings, after: time.Duration(fault.RetryAfter) * time.Second, err: errors.New(reason),
		}
	case alone, dropped(reason) == len(points):
		return refuse(points, reason), nil
	}
	half := len(points) / 2
	first, err := b.halves(ctx, points[:half])
	if err != nil {
		return nil, err
	}
	second, err := b.halves(ctx, points[half:])
	return append(first, second...), err
}

func refuse(points []*write.Point, reason string) []refusal {
	refused := make([]refusal, len(points))
	for i, p := range points {
		refused[i] = refusal{point: p, reason: reason, old: strings.Contains(reason, "retention policy")}
	}
	return refused
}

// What an answer's status lays the blame on.
type blame int

const (
	theMoment blame = iota
	theSettings
	thePoints // or their number
)

func blames(status int) blame {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return theMoment
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusProxyAuthRequired, http.StatusGone:
		return theSettings
	}
	switch {
	case status >= 300 && status < 400:
		return theSettings
	case status >= 400 && status < 500:
		return thePoints
	}
	return theMoment // no answer, or a fault of the server's
}

// droppedPart is how InfluxDB says how many points of a request it did not take.
var droppedPart = regexp.MustCompile(`dropped[= ](\d+)`)

func dropped(reason string) int {
	if m := droppedPart.FindStringSubmatch(reason); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			return n
		}
	}
	return -1
}

const longestReason = 300

func reasonOf(fault *influxhttp.Error) string {
	if fault.StatusCode == 0 {
		return fault.Error()
	}
	said := strings.Join(strings.Fields(fault.Message), " ")
	if said == "" {
		said = fault.Error()
	}
	if len(said) > longestReason {
		said = strings.ToValidUTF8(said[:longestReason], "") + "…"
	}
	return fmt.Sprintf("%d: %s", fault.StatusCode, said)
}

// lineOf is a point in line protocol.
func lineOf(p *write.Point) string {
	return strings.TrimSuffix(write.PointToLineProtocol(p, time.Millisecond), "\n")
}
