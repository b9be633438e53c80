package dataverse

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// Rules are the duplicate rules that Dataverse checks a new record of an entity by.
type Rules struct {
	InForce bool            // whether anything is checked at all
	Why     string          // where nothing is: the reason, a sentence for people
	Rules   []DuplicateRule // the published rules; empty where none is in force
}

// DuplicateRule is a published rule: a record is a duplicate of a matching one where all conditions hold.
type DuplicateRule struct {
	ID              ID
	Name            string
	BaseEntity      string // of the record that is created
	MatchingEntity  string // of the records it is compared with
	CaseSensitive   bool
	ExcludeInactive bool // only active records are compared with
	Conditions      []DuplicateCondition
}

// DuplicateOperator is how a condition compares, Dataverse's operatorcode.
type DuplicateOperator int

// The operators.
const (
	SameValue        DuplicateOperator = 0
	SameFirst        DuplicateOperator = 1 // characters
	SameLast         DuplicateOperator = 2 // characters
	SameDate         DuplicateOperator = 3
	SameDateAndTime  DuplicateOperator = 4
	SameChoiceLabel  DuplicateOperator = 5
	SameChoiceNumber DuplicateOperator = 6
)

// DuplicateCondition is one condition of a rule.
type DuplicateCondition struct {
	BaseField     string
	MatchingField string
	Operator      DuplicateOperator
	Characters    int  // of SameFirst and SameLast
	IgnoreBlank   bool // whether a blank value makes the condition fail, instead of being equal to a blank one
}

const (
	rulesFresh     = time.Minute
	rulesValid     = 10 * time.Minute
	maxRuleSets    = 256 // that are remembered at once
	maxDuplicates  = 50  // that are asked for
	publishedState = "statecode eq 1 and statuscode eq 2"
)

// DuplicateRules are the rules in force for new records of an entity. They are remembered for a minute. Rules that may
// not be read are no error: InForce is false then, and Why says it.
func (c *Client) DuplicateRules(ctx context.Context, baseEntity string) (Rules, error) {
	if !entityName.MatchString(baseEntity) {
		return Rules{}, c.unknownEntity(ctx, "DuplicateRules", baseEntity)
	}
	rules, err := patiently(ctx, c, func() (Rules, error) { return c.rules.get(ctx, baseEntity) })
	return rules, ofCaller(err, "DuplicateRules", baseEntity)
}

func newRules(c *Client) *memory[Rules] {
	return &memory[Rules]{timeout: metadataTimeout, max: maxRuleSets, fetch: func(ctx context.Context, base string) (Rules, life, error) {
		rules, err := c.fetchRules(ctx, base)
		return rules, life{fresh: rulesFresh, valid: rulesValid}, err
	}}
}

// fetchRules looks at all that must be so for a rule to be in force (Web API, "Detect duplicate data").
func (c *Client) fetchRules(ctx context.Context, base string) (Rules, error) {
	organization, err := c.Organization(ctx)
	if err != nil {
		return Rules{}, err
	}
	if organization.readable && !organization.DuplicateDetection {
		return Rules{Why: "duplicate detection is switched off in the organization's settings"}, nil
	}
	entity, err := c.Entity(ctx, base)
	if err != nil {
		return Rules{}, err
	}
	if !entity.DuplicateDetection {
		return Rules{Why: "duplicate detection is not enabled for the entity " + base}, nil
	}
	rules, err := c.publishedRules(ctx, base)
	if errors.Is(err, ErrForbidden) {
		return Rules{Why: "the application user may not read the duplicate rules"}, nil
	}
	if err != nil {
		return Rules{}, err
	}
	if len(rules) == 0 {
		return Rules{Why: "no duplicate rule is published for the entity " + base}, nil
	}
	return Rules{InForce: true, Rules: rules}, nil
}

func (c *Client) publishedRules(ctx context.Context, base string) ([]DuplicateRule, error) {
	published, err := odata.ParseFilter("baseentityname eq '" + odata.EscapeString(base) + "' and " + publishedState)
	if err != nil {
		return nil, &Error{Op: "DuplicateRules", Entity: base, Err: because(ErrRefused, err)}
	}
	page, err := c.ListRecords(ctx, platformEntity("duplicaterule", "duplicaterules"), &odata.Query{
		Select:  []string{"name", "baseentityname", "matchingentityname", "iscasesensitive", "excludeinactiverecords"},
		Filter:  published,
		OrderBy: []odata.Order{{Path: odata.Path{"name"}}},
		Expand: []odata.Expand{{
			Navigation: "DuplicateRule_DuplicateRuleConditions",
			Select:     []string{"baseattributename", "matchingattributename", "operatorcode", "operatorparam", "ignoreblankvalues"},
		}},
	})
	if err != nil {
		return nil, err
	}
	rules := make([]DuplicateRule, len(page.Records))
	for i, r := range page.Records {
		rules[i] = ruleOf(r)
	}
	return rules, nil
}

func ruleOf(r Record) DuplicateRule {
	rule := DuplicateRule{
		ID: r.ID(), Name: r.text("name"), BaseEntity: r.text("baseentityname"), MatchingEntity: r.text("matchingentityname"),
		CaseSensitive: r.bool("iscasesensitive"), ExcludeInactive: r.bool("excludeinactiverecords"),
	}
	conditions := r.records("DuplicateRule_DuplicateRuleConditions")
	for _, condition := range conditions {
		rule.Conditions = append(rule.Conditions, DuplicateCondition{
			BaseField:     condition.text("baseattributename"),
			MatchingField: condition.text("matchingattributename"),
			Operator:      DuplicateOperator(condition.int("operatorcode")),
			Characters:    condition.int("operatorparam"),
			// A rule of one condition always ignores blanks: it would hold all records without the value for duplicates (Web API,
			// "Detect duplicate data").
			IgnoreBlank: condition.bool("ignoreblankvalues") || len(conditions) == 1,
		})
	}
	return rule
}

// RetrieveDuplicates finds the records of matching that the published rules hold for duplicates of a record of base with the
// given values, of which only the rules' base fields are needed. At most 50 are returned, of those that the application
// user may read.
func (c *Client) RetrieveDuplicates(ctx context.Context, base *schema.Entity, values Fields, matching *schema.Entity) ([]Record, error) {
	record := make(map[string]any, len(values)+1)
	maps.Copy(record, values)
	record["@odata.type"] = "Microsoft.Dynamics.CRM." + base.LogicalName
	business, err := json.Marshal(record)
	if err != nil {
		return nil, &Error{Op: "RetrieveDuplicates", Entity: base.LogicalName, Message: "the values cannot be written as JSON", Err: ErrRefused}
	}
	paging, _ := json.Marshal(map[string]int{"PageNumber": 1, "Count": maxDuplicates})
	q := call{op: "RetrieveDuplicates", entity: base.LogicalName, method: http.MethodGet, read: true}
	q.path = "RetrieveDuplicates(BusinessEntity=@p1,MatchingEntityName=@p2,PagingInfo=@p3)"
	q.query = (&odata.Query{Aliases: map[string]string{
		"@p1": string(business), "@p2": "'" + odata.EscapeString(matching.LogicalName) + "'", "@p3": string(paging),
	}}).Encode()
	q.annotations = true
	page, err := c.page(ctx, matching, q)
	return page.Records, err
}
