// Package web serves the collector's pages, its API and, where it is handed one, the
// metrics. Nothing in the books changes by a visit (GET), only by a form that somebody with the role sends
// (POST). Pages need no script, nothing from other hosts, and are in French or English.
package web

import (
	"compress/gzip"
	"context"
	"embed"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/collector/internal/journals"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/people"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// Books is what the pages need of the ledger.
type Books interface {
	Snapshot(ctx context.Context) (ledger.Snapshot, error)
	Agents(ctx context.Context) ([]ledger.Agent, error)
	Watch(ctx context.Context, limit int) (ledger.Watch, error)
	Anomalies(ctx context.Context, limit int) ([]ledger.Anomaly, error)
	Episodes(ctx context.Context, f ledger.EpisodeFilter) ([]ledger.Episode, error)
	Months(ctx context.Context, from, to ledger.Month) ([]ledger.MonthSum, error)
	Period(ctx context.Context, from, to ledger.Month) ([]ledger.MonthSum, error)
	MSSante(ctx context.Context, from, to ledger.Month) (ledger.MSSante, error)
	flowBooks
	storyBooks
	followedBooks
	declareBooks
	closingBooks
	registerBooks
	committeeBooks
	mssanteBooks
	directoryBooks
	waveBooks
	neighbourBooks
	journalBooks
	planBooks
}

// Options of a site.
type Options struct {
	Books    Books
	Metrics  http.Handler              // of /metrics
	Label    func(*ledger.Line) string // what metrics and their alerts call a line, by which it is found, too; nil: its id
	Ready    func() error              // of /-/ready: nil, or why not
	Dialling register.Dialling         // how numbers are read that people type
	Intake   *journals.Intake          // where journals are handed in; nil: nowhere
	Language string                    // fr or en, for readers who ask for neither
	Location *time.Location            // in which times are shown
	MQTT     string                    // URL that agents use, for the page that tells how to start one
	Version  string
	Publish  bool // all addresses of an extraction that is handed in are kept, to be searched
	Log      *slog.Logger

	Door     *people.Door     // where people sign in; nil: nobody has to
	Provider *people.Provider // who else vouches for people; nil: nobody
	Access   Access
	Audit    Auditor // what people did; only with a door
}

//go:embed pages/*.html
var pages embed.FS

//go:embed assets/*.css assets/*.js
var assets embed.FS

// site answers requests.
type site struct {
	Options
	*page.Site
}

// New makes the handler of all paths.
func New(o Options) (http.Handler, error) {
	s, err := newPages(o)
	if err != nil {
		return nil, err
	}
	pack, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed)) // better levels cost more time than the bytes do
	if err != nil {
		return nil, fmt.Errorf("compression: %w", err)
	}
	return page.Secured(http.NewCrossOriginProtection().Handler(nowOnly(s.entrance(s.routes(pack))))), nil
}

func newPages(o Options) (*site, error) {
	shown, err := page.NewSite(pages, "pages/*.html", o.Log, assets)
	return &site{Options: o, Site: shown}, err
}

// routing is a mux that knows what it leads to.
type routing struct {
	http.ServeMux
	patterns []string
}

// HandleFunc registers what answers a pattern.
func (m *routing) HandleFunc(pattern string, answer func(http.ResponseWriter, *http.Request)) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.HandleFunc(pattern, answer)
}

func (s *site) routes(pack func(http.Handler) http.HandlerFunc) *routing {
	packed := func(page http.HandlerFunc) http.HandlerFunc { return get(pack(page)) }
	mux := new(routing)
	mux.HandleFunc("/{$}", packed(s.dashboard))
	mux.HandleFunc("/machines", packed(s.fleet))
	mux.HandleFunc("/lines", packed(s.linesPage))
	mux.HandleFunc("GET /lines/{id}", packed(s.linePage))
	mux.HandleFunc("GET /lines/new", packed(s.newLinePage))
	mux.HandleFunc("POST /lines/new", change(ledger.EditorRole, maxForm, s.addLine))
	mux.HandleFunc("GET /lines/several", packed(s.severalPage))
	mux.HandleFunc("POST /lines/several", change(ledger.EditorRole, maxForm, s.saveSeveral))
	mux.HandleFunc("GET /lines/{id}/edit", packed(s.editLinePage))
	mux.HandleFunc("POST /lines/{id}/edit", change(ledger.EditorRole, maxForm, s.saveLine))
	mux.HandleFunc("POST /lines/{id}/remove", change(ledger.EditorRole, maxForm, s.removeLine))
	mux.HandleFunc("POST /lines/{id}/windows", change(ledger.EditorRole, maxForm, s.announceTest))
	mux.HandleFunc("POST /lines/{id}/alerts/{alert}/close", change(ledger.EditorRole, maxForm, s.closeAlert))
	mux.HandleFunc("GET /import/{table}", packed(s.importPage))
	mux.HandleFunc("POST /import/{table}", upload(ledger.EditorRole, maxTable+maxForm, s.handIn))
	mux.HandleFunc("GET /import/{table}/{upload}", packed(s.previewPage))
	mux.HandleFunc("POST /import/{table}/{upload}", change(ledger.EditorRole, maxForm, s.confirmImport))
	mux.HandleFunc("GET /export/{file}", packed(s.exportTable))
	mux.HandleFunc("/map", packed(s.mapPage))
	mux.HandleFunc("GET /map/edit", packed(s.structurePage))
	mux.HandleFunc("POST /map/edit", change(ledger.EditorRole, maxForm, s.saveStructure))
	mux.HandleFunc("/map/gaps", packed(s.gapsPage))
	mux.HandleFunc("/map/table", packed(s.kitPage))
	mux.HandleFunc("/map/table.csv", packed(s.kitCSV))
	mux.HandleFunc("/map/table.xlsx", get(s.kitXLSX))
	mux.HandleFunc("/flows", packed(s.flowsPage))
	mux.HandleFunc("/flows.csv", packed(s.flowsCSV))
	mux.HandleFunc("/flows/partners.csv", packed(s.partnersCSV))
	mux.HandleFunc("/flows.xlsx", get(s.flowsXLSX))
	mux.HandleFunc("/services", packed(s.servicesPage))
	mux.HandleFunc("/services/{id}", packed(s.sheetPage))
	mux.HandleFunc("GET /services/{id}/edit", packed(s.sheetEdit))
	mux.HandleFunc("POST /services/{id}/edit", change(ledger.EditorRole, maxForm, s.saveSheet))
	mux.HandleFunc("GET /services/{id}/checklist", packed(s.checklistForm))
	mux.HandleFunc("POST /services/{id}/checklist", change(ledger.EditorRole, maxForm, s.saveChecklist))
	mux.HandleFunc("/services/{id}/reply", packed(s.replyPage))
	mux.HandleFunc("/services/{id}/reply/{file}", get(s.replyFile))
	mux.HandleFunc("/lines/{id}/reply", packed(s.replyPage))
	mux.HandleFunc("/lines/{id}/reply/{file}", get(s.replyFile))
	mux.HandleFunc("/waves/{number}/faxtype.zip", get(s.waveReplies))
	mux.HandleFunc("GET /support", packed(s.supportPage))
	mux.HandleFunc("GET /support/matrix", packed(s.matrixPage))
	mux.HandleFunc("GET /support/new", packed(s.followupNew))
	mux.HandleFunc("POST /support/new", change(ledger.EditorRole, maxForm, s.saveFollowup))
	mux.HandleFunc("GET /support/{id}", packed(s.followupEdit))
	mux.HandleFunc("POST /support/{id}", change(ledger.EditorRole, maxForm, s.saveFollowup))
	mux.HandleFunc("POST /support/{id}/remove", change(ledger.EditorRole, maxForm, s.dropFollowup))
	mux.HandleFunc("/committee", packed(s.committeePage))
	mux.HandleFunc("/committee.xlsx", get(s.committeeXLSX))
	mux.HandleFunc("/mssante", packed(s.mssantePage))
	mux.HandleFunc("GET /mssante/address", packed(s.mailboxPage))
	mux.HandleFunc("POST /mssante/address", change(ledger.EditorRole, maxForm, s.saveMailbox))
	mux.HandleFunc("POST /mssante/used", change(ledger.EditorRole, maxForm, s.declareUsed))
	mux.HandleFunc("POST /mssante/lost", change(ledger.EditorRole, maxForm, s.seeLost))
	mux.HandleFunc("GET /mssante/import", packed(s.mssanteImport))
	mux.HandleFunc("POST /mssante/import", upload(ledger.EditorRole, maxTableForm, s.keepTable))
	mux.HandleFunc("GET /mssante/import/{id}", packed(s.showTable))
	mux.HandleFunc("POST /mssante/import/{id}", change(ledger.EditorRole, maxForm, s.showTable))
	mux.HandleFunc("POST /mssante/profile", change(ledger.EditorRole, maxForm, s.dropProfile))
	mux.HandleFunc("POST /mssante/extraction", upload(ledger.EditorRole, maxExtractionForm, s.takeExtraction))
	mux.HandleFunc("/mssante/modele-mssante.csv", packed(s.mssanteTemplate))
	mux.HandleFunc("/mssante/modele-mssante.xlsx", get(s.mssanteTemplate))
	mux.HandleFunc("/neighbours", packed(s.neighboursPage))
	mux.HandleFunc("/neighbours/{line}", packed(s.neighbourPage))
	s.journalRoutes(mux, packed)
	mux.HandleFunc("GET /send", packed(s.sendPage))
	mux.HandleFunc("/alerts", packed(s.alertsPage))
	mux.HandleFunc("GET /targets", packed(s.targetsPage))
	mux.HandleFunc("POST /targets", change(ledger.EditorRole, maxForm, s.saveTarget))
	mux.HandleFunc("/targets/collection", packed(s.collectionPage))
	mux.HandleFunc("/targets/months", packed(s.monthsPage))
	mux.HandleFunc("/targets/months/{month}", packed(s.monthPage))
	mux.HandleFunc("POST /targets/months/{month}/close", change(ledger.EditorRole, maxForm, s.closeMonth))
	mux.HandleFunc("POST /targets/months/{month}/reopen", change(ledger.AdminRole, maxForm, s.reopenMonth))
	s.waveRoutes(mux, packed)
	s.peopleRoutes(mux, packed)
	mux.HandleFunc("/assets/", get(s.ServeAsset))
	mux.HandleFunc("/metrics", get(s.metrics))
	mux.HandleFunc("/-/healthy", get(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") }))
	mux.HandleFunc("/-/ready", get(s.ready))
	mux.HandleFunc("/api/v1/devices", packed(s.devices))
	mux.HandleFunc("/api/v1/agents", packed(s.agents))
	mux.HandleFunc("/api/v1/lines", packed(s.lines))
	mux.HandleFunc("/api/v1/services", packed(s.services))
	mux.HandleFunc("/api/v1/alerts", packed(s.alerts))
	mux.HandleFunc("/api/v1/anomalies", packed(s.anomalies))
	mux.HandleFunc("/api/v1/neighbours", packed(s.neighbours))
	mux.HandleFunc("/api/v1/indicators", packed(s.indicators))
	mux.HandleFunc("/api/v1/flows", packed(s.flows))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		page.Problem(w, http.StatusNotFound, "no such resource: "+r.URL.Path)
	})
	return mux
}

// get refuses all but GET and HEAD, for paths at which there is nothing to change. Others are registered
// twice, as "GET /path" and "POST /path".
func get(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			next(w, r)
			return
		}
		w.Header().Set("Allow", "GET, HEAD")
		if strings.HasPrefix(r.URL.Path, "/api/") {
			page.Problem(w, http.StatusMethodNotAllowed, r.Method+" is not possible here; want GET")
			return
		}
		http.Error(w, "want GET", http.StatusMethodNotAllowed)
	}
}

// metrics are of everything, so they are for those who see all.
func (s *site) metrics(w http.ResponseWriter, r *http.Request) {
	if who := readerOf(r); len(who.Establishments) > 0 {
		http.Error(w, "metrics are of all establishments, your role holds for some", http.StatusForbidden)
		return
	}
	s.Metrics.ServeHTTP(w, r)
}

func (s *site) ready(w http.ResponseWriter, _ *http.Request) {
	if err := s.Ready(); err != nil {
		http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
