package presence

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse/webhook"
)

// allSources are settings with every preset, and two sources for the changes of cases.
func allSources() Config {
	c := settings()
	for _, kind := range []Kind{AcceptedWork, AfterWork, Consult} {
		c.Sources[string(kind)] = Source{Keys: []Key{testKey}}
	}
	c.Sources["cases"] = Source{Kind: RowChange, Entity: "incident", Message: "Update", Keys: []Key{testKey}}
	c.Sources["closed-cases"] = Source{
		Kind: RowChange, Entity: "incident", Message: "Update", Values: []string{"title", "ownerid"},
		Where: map[string]OneOf{"statecode": {"1", "2"}}, Fields: Fields{Agent: "ownerid"}, Keys: []Key{testKey},
	}
	c.Sources["gone-cases"] = Source{Kind: RowChange, Entity: "incident", Message: "Delete", Keys: []Key{testKey}}
	return c
}

// told is a delivery with an image under an alias.
func told(message, entity, alias string, attributes map[string]any, formatted map[string]string) *webhook.Context {
	record := webhook.Entity{LogicalName: entity, ID: rowID(1)}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		record.Attributes = append(record.Attributes, webhook.Attribute{Key: name, Value: attributes[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(formatted)) {
		record.Formatted = append(record.Formatted, webhook.Pair{Key: name, Value: formatted[name]})
	}
	c := &webhook.Context{
		MessageName: message, PrimaryEntityName: entity, PrimaryEntityID: rowID(1), Stage: 40, Mode: webhook.Asynchronous,
		OperationCreatedOn: start, OperationID: "0b000000-0000-4000-8000-000000000001",
		OrganizationID: organization, OrganizationName: "unq07",
		PostEntityImages: []webhook.Image{{Alias: alias, Entity: record}},
	}
	if message == "Delete" {
		c.PostEntityImages, c.PreEntityImages = nil, c.PostEntityImages
	}
	return c
}

func user(n int) webhook.EntityReference {
	return webhook.EntityReference{LogicalName: "systemuser", ID: agentID(n)}
}

// accepted is a conversation that an agent accepted. The texts are those of a French user.
func accepted(agent, minute int) *webhook.Context {
	return told("Update", "msdyn_ocliveworkitem", "AAIWPostImage", map[string]any{
		"msdyn_activeagentid": user(agent), "msdyn_isagentaccepted": true, "msdyn_startedon": start.Add(time.Duration(minute) * time.Minute),
		"msdyn_channel": []webhook.OptionSetValue{192350000, 192360000},
	}, map[string]string{"msdyn_activeagentid": "Aoife", "msdyn_isagentaccepted": "Oui", "msdyn_channel": "Clavardage; Voix", "msdyn_startedon": "31/12/2026 14:00"})
}

func wrappedUp(status int) *webhook.Context {
	return told("Update", "msdyn_ocliveworkitem", "afterwork_post", map[string]any{
		"msdyn_activeagentid": user(1), "statuscode": webhook.OptionSetValue(status), "msdyn_wrapupinitiatedon": start,
	}, map[string]string{"statuscode": "Conclusion"})
}

func consulted(mode int) *webhook.Context {
	return told("Create", "msdyn_sessionparticipant", "consult_post", map[string]any{
		"ownerid": user(1), "msdyn_agentid": user(2), "msdyn_mode": webhook.OptionSetValue(mode), "createdon": start,
	}, map[string]string{"ownerid": "Aoife", "msdyn_agentid": "Dana", "msdyn_mode": "Consultation"})
}

// deliver posts to a source and returns what became of it.
func (r *rig) deliver(source string, c *webhook.Context) Receipt {
	r.t.Helper()
	receipt, err := r.Receive(r.t.Context(), source, body(r.t, c), nil)
	if err != nil {
		r.t.Fatalf("Receive(%s) = %v", source, err)
	}
	return receipt
}

func TestEachPresetMakesItsEvent(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), allSources(), nil)
	s := r.watch("")
	snapshot(t, s)
	r.deliver("accepted-work", accepted(1, 5))
	e := nextEvent(t, s)
	want := &Activity{
		Source: "accepted-work", Entity: "msdyn_ocliveworkitem", Message: "Update",
		Values: map[string]any{"msdyn_channel": []any{float64(192350000), float64(192360000)}, "msdyn_isagentaccepted": true},
		Labels: map[string]string{"msdyn_channel": "Clavardage; Voix", "msdyn_isagentaccepted": "Oui"},
	}
	if diff := cmp.Diff(want, e.Activity); diff != "" || e.Kind != WorkAccepted || e.AgentID != agentID(1) || e.AgentName != "Aoife" ||
		!e.StartTime.Equal(start.Add(5*time.Minute)) || e.RecordID != rowID(1) || e.OrganizationName != "unq07" || *e.Delay != e.ReceiveTime.Sub(e.StartTime) {
		t.Errorf("accepted work makes %+v\n%s", e, diff)
	}
	r.deliver("after-work", wrappedUp(5))
	if e := nextEvent(t, s); e.Kind != WorkWrappedUp || e.AgentName != Unknown || !e.StartTime.Equal(start) || e.Activity.Values["statuscode"] != float64(5) {
		t.Errorf("after-work makes %+v %+v", e, e.Activity)
	}
	r.deliver("consult", consulted(192350003))
	if e := nextEvent(t, s); e.Kind != AgentConsulted || e.AgentName != "Aoife" || e.Activity.OtherAgentName != "Dana" || e.Activity.OtherAgentID != agentID(2) {
		t.Errorf("a consult makes %+v %+v", e, e.Activity)
	}
	r.deliver("cases", told("Update", "incident", "any", map[string]any{"title": "Broken", "amount": webhook.Money("12.50"), "big": json.Number("9007199254740993")}, nil))
	if e := nextEvent(t, s); e.Kind != RowChanged || e.AgentID != "" || e.AgentName != "" || e.Activity.Values["title"] != "Broken" ||
		e.Activity.Values["amount"] != 12.5 || e.Activity.Values["big"] != "9007199254740993" || e.Delay != nil {
		t.Errorf("a change makes %+v %+v", e, e.Activity)
	}
	r.deliver("gone-cases", told("Delete", "incident", "before", map[string]any{"title": "Broken"}, nil))
	if e := nextEvent(t, s); e.Kind != RowChanged || e.Activity.Message != "Delete" || e.Activity.Values["title"] != "Broken" {
		t.Errorf("a deletion makes %+v %+v", e, e.Activity)
	}
	if list, err := r.List(t.Context(), ListQuery{}); len(list.States) != 0 || err != nil {
		t.Errorf("activities made states: %v, %v", list.States, err)
	}
}

// What does not qualify by its raw values is neither stored nor a fault, whatever its labels say.
func TestWhatDoesNotQualifyIsFiltered(t *testing.T) {
	t.Parallel()
	r := openRig(t, t.TempDir(), allSources(), nil)
	refused := accepted(1, 0)
	attributes := refused.PostEntityImages[0].Entity.Attributes
	attributes[slices.IndexFunc(attributes, func(a webhook.Attribute) bool { return a.Key == "msdyn_isagentaccepted" })].Value = false
	refused.PostEntityImages[0].Entity.Formatted = []webhook.Pair{{Key: "msdyn_isagentaccepted", Value: "Yes"}}
	for _, test := range []struct {
		source string
		c      *webhook.Context
		want   string
	}{
		{"accepted-work", refused, "msdyn_isagentaccepted"},
		{"after-work", wrappedUp(2), "statuscode"},
		{"consult", consulted(192350004), "msdyn_mode"}, // Monitor
		{"closed-cases", told("Update", "incident", "i", map[string]any{"statecode": webhook.OptionSetValue(0)}, nil), "statecode"},
		{"closed-cases", told("Update", "incident", "i", map[string]any{"title": "state is null"}, nil), "statecode"},
	} {
		if receipt := r.deliver(test.source, test.c); receipt != (Receipt{Filtered: test.want}) {
			t.Errorf("%s: %+v, want it filtered by %s", test.source, receipt, test.want)
		}
	}
	info, err := r.store.log.Info(t.Context())
	letters, err2 := r.DeadLetters(t.Context(), 10)
	if err != nil || err2 != nil || info.State.Msgs != 0 || len(letters) != 0 {
		t.Errorf("the log has %d entries and there are %d dead letters, want none", info.State.Msgs, len(letters))
	}
	for _, state := range []int{1, 2} {
		c := told("Update", "incident", "i", map[string]any{"statecode": webhook.OptionSetValue(state), "title": "t"}, nil)
		c.OperationID = fmt.Sprintf("0b000000-0000-4000-8000-%012d", state)
		if receipt := r.deliver("closed-cases", c); receipt.EventID == "" {
			t.Errorf("a case of state %d: %+v, want an event", state, receipt)
		}
	}
}

// The key of an Update is the business key, else the record's version, else the operation.
func TestKeysOfUpdates(t *testing.T) {
	t.Parallel()
	r := openRig(t, t.TempDir(), allSources(), nil)
	operation := func(c *webhook.Context, n int) *webhook.Context {
		c.OperationID = fmt.Sprintf("0b000000-0000-4000-8000-%012d", n)
		return c
	}
	version := func(c *webhook.Context, v string) *webhook.Context {
		c.PostEntityImages[0].Entity.RowVersion = v
		return c
	}
	change := func() *webhook.Context {
		return told("Update", "incident", "i", map[string]any{"title": "t", "statecode": webhook.OptionSetValue(1)}, nil)
	}
	for _, test := range []struct {
		name, source string
		a, b         *webhook.Context
		same         bool
	}{
		{"another operation of one acceptance", "accepted-work", operation(accepted(1, 0), 1), operation(accepted(1, 0), 2), true},
		{"another agent", "accepted-work", accepted(2, 0), accepted(3, 0), false},
		{"another start", "accepted-work", accepted(4, 0), accepted(4, 1), false},
		{"one wrap-up", "after-work", operation(wrappedUp(5), 1), operation(wrappedUp(5), 2), true},
		{"one version", "cases", operation(version(change(), "7"), 1), operation(version(change(), "7"), 2), true},
		{"another version", "cases", version(change(), "8"), version(change(), "9"), false},
		{"one operation", "cases", operation(change(), 5), operation(change(), 5), true},
		{"another operation", "cases", operation(change(), 6), operation(change(), 7), false},
	} {
		first, second := r.deliver(test.source, test.a), r.deliver(test.source, test.b)
		if first.Duplicate || first.EventID == "" || second.Duplicate != test.same || (second.EventID == first.EventID) != test.same {
			t.Errorf("%s: %+v, then %+v; same should be %v", test.name, first, second, test.same)
		}
	}
	// Two sources for one entity make two events of one change.
	both := version(change(), "20")
	if a, b := r.deliver("cases", both), r.deliver("closed-cases", both); a.Duplicate || b.Duplicate || a.EventID == b.EventID {
		t.Errorf("two sources: %+v and %+v, want two events", a, b)
	}
}

// A Target has only what was written. What the filter asks for is read, rather than taken for null.
func TestFilterReadsWhatWasNotTold(t *testing.T) {
	t.Parallel()
	asTarget := func() *webhook.Context {
		c := told("Update", "incident", "i", map[string]any{"title": "t"}, nil)
		c.InputParameters = []webhook.Parameter{{Key: "Target", Value: c.PostEntityImages[0].Entity}}
		c.PostEntityImages = nil
		return c
	}
	reader := &dataverse{records: map[string]Record{"incident " + rowID(1): {ID: rowID(1), Values: map[string]any{"statecode": json.Number("2"), "title": "read"}}}}
	r := openRig(t, t.TempDir(), allSources(), reader)
	if receipt := r.deliver("closed-cases", asTarget()); receipt.EventID == "" {
		t.Errorf("with a reader: %+v, want an event", receipt)
	}
	reader.records["incident "+rowID(1)] = Record{ID: rowID(1), Values: map[string]any{"statecode": json.Number("0")}}
	if receipt := r.deliver("closed-cases", asTarget()); receipt.Filtered != "statecode" {
		t.Errorf("of an open case: %+v, want it filtered", receipt)
	}
	alone := openRig(t, t.TempDir(), allSources(), nil)
	if receipt := alone.deliver("closed-cases", asTarget()); !strings.Contains(receipt.DeadLettered, "statecode") {
		t.Errorf("without a reader: %+v, want a dead letter that names the field", receipt)
	}
}

func TestLargeValuesAreLeftOutAndNamed(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), allSources(), nil)
	s := r.watch("")
	snapshot(t, s)
	r.deliver("cases", told("Update", "incident", "i", map[string]any{
		"title": "small", "description": strings.Repeat("x", 40_000), "notes": strings.Repeat("y", 20_000),
		"parties": []webhook.Entity{{LogicalName: "activityparty", ID: rowID(9)}},
	}, nil))
	a := nextEvent(t, s).Activity
	if a.Values["title"] != "small" || len(a.Values["notes"].(string)) != 20_000 || !slices.Equal(a.Omitted, []string{"parties", "description"}) {
		t.Errorf("omitted %v, values of %v", a.Omitted, slices.Sorted(maps.Keys(a.Values)))
	}
}

func TestSubscribersChooseKinds(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), allSources(), nil)
	all := r.watch("")
	snapshot(t, all)
	r.receive(change{row: 1, agent: 1, presence: available})
	nextEvent(t, all)
	consults, err := r.Watch(t.Context(), "", Filter{Kinds: []EventKind{AgentConsulted}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(consults.Close)
	if states := snapshot(t, consults); len(states) != 0 {
		t.Errorf("a subscriber to consults got the states %v", states)
	}
	begin := consults.Cursor()
	both, err := r.Watch(t.Context(), "", Filter{Kinds: []EventKind{AgentConsulted, CapacityChanged}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(both.Close)
	if states := snapshot(t, both); len(states) != 1 {
		t.Errorf("a subscriber to capacity got the states %v, want one", states)
	}
	for row := 2; row < 100; row++ { // more than the ring holds: the resumed one begins from the disk
		r.receive(change{row: row, agent: 1, presence: busy, minute: row, capacity: row})
		nextEvent(t, all)
	}
	r.deliver("consult", consulted(192350003))
	last := nextEvent(t, all)
	resumed, err := r.Watch(t.Context(), begin, Filter{Kinds: []EventKind{AgentConsulted}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(resumed.Close)
	if e := nextEvent(t, resumed); e.ID != last.ID {
		t.Errorf("resumed with %+v, want the consult alone", e)
	}
}

// A subscriber who wants nothing of what flows hears heartbeats, whose cursor moves.
func TestFilteredEventsMoveTheCursor(t *testing.T) {
	t.Parallel()
	config := allSources()
	config.Heartbeat = time.Hour // those of all subscribers would do too
	r := startRig(t, t.TempDir(), config, nil)
	s, err := r.Watch(t.Context(), "", Filter{Kinds: []EventKind{AgentConsulted}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	snapshot(t, s)
	s.heard = s.heard.Add(-2 * time.Hour) // as if nothing had come for long
	before := s.Cursor()
	r.receive(change{row: 1, agent: 1, presence: available})
	for moved := false; !moved; { // a heartbeat may come before the reader has come to the event
		m := next(t, s)
		if m.Heartbeat == nil {
			t.Fatalf("message %+v, want heartbeats until one has a later cursor", m)
		}
		moved = m.Cursor != before
	}
}

func TestOneOfReadsValuesAndLists(t *testing.T) {
	t.Parallel()
	for given, want := range map[any]OneOf{true: {"true"}, 5: {"5"}, "x": {"x"}, nil: {""}} {
		var got OneOf
		err := got.UnmarshalYAML(func(into any) error {
			one, ok := into.(*any)
			if !ok {
				return fmt.Errorf("no list")
			}
			*one = given
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("one value %v is read as %q, %v", given, got, err)
		}
	}
	for _, test := range []struct {
		value any
		want  OneOf
	}{
		{true, OneOf{"true"}}, {nil, OneOf{""}}, {webhook.OptionSetValue(5), OneOf{"5"}}, {json.Number("192350003"), OneOf{"192350003"}},
		{[]webhook.OptionSetValue{1, 2}, OneOf{"2"}}, {"192350000,192350001", OneOf{"192350001"}}, {user(1), OneOf{strings.ToUpper(agentID(1))}},
		{webhook.Money("10.00"), OneOf{"10"}},
	} {
		if !test.want.allows(test.value) || (OneOf{"other"}).allows(test.value) {
			t.Errorf("%v is not told by %q alone", test.value, test.want)
		}
	}
}
