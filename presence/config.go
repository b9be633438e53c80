package presence

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// Config is what presence receives and how it streams.
type Config struct {
	Sources   map[string]Source `yaml:"sources"`   // by the name that ends the webhook's path
	Heartbeat time.Duration     `yaml:"heartbeat"` // how long a stream may be silent
	Buffer    int               `yaml:"buffer"`    // how many messages a subscriber may be behind
	Retention time.Duration     `yaml:"retention"` // how long events can be caught up with, and repeats be told
	Logger    *slog.Logger      `yaml:"-"`         // nil is slog.Default

	// KeptKeys returns the live keys of a source whose settings have none: those that are kept elsewhere, and may change
	// while presence runs. It is asked at each delivery, by many goroutines at once. nil knows none.
	KeptKeys func(source string) []Key `yaml:"-"`
}

// Kind is a kind of source: which events are made of its records.
type Kind string

// AgentPresence makes presence events of the rows of msdyn_agentstatushistory.
const AgentPresence Kind = "agent-presence"

// Source is one registration in Dataverse: whose records arrive, how they show their key, and how they are read. What is
// left empty is as AgentPresenceSource has it.
type Source struct {
	Kind       Kind   `yaml:"kind"`
	Entity     string `yaml:"entity"`      // whose records it sends, by logical name
	Message    string `yaml:"message"`     // on what, as Create
	ImageAlias string `yaml:"image_alias"` // of the image that is read
	Fields     Fields `yaml:"fields"`
	Keys       []Key  `yaml:"keys"`       // one, or two while the key is being changed: the new one first
	KeyHeader  string `yaml:"key_header"` // in which header a key may come; always in the query as code too
	KeyQuery   string `yaml:"key_query"`  // in which further query parameter a key may come
}

// Fields says in which field of the record a fact stands, by logical name.
type Fields struct {
	Agent      string `yaml:"agent"`       // lookup of the user
	Presence   string `yaml:"presence"`    // lookup of the presence
	StartTime  string `yaml:"start_time"`  // when the presence came into force
	CreateTime string `yaml:"create_time"` // orders records that have no start
	Capacity   string `yaml:"capacity"`    // free units
	SignedIn   string `yaml:"signed_in"`   // yes or no
}

// Names are the fields that are read, sorted, none twice: those that the registered image needs.
func (f Fields) Names() []string {
	names := []string{f.Agent, f.Presence, f.StartTime, f.CreateTime, f.Capacity, f.SignedIn}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}

// AgentStatus is the name of the source that stands by default.
const AgentStatus = "agent-status"

// Default returns the settings that stand where nothing else is said: one source, of the agents' presence, whose keys
// are left to the caller.
func Default() Config {
	return Config{
		Sources:   map[string]Source{AgentStatus: AgentPresenceSource()},
		Heartbeat: 15 * time.Second,
		Buffer:    1024,
		Retention: 30 * 24 * time.Hour,
	}
}

// AgentPresenceSource returns the source of agent presence, without keys.
func AgentPresenceSource() Source {
	return Source{
		Kind:       AgentPresence,
		Entity:     "msdyn_agentstatushistory",
		Message:    "Create",
		ImageAlias: "presence_post",
		KeyHeader:  "X-Botverse-Key",
		KeyQuery:   "key",
		Fields: Fields{
			Agent:      "msdyn_agentid",
			Presence:   "msdyn_presenceid",
			StartTime:  "msdyn_starttime",
			CreateTime: "createdon",
			Capacity:   "msdyn_availablecapacity",
			SignedIn:   "msdyn_isagentloggedin",
		},
	}
}

// filled is the source with what is left empty filled in.
func (s Source) filled() Source {
	preset := AgentPresenceSource()
	for _, setting := range []struct {
		value  *string
		preset string
	}{
		{(*string)(&s.Kind), string(preset.Kind)}, {&s.Entity, preset.Entity}, {&s.Message, preset.Message},
		{&s.ImageAlias, preset.ImageAlias}, {&s.KeyHeader, preset.KeyHeader}, {&s.KeyQuery, preset.KeyQuery},
		{&s.Fields.Agent, preset.Fields.Agent}, {&s.Fields.Presence, preset.Fields.Presence},
		{&s.Fields.StartTime, preset.Fields.StartTime}, {&s.Fields.CreateTime, preset.Fields.CreateTime},
		{&s.Fields.Capacity, preset.Fields.Capacity}, {&s.Fields.SignedIn, preset.Fields.SignedIn},
	} {
		*setting.value = cmp.Or(*setting.value, setting.preset)
	}
	return s
}

// Filled returns the settings with what each source leaves empty filled in, as Open takes them.
func (c Config) Filled() Config {
	sources := make(map[string]Source, len(c.Sources))
	for name, s := range c.Sources {
		sources[name] = s.filled()
	}
	c.Sources = sources
	return c
}

// Validate names all that is wrong.
func (c Config) Validate() error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		for _, fault := range c.Sources[name].filled().faults() {
			faults = append(faults, fmt.Errorf("sources.%s.%w", name, fault))
		}
	}
	if c.Heartbeat < time.Second {
		faults = append(faults, fmt.Errorf("heartbeat: %v is too short; at least 1s", c.Heartbeat))
	}
	if c.Buffer < 16 || c.Buffer > 1<<20 {
		faults = append(faults, fmt.Errorf("buffer: %d is out of range; 16 to 1048576", c.Buffer))
	}
	if c.Retention < time.Hour {
		faults = append(faults, fmt.Errorf("retention: %v is too short; at least 1h", c.Retention))
	}
	return errors.Join(faults...)
}

func (s Source) faults() []error {
	var faults []error
	if s.Kind != AgentPresence {
		faults = append(faults, fmt.Errorf("kind: %q is none that is built; %s is", s.Kind, AgentPresence))
	}
	if s.Message != "Create" {
		faults = append(faults, fmt.Errorf("message: %q makes no event of this kind; Create does", s.Message))
	}
	if len(s.Keys) > 2 {
		faults = append(faults, fmt.Errorf("keys: %d are given; at most 2, the new one and the old one", len(s.Keys)))
	}
	if slices.Contains(s.Keys, "") {
		faults = append(faults, errors.New("keys: one is empty"))
	}
	return faults
}
