// Package actionstest is what tests of the packages below actions share: an entity with fields of every kind, hostile texts,
// and how queries are compared.
package actionstest

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// GUID is the ID of a record that need not exist.
const GUID = "1d000000-0000-4000-8000-00000000000a"

// Hobbies is an entity with fields of the types that no standard entity has all of.
func Hobbies() *schema.Entity {
	e := &schema.Entity{LogicalName: "new_person", EntitySetName: "new_people", PrimaryID: "new_personid", PrimaryName: "new_name", Fields: []*schema.Field{
		{LogicalName: "new_personid", Type: schema.Uniqueidentifier, Readable: true},
		{LogicalName: "new_name", Type: schema.String, Readable: true, MaxLength: 10},
		{LogicalName: "new_note", Type: schema.Memo, Readable: true},
		{LogicalName: "new_age", Type: schema.Integer, Readable: true},
		{LogicalName: "new_big", Type: schema.BigInt, Readable: true},
		{LogicalName: "new_rate", Type: schema.Decimal, Readable: true},
		{LogicalName: "new_income", Type: schema.Money, Readable: true},
		{LogicalName: "new_vip", Type: schema.Boolean, Readable: true, TrueLabel: schema.EnglishLabel("Yes"), FalseLabel: schema.EnglishLabel("No")},
		{LogicalName: "new_color", Type: schema.Picklist, Readable: true, Options: options("Red", "Green")},
		{LogicalName: "new_hobbies", Type: schema.MultiSelectPicklist, Readable: true, Options: options("Golf", "Chess", "Tennis")},
		{LogicalName: "new_born", Type: schema.DateTime, Behavior: schema.DateOnly, Readable: true},
		{LogicalName: "new_met", Type: schema.DateTime, Behavior: schema.UserLocal, Readable: true},
		{LogicalName: "new_alarm", Type: schema.DateTime, Behavior: schema.TimeZoneIndependent, Readable: true},
		{LogicalName: "new_boss", Type: schema.Lookup, Readable: true, Targets: []string{"new_person"}, Navigation: map[string]string{"new_person": "new_Boss"}},
		{LogicalName: "new_customer", Type: schema.Customer, Readable: true, Targets: []string{"account", "contact"}},
		{LogicalName: "new_photo", Type: schema.Image, Readable: true},
		{LogicalName: "new_bossname", Type: schema.String, Readable: true, AttributeOf: "new_boss"},
		{LogicalName: "new_hidden", Type: schema.String},
	}}
	e.Index()
	return e
}

func options(labels ...string) []schema.Option {
	var options []schema.Option
	for i, label := range labels {
		options = append(options, schema.Option{Value: i + 1, Label: schema.EnglishLabel(label)})
	}
	return options
}

// Hostile gives texts that have broken queries: quotes, entities, wildcards, directions, CDATA, emoji.
func Hostile() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"O'Brien' or 1 eq 1", "'", "''", "' or ''='", `"`, `"/><condition attribute="x" operator="not-null"/>`, "]]>", "<![CDATA[", "</value><value>", "&amp;", "&#x0;", "&lt;", "<!--", "-->",
			"100%", "%", "%%", "_", "[a-z]", "[^", "[%]", "C++ 100%", "a+b", "a%20b", "%27", "a&b=c", "a#b", "{{x}}", "{% raw %}", "{{", "😀👩‍👩‍👧", "\u202eevil", "مرحبا", "שלום", "\ufeff", "\u2028", "\t", "a\nb", "a\r\nb", " a ", "\u00a0", "null", "true", "42",
			"Microsoft.Dynamics.CRM.In(PropertyName='x',PropertyValues=[\"1\"])", "$filter=x eq 1", "@p1", "\\", "\\'", "`", ";", "(", ")", "a) or (b eq 'c'",
		}),
		rapid.String(),
		rapid.StringOf(rapid.RuneFrom([]rune(`'"<>&%_[]^{}+/\; =()`))),
	)
}

// Canonical is a FetchXML query in its canonical form.
func Canonical(t testing.TB, text string) string {
	t.Helper()
	fetch, err := fetchxml.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return fetch.XML()
}

// Berlin is a time zone whose clocks are put forward in March.
func Berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
