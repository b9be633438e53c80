package dataverse

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/botverse/botverse/dataverse/odata"
)

// benchSite answers at once, so that what is measured is the client. What a bare relay of the same JSON costs is measured beside it.
func benchSite(b *testing.B) (*Client, *http.Transport, string) {
	b.Helper()
	page := []byte(`{"@odata.context":"c","value":[{"@odata.etag":"W/\"1\"","fullname":"Ada Lovelace","emailaddress1":"ada@example.com",` +
		`"preferredcontactmethodcode@OData.Community.Display.V1.FormattedValue":"Email","preferredcontactmethodcode":2,"createdon":"2031-05-17T10:00:00Z",` +
		`"contactid":"0c4a3a1e-53a3-4a55-9a4a-3d1a50f7c111"}]}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			answerJSON(w, 200, `{"token_type":"Bearer","access_token":"a","expires_in":3599}`)
		case r.Method == http.MethodPost:
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("OData-EntityId", created)
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(page)
		}
	}))
	b.Cleanup(server.Close)
	transport := NewTransport()
	b.Cleanup(transport.CloseIdleConnections)
	config := Default()
	config.URL = server.URL
	config.SignIn = SignIn{Kind: OAuth, ClientID: "bot", Credential: Credential{ClientSecret: "s"}, TokenURL: server.URL + "/token"}
	es, err := NewEnvironments(map[string]Config{"b": config}, "", transport)
	if err != nil {
		b.Fatal(err)
	}
	c, err := es.Client(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	return c, transport, server.URL
}

var benchFields = Fields{
	"contactid": string(adaID), "firstname": "Ada", "lastname": "Lovelace", "emailaddress1": "ada@example.com",
	"parentcustomerid_account@odata.bind": "/accounts(5f1a1c9e-9a1f-4d3e-8a58-0a6c1c2b3d4e)",
}

func benchQuery() *odata.Query {
	two := 2
	return &odata.Query{
		Select:  []string{"fullname", "emailaddress1", "preferredcontactmethodcode", "createdon"},
		Filter:  &odata.Compare{Path: odata.Path{"emailaddress1"}, Op: odata.Eq, Value: odata.String("ada@example.com")},
		OrderBy: []odata.Order{{Path: odata.Path{"statecode"}}, {Path: odata.Path{"createdon"}}, {Path: odata.Path{"contactid"}}},
		Top:     &two,
	}
}

func BenchmarkListRecords(b *testing.B) {
	c, _, _ := benchSite(b)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if page, err := c.ListRecords(b.Context(), entity("contact"), benchQuery()); err != nil || len(page.Records) != 1 {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkCreateRecord(b *testing.B) {
	c, _, _ := benchSite(b)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.CreateRecord(b.Context(), entity("contact"), benchFields, CreateOptions{}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkRelay sends the same requests with nothing around them.
func BenchmarkRelay(b *testing.B) {
	_, transport, url := benchSite(b)
	body, err := json.Marshal(benchFields)
	if err != nil {
		b.Fatal(err)
	}
	for name, request := range map[string]func() (*http.Request, error){
		"get": func() (*http.Request, error) {
			return http.NewRequestWithContext(b.Context(), http.MethodGet, url+"/api/data/v9.2/contacts?"+benchQuery().Encode(), nil)
		},
		"post": func() (*http.Request, error) {
			return http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/api/data/v9.2/contacts", bytes.NewReader(body))
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := relay(transport, request); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func relay(transport http.RoundTripper, request func() (*http.Request, error)) error {
	r, err := request()
	if err != nil {
		return err
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
