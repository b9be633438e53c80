package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// presenceSet changes an agent's presence in the local Dataverse as the contact centre would: the agent's status record,
// the end of the history record before, a new history record. The webhook does the rest.
type presenceSet struct {
	Agent     string `arg:"" help:"The agent: full name, user name, e-mail address or record ID."`
	Status    string `arg:"" help:"The presence: its name or the text that agents see, as Busy."`
	LocalAddr string `default:"${local_addr}" help:"The address of the local Dataverse." placeholder:"ADDR"`
}

// Run makes the change and prints it.
func (c *presenceSet) Run(ctx context.Context, s streams) error {
	all, err := dataverse.NewEnvironments(map[string]dataverse.Config{localName: localEnvironment("http://" + c.LocalAddr)}, localName, nil)
	if err != nil {
		return usageError{err}
	}
	client, err := all.Client(ctx, localName)
	if err != nil {
		return err
	}
	d := desk{client}
	agent, err := d.agent(ctx, c.Agent)
	if errors.Is(err, dataverse.ErrUnavailable) {
		return fmt.Errorf("no local Dataverse answers at %s: is `botverse serve` running? (%w)", c.LocalAddr, err)
	}
	if err != nil {
		return err
	}
	presence, err := d.presence(ctx, c.Status)
	if err != nil {
		return err
	}
	if err := d.set(ctx, agent.ID(), presence.ID(), time.Now()); err != nil {
		return err
	}
	name, _ := agent.Value("fullname")
	status, _ := presence.Value("msdyn_name")
	fmt.Fprintf(s.out, "%v is %v\n", name, status)
	return nil
}

// desk is the contact centre's records of agents and presences.
type desk struct{ client *dataverse.Client }

// agent finds a user by any of the names that people know users by.
func (d desk) agent(ctx context.Context, name string) (dataverse.Record, error) {
	users, err := d.list(ctx, "systemuser", []string{"fullname", "domainname", "internalemailaddress"}, nil)
	if err != nil {
		return dataverse.Record{}, err
	}
	return choose("agent", name, users, "fullname", "domainname", "internalemailaddress")
}

// presence finds a presence by name or text.
func (d desk) presence(ctx context.Context, name string) (dataverse.Record, error) {
	presences, err := d.list(ctx, "msdyn_presence", []string{"msdyn_name", "msdyn_presencestatustext"}, nil)
	if err != nil {
		return dataverse.Record{}, err
	}
	return choose("presence", name, presences, "msdyn_name", "msdyn_presencestatustext")
}

// choose returns the one record with a value equal to name; its first property is what the error offers instead.
func choose(kind, name string, among []dataverse.Record, properties ...string) (dataverse.Record, error) {
	var found []dataverse.Record
	var known []string
	for _, r := range among {
		if label, ok := r.Value(properties[0]); ok && label != nil {
			known = append(known, fmt.Sprint(label))
		}
		if isNamed(r, name, properties) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return dataverse.Record{}, usagef("no %s is called %q; there are %s", kind, name, strings.Join(known, ", "))
	default:
		return dataverse.Record{}, usagef("%d %ss are called %q: give the record ID", len(found), kind, name)
	}
}

func isNamed(r dataverse.Record, name string, properties []string) bool {
	if strings.EqualFold(string(r.ID()), name) {
		return true
	}
	for _, p := range properties {
		if v, ok := r.Value(p); ok && v != nil && strings.EqualFold(fmt.Sprint(v), name) {
			return true
		}
	}
	return false
}

// set writes the change in the order in which the contact centre writes it.
func (d desk) set(ctx context.Context, agent, presence dataverse.ID, now time.Time) error {
	if err := d.setStatus(ctx, agent, presence, now); err != nil {
		return fmt.Errorf("set the agent's status: %w", err)
	}
	if err := d.endHistory(ctx, agent, now); err != nil {
		return fmt.Errorf("end the presence before: %w", err)
	}
	history, err := d.client.Entity(ctx, "msdyn_agentstatushistory")
	if err != nil {
		return err
	}
	_, err = d.client.CreateRecord(ctx, history, dataverse.Fields{
		bind(history, "msdyn_agentid", "systemuser"):        "/systemusers(" + string(agent) + ")",
		bind(history, "msdyn_presenceid", "msdyn_presence"): "/msdyn_presences(" + string(presence) + ")",
		"msdyn_starttime":         now.UTC().Format(time.RFC3339Nano),
		"msdyn_isagentloggedin":   true,
		"msdyn_availablecapacity": 100,
	}, dataverse.CreateOptions{})
	if err != nil {
		return fmt.Errorf("write the new presence: %w", err)
	}
	return nil
}

func (d desk) setStatus(ctx context.Context, agent, presence dataverse.ID, now time.Time) error {
	status, err := d.client.Entity(ctx, "msdyn_agentstatus")
	if err != nil {
		return err
	}
	fields := dataverse.Fields{
		bind(status, "msdyn_currentpresenceid", "msdyn_presence"): "/msdyn_presences(" + string(presence) + ")",
		"msdyn_presencemodifiedon":                                now.UTC().Format(time.RFC3339),
	}
	records, err := d.list(ctx, "msdyn_agentstatus", nil, isAgent(status, "msdyn_agentid", agent))
	if err != nil {
		return err
	}
	if len(records) == 0 {
		fields[bind(status, "msdyn_agentid", "systemuser")] = "/systemusers(" + string(agent) + ")"
		_, err := d.client.CreateRecord(ctx, status, fields, dataverse.CreateOptions{})
		return err
	}
	return d.client.UpdateRecord(ctx, status, records[0].ID(), fields)
}

func (d desk) endHistory(ctx context.Context, agent dataverse.ID, now time.Time) error {
	history, err := d.client.Entity(ctx, "msdyn_agentstatushistory")
	if err != nil {
		return err
	}
	open := &odata.Logical{Op: odata.And, Terms: []odata.Expr{
		isAgent(history, "msdyn_agentid", agent),
		&odata.Compare{Path: odata.Path{"msdyn_endtime"}, Op: odata.Eq, Value: odata.Null{}},
	}}
	records, err := d.list(ctx, "msdyn_agentstatushistory", nil, open)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := d.client.UpdateRecord(ctx, history, r.ID(), dataverse.Fields{"msdyn_endtime": now.UTC().Format(time.RFC3339Nano)}); err != nil {
			return err
		}
	}
	return nil
}

func (d desk) list(ctx context.Context, entity string, selected []string, filter odata.Expr) ([]dataverse.Record, error) {
	e, err := d.client.Entity(ctx, entity)
	if err != nil {
		return nil, err
	}
	page, err := d.client.ListRecords(ctx, e, &odata.Query{Select: append(selected, e.PrimaryID), Filter: filter})
	return page.Records, err
}

func isAgent(e *schema.Entity, field string, id dataverse.ID) odata.Expr {
	return &odata.Compare{Path: odata.Path{e.Field(field).Property()}, Op: odata.Eq, Value: odata.GUID(id)}
}

// bind is the member that sets a lookup.
func bind(e *schema.Entity, field, target string) string {
	return e.Field(field).Navigation[target] + "@odata.bind"
}
