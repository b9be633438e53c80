package local_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// The benchmarks have 64 callers at once, as the benchmark of actions has.
const callers = 64

func benchmark(b *testing.B, method, path, body string, want int) {
	_, base := localtest.Start(b, local.Config{Seed: local.SeedDemo})
	transport := &http.Transport{MaxIdleConnsPerHost: callers}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	b.SetParallelism(callers / 2)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			request, err := http.NewRequestWithContext(b.Context(), method, base+"/api/data/v9.2/"+path, bytes.NewReader([]byte(body)))
			if err != nil {
				b.Fatal(err)
			}
			request.Header.Set("MSCRM.SuppressDuplicateDetection", "false")
			request.Header.Set("Prefer", `odata.include-annotations="*"`)
			response, err := c.Do(request)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			if response.StatusCode != want {
				b.Errorf("answer = %s, want %d", response.Status, want)
				return
			}
		}
	})
}

func BenchmarkCreate(b *testing.B) {
	benchmark(b, http.MethodPost, "contacts", `{"firstname":"Ada","lastname":"O'Neill","preferredcontactmethodcode":2,"parentcustomerid_account@odata.bind":"/accounts(a0000000-0000-4000-8000-000000000001)"}`, http.StatusNoContent)
}

func BenchmarkFind(b *testing.B) {
	benchmark(b, http.MethodGet, "contacts?$select=fullname,emailaddress1,_parentcustomerid_value&$filter=emailaddress1%20eq%20'marisol.quintero@alderfinch.example.com'&$orderby=statecode,createdon,contactid&$top=2", "", http.StatusOK)
}

func BenchmarkFetch(b *testing.B) {
	benchmark(b, http.MethodGet, "contacts?fetchXml=%3Cfetch%20top='2'%3E%3Centity%20name='contact'%3E%3Cattribute%20name='fullname'/%3E%3Cfilter%3E%3Ccondition%20attribute='emailaddress1'%20operator='eq'%20value='marisol.quintero@alderfinch.example.com'/%3E%3C/filter%3E%3C/entity%3E%3C/fetch%3E", "", http.StatusOK)
}

// BenchmarkFindInProcess is what a search costs without a network: the handler's own time and allocations.
func BenchmarkFindInProcess(b *testing.B) {
	server, base := localtest.Start(b, local.Config{Seed: local.SeedDemo})
	handler := server.Handler()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, base+"/api/data/v9.2/contacts?$select=fullname,emailaddress1,_parentcustomerid_value,statecode&$filter=emailaddress1%20eq%20'marisol.quintero@alderfinch.example.com'&$orderby=statecode,createdon,contactid&$top=2", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	request.RequestURI = request.URL.RequestURI()
	request.Header.Set("Prefer", `odata.include-annotations="*"`)
	b.ReportAllocs()
	for b.Loop() {
		answer := discard{http.Header{}}
		handler.ServeHTTP(answer, request)
	}
}

// discard takes an answer and keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
