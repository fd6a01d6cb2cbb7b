package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// maxForm is the most that a form without files may hold, in bytes.
const maxForm = 1 << 20

// errChanged says that somebody else changed a thing since the form for it was shown.
var errChanged = errors.New("changed by somebody else meanwhile")

// revision tells states of a thing apart: a form carries that of what it shows in its field "revision",
// and whoever saves compares it with the books, within the transaction, so that of two who edit the same
// thing the second one learns of the first.
func revision(thing any) string {
	data, err := json.Marshal(thing)
	if err != nil {
		panic("a thing of the books that JSON can't say: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// unchanged is nil if r's form was made of this state of a thing, else errChanged.
func unchanged(r *http.Request, thing any) error {
	if r.PostFormValue("revision") != revision(thing) {
		return errChanged
	}
	return nil
}

// change lets those with the role send a form of at most limit bytes to next.
func change(role ledger.Role, limit int64, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !readerOf(r).May(role) {
			http.Error(w, "you may not change this; ask for the role "+string(role), http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next(w, r)
	}
}

// uploadTime is how long somebody may take to hand in a file: 200 MB come in by a line of 1 Mbit/s.
const uploadTime = 30 * time.Minute

// upload is change for forms with a file, which take a slow line longer than the server waits for others.
func upload(role ledger.Role, limit int64, next http.HandlerFunc) http.HandlerFunc {
	return change(role, limit, func(w http.ResponseWriter, r *http.Request) {
		control, until := http.NewResponseController(w), time.Now().Add(uploadTime)
		// What can't be set stays as it is: the file comes in or doesn't.
		_ = errors.Join(control.SetReadDeadline(until), control.SetWriteDeadline(until.Add(time.Minute)))
		next(w, r)
	})
}

// done leads from a form that was taken to the page that shows what became of it, in the form's language.
// With ?done=KEY in target that page says the text done.KEY.
func (s *site) done(w http.ResponseWriter, r *http.Request, target string) {
	if to, err := url.Parse(target); err == nil && !to.Query().Has("lang") && r.URL.Query().Has("lang") {
		query := to.Query()
		query.Set("lang", r.URL.Query().Get("lang"))
		to.RawQuery = query.Encode()
		target = to.String()
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}
