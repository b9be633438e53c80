package local

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
)

// offline is the base status of the presences in which an agent is not signed in (msdyn_presence.msdyn_basepresencestatus).
const offline = 192360004

// modifyAgentPresence sets an agent's presence the way the contact centre does: the agent's status is changed, the row of
// history that was open gets its end, and a new one is created. Steps on these tables are told of each.
func (s *Server) modifyAgentPresence(ctx context.Context, c *call) (reply, error) {
	b, err := readBody(s.tables["msdyn_agentstatus"], c.body)
	if err != nil {
		return reply{}, err
	}
	agent, presence := plainID(b["AgentId"]), plainID(b["PresenceId"])
	if agent == "" {
		agent = c.by.userID
	}
	if presence == "" {
		return reply{}, refuse(code.InvalidArgument, "PresenceId must be the ID of a record of msdyn_presence.")
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error { return m.setPresence(ctx, agent, presence) })
	return newReply(http.StatusOK), err
}

func plainID(v any) string { return strings.ToLower(strings.Trim(stringOf(v), "{}")) }

func (m *mutation) setPresence(ctx context.Context, agent, presence string) error {
	user, err := m.load(ctx, m.s.tables["systemuser"], agent)
	if err != nil {
		return err
	}
	if user == nil {
		return noSuchRecord("systemuser", agent)
	}
	of, err := m.load(ctx, m.s.tables["msdyn_presence"], presence)
	if err != nil {
		return err
	}
	if of == nil {
		return noSuchRecord("msdyn_presence", presence)
	}
	now := m.now()
	capacity, err := m.changeAgentStatus(ctx, user, presence, now)
	if err != nil {
		return err
	}
	return m.writeHistory(ctx, user, of, capacity, now)
}

// writeHistory ends the agent's open row of history and begins the next.
func (m *mutation) writeHistory(ctx context.Context, user, presence record, capacity any, now int64) error {
	if err := m.endHistory(ctx, user.text("systemuserid"), now); err != nil {
		return err
	}
	r := record{
		"msdyn_name": user["fullname"], "msdyn_starttime": now, "msdyn_availablecapacity": capacity,
		"msdyn_isagentloggedin": truth(presence.number("msdyn_basepresencestatus") != offline),
		"msdyn_agentid":         user["systemuserid"], "msdyn_presenceid": presence["msdyn_presenceid"],
	}
	_, err := m.createParsed(ctx, m.s.tables["msdyn_agentstatushistory"], &input{values: r}, false)
	return err
}

// followStatus writes the history of an agent whose free capacity a client has changed. Who changes the presence itself
// writes its history too.
func (m *mutation) followStatus(ctx context.Context, before, values record) error {
	after := before.with(values)
	if after["msdyn_currentpresenceid"] != before["msdyn_currentpresenceid"] || after["msdyn_availableunitscapacity"] == before["msdyn_availableunitscapacity"] {
		return nil
	}
	user, err := m.load(ctx, m.s.tables["systemuser"], after.text("msdyn_agentid"))
	if err != nil || user == nil {
		return err
	}
	presence, err := m.load(ctx, m.s.tables["msdyn_presence"], after.text("msdyn_currentpresenceid"))
	if err != nil || presence == nil {
		return err
	}
	return m.writeHistory(ctx, user, presence, after["msdyn_availableunitscapacity"], m.now())
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// changeAgentStatus writes the agent's current presence, and returns the capacity that is free.
func (m *mutation) changeAgentStatus(ctx context.Context, user record, presence string, now int64) (capacity any, err error) {
	t := m.s.tables["msdyn_agentstatus"]
	agent := user.text("systemuserid")
	change := record{"msdyn_currentpresenceid": presence, "msdyn_presencemodifiedon": now, "msdyn_presencemodifiedby": "AGENT"}
	row, found, err := m.conn.row(ctx, "SELECT msdyn_agentstatusid, msdyn_availableunitscapacity FROM msdyn_agentstatus WHERE msdyn_agentid = ? LIMIT 1", agent)
	if err != nil {
		return nil, err
	}
	if found {
		id, _ := row[0].(string)
		return row[1], m.change(ctx, t, id, change)
	}
	_, err = m.createParsed(ctx, t, &input{values: change.with(record{"msdyn_name": user["fullname"], "msdyn_agentid": agent, "msdyn_availableunitscapacity": user["msdyn_capacity"]})}, false)
	return user["msdyn_capacity"], err
}

// endHistory gives the agent's open rows of history their end.
func (m *mutation) endHistory(ctx context.Context, agent string, now int64) error {
	var open []string
	err := m.conn.query(ctx, "SELECT msdyn_agentstatushistoryid FROM msdyn_agentstatushistory WHERE msdyn_agentid = ? AND msdyn_endtime IS NULL", []any{agent}, func(row []any) error {
		id, _ := row[0].(string)
		open = append(open, id)
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range open {
		if err := m.change(ctx, m.s.tables["msdyn_agentstatushistory"], id, record{"msdyn_endtime": now}); err != nil {
			return err
		}
	}
	return nil
}

// getPresence tells the caller's own presence.
func (s *Server) getPresence(ctx context.Context, c *call) (answer reply, err error) {
	err = s.readFor(ctx, c, func(conn *conn) error {
		row, found, err := conn.row(ctx, `SELECT u.fullname, p.msdyn_presenceid, p.msdyn_presencestatustext, s.msdyn_presencemodifiedon
			FROM systemuser u LEFT JOIN msdyn_agentstatus s ON s.msdyn_agentid = u.systemuserid
			LEFT JOIN msdyn_presence p ON p.msdyn_presenceid = s.msdyn_currentpresenceid WHERE u.systemuserid = ?`, c.by.userID)
		if err != nil {
			return err
		}
		if !found || row[1] == nil {
			return noSuchRecord("msdyn_agentstatus", c.by.userID)
		}
		since := time.Unix(0, 0)
		if n, ok := row[3].(int64); ok {
			since = time.UnixMicro(n)
		}
		answer = functionResponse(c, "CCaaS_GetPresence", "AgentId", c.by.userID, "AgentName", row[0], "PresenceId", row[1],
			"CurrentPresenceStatusInfo", row[2], "Timestamp", query.Decode(s.tables["systemuser"].Field("versionnumber"), since.Unix()))
		return nil
	})
	return answer, err
}
