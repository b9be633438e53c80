package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// examination is what doctor does in one environment.
type examination struct {
	*doctorCommand
	report       *report
	client       *dataverse.Client
	name         string
	organization dataverse.Organization
}

// signIn says whether anything else can be asked.
func (e *examination) signIn(ctx context.Context) bool {
	organization, err := e.client.Organization(ctx)
	if err != nil {
		e.report.failed(e.name, "sign-in", err.Error(), e.signInAdvice(err))
		return false
	}
	e.organization = organization
	e.report.ok(e.name, "sign-in", fmt.Sprintf("%s answers as organisation %s", e.client.URL(), organization.ID))
	return true
}

// user checks the application user itself.
func (e *examination) user(ctx context.Context) {
	entity, err := e.client.Entity(ctx, "systemuser")
	var record dataverse.Record
	if err == nil {
		record, err = e.client.GetRecord(ctx, entity, e.organization.UserID, &odata.Query{Select: []string{entity.PrimaryID, "isdisabled"}})
	}
	disabled, _ := record.Value("isdisabled")
	switch {
	case err != nil:
		e.report.warn(e.name, "application user", err.Error(), "give it the right to read users (prvReadUser)")
	case disabled == true:
		e.report.failed(e.name, "application user", "it is disabled", "enable it in the Power Platform admin centre, under Application users")
	default:
		e.report.ok(e.name, "application user", fmt.Sprintf("%s is enabled", e.organization.UserID))
	}
}

// registering are the privileges that registering webhooks needs.
func registering() []string {
	names := []string{"prvReadSdkMessage"}
	for _, entity := range []string{"ServiceEndpoint", "SdkMessageProcessingStep", "SdkMessageProcessingStepImage"} {
		for _, right := range []string{"Create", "Read", "Write", "Delete"} {
			names = append(names, "prv"+right+entity)
		}
	}
	return names
}

// privileges names those that the application user lacks, by what they are for.
func (e *examination) privileges(ctx context.Context) {
	if e.local() {
		e.report.ok(e.name, "privileges", "the local Dataverse keeps none: whoever is let in may do everything")
		return
	}
	e.check(ctx, "registering webhooks", registering(), "give the application user a security role that has them, as System Customizer")
	e.check(ctx, "reading presence", e.readingSources(), "give the application user a security role that may read these entities")
	for _, name := range e.Entities {
		if entity, err := e.client.Entity(ctx, name); err == nil { // entities tells of one that is not there
			e.check(ctx, "reading and writing "+name, writing(entity),
				"give the application user a security role with these rights on "+name)
		}
	}
}

// local says whether the environment is the local Dataverse that serve runs.
func (e *examination) local() bool { return len(e.Environments) == 0 }

// readingSources are the privileges that the sources, and what stands behind them, are read by.
func (e *examination) readingSources() []string {
	names := []string{"prvReadmsdyn_presence", "prvReadmsdyn_agentstatus", "prvReadUser", "prvReadTeam"}
	for _, source := range e.Presence.settings().Filled().Sources {
		if strings.HasPrefix(source.Entity, "msdyn_") { // others' names are not those of their privileges; entities tells of these
			names = append(names, "prvRead"+source.Entity)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func writing(entity *schema.Entity) []string {
	var names []string
	for _, right := range []string{"Create", "Read", "Write", "Append", "AppendTo"} {
		names = append(names, entity.PrivilegeName(right))
	}
	return names
}

func (e *examination) check(ctx context.Context, what string, names []string, advice string) {
	missing, err := e.client.MissingPrivileges(ctx, e.organization.UserID, names)
	switch {
	case err != nil:
		e.report.warn(e.name, what, "the application user's privileges cannot be read: "+err.Error(), "look whether it has "+strings.Join(names, ", "))
	case len(missing) > 0:
		e.report.failed(e.name, what, "missing: "+strings.Join(missing, ", "), advice)
	default:
		e.report.ok(e.name, what, "no privilege is missing")
	}
}

// entities reads a record of each entity that sources and flows are about: what cannot be read now cannot be read later.
func (e *examination) entities(ctx context.Context) {
	names := slices.Clone(e.Entities)
	for _, source := range e.Presence.settings().Filled().Sources {
		names = append(names, source.Entity)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		entity, err := e.client.Entity(ctx, name)
		if err == nil {
			_, err = e.client.ListRecords(ctx, entity, &odata.Query{Select: []string{entity.PrimaryID}, Top: new(1)})
		}
		switch {
		case errors.Is(err, dataverse.ErrUnknownEntity):
			e.report.failed(e.name, name, err.Error(), "correct the name, or install what brings the entity: presence is of the contact centre")
		case err != nil:
			e.report.failed(e.name, name, err.Error(), "give the application user the right to read it")
		default:
			e.report.ok(e.name, name, "it can be read")
		}
	}
}

// duplicates checks what DO_NOT_CREATE stands on.
func (e *examination) duplicates() {
	if e.organization.DuplicateDetection {
		e.report.ok(e.name, "duplicate detection", "it is on")
		return
	}
	e.report.warn(e.name, "duplicate detection", "it is off, or the organisation's record may not be read: duplicates are not found",
		"switch it on, when a record is created or updated, under Settings > Data management > Duplicate detection settings")
}

// webhooks checks where Dataverse is to post, and what is registered.
func (e *examination) webhooks(ctx context.Context, s streams) error {
	target := &webhookTarget{place: e.place, Environment: e.name}
	r, done, err := target.open(ctx, streams{out: s.out, log: s.log})
	if err != nil {
		return err
	}
	defer done()
	names, err := e.sourceNames("")
	if err != nil {
		return err
	}
	for _, name := range names {
		e.webhook(ctx, r, name)
	}
	return nil
}

func (e *examination) webhook(ctx context.Context, r *registrar, source string) {
	check := "webhook " + source
	if _, err := e.deliveryURL("", e.name, source); err != nil {
		e.report.failed(e.name, check, err.Error(), "set webhook.public_url to where Dataverse reaches the webhook listener: https on port 443, or http on 80")
		return
	}
	registered, err := r.registered(ctx, source)
	if err != nil {
		e.report.failed(e.name, check, err.Error(), "give the application user the right to read service endpoints")
		return
	}
	if registered == nil {
		e.report.warn(e.name, check, "it is not registered: nothing is told of its changes", "run `botverse webhook register --environment "+e.name+"`")
		return
	}
	w, err := r.webhook(source)
	var differences []dataverse.Difference
	if err == nil {
		differences, err = e.client.VerifyWebhook(ctx, w)
	}
	switch {
	case err != nil:
		e.report.failed(e.name, check, err.Error(), "run `botverse webhook verify --environment "+e.name+"`")
	case len(differences) > 0:
		var texts []string
		for _, d := range differences {
			texts = append(texts, d.String())
		}
		e.report.failed(e.name, check, strings.Join(texts, "; "), "run `botverse webhook verify --fix --environment "+e.name+"`")
	default:
		e.report.ok(e.name, check, "it is registered as it should be")
	}
}
