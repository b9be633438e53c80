package actions

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// ruleNames are the names of what found each existing record of a result, by its entity.
func ruleNames(rules []DuplicateRule) (names []string) {
	for _, rule := range rules {
		names = append(names, rule.Name)
	}
	return names
}

// sameMail is the demo data's rule for contacts.
const sameMail = "Contacts with the same e-mail address"

// TestDuplicatesTellWhatFoundThem: each existing record comes with the rules, the request's own fields, or the key that found it.
func TestDuplicatesTellWhatFoundThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publishRule(t)
	const mail = "found@example.com"
	contact := w.make(t, map[string]any{"lastname": "Found", "emailaddress1": mail, "jobtitle": "Finder"})
	lead, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "lead", Fields: map[string]any{"subject": "S", "lastname": "L", "emailaddress1": mail}})
	if err != nil {
		t.Fatal(err)
	}
	other := w.make(t, map[string]any{"lastname": "Found", "emailaddress1": "other@example.com", "jobtitle": "Finder"})
	type found struct{ Rules, Undecided, MatchOn []string }
	byRule, byRules := found{Rules: []string{sameMail}}, found{Rules: []string{"Contacts and leads"}}
	tests := map[string]struct {
		spec CreateRecord
		want map[string]found // by record ID
	}{
		"by rules, in another spelling": {CreateRecord{Fields: map[string]any{"lastname": "X", "emailaddress1": "FOUND@example.com"}}, map[string]found{contact.ID: byRule, lead.Record.ID: byRules}},
		"taken":                         {CreateRecord{Fields: map[string]any{"lastname": "X", "emailaddress1": mail}, OnDuplicate: UseExisting}, map[string]found{contact.ID: byRule, lead.Record.ID: byRules}},
		"by the request's own fields": {
			CreateRecord{Fields: map[string]any{"lastname": "Found", "jobtitle": "finder"}, MatchOn: []string{"lastname", "jobtitle"}, IgnoreRules: true},
			map[string]found{contact.ID: {MatchOn: []string{"lastname", "jobtitle"}}, other.ID: {MatchOn: []string{"lastname", "jobtitle"}}},
		},
		"by both": {
			CreateRecord{Fields: map[string]any{"lastname": "Found", "emailaddress1": mail}, MatchOn: []string{"lastname"}},
			map[string]found{contact.ID: {Rules: []string{sameMail}, MatchOn: []string{"lastname"}}, other.ID: {MatchOn: []string{"lastname"}}, lead.Record.ID: byRules},
		},
	}
	for name, test := range tests {
		test.spec.Entity = "contact"
		result, err := w.CreateRecord(t.Context(), test.spec)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]found{}
		for i, match := range result.Matches {
			if match.Record != result.Existing[i] {
				t.Errorf("%s: match %d is of %+v, existing of %+v", name, i, match.Record, result.Existing[i])
			}
			got[match.Record.ID] = found{ruleNames(match.Rules), ruleNames(match.Undecided), match.MatchOn}
			for _, rule := range match.Rules {
				if rule.ID == "" || !rule.CanApply || !slices.Equal(rule.Fields, []string{"emailaddress1"}) || rule.MatchingEntity != match.Record.Entity {
					t.Errorf("%s: the rule is told as %+v", name, rule)
				}
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// judged is what a creation with given values makes of a rule of one condition, or of several.
func judged(e *schema.Entity, values map[string]any, rule dataverse.DuplicateRule, existing map[string]any) verdict {
	c := &creation{entity: e, values: &recordValues{entity: e, values: values}}
	return c.finds(rule, e, dataverse.NewRecord(e, existing))
}

// TestRulesAreJudgedByTheirConditions: what cannot be known is not guessed.
func TestRulesAreJudgedByTheirConditions(t *testing.T) {
	t.Parallel()
	contact := schema.Standard().Entity("contact")
	on := func(field string, operator dataverse.DuplicateOperator, characters int) dataverse.DuplicateRule {
		return dataverse.DuplicateRule{MatchingEntity: "contact", Conditions: []dataverse.DuplicateCondition{{
			BaseField: field, MatchingField: field, Operator: operator, Characters: characters, IgnoreBlank: true,
		}}}
	}
	exactly := func(rule dataverse.DuplicateRule) dataverse.DuplicateRule { rule.CaseSensitive = true; return rule }
	blanks := on("lastname", dataverse.SameValue, 0)
	blanks.Conditions = append(blanks.Conditions, dataverse.DuplicateCondition{BaseField: "jobtitle", MatchingField: "jobtitle"})
	active := on("lastname", dataverse.SameValue, 0)
	active.ExcludeInactive = true
	tests := map[string]struct {
		rule          dataverse.DuplicateRule
		new, existing map[string]any
		want          verdict
	}{
		"same":                         {on("lastname", dataverse.SameValue, 0), map[string]any{"lastname": "Ng"}, map[string]any{"lastname": "NG"}, yes},
		"other":                        {on("lastname", dataverse.SameValue, 0), map[string]any{"lastname": "Ng"}, map[string]any{"lastname": "Ngo"}, no},
		"an accent":                    {on("lastname", dataverse.SameValue, 0), map[string]any{"lastname": "Böhm"}, map[string]any{"lastname": "Bohm"}, unknown},
		"a blank at the end":           {on("lastname", dataverse.SameValue, 0), map[string]any{"lastname": "Ng "}, map[string]any{"lastname": "Ng"}, unknown},
		"case that counts":             {exactly(on("lastname", dataverse.SameValue, 0)), map[string]any{"lastname": "Ng"}, map[string]any{"lastname": "NG"}, no},
		"no value":                     {on("lastname", dataverse.SameValue, 0), nil, map[string]any{"lastname": nil}, no},
		"two blanks":                   {blanks, map[string]any{"lastname": "Ng"}, map[string]any{"lastname": "Ng", "jobtitle": nil}, yes},
		"one blank":                    {blanks, map[string]any{"lastname": "Ng"}, map[string]any{"lastname": "Ng", "jobtitle": "Clerk"}, no},
		"not read":                     {on("lastname", dataverse.SameValue, 0), map[string]any{"lastname": "Ng"}, map[string]any{}, unknown},
		"what Dataverse makes":         {on("fullname", dataverse.SameValue, 0), map[string]any{"lastname": "Ng"}, map[string]any{"fullname": "Ng"}, unknown},
		"first characters":             {on("lastname", dataverse.SameFirst, 3), map[string]any{"lastname": "Peterson"}, map[string]any{"lastname": "PETrow"}, yes},
		"other first characters":       {on("lastname", dataverse.SameFirst, 4), map[string]any{"lastname": "Peterson"}, map[string]any{"lastname": "Petrow"}, no},
		"last characters":              {on("lastname", dataverse.SameLast, 3), map[string]any{"lastname": "Peterson"}, map[string]any{"lastname": "Jason"}, yes},
		"other last characters":        {on("lastname", dataverse.SameLast, 3), map[string]any{"lastname": "Peterson"}, map[string]any{"lastname": "Petersen"}, no},
		"the same day":                 {on("birthdate", dataverse.SameDate, 0), map[string]any{"birthdate": "1980-05-17"}, map[string]any{"birthdate": "1980-05-17"}, yes},
		"another day":                  {on("birthdate", dataverse.SameDate, 0), map[string]any{"birthdate": "1980-05-17"}, map[string]any{"birthdate": "1980-05-18"}, no},
		"the same time":                {on("lastonholdtime", dataverse.SameDateAndTime, 0), map[string]any{"lastonholdtime": "2026-05-17T15:30:00Z"}, map[string]any{"lastonholdtime": "2026-05-17T17:30:00+02:00"}, yes},
		"another time":                 {on("lastonholdtime", dataverse.SameDateAndTime, 0), map[string]any{"lastonholdtime": "2026-05-17T15:30:00Z"}, map[string]any{"lastonholdtime": "2026-05-17T15:31:00Z"}, no},
		"maybe the same day":           {on("lastonholdtime", dataverse.SameDate, 0), map[string]any{"lastonholdtime": "2026-05-17T15:30:00Z"}, map[string]any{"lastonholdtime": "2026-05-17T23:30:00Z"}, unknown},
		"a day later":                  {on("lastonholdtime", dataverse.SameDate, 0), map[string]any{"lastonholdtime": "2026-05-17T15:30:00Z"}, map[string]any{"lastonholdtime": "2026-05-18T15:30:00Z"}, no},
		"the same choice":              {on("preferredcontactmethodcode", dataverse.SameChoiceNumber, 0), map[string]any{"preferredcontactmethodcode": 2}, map[string]any{"preferredcontactmethodcode": json.Number("2")}, yes},
		"another choice":               {on("preferredcontactmethodcode", dataverse.SameChoiceNumber, 0), map[string]any{"preferredcontactmethodcode": 2}, map[string]any{"preferredcontactmethodcode": json.Number("3")}, no},
		"the same label":               {on("preferredcontactmethodcode", dataverse.SameChoiceLabel, 0), map[string]any{"preferredcontactmethodcode": 2}, map[string]any{"preferredcontactmethodcode": json.Number("2"), "preferredcontactmethodcode@OData.Community.Display.V1.FormattedValue": "Email"}, yes},
		"another label":                {on("preferredcontactmethodcode", dataverse.SameChoiceLabel, 0), map[string]any{"preferredcontactmethodcode": 2}, map[string]any{"preferredcontactmethodcode": json.Number("3"), "preferredcontactmethodcode@OData.Community.Display.V1.FormattedValue": "Phone"}, no},
		"a label that did not come":    {on("preferredcontactmethodcode", dataverse.SameChoiceLabel, 0), map[string]any{"preferredcontactmethodcode": 2}, map[string]any{"preferredcontactmethodcode": json.Number("2")}, unknown},
		"an operator of later times":   {on("lastname", 99, 0), map[string]any{"lastname": "Ng"}, map[string]any{"lastname": "Ng"}, unknown},
		"a field of later times":       {on("new_field", dataverse.SameValue, 0), map[string]any{"lastname": "Ng"}, map[string]any{"lastname": "Ng"}, unknown},
		"the same number":              {on("creditlimit", dataverse.SameValue, 0), map[string]any{"creditlimit": json.Number("1.5")}, map[string]any{"creditlimit": json.Number("1.5000")}, yes},
		"an inactive record":           {active, map[string]any{"lastname": "Ng"}, map[string]any{"lastname": "Ng", "statecode": json.Number("1")}, no},
		"an active record":             {active, map[string]any{"lastname": "Ng"}, map[string]any{"lastname": "Ng", "statecode": json.Number("0")}, yes},
		"no conditions that are known": {dataverse.DuplicateRule{}, nil, nil, no},
	}
	for name, test := range tests {
		if got := judged(contact, test.new, test.rule, test.existing); got != test.want {
			t.Errorf("%s: %v, want %v (%d unknown, %d yes, %d no)", name, got, test.want, unknown, yes, no)
		}
	}
}

// TestWhatAllOtherRulesExcludeIsTheRule: a record that Dataverse found was found by one of the rules.
func TestWhatAllOtherRulesExcludeIsTheRule(t *testing.T) {
	t.Parallel()
	contact := schema.Standard().Entity("contact")
	rule := func(name, field string) dataverse.DuplicateRule {
		return dataverse.DuplicateRule{Name: name, MatchingEntity: "contact", Conditions: []dataverse.DuplicateCondition{{BaseField: field, MatchingField: field, IgnoreBlank: true}}}
	}
	rules := []dataverse.DuplicateRule{rule("name", "lastname"), rule("mail", "emailaddress1"), rule("full", "fullname"), {Name: "leads", MatchingEntity: "lead"}}
	tests := map[string]struct {
		rules            []dataverse.DuplicateRule
		existing         map[string]any
		found, undecided []string
	}{
		"one excluded, one unknown": {rules[:2], map[string]any{"lastname": "Bohm", "emailaddress1": "b@example.com"}, []string{"name"}, nil},
		"two unknown":               {rules, map[string]any{"lastname": "Bohm", "emailaddress1": "b@example.com", "fullname": "Bohm"}, nil, []string{"name", "full"}},
		"one known, one unknown":    {rules, map[string]any{"lastname": "Böhm", "emailaddress1": "b@example.com", "fullname": "Bohm"}, []string{"name"}, []string{"full"}},
		"all excluded":              {rules[:2], map[string]any{"lastname": "Other", "emailaddress1": "b@example.com"}, nil, []string{"name", "mail"}},
	}
	for name, test := range tests {
		c := &creation{entity: contact, rules: dataverse.Rules{Rules: test.rules}, values: &recordValues{entity: contact, values: map[string]any{"lastname": "Böhm", "emailaddress1": "a@example.com"}}}
		got := c.ruleReason(contact, dataverse.NewRecord(contact, test.existing))
		if !slices.Equal(ruleNames(got.rules), test.found) || !slices.Equal(ruleNames(got.undecided), test.undecided) {
			t.Errorf("%s: found by %v, undecided %v; want %v, %v", name, ruleNames(got.rules), ruleNames(got.undecided), test.found, test.undecided)
		}
	}
}
