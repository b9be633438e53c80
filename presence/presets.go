package presence

// AgentStatus is the name of the source that stands by default.
const AgentStatus = "agent-status"

// AgentPresenceSource returns the source of agent presence, without keys.
func AgentPresenceSource() Source { return Preset(AgentPresence) }

// Preset returns what a source of a kind is where its settings say nothing else, without keys. Of RowChange, and of what is
// no kind, it is what all sources have.
func Preset(kind Kind) Source {
	s := Source{Kind: kind, KeyHeader: "X-Botverse-Key", KeyQuery: "key", ImageAlias: "botverse_image"}
	switch kind {
	case AgentPresence:
		s.Entity, s.Message, s.ImageAlias = "msdyn_agentstatushistory", "Create", "presence_post"
		s.Fields = Fields{
			Agent:      "msdyn_agentid",
			Presence:   "msdyn_presenceid",
			StartTime:  "msdyn_starttime",
			CreateTime: "createdon",
			Capacity:   "msdyn_availablecapacity",
			SignedIn:   "msdyn_isagentloggedin",
		}
	case AcceptedWork:
		s.Entity, s.Message, s.ImageAlias = "msdyn_ocliveworkitem", "Update", "accepted_post"
		s.Fields = Fields{Agent: "msdyn_activeagentid", StartTime: "msdyn_startedon"}
		s.Changed = []string{"msdyn_isagentaccepted"}
		s.Where = map[string]OneOf{"msdyn_isagentaccepted": {"true"}}
		s.Values = []string{"msdyn_channel", "msdyn_isagentaccepted"}
	case AfterWork:
		s.Entity, s.Message, s.ImageAlias = "msdyn_ocliveworkitem", "Update", "afterwork_post"
		s.Fields = Fields{Agent: "msdyn_activeagentid", StartTime: "msdyn_wrapupinitiatedon"}
		s.Changed = []string{"statuscode"}
		s.Where = map[string]OneOf{"statuscode": {"5"}} // Wrap-up
		s.Values = []string{"msdyn_channel", "statuscode"}
	case Consult:
		s.Entity, s.Message, s.ImageAlias = "msdyn_sessionparticipant", "Create", "consult_post"
		s.Fields = Fields{Agent: "ownerid", OtherAgent: "msdyn_agentid", StartTime: "createdon"}
		s.Where = map[string]OneOf{"msdyn_mode": {"192350003"}} // Consult
		s.Values = []string{"msdyn_mode", "msdyn_omnichannelsession"}
	}
	return s
}

// kindOf is the kind of a source that names none: that of the preset whose name it has.
func kindOf(name string) Kind {
	if name == AgentStatus {
		return AgentPresence
	}
	switch kind := Kind(name); kind {
	case AcceptedWork, AfterWork, Consult:
		return kind
	}
	return ""
}
