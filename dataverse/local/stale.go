package local

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/botverse/botverse/dataverse/odata"
)

// maxStale bounds the answers that a fault keeps.
const maxStale = 1000

// staleAnswers are what reads were answered first. Nothing is kept in the zero value, which is ready to use.
type staleAnswers struct {
	mu   sync.Mutex
	kept map[[sha256.Size]byte]staleAnswer
}

type staleAnswer struct {
	reply
	since time.Time
}

// serve answers a read as it was answered before, for so long; what it does not know it asks next. It lets pass what is no
// read, and who wants the newest metadata ("Consistency: Strong").
func (a *staleAnswers) serve(w http.ResponseWriter, r *http.Request, next http.Handler, life time.Duration) {
	key, isRead := readKeyOf(w, r)
	if !isRead || r.Header.Get("Consistency") == "Strong" {
		next.ServeHTTP(w, r)
		return
	}
	answer, known := a.find(key, life)
	if !known {
		record := &recorder{reply: newReply(http.StatusOK)}
		next.ServeHTTP(record, r)
		answer = record.reply
		a.keep(key, answer)
	}
	answer.writeTo(w)
}

func (a *staleAnswers) find(key [sha256.Size]byte, life time.Duration) (reply, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer, known := a.kept[key]
	return answer.reply, known && time.Since(answer.since) < life
}

// keep notes an answer. Two requests at once may both bring one; the first stays.
func (a *staleAnswers) keep(key [sha256.Size]byte, answer reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept == nil || len(a.kept) >= maxStale {
		a.kept = map[[sha256.Size]byte]staleAnswer{}
	}
	a.kept[key] = staleAnswer{reply: answer, since: time.Now()}
}

// readKeyOf says by what a read is known again: what it asks for and in which form. A $batch of reads is one read, whatever its
// boundary is. The request's body can still be read afterwards.
func readKeyOf(w http.ResponseWriter, r *http.Request) (key [sha256.Size]byte, isRead bool) {
	hash := sha256.New()
	note := func(header http.Header) {
		for _, name := range []string{"Authorization", "Accept", "Prefer", "MSCRMCallerID", "CallerObjectId"} {
			fmt.Fprintf(hash, "%q\n", header.Values(name))
		}
	}
	fmt.Fprintln(hash, r.Host, r.RequestURI)
	note(r.Header)
	if r.Method == http.MethodGet {
		return [sha256.Size]byte(hash.Sum(nil)), true
	}
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/$batch") {
		return key, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	r.Body = io.NopCloser(bytes.NewReader(body))
	requests, syntax := odata.ReadBatch(r.Header.Get("Content-Type"), bytes.NewReader(body))
	if err != nil || syntax != nil {
		return key, false
	}
	for _, request := range requests {
		if request.Method != http.MethodGet {
			return key, false
		}
		fmt.Fprintln(hash, request.URL, request.ContentID)
		note(request.Header)
	}
	return [sha256.Size]byte(hash.Sum(nil)), true
}

// recorder is a ResponseWriter that keeps the answer.
type recorder struct{ reply }

func (r *recorder) Header() http.Header    { return r.header }
func (r *recorder) WriteHeader(status int) { r.status = status }
func (r *recorder) Write(b []byte) (int, error) {
	r.body = append(r.body, b...)
	return len(b), nil
}
