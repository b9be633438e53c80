package local

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
)

// document is a definition as JSON: of an entity, a field, a relationship.
type document = map[string]any

const crmNamespace = "Microsoft.Dynamics.CRM."

// defined is a definition with what is to be known to answer with it.
type defined struct {
	document document
	of       string         // its type, as the path makes it known: "AttributeMetadata" until it is cast
	entity   *schema.Entity // of an entity's definition: the one whose parts $expand may ask for
}

// metadataID gives each definition an ID that is the same everywhere.
func metadataID(name string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("botverse/dataverse/metadata/"+name)).String()
}

var encoding = schema.EncodeOptions{MetadataID: metadataID}

// isNamed reports whether a definition's key is its.
func (d defined) isNamed(name string) bool {
	for _, key := range []string{"LogicalName", "SchemaName", "MetadataId", "Name"} {
		if d.document[key] == name && name != "" {
			return true
		}
	}
	return false
}

// has reports whether a property can be selected: one that is told here, or one that Dataverse has but that is not known of
// the standard entities, and comes as null. The properties of a field's own type need a cast.
func (d defined) has(name string) bool {
	if slices.Contains(knownProperties[d.of], name) {
		return true
	}
	if d.of == "AttributeMetadata" {
		return false
	}
	if strings.HasSuffix(d.of, "AttributeMetadata") && slices.Contains(knownProperties["AttributeMetadata"], name) {
		return true
	}
	_, ok := d.document[name]
	return ok
}

// knownProperties are those of each type that the documents do not all have ("EntityMetadata EntityType",
// "AttributeMetadata EntityType", …).
var knownProperties = map[string][]string{
	"EntityMetadata": strings.Fields(`ActivityTypeMask AutoCreateAccessTeams AutoRouteToOwnerQueue CanBeInCustomEntityAssociation CanBeInManyToMany
		CanBePrimaryEntityInRelationship CanBeRelatedEntityInRelationship CanChangeHierarchicalRelationship CanChangeTrackingBeEnabled CanCreateAttributes
		CanCreateCharts CanCreateForms CanCreateViews CanEnableSyncToExternalSearchIndex CanModifyAdditionalSettings CanTriggerWorkflow CollectionSchemaName
		CreatedOn DataProviderId DataSourceId DaysSinceRecordLastModified Description EnforceStateTransitions EntityColor EntityHelpUrl EntityHelpUrlEnabled
		ExternalCollectionName ExternalName HasActivities HasChanged HasEmailAddresses HasFeedback HasNotes IconLargeName IconMediumName IconSmallName
		IconVectorName IntroducedVersion IsAIRUpdated IsAuditEnabled IsAvailableOffline IsBPFEntity IsBusinessProcessEnabled IsChildEntity
		IsConnectionsEnabled IsCustomizable IsDocumentManagementEnabled IsEnabledForCharts IsEnabledForExternalChannels IsEnabledForTrace IsImportable
		IsInteractionCentricEnabled IsKnowledgeManagementEnabled IsLogicalEntity IsMailMergeEnabled IsManaged IsMappable IsOfflineInMobileClient
		IsOneNoteIntegrationEnabled IsQuickCreateEnabled IsReadOnlyInMobileClient IsReadingPaneEnabled IsRenameable IsSLAEnabled IsSolutionAware
		IsStateModelAware IsValidForQueue IsVisibleInMobile IsVisibleInMobileClient MobileOfflineFilters ModifiedOn OwnerId OwnerIdType OwningBusinessUnit
		RecurrenceBaseEntityLogicalName ReportViewName Settings SyncToExternalSearchIndex UsesBusinessDataLabelTable`),
	"AttributeMetadata": strings.Fields(`AttributeOf AttributeType AttributeTypeName AutoNumberFormat CanBeSecuredForCreate CanBeSecuredForRead
		CanBeSecuredForUpdate CanModifyAdditionalSettings ColumnNumber CreatedOn DeprecatedVersion Description DisplayName EntityLogicalName ExternalName
		HasChanged InheritsFrom IntroducedVersion IsAuditEnabled IsCustomAttribute IsCustomizable IsDataSourceSecret IsFilterable IsGlobalFilterEnabled
		IsLogical IsManaged IsPrimaryId IsPrimaryName IsRenameable IsRequiredForForm IsRetrievable IsSearchable IsSecured IsSortableEnabled
		IsValidForAdvancedFind IsValidForCreate IsValidForForm IsValidForGrid IsValidForRead IsValidForUpdate IsValidODataAttribute LinkedAttributeId
		LogicalName MetadataId ModifiedOn RequiredLevel SchemaName SourceType`),
	"StringAttributeMetadata":   {"DatabaseLength", "Format", "FormulaDefinition", "ImeMode", "IsLocalizable", "SourceTypeMask", "YomiOf"},
	"MemoAttributeMetadata":     {"Format", "ImeMode", "IsLocalizable"},
	"PicklistAttributeMetadata": {"ChildPicklistLogicalNames", "FormulaDefinition", "ParentPicklistLogicalName", "SourceTypeMask"},
	"BooleanAttributeMetadata":  {"FormulaDefinition", "SourceTypeMask"},
	"IntegerAttributeMetadata":  {"FormulaDefinition", "SourceTypeMask"},
	"DecimalAttributeMetadata":  {"FormulaDefinition", "ImeMode", "SourceTypeMask"},
	"DoubleAttributeMetadata":   {"ImeMode"},
	"MoneyAttributeMetadata":    {"FormulaDefinition", "ImeMode", "SourceTypeMask"},
	"DateTimeAttributeMetadata": {"CanChangeDateTimeBehavior", "FormulaDefinition", "ImeMode", "MaxSupportedValue", "MinSupportedValue", "SourceTypeMask"},
	"LookupAttributeMetadata":   {"Format"},
	"EntityKeyMetadata":         {"AsyncJob", "CreatedOn", "HasChanged", "IntroducedVersion", "IsCustomizable", "IsExportKey", "IsManaged", "IsSecondaryKey", "IsSynchronous", "ModifiedOn"},
	"OptionSetMetadata":         {"ExternalTypeName", "HasChanged", "IntroducedVersion", "IsCustomizable", "ParentOptionSetName"},
}

// definedEntity is an entity's definition, without its parts.
func (s *Server) definedEntity(e *schema.Entity) defined {
	d := schema.EncodeEntity(e, encoding)
	maps.Copy(d, document{
		"IsCustomEntity": false, "IsManaged": true,
		"IsActivityParty": e.LogicalName == "activityparty" || slices.ContainsFunc(e.OneToMany, func(r schema.OneToMany) bool { return r.ReferencingEntity == "activityparty" }),
		"IsPrivate":       false, "IsValidForAdvancedFind": true, "ChangeTrackingEnabled": isTracked(e), "PrimaryImageAttribute": nil,
		"IsCustomizable": managedProperty(true, "iscustomizable"),
	})
	if e.Field("entityimage") != nil {
		d["PrimaryImageAttribute"] = "entityimage"
	}
	d["IsOptimisticConcurrencyEnabled"] = e.Field("versionnumber") != nil
	return defined{document: d, of: "EntityMetadata", entity: e}
}

func managedProperty(value bool, name string) document {
	return document{"Value": value, "CanBeChanged": true, "ManagedPropertyLogicalName": name}
}

// parts are the collections of an entity's definition, by the name of the navigation property.
func (s *Server) parts(e *schema.Entity, name string) ([]defined, bool) {
	var all []defined
	switch name {
	case "Attributes":
		for _, f := range e.Fields {
			all = append(all, defined{document: definedField(e, f), of: "AttributeMetadata"})
		}
	case "Keys":
		for _, k := range e.Keys {
			all = append(all, defined{document: schema.EncodeKey(e, k, encoding), of: "EntityKeyMetadata"})
		}
	case "ManyToOneRelationships":
		for _, r := range e.AllManyToOne() {
			all = append(all, relationship(s.manyToOne(e, r)))
		}
	case "OneToManyRelationships":
		for _, r := range e.OneToMany {
			all = append(all, relationship(s.oneToMany(e, r)))
		}
	case "ManyToManyRelationships":
		for _, r := range e.ManyToMany {
			all = append(all, relationship(manyToMany(r)))
		}
	default:
		return nil, false
	}
	return all, true
}

func definedField(e *schema.Entity, f *schema.Field) document {
	d := schema.EncodeField(e, f, encoding)
	maps.Copy(d, document{
		"IsCustomAttribute": false, "IsManaged": true, "IsLogical": f.AttributeOf != "", "SourceType": 0,
		"IsFilterable": false, "IsSearchable": false, "IsValidForAdvancedFind": managedProperty(true, "canmodifysearchsettings"),
	})
	switch f.Type {
	case schema.Money:
		base := strings.HasSuffix(f.LogicalName, "_base")
		d["IsBaseCurrency"], d["CalculationOf"], d["PrecisionSource"] = base, nil, 2
		if base {
			d["CalculationOf"] = strings.TrimSuffix(f.LogicalName, "_base")
		}
	case schema.Image:
		maps.Copy(d, document{"IsPrimaryImage": true, "CanStoreFullImage": true, "MaxHeight": 144, "MaxWidth": 144, "MaxSizeInKB": 10240})
	}
	return d
}

// relationship wraps a relationship's document. Among an entity's relationships of one kind it does not tell its type.
func relationship(d document) defined {
	of, _ := d["@odata.type"].(string)
	delete(d, "@odata.type")
	return defined{document: d, of: strings.TrimPrefix(of, "#"+crmNamespace)}
}

// manyToOne is a relationship seen from the entity with the lookup; what the other side says of it is added.
func (s *Server) manyToOne(e *schema.Entity, r schema.ManyToOne) document {
	d := schema.EncodeManyToOne(e, r, encoding)
	d["ReferencedAttribute"], d["ReferencedEntityNavigationPropertyName"] = nil, nil
	hierarchical := false
	if parent := s.schema.Entity(r.ReferencedEntity); parent != nil {
		d["ReferencedAttribute"] = parent.PrimaryID
		for _, other := range parent.OneToMany {
			if other.SchemaName == r.SchemaName {
				d["ReferencedEntityNavigationPropertyName"] = other.Navigation
			}
		}
		hierarchical = parent == e && query.HierarchyField(e) == r.Field
	}
	return oneToManyDocument(d, e, r.Field, hierarchical)
}

// oneToMany is the same relationship seen from the entity that is pointed at.
func (s *Server) oneToMany(e *schema.Entity, r schema.OneToMany) document {
	d := schema.EncodeOneToMany(e, r, encoding)
	d["ReferencingEntityNavigationPropertyName"] = nil
	child := s.schema.Entity(r.ReferencingEntity)
	if child == nil {
		return oneToManyDocument(d, nil, r.ReferencingField, false)
	}
	if f := child.Field(r.ReferencingField); f != nil && f.Navigation[e.LogicalName] != "" {
		d["ReferencingEntityNavigationPropertyName"] = f.Navigation[e.LogicalName]
	}
	return oneToManyDocument(d, child, r.ReferencingField, child == e && query.HierarchyField(e) == r.ReferencingField)
}

func oneToManyDocument(d document, child *schema.Entity, field string, hierarchical bool) document {
	maps.Copy(d, document{
		"@odata.type": "#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata", "CascadeConfiguration": cascadeConfiguration(child, field),
		"IsHierarchical": hierarchical, "IsCustomRelationship": false, "IsManaged": true, "IsValidForAdvancedFind": true,
	})
	return d
}

func manyToMany(r schema.ManyToMany) document {
	d := schema.EncodeManyToMany(r, encoding)
	maps.Copy(d, document{
		"@odata.type": "#Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata", "IsCustomRelationship": false, "IsManaged": true, "IsValidForAdvancedFind": true,
	})
	return d
}

// relationships are those of all entities, each once, by schema name.
func (s *Server) relationships() []defined {
	byName := map[string]document{}
	for _, name := range s.schema.Names() {
		e := s.schema.Entity(name)
		for _, r := range e.AllManyToOne() {
			byName[r.SchemaName] = s.manyToOne(e, r)
		}
		for _, r := range e.OneToMany {
			if _, known := byName[r.SchemaName]; !known {
				byName[r.SchemaName] = s.oneToMany(e, r)
			}
		}
		for _, r := range e.ManyToMany {
			byName[r.SchemaName] = manyToMany(r)
		}
	}
	var all []defined
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		all = append(all, defined{document: byName[name], of: "RelationshipMetadataBase"})
	}
	return all
}

// globalChoices are those that fields of the schema use, by name.
func (s *Server) globalChoices() []defined {
	byName := map[string]document{}
	for _, name := range s.schema.Names() {
		e := s.schema.Entity(name)
		for _, f := range e.Fields {
			if f.GlobalChoice == "" || byName[f.GlobalChoice] != nil {
				continue
			}
			if set, ok := schema.EncodeField(e, f, encoding)["GlobalOptionSet"].(document); ok {
				byName[f.GlobalChoice] = definedChoice(f.GlobalChoice, set)
			}
		}
	}
	var all []defined
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		all = append(all, defined{document: byName[name], of: "OptionSetMetadata"})
	}
	return all
}

func definedChoice(name string, set document) document {
	d := maps.Clone(set)
	maps.Copy(d, document{
		"@odata.type": "#Microsoft.Dynamics.CRM.OptionSetMetadata", "MetadataId": metadataID("optionset." + name), "IsCustomOptionSet": false, "IsManaged": true,
		"Description": document{"LocalizedLabels": []any{}, "UserLocalizedLabel": nil},
	})
	return d
}
