package dataverse

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// Whatever asks for it: a client that is limited sends no request for what is not allowed.
func TestLimitedClientSendsNothingThatIsNotAllowed(t *testing.T) {
	t.Parallel()
	sent := 0
	config := Default()
	config.URL = "https://contoso.example.com"
	config.SignIn = SignIn{Kind: OAuth, TokenURL: config.URL + "/token", ClientID: "bot", Credential: Credential{ClientSecret: "secret"}}
	config.Allow = Allow{"contact": {Find}, "account": {Create}, "task": {Update}, "lead": {}}
	environments, err := NewEnvironments(map[string]Config{"contoso": config}, "", nobody{&sent})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := environments.Client(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	const id = ID("a0000000-0000-4000-8000-000000000001")
	requests := map[string]func(c *Client, e *schema.Entity) error{
		"find": func(c *Client, e *schema.Entity) error {
			_, err := c.ListRecords(t.Context(), e, &odata.Query{})
			_, fetchErr := c.FetchRecords(t.Context(), e, "<fetch/>")
			return errors.Join(err, fetchErr)
		},
		"get": func(c *Client, e *schema.Entity) error {
			_, err := c.GetRecord(t.Context(), e, id, nil)
			return err
		},
		"create": func(c *Client, e *schema.Entity) error {
			_, err := c.CreateRecord(t.Context(), e, Fields{}, CreateOptions{})
			_, _, returnErr := c.CreateAndGetRecord(t.Context(), e, Fields{}, CreateOptions{}, &odata.Query{})
			return errors.Join(err, returnErr)
		},
		"update": func(c *Client, e *schema.Entity) error {
			_, err := c.UpdateAndGetRecord(t.Context(), e, id, "", Fields{}, &odata.Query{})
			return errors.Join(err, c.UpdateRecord(t.Context(), e, id, Fields{}), c.ReplaceCollection(t.Context(), e, id, "notes", nil), c.DeleteRecord(t.Context(), e, id))
		},
	}
	allowed := map[string]string{"contact": "find get", "account": "create get", "task": "update get", "lead": "", "incident": ""}
	limited := whole.Limited().Via(func(next http.RoundTripper) http.RoundTripper { return next })
	for entity, may := range allowed {
		e := schema.Standard().Entity(entity)
		for name, request := range requests {
			sent = 0
			err := request(limited, e)
			if refused := errors.Is(err, ErrNotAllowed); refused == strings.Contains(may, name) || refused && sent > 0 {
				t.Errorf("%s of %s: %v, %d requests sent; allowed is %q", name, entity, err, sent, may)
			}
			if err := request(whole, e); errors.Is(err, ErrNotAllowed) {
				t.Errorf("%s of %s by a client that is not limited: %v", name, entity, err)
			}
		}
	}
	var told *NotAllowedError
	if err := limited.Permit("contact", Find, Update); !errors.As(err, &told) || told.Verb != Update || !strings.Contains(err.Error(), "`allow` has find for them") {
		t.Errorf("Permit = %v, want that update is not allowed, and that find is", err)
	}
}

// nobody counts the requests that it does not answer.
type nobody struct{ asked *int }

// RoundTrip implements http.RoundTripper.
func (n nobody) RoundTrip(*http.Request) (*http.Response, error) {
	*n.asked++
	return nil, errors.New("nobody is there")
}

func TestAllowNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	config := Default()
	config.Allow = Allow{"Contact": {Find}, "account": {"read"}}
	err := config.Validate()
	for _, want := range []string{"allow.Contact", "contact", `allow.account has "read"`, "find, create and update"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want it to have %q", err, want)
		}
	}
}
