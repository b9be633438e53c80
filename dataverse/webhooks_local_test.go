package dataverse_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// The entities of a webhook's records, as the tests tamper with them.
var (
	webhookEndpoints = &schema.Entity{LogicalName: "serviceendpoint", EntitySetName: "serviceendpoints", PrimaryID: "serviceendpointid"}
	webhookSteps     = &schema.Entity{LogicalName: "sdkmessageprocessingstep", EntitySetName: "sdkmessageprocessingsteps", PrimaryID: "sdkmessageprocessingstepid"}
	webhookImages    = &schema.Entity{LogicalName: "sdkmessageprocessingstepimage", EntitySetName: "sdkmessageprocessingstepimages", PrimaryID: "sdkmessageprocessingstepimageid"}
)

// aWebhook is a webhook of every kind of record.
func aWebhook() dataverse.Webhook {
	return dataverse.Webhook{
		Name: "botverse 1 cases", URL: "http://127.0.0.1/w", Key: "the-key", Message: "Update", Entity: "incident",
		ImageAlias: "case_post", Fields: []string{"title", "statuscode"}, Changed: []string{"statuscode"},
	}
}

// only is the one record of an entity.
func only(t *testing.T, c *dataverse.Client, e *schema.Entity) dataverse.Record {
	t.Helper()
	page, err := c.ListRecords(t.Context(), e, &odata.Query{Select: []string{e.PrimaryID}})
	if err != nil || len(page.Records) != 1 {
		t.Fatalf("the records of %s are %v, %v; want one", e.LogicalName, page.Records, err)
	}
	return page.Records[0]
}

func lines(differences []dataverse.Difference) []string {
	var all []string
	for _, d := range differences {
		all = append(all, d.String())
	}
	return all
}

// TestVerifyNamesEachDifferenceAndRegisterMendsIt changes a registration in every way, and puts it right again.
func TestVerifyNamesEachDifferenceAndRegisterMendsIt(t *testing.T) {
	t.Parallel()
	update := func(e *schema.Entity, fields dataverse.Fields) func(*testing.T, *dataverse.Client) {
		return func(t *testing.T, c *dataverse.Client) {
			if err := c.UpdateRecord(t.Context(), e, only(t, c, e).ID(), fields); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		tamper func(*testing.T, *dataverse.Client)
		want   []string
	}{
		"url":              {update(webhookEndpoints, dataverse.Fields{"url": "http://127.0.0.1/elsewhere"}), []string{`url is "http://127.0.0.1/elsewhere"; it should be "http://127.0.0.1/w"`}},
		"key":              {update(webhookEndpoints, dataverse.Fields{"description": "managed by Botverse; key 00000000"}), []string{"key is 00000000; it should be " + aWebhook().Fingerprint()}},
		"no key":           {update(webhookEndpoints, dataverse.Fields{"authvalue": ""}), []string{"key is not set; it should be set"}},
		"disabled step":    {update(webhookSteps, dataverse.Fields{"statecode": 1, "statuscode": 2}), []string{"step's state is disabled; it should be enabled"}},
		"mode":             {update(webhookSteps, dataverse.Fields{"mode": 0}), []string{"step's mode is synchronous; it should be asynchronous"}},
		"stage":            {update(webhookSteps, dataverse.Fields{"mode": 0, "stage": 20}), []string{"step's mode is synchronous; it should be asynchronous", "step's stage is 20; it should be after the commit (40)"}},
		"filtering fields": {update(webhookSteps, dataverse.Fields{"filteringattributes": nil}), []string{`step's filtering fields is all fields; it should be "statuscode"`}},
		"alias":            {update(webhookImages, dataverse.Fields{"entityalias": "other"}), []string{`image's alias is "other"; it should be "case_post"`}},
		"image's fields":   {update(webhookImages, dataverse.Fields{"attributes": "title"}), []string{`image's fields is "title"; it should be "title,statuscode"`}},
		"no image": {func(t *testing.T, c *dataverse.Client) {
			if err := c.DeleteRecord(t.Context(), webhookImages, only(t, c, webhookImages).ID()); err != nil {
				t.Fatal(err)
			}
		}, []string{"image is missing; it should be case_post"}},
		"message and entity": {func(t *testing.T, c *dataverse.Client) {
			other := aWebhook()
			other.Message, other.Entity, other.Fields, other.Changed = "Create", "contact", nil, nil
			if _, err := c.RegisterWebhook(t.Context(), other); err != nil {
				t.Fatal(err)
			}
		}, []string{"a step is Create of contact; it should be not there", "step is missing; it should be Update of incident", "image is missing; it should be case_post"}},
		"nothing there": {func(t *testing.T, c *dataverse.Client) {
			if n, err := c.RemoveWebhook(t.Context(), aWebhook().Name); n != 1 || err != nil {
				t.Fatalf("RemoveWebhook = %d, %v", n, err)
			}
		}, []string{"service endpoint is missing; it should be botverse 1 cases", "step is missing; it should be Update of incident", "image is missing; it should be case_post"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, c := start(t)
			if _, err := c.RegisterWebhook(t.Context(), aWebhook()); err != nil {
				t.Fatal(err)
			}
			if got, err := c.VerifyWebhook(t.Context(), aWebhook()); len(got) > 0 || err != nil {
				t.Fatalf("a fresh registration has the differences %v, %v", got, err)
			}
			test.tamper(t, c)
			got, err := c.VerifyWebhook(t.Context(), aWebhook())
			if diff := cmp.Diff(test.want, lines(got)); diff != "" || err != nil {
				t.Fatalf("VerifyWebhook: %v\n%s", err, diff)
			}
			mended, err := c.RegisterWebhook(t.Context(), aWebhook())
			if diff := cmp.Diff(got, mended); diff != "" || err != nil {
				t.Errorf("RegisterWebhook: %v\n%s", err, diff)
			}
			if got, err := c.VerifyWebhook(t.Context(), aWebhook()); len(got) > 0 || err != nil {
				t.Errorf("after mending the differences are %v, %v", got, err)
			}
		})
	}
}

func TestRemoveWebhookDeletesImageStepAndEndpointInOrder(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	writes := &counted{}
	c = c.Via(func(next http.RoundTripper) http.RoundTripper { writes.next = next; return writes })
	if _, err := c.RegisterWebhook(t.Context(), aWebhook()); err != nil {
		t.Fatal(err)
	}
	writes.take()
	if n, err := c.RemoveWebhook(t.Context(), aWebhook().Name); n != 1 || err != nil {
		t.Fatalf("RemoveWebhook = %d, %v", n, err)
	}
	var sets []string
	for _, w := range writes.take() {
		set, _, _ := strings.Cut(w[strings.LastIndexByte(w, '/')+1:], "(")
		sets = append(sets, set)
	}
	if want := []string{"sdkmessageprocessingstepimages", "sdkmessageprocessingsteps", "serviceendpoints"}; !slices.Equal(sets, want) {
		t.Errorf("deleted %v, want %v", sets, want)
	}
	if n, err := c.RemoveWebhook(t.Context(), aWebhook().Name); n != 0 || err != nil {
		t.Errorf("removing again = %d, %v", n, err)
	}
}

func TestListWebhooksShowsThoseOfThePrefix(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	other := aWebhook()
	other.Name = "somebody else's"
	for _, w := range []dataverse.Webhook{aWebhook(), other} {
		if _, err := c.RegisterWebhook(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.ListWebhooks(t.Context(), "botverse 1 ")
	if err != nil || len(list) != 1 || len(list[0].Steps) != 1 {
		t.Fatalf("ListWebhooks = %+v, %v; want one with one step", list, err)
	}
	w := list[0]
	if s := w.Steps[0]; w.Name != aWebhook().Name || w.URL != aWebhook().URL || w.Fingerprint != aWebhook().Fingerprint() || s.Message != "Update" || s.Entity != "incident" || s.Disabled {
		t.Errorf("ListWebhooks = %+v", w)
	}
	if failed, err := c.FailedDeliveries(t.Context(), w.Steps[0].ID, 5); len(failed) != 0 || err != nil {
		t.Errorf("FailedDeliveries = %v, %v; want none", failed, err)
	}
}

func TestWebhookThatLooksAtChangesIsOfUpdate(t *testing.T) {
	t.Parallel()
	w := aWebhook()
	w.Message = "Create"
	if err := w.Validate(); err == nil || !strings.Contains(err.Error(), "Update") {
		t.Errorf("Validate = %v, want a word about Update", err)
	}
}

// A Secret, and what stands for it, must not be told by an error.
func TestRegistrationsErrorsDoNotTellTheKey(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	w := aWebhook()
	w.Entity, w.Key = "msdyn_nothing", "a-very-secret-key"
	if _, err := c.RegisterWebhook(t.Context(), w); !errors.Is(err, dataverse.ErrRefused) || strings.Contains(err.Error(), "very-secret") {
		t.Errorf("RegisterWebhook = %v", err)
	}
}
