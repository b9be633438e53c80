package server

import (
	"strings"
	"testing"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/dataverse"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// TestOutageIsAnErrorAndNeverNoMatch asks for an environment that nobody answers for.
func TestOutageIsAnErrorAndNeverNoMatch(t *testing.T) {
	t.Parallel()
	config := dataverse.Default()
	config.URL = "http://127.0.0.1:1"
	config.SignIn = dataverse.SignIn{Kind: "oauth", TokenURL: config.URL + "/token", ClientID: "botverse", Credential: dataverse.Credential{ClientSecret: "the-client-secret"}}
	environments, err := dataverse.NewEnvironments(map[string]dataverse.Config{"gone": config}, "gone", nil)
	if err != nil {
		t.Fatal(err)
	}
	runtime := actions.New(environments)
	r := start(t, loopback(), Deps{Runtime: runtime}, &services{actionService{runtime: runtime}, metadataService{runtime: runtime}, stub{}})
	for path, body := range map[string]string{
		"/v1/actions/find-record":   `{"entity":"contact","where":{"lastname":"Okafor"}}`,
		"/v1/actions/create-record": createContact,
	} {
		got := post(t, r.base+path, body)
		if d := got.detail(t); got.status != 503 || d.GetReason() != botversev1.ErrorDetail_DATAVERSE_UNAVAILABLE || !d.GetRetryable() || d.GetSay() == "" {
			t.Errorf("%s: got %d %s", path, got.status, got.body)
		}
		if strings.Contains(got.body, "the-client-secret") || strings.Contains(got.body, "Okafor") {
			t.Errorf("%s tells too much: %s", path, got.body)
		}
	}
	r.log.line(t, "DATAVERSE_UNAVAILABLE", `"level":"WARN"`)
}
