package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/botverse/botverse/access"
	"github.com/botverse/botverse/access/accesstest"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// trusting is the settings of a client that trusts a certificate, as it is now.
func trusting(t *testing.T, file string) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: pool}
}

// over is a client of REST that speaks TLS and one version of HTTP.
func over(t *testing.T, config *tls.Config, http2 bool) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	transport := &http.Transport{TLSClientConfig: config, Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// gRPC, REST and streams go over TLS, and not without; webhooks stay as they were. A certificate that is renewed is shown without
// a restart.
func TestTLS(t *testing.T) {
	t.Parallel()
	certificate := accesstest.NewCertificate(t, "127.0.0.1")
	config := guarded()
	config.TLSCertFile, config.TLSKeyFile = certificate.CertFile, certificate.KeyFile
	r, _ := startWatched(t, config, nil)
	r.deliver(t, 1, 1, presenceBusy)

	for range 2 {
		trusted := trusting(t, certificate.CertFile)
		conn, err := grpc.NewClient(r.GRPCAddr(), grpc.WithTransportCredentials(credentials.NewTLS(trusted)))
		if err != nil {
			t.Fatal(err)
		}
		ctx := withToken(t.Context(), tokenOf(access.RoleCaller))
		if _, err := botversev1.NewActionServiceClient(conn).CreateRecord(ctx, aContact()); err != nil {
			t.Errorf("gRPC: %v", err)
		}
		conn.Close()
		for _, http2 := range []bool{false, true} {
			client := over(t, trusted, http2)
			for path, want := range map[string]string{"/v1/presence": `"agents":[{`, "/healthz": "ok"} {
				if status, version, body := read(t, client, r.HTTPAddr(), path); status != 200 || !strings.Contains(body, want) || (version == 2) != http2 {
					t.Errorf("%s over HTTP/%d: %d %s", path, version, status, body)
				}
			}
			watch(t, client, r.HTTPAddr())
		}
		certificate.Renew(t, "127.0.0.1")
	}

	plain, err := grpc.NewClient(r.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if _, err := botversev1.NewActionServiceClient(plain).CreateRecord(t.Context(), aContact()); err == nil {
		t.Error("gRPC answers in plain text")
	}
	if got := send(t, http.MethodGet, "http://"+r.HTTPAddr()+"/healthz", ""); got.status != http.StatusBadRequest {
		t.Errorf("HTTP answers in plain text: %d %s", got.status, got.body)
	}
}

func viewerRequest(ctx context.Context, t *testing.T, addr, path string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+tokenOf(access.RoleViewer))
	return request
}

// read gets a path, and tells the version of HTTP too.
func read(t *testing.T, client *http.Client, addr, path string) (status, version int, body string) {
	t.Helper()
	resp, err := client.Do(viewerRequest(t.Context(), t, addr, path))
	if err != nil {
		t.Errorf("GET %s: %v", path, err)
		return 0, 0, ""
	}
	defer resp.Body.Close()
	text := make([]byte, 1<<16)
	n, _ := resp.Body.Read(text)
	return resp.StatusCode, resp.ProtoMajor, string(text[:n])
}

// watch reads the beginning of a stream, and leaves it.
func watch(t *testing.T, client *http.Client, addr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request := viewerRequest(ctx, t, addr, "/v1/presence:watch")
	request.Header.Set("Accept", "text/event-stream")
	resp, err := client.Do(request)
	if err != nil {
		t.Errorf("watch: %v", err)
		return
	}
	defer resp.Body.Close()
	var got strings.Builder
	for buffer := make([]byte, 4096); !strings.Contains(got.String(), "event: snapshot_end"); {
		n, err := resp.Body.Read(buffer)
		got.Write(buffer[:n])
		if err != nil {
			t.Errorf("the stream ended: %v after %s", err, &got)
			return
		}
	}
}

func TestCertificatesThatCannotBeUsedEndTheStart(t *testing.T) {
	t.Parallel()
	certificate, other := accesstest.NewCertificate(t, "127.0.0.1"), accesstest.NewCertificate(t, "127.0.0.1")
	for name, test := range map[string]struct{ cert, key, says string }{
		"no key":            {certificate.CertFile, "", "belong together"},
		"no such file":      {certificate.CertFile + "x", certificate.KeyFile, "no such file"},
		"another one's key": {certificate.CertFile, other.KeyFile, "does not match"},
	} {
		config := loopback()
		config.TLSCertFile, config.TLSKeyFile = test.cert, test.key
		if _, err := newServer(config, Deps{}, services{stub{}, stub{}, stub{}}); err == nil || !strings.Contains(err.Error(), "tls_cert_file") || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Tokens that come in plain text from elsewhere are warned of, for a proxy may stand in between.
func TestPlainTextIsWarnedOf(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{"127.0.0.1:0": false, "0.0.0.0:0": true} {
		config := guarded()
		config.HTTPAddr = addr
		log := &logBuffer{}
		r, err := newServer(config, Deps{Logger: slog.New(slog.NewTextHandler(log, nil))}, services{stub{}, stub{}, stub{}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		r.warnOfPlainText()
		if got := strings.Contains(log.String(), "plain text"); got != want {
			t.Errorf("%s: warned %v, want %v", addr, got, want)
		}
	}
}
