package presence

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Kind is a kind of source: which events are made of its records.
type Kind string

// The kinds of sources.
const (
	AgentPresence Kind = "agent-presence" // of the rows of msdyn_agentstatushistory
	AcceptedWork  Kind = "accepted-work"  // a conversation was accepted
	AfterWork     Kind = "after-work"     // a conversation came to its wrap-up
	Consult       Kind = "consult"        // another agent was asked to a conversation
	RowChange     Kind = "row-change"     // of the changes of any entity
)

// kinds are all kinds of sources.
var kinds = []Kind{AgentPresence, AcceptedWork, AfterWork, Consult, RowChange}

// Source is one registration in Dataverse: whose records arrive, how they show their key, and how they are read. What is
// left empty is as Preset has it.
type Source struct {
	Kind       Kind             `yaml:"kind"`        // left empty it is that of the preset whose name the source has
	Entity     string           `yaml:"entity"`      // whose records it sends, by logical name
	Message    string           `yaml:"message"`     // on what: Create, Update or Delete
	ImageAlias string           `yaml:"image_alias"` // of the image that is read
	Fields     Fields           `yaml:"fields"`
	Where      map[string]OneOf `yaml:"where"`      // what a record must have to be an event, by field: raw values, never labels
	Values     []string         `yaml:"values"`     // which fields an event has beside Fields; none is all, of a row-change
	Changed    []string         `yaml:"changed"`    // on Update: only where one of these fields is written
	Keys       []Key            `yaml:"keys"`       // one, or two while the key is being changed: the new one first
	KeyHeader  string           `yaml:"key_header"` // in which header a key may come; always in the query as code too
	KeyQuery   string           `yaml:"key_query"`  // in which further query parameter a key may come
}

// Fields says in which field of the record a fact stands, by logical name.
type Fields struct {
	Agent      string `yaml:"agent"`       // lookup of the user
	OtherAgent string `yaml:"other_agent"` // lookup of a second user: who is asked to a conversation
	Presence   string `yaml:"presence"`    // lookup of the presence
	StartTime  string `yaml:"start_time"`  // when the presence came into force, or when it happened
	CreateTime string `yaml:"create_time"` // orders records that have no start
	Capacity   string `yaml:"capacity"`    // free units
	SignedIn   string `yaml:"signed_in"`   // yes or no
}

// OneOf are the raw values that a field may have: the number of a choice, true or false, a record ID, a text. The empty one
// is null.
type OneOf []string

// UnmarshalYAML reads one value or a list of them.
func (o *OneOf) UnmarshalYAML(unmarshal func(any) error) error {
	var list []any
	if unmarshal(&list) != nil {
		var one any
		if err := unmarshal(&one); err != nil {
			return err
		}
		list = []any{one}
	}
	*o = OneOf{}
	for _, v := range list {
		text := fmt.Sprint(v)
		if v == nil {
			text = ""
		}
		*o = append(*o, text)
	}
	return nil
}

// names are the fields that facts stand in.
func (f Fields) names() []string {
	return []string{f.Agent, f.OtherAgent, f.Presence, f.StartTime, f.CreateTime, f.Capacity, f.SignedIn}
}

// Columns are the fields that are read, sorted, none twice: those that the registered image needs. None means all.
func (s Source) Columns() []string {
	if s.Kind == RowChange && len(s.Values) == 0 {
		return nil
	}
	names := slices.Concat(s.Fields.names(), s.Values, slices.Collect(maps.Keys(s.Where)))
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}

// filled is the source with what is left empty filled in.
func (s Source) filled(name string) Source {
	s.Kind = cmp.Or(s.Kind, kindOf(name))
	preset := Preset(s.Kind)
	for _, setting := range []struct {
		value  *string
		preset string
	}{
		{&s.Entity, preset.Entity}, {&s.Message, preset.Message},
		{&s.ImageAlias, preset.ImageAlias}, {&s.KeyHeader, preset.KeyHeader}, {&s.KeyQuery, preset.KeyQuery},
		{&s.Fields.Agent, preset.Fields.Agent}, {&s.Fields.OtherAgent, preset.Fields.OtherAgent},
		{&s.Fields.Presence, preset.Fields.Presence},
		{&s.Fields.StartTime, preset.Fields.StartTime}, {&s.Fields.CreateTime, preset.Fields.CreateTime},
		{&s.Fields.Capacity, preset.Fields.Capacity}, {&s.Fields.SignedIn, preset.Fields.SignedIn},
	} {
		*setting.value = cmp.Or(*setting.value, setting.preset)
	}
	if s.Where == nil {
		s.Where = preset.Where
	}
	if s.Values == nil {
		s.Values = preset.Values
	}
	if s.Changed == nil {
		s.Changed = preset.Changed
	}
	return s
}

// The forms of names. A source's is part of a URL.
var (
	sourceName  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	logicalName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,127}$`)
)

// faults names all that is wrong with a filled source.
func (s Source) faults(name string) []error {
	var faults []error
	refuse := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !sourceName.MatchString(name) {
		refuse("name: it is the end of the webhook's path: small letters, digits and hyphens, at most 63")
	}
	if !slices.Contains(kinds, s.Kind) {
		refuse("kind: %q is none; there are %s", s.Kind, listKinds())
		return append(faults, s.keyFaults()...)
	}
	preset := Preset(s.Kind)
	if preset.Message != "" && s.Message != preset.Message {
		refuse("message: %q makes no event of this kind; %s does", s.Message, preset.Message)
	}
	if s.Kind == RowChange && !slices.Contains([]string{"Create", "Update", "Delete"}, s.Message) {
		refuse("message: it is %q; it must be Create, Update or Delete", s.Message)
	}
	if !logicalName.MatchString(s.Entity) {
		refuse("entity: it is %q; give a logical name, as contact", s.Entity)
	}
	if len(s.Changed) > 0 && s.Message != "Update" {
		refuse("changed: only Update knows what changed, not %s", s.Message)
	}
	for _, field := range slices.Concat(s.Columns(), s.Changed, slices.Sorted(maps.Keys(s.Where))) {
		if !logicalName.MatchString(field) {
			refuse("%q is no field's logical name", field)
		}
	}
	return append(faults, s.keyFaults()...)
}

func (s Source) keyFaults() []error {
	var faults []error
	if len(s.Keys) > 2 {
		faults = append(faults, fmt.Errorf("keys: %d are given; at most 2, the new one and the old one", len(s.Keys)))
	}
	if slices.Contains(s.Keys, "") {
		faults = append(faults, errors.New("keys: one is empty"))
	}
	return faults
}

func listKinds() string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = string(kind)
	}
	return strings.Join(names, ", ")
}
