package saved

import "github.com/botverse/botverse/actions"

// The values of the contract's enums as package actions has them; a name that is not there is the default.
var (
	onDuplicates = map[string]actions.OnDuplicate{
		"DO_NOT_CREATE": actions.DoNotCreate, "CREATE_DUPLICATE": actions.CreateDuplicate, "USE_EXISTING": actions.UseExisting,
		"UPDATE_EXISTING": actions.UpdateExisting, "FILL_BLANKS": actions.FillExisting, "UPDATE_IF_NEWER": actions.UpdateIfNewer,
	}
	onUnsets = map[string]actions.OnUnset{"OMIT": actions.Omit, "REFUSE": actions.Refuse}
	merges   = map[string]actions.Merge{"OVERWRITE": actions.Overwrite, "FILL_BLANKS": actions.FillBlanks, "NEWEST_WINS": actions.NewestWins}
)

// onMultiple is what a search does where several records match.
func (b body) searchMultiple() actions.OnMultiple {
	if b.onMultiple == "AMBIGUOUS" {
		return actions.TakeNone
	}
	return actions.TakeFirst
}

func (b body) createRecord(c Call, environment string, variables map[string]any) actions.CreateRecord {
	return actions.CreateRecord{
		Environment: environment, Entity: b.entity, Fields: b.fields, Variables: variables, Save: b.save, SaveDefaults: b.saveDefaults,
		OnDuplicate: onDuplicates[b.onDuplicate], MatchOn: b.matchOn, IgnoreRules: b.ignoreRules, ReportDuplicates: b.reportDuplicates, AsOf: b.asOf, UseFirst: b.onMultiple == "FIRST",
		OnUnset: onUnsets[b.onUnset], CutLongText: b.cutLongText, TimeZone: c.zone(b), Culture: c.culture(b),
		RequestID: c.RequestID, Namespace: c.Namespace, ValidateOnly: c.ValidateOnly,
	}
}

func (b body) updateRecord(c Call, environment string, variables map[string]any) actions.UpdateRecord {
	return actions.UpdateRecord{
		Environment: environment, Entity: b.entity, RecordID: b.recordID, Key: b.key, Where: b.where, Conditions: b.conditions,
		OrderBy: b.orderBy, UseFirst: b.onMultiple == "FIRST", MaxCandidates: b.maxCandidates,
		Fields: b.fields, Merge: merges[b.merge], AsOf: b.asOf, Variables: variables, Save: b.save, SaveDefaults: b.saveDefaults,
		OnUnset: onUnsets[b.onUnset], CutLongText: b.cutLongText, TimeZone: c.zone(b), Culture: c.culture(b),
		RequestID: c.RequestID, Namespace: c.Namespace, ValidateOnly: c.ValidateOnly,
	}
}

func (b body) upsertRecord(c Call, environment string, variables map[string]any) actions.UpsertRecord {
	return actions.UpsertRecord{
		UpdateRecord: b.updateRecord(c, environment, variables), OnDuplicate: onDuplicates[b.onDuplicate], ReportDuplicates: b.reportDuplicates,
	}
}

func (b body) findRecord(c Call, environment string, variables map[string]any) actions.FindRecord {
	return actions.FindRecord{
		Environment: environment, Entity: b.entity, Where: b.where, Conditions: b.conditions, OrderBy: b.orderBy,
		Save: b.save, SaveDefaults: b.saveDefaults, Variables: variables, OnMultiple: b.searchMultiple(), MaxCandidates: b.maxCandidates,
		CountMatches: b.countMatches, TimeZone: c.zone(b), Culture: c.culture(b), ValidateOnly: c.ValidateOnly,
	}
}

func (b body) findRecordByFetchXML(c Call, environment string, variables map[string]any) actions.FindRecordByFetchXML {
	return b.findRecord(c, environment, variables).ByFetchXML(b.fetchXML)
}
