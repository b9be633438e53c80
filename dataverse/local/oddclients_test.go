package local_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// gzipped is a body after compression.
func gzipped(body string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, body) // a buffer takes everything
	_ = w.Close()
	return b.String()
}

// exchange sends bytes as they are and returns all that comes back until the server closes the connection.
func exchange(t *testing.T, base, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// TestOddButLegalClients holds that what HTTP allows is answered, and headers are spelled as Dataverse spells them, for those who
// compare their names letter by letter.
func TestOddButLegalClients(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	host := strings.TrimPrefix(base, "http://")
	zipped := gzipped(`{"name":"zipped"}`)
	const record = "/api/data/v9.2/accounts(a0000000-0000-4000-8000-000000000001)?$select=name"
	for _, odd := range []struct {
		what, request string
		want          []string
	}{
		{"HTTP/1.0 without any header", "GET " + record + " HTTP/1.0\r\nHost: " + host + "\r\n\r\n",
			[]string{"HTTP/1.0 200 OK\r\n", "\r\nOData-Version: 4.0\r\n", "\r\nETag: W/\"", "\r\nREQ_ID: ", `"name":"Alder`}},
		{"names of headers in lower case", "POST /api/data/v9.2/accounts HTTP/1.1\r\nhost: " + host + "\r\nconnection: close\r\nprefer: RETURN=representation\r\ncontent-type: application/json;charset=UTF-8\r\ncontent-length: 12\r\n\r\n{\"name\":\"x\"}",
			[]string{"HTTP/1.1 201 Created\r\n", "\r\nPreference-Applied: RETURN=representation\r\n", `"name":"x"`}},
		{"a body in chunks", "POST /api/data/v9.2/accounts HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"na\r\n8\r\nme\":\"y\"}\r\n0\r\n\r\n",
			[]string{"HTTP/1.1 204 No Content\r\n", "\r\nOData-EntityId: " + base + "/api/data/v9.2/accounts("}},
		{"everything percent-encoded", "GET /api/data/v9.2/%61ccounts%28a0000000-0000-4000-8000-000000000001%29?%24select=n%61me HTTP/1.0\r\nHost: " + host + "\r\n\r\n",
			[]string{"200 OK\r\n", `"name":"Alder`}},
		{"an absolute address", "GET http://" + host + record + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n",
			[]string{"200 OK\r\n", `"name":"Alder`}},
		{"HEAD", "HEAD " + record + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n",
			[]string{"200 OK\r\n", "\r\nContent-Type: application/json"}},
		{"OPTIONS", "OPTIONS " + record + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n",
			[]string{"200 OK\r\n", "\r\nAllow: OPTIONS,GET,HEAD,POST\r\n"}},
		{"a body that is too short", "POST /api/data/v9.2/accounts HTTP/1.0\r\nHost: " + host + "\r\nContent-Length: 3\r\n\r\n{\"n",
			[]string{"400 Bad Request\r\n", `"code":"0x80048d19"`}},
		{"a compressed body", fmt.Sprintf("POST /api/data/v9.2/accounts HTTP/1.0\r\nHost: %s\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", host, len(zipped), zipped),
			[]string{"204 No Content\r\n"}},
		{"a body that is said to be compressed", "POST /api/data/v9.2/accounts HTTP/1.0\r\nHost: " + host + "\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n{\"name\":\"x\"}",
			[]string{"400 Bad Request\r\n", `"code":"0x80048d19"`}},
		{"an unknown compression", "POST /api/data/v9.2/accounts HTTP/1.0\r\nHost: " + host + "\r\nContent-Encoding: br\r\nContent-Length: 12\r\n\r\n{\"name\":\"x\"}",
			[]string{"415 Unsupported Media Type\r\n"}},
	} {
		answer := exchange(t, base, odd.request)
		for _, want := range odd.want {
			if !strings.Contains(answer, want) {
				t.Errorf("%s: the answer has no %q:\n%s", odd.what, want, answer)
			}
		}
	}
}
