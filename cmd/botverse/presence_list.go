package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence/output"
)

// presenceList prints the agents' present state.
type presenceList struct {
	presenceServer `embed:""`
	presenceFilter `embed:""`
	Order          string `enum:"agent,time-in-state" default:"agent" help:"agent: by record ID; time-in-state: who has been in the presence for longest comes first."`
	Limit          int    `default:"0" help:"How many at most; 0 is all."`
	Format         string `enum:"table,json,csv" default:"table" help:"table: for people; json: an agent a line; csv: with a header."`
}

// listPage is how many agents are asked for at once.
const listPage = 1000

// Run asks for page after page and prints all agents.
func (c *presenceList) Run(ctx context.Context, s streams) error {
	bases, err := c.baseStatuses()
	if err != nil {
		return err
	}
	request := &botversev1.ListPresenceRequest{
		AgentIds: c.Agents, Teams: c.Teams, BaseStatuses: bases, PresenceIds: c.PresenceIDs, Environments: c.Environments,
		BusinessUnitIds: c.BusinessUnits, Available: c.Available, PageSize: listPage, Counts: true,
	}
	if c.Order == "time-in-state" {
		request.Order = botversev1.ListPresenceRequest_TIME_IN_STATE
	}
	if c.Limit > 0 && c.Limit < listPage {
		request.PageSize = int32(c.Limit)
	}
	return c.call(func(client botversev1.PresenceServiceClient) error {
		return c.print(s.out, func() (*botversev1.ListPresenceResponse, error) {
			page, err := client.ListPresence(ctx, request)
			request.PageToken, request.Counts = page.GetNextPageToken(), false
			return page, err
		})
	})
}

// print prints the pages that next returns, until the last one or the limit.
func (c *presenceList) print(out io.Writer, next func() (*botversev1.ListPresenceResponse, error)) error {
	write := map[string]func(io.Writer) listWriter{"table": tableOf, "json": jsonOf, "csv": csvOf}[c.Format](out)
	var counts *botversev1.PresenceCounts
	for n := 0; ; {
		page, err := next()
		if err != nil {
			return err
		}
		if page.GetCounts() != nil {
			counts = page.GetCounts()
		}
		for _, agent := range page.GetAgents() {
			if c.Limit > 0 && n == c.Limit {
				return write.end(counts)
			}
			n++
			if err := write.agent(agent); err != nil {
				return err
			}
		}
		if page.GetNextPageToken() == "" {
			return write.end(counts)
		}
	}
}

// listWriter prints agents in a format.
type listWriter struct {
	agent func(*botversev1.AgentPresence) error
	end   func(*botversev1.PresenceCounts) error
}

func tableOf(out io.Writer) listWriter {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "AGENT\tPRESENCE\tFOR\tCAPACITY\tENVIRONMENT\tRECORD ID")
	return listWriter{
		agent: func(a *botversev1.AgentPresence) error {
			_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", cell(a.GetAgentName()), cell(a.GetPresence().GetName()), lasting(a), capacity(a), a.GetEnvironment(), a.GetAgentId())
			return err
		},
		end: func(counts *botversev1.PresenceCounts) error {
			if err := w.Flush(); err != nil {
				return err
			}
			_, err := fmt.Fprintf(out, "%d agents, %d of them can take work\n", counts.GetAgents(), counts.GetAvailable())
			return err
		},
	}
}

// lasting is the time in state as people read it.
func lasting(a *botversev1.AgentPresence) string {
	if a.GetTimeInState() == nil {
		return "?"
	}
	const day = 24 * time.Hour
	d := a.GetTimeInState().AsDuration().Round(time.Second)
	if d < day {
		return d.String()
	}
	return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
}

func capacity(a *botversev1.AgentPresence) string {
	if a.Capacity == nil {
		return ""
	}
	return strconv.Itoa(int(a.GetCapacity()))
}

func jsonOf(out io.Writer) listWriter {
	return listWriter{
		agent: func(a *botversev1.AgentPresence) error {
			text, err := protojson.Marshal(a)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(out, "%s\n", text)
			return err
		},
		end: func(*botversev1.PresenceCounts) error { return nil },
	}
}

// csvOf writes the same texts as the CSV output under the same names, and the time in state.
func csvOf(out io.Writer) listWriter {
	names := output.Header()
	wanted := map[string]bool{
		"organization_id": true, "business_unit_id": true, "agent_id": true, "agent_name": true, "presence_id": true, "presence_name": true,
		"presence_text": true, "base_status": true, "time": true, "receive_time": true, "capacity": true, "signed_in": true,
	}
	pick := func(cells []string, more ...string) []string {
		var picked []string
		for i, name := range names {
			if wanted[name] {
				picked = append(picked, cells[i])
			}
		}
		return append(picked, more...)
	}
	header := pick(names, "environment", "time_in_state_s")
	return listWriter{
		agent: func(a *botversev1.AgentPresence) error {
			lasting := ""
			if d := a.GetTimeInState(); d != nil {
				lasting = strconv.FormatFloat(d.AsDuration().Seconds(), 'f', 0, 64)
			}
			var text []byte
			if header != nil {
				text, header = output.AppendRow(text, header), nil
			}
			_, err := out.Write(output.AppendRow(text, pick(output.Row(eventOfState(a)), output.Guard(a.GetEnvironment()), lasting)))
			return err
		},
		end: func(*botversev1.PresenceCounts) error {
			if header == nil {
				return nil
			}
			_, err := out.Write(output.AppendRow(nil, header)) // of no agent there is a header all the same
			return err
		},
	}
}
