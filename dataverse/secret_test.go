package dataverse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/botverse/botverse/dataverse/odata"
)

// shown is how a value looks in all the ways in which it may reach a log.
func shown(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(handler).Info("shown", "value", v)
	}
	if text, err := json.Marshal(v); err == nil {
		b.Write(text)
	}
	return b.String()
}

// leaks are the planted secrets in a text, also where they are written in hexadecimal.
func leaks(text string) []string {
	var found []string
	for _, s := range []string{plantedSecret, plantedPassword, plantedKey, plantedToken} {
		if strings.Contains(text, s) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", s)) {
			found = append(found, s)
		}
	}
	return found
}

func TestSecretIsNeverShown(t *testing.T) {
	t.Parallel()
	config := Default()
	config.SignIn.ClientSecret, config.SignIn.Password, config.SignIn.CertificatePassword = plantedSecret, plantedPassword, plantedKey
	config.SignIn.Next = config.SignIn.Credential
	webhook := Webhook{Name: "presence", Key: plantedKey}
	s := newSite(t, nil)
	client := s.client(t)
	for name, v := range map[string]any{
		"secret": Secret(plantedSecret), "pointer": &config, "config": config, "sign-in": config.SignIn, "credential": config.SignIn.Next, "webhook": webhook,
		"client": client, "a client by value": *client, "map": map[string]Config{"a": config},
	} {
		if text := shown(t, v); len(leaks(text)) > 0 {
			t.Errorf("%s shows a secret: %s", name, text)
		}
	}
	text, err := yaml.Marshal(config)
	if err != nil || len(leaks(string(text))) > 0 || !strings.Contains(string(text), "[secret]") {
		t.Errorf("YAML is %s, %v", text, err)
	}
	if got := fmt.Sprint(Secret(plantedSecret), Secret("")); got != "[secret] " && got != "[secret]" {
		t.Errorf("Secrets print as %q", got)
	}
}

func TestSecretIsReadFromYAMLAndJSON(t *testing.T) {
	t.Parallel()
	var fromYAML, fromJSON SignIn
	if err := yaml.Unmarshal([]byte("client_secret: s3cret\npassword: 12345\nnext: {client_secret: other, expires: 2027-05-01}"), &fromYAML); err != nil ||
		fromYAML.ClientSecret != "s3cret" || fromYAML.Password != "12345" || fromYAML.Next.ClientSecret != "other" || fromYAML.Next.Expires.Format(time.DateOnly) != "2027-05-01" {
		t.Errorf("YAML gives %q, %q, %q until %v, %v", string(fromYAML.ClientSecret), string(fromYAML.Password), string(fromYAML.Next.ClientSecret), fromYAML.Next.Expires, err)
	}
	if err := yaml.Unmarshal([]byte("expires: soon"), &fromYAML); err == nil || !strings.Contains(err.Error(), `expires is "soon", which is no date; give one as 2027-05-01`) {
		t.Errorf("a date that is none gives %v", err)
	}
	if err := json.Unmarshal([]byte(`{"ClientSecret":"s3cret"}`), &fromJSON); err != nil || fromJSON.ClientSecret != "s3cret" {
		t.Errorf("JSON gives %q, %v", string(fromJSON.ClientSecret), err)
	}
}

// TestErrorsShowNoSecretAndNoValue plants secrets where a server may repeat them, and values where Dataverse does.
func TestErrorsShowNoSecretAndNoValue(t *testing.T) {
	t.Parallel()
	echo := func(w http.ResponseWriter, r *http.Request) {
		text := fmt.Sprintf("Cannot insert %s %v in 'emailaddress1'", r.URL.RawQuery, r.URL.Query())
		body := new(bytes.Buffer)
		_, _ = body.ReadFrom(r.Body)
		refuse(w, http.StatusBadRequest, "0x80040203", text+body.String())
	}
	s := newSite(t, echo)
	client := s.client(t)
	_, create := client.CreateRecord(t.Context(), entity("contact"), Fields{
		"emailaddress1": "ada@example.com", "firstname": "Ada", "description": `she said "no" & <left>`, "numberofchildren": json.Number("77")}, CreateOptions{})
	filter, err := odata.ParseFilter("emailaddress1 eq 'ada@example.com' and lastname eq 'O''Neill' and numberofchildren gt 77")
	if err != nil {
		t.Fatal(err)
	}
	_, list := client.ListRecords(t.Context(), entity("contact"), &odata.Query{Filter: filter})
	_, fetch := client.FetchRecords(t.Context(), entity("contact"),
		`<fetch><entity name="contact"><filter><condition attribute="emailaddress1" operator="in" value="O&apos;Neill"><value>ada@example.com</value></condition></filter></entity></fetch>`)
	_, duplicates := client.RetrieveDuplicates(t.Context(), entity("contact"), Fields{"emailaddress1": "ada@example.com"}, entity("contact"))
	for name, err := range map[string]error{"create": create, "list": list, "fetch": fetch, "duplicates": duplicates} {
		text := shown(t, err)
		for _, value := range []string{"ada@example.com", "ada%40example", "O'Neill", "O''Neill", "she said", " 77", "%2077"} {
			if strings.Contains(text, value) {
				t.Errorf("%s: the error shows the value %q: %v", name, value, err)
			}
		}
		if !strings.Contains(text, "Cannot insert") || !strings.Contains(text, "emailaddress1") || !strings.Contains(text, "0x80040203") {
			t.Errorf("%s: the error has lost Dataverse's own words: %v", name, err)
		}
		if found := leaks(text); len(found) > 0 {
			t.Errorf("%s: the error shows secrets %q: %s", name, found, text)
		}
	}
}

func TestMaskLeavesOtherWordsAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text   string
		values []string
		want   string
	}{
		{"value 1 is not in 0x80040201", []string{"1"}, "value […] is not in 0x80040201"},
		{"Ada and Adam", []string{"Ada"}, "[…] and Adam"},
		{"it is ada@example.com's", []string{"ada@example.com", "ada"}, "it is […]'s"},
		{"ABBA", []string{""}, "ABBA"},
		{"aaa", []string{"a"}, "aaa"},
	} {
		if got := mask(c.text, c.values); got != c.want {
			t.Errorf("mask(%q, %q) = %q, want %q", c.text, c.values, got, c.want)
		}
	}
	if got := mask(strings.Repeat("é", maxMessage), nil); len(got) > maxMessage+len("…") {
		t.Errorf("a long message keeps %d bytes", len(got))
	}
}
