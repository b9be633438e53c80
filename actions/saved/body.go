package saved

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/botverse/botverse/actions"
)

// body is what an action is asked for, member for member as the request of its kind has it over REST. What comes with each
// call is not in it: variables, request ID, environment, validateOnly.
type body struct {
	entity              string
	recordID            string
	key, where, fields  map[string]any
	conditions          []actions.Condition
	fetchXML            string
	fetchPlace          textPlace
	orderBy, matchOn    []string
	save                map[string]string
	saveDefaults        map[string]any
	onDuplicate         string
	onMultiple, onUnset string
	merge, asOf         string
	ignoreRules         bool
	reportDuplicates    bool
	cutLongText         bool
	countMatches        bool
	maxCandidates       int
	timeZone            string
	culture             string
}

// bodyMember is a member of a body: what Parse takes and what Schema tells.
type bodyMember struct {
	name     string
	kinds    []Kind
	into     func(*body) any // a pointer, whose type says what the member is
	needed   bool
	values   []string       // that it may have; nil for any
	shape    *regexp.Regexp // of a text, of each text of a list, or of the names of a mapping
	right    string         // what the shape asks for
	most     int            // characters, elements, or the greatest number; 0 for any
	describe string
}

// The kinds by what they have in common.
var (
	creating = []Kind{CreateRecord}
	changing = []Kind{UpdateRecord, UpsertRecord}
	writing  = []Kind{CreateRecord, UpdateRecord, UpsertRecord}
	making   = []Kind{CreateRecord, UpsertRecord}
	fetching = []Kind{FindRecordByFetchXML}
	reading  = []Kind{FindRecord, FindRecordByFetchXML}
	choosing = []Kind{UpdateRecord, UpsertRecord, FindRecord}
	listing  = []Kind{UpdateRecord, UpsertRecord, FindRecord, FindRecordByFetchXML}
)

// bodyMembers are the members of all bodies, with the names and the bounds that the contract's requests give them.
var bodyMembers = []bodyMember{
	{name: "entity", kinds: Kinds(), into: func(b *body) any { return &b.entity }, needed: true,
		shape: regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]{0,127}$`), right: `an entity's logical name, as "contact"`,
		describe: `The entity's logical name, as "contact".`},
	{name: "recordId", kinds: changing, into: func(b *body) any { return &b.recordID }, most: 4096,
		describe: `Which record: its ID, or a template that gives an ID or a reference. One of recordId, key, and where with conditions says which record is meant.`},
	{name: "key", kinds: changing, into: func(b *body) any { return &b.key },
		describe: "Which record: the fields of an alternate key, all of them, with their values."},
	{name: "where", kinds: choosing, into: func(b *body) any { return &b.where },
		describe: "What the record's fields must equal, by logical name; all of them. A template whose variable is unset, null or blank is refused."},
	{name: "conditions", kinds: choosing, into: func(b *body) any { return &b.conditions }, most: 32,
		describe: "What the record's fields must fulfil beside where, for what equality cannot say."},
	{name: "fetchXml", kinds: fetching, into: func(b *body) any { return &b.fetchXML }, needed: true, most: 65536,
		describe: "The query. Outputs stand inside a condition's value, inside <value>, and in when-set, nowhere else."},
	{name: "fields", kinds: writing, into: func(b *body) any { return &b.fields }, needed: true,
		describe: "Values by the field's logical name, or its label: literals, templates, lookups. Null clears; a variable that is not set leaves the field out."},
	{name: "save", kinds: Kinds(), into: func(b *body) any { return &b.save }, most: 256,
		shape: regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,127}$`), right: "a variable's name, of letters, digits, _, . and -",
		describe: `What to save where: variable to source. A source is a field, a field with @formatted, or one of @id, @url, @record and @count.`},
	{name: "saveDefaults", kinds: Kinds(), into: func(b *body) any { return &b.saveDefaults },
		describe: "Values for variables of save whose source has none. Without one it is null."},
	{name: "onDuplicate", kinds: making, into: func(b *body) any { return &b.onDuplicate },
		values:   []string{"DO_NOT_CREATE", "CREATE_DUPLICATE", "USE_EXISTING", "UPDATE_EXISTING", "FILL_BLANKS", "UPDATE_IF_NEWER"},
		describe: "What to do where the record exists already; DO_NOT_CREATE without it."},
	{name: "matchOn", kinds: creating, into: func(b *body) any { return &b.matchOn }, most: 16,
		shape: regexp.MustCompile(`^.{1,128}$`), right: "a field's logical name, or its label",
		describe: "Fields that tell, all of them equal, that a record exists already."},
	{name: "ignoreDuplicateRules", kinds: creating, into: func(b *body) any { return &b.ignoreRules },
		describe: "Looks for existing records by matchOn alone."},
	{name: "reportDuplicates", kinds: making, into: func(b *body) any { return &b.reportDuplicates },
		describe: "For CREATE_DUPLICATE: tells the records that are duplicated by Dataverse's rules."},
	{name: "merge", kinds: changing, into: func(b *body) any { return &b.merge }, values: []string{"OVERWRITE", "FILL_BLANKS", "NEWEST_WINS"},
		describe: "How the values meet those that the record has; OVERWRITE without it."},
	{name: "asOf", kinds: writing, into: func(b *body) any { return &b.asOf }, most: 4096,
		describe: "For NEWEST_WINS and UPDATE_IF_NEWER: when what fields say was true, as RFC 3339, or a template that gives that."},
	{name: "orderBy", kinds: choosing, into: func(b *body) any { return &b.orderBy }, most: 8,
		shape: regexp.MustCompile(`^.{1,300}$`), right: `a field and, where need be, asc or desc, as "createdon desc"`,
		describe: `Fields to order by, each as "createdon desc".`},
	{name: "onMultiple", kinds: Kinds(), into: func(b *body) any { return &b.onMultiple }, values: []string{"FIRST", "AMBIGUOUS"},
		describe: "What to do where several records match. Without it a search takes the first, and a write none."},
	{name: "maxCandidates", kinds: listing, into: func(b *body) any { return &b.maxCandidates }, most: 50,
		describe: "How many candidates to list where several records match."},
	{name: "countMatches", kinds: reading, into: func(b *body) any { return &b.countMatches },
		describe: "Tells exactly how many records match."},
	{name: "onUnset", kinds: writing, into: func(b *body) any { return &b.onUnset }, values: []string{"OMIT", "REFUSE"},
		describe: "What to do with a field whose variable is not set; OMIT without it."},
	{name: "cutLongText", kinds: writing, into: func(b *body) any { return &b.cutLongText },
		describe: "Cuts a text that is longer than its field allows, in place of refusing it."},
	{name: "timeZone", kinds: Kinds(), into: func(b *body) any { return &b.timeZone }, most: 64,
		describe: `The IANA time zone ("Europe/Berlin") of points in time given without an offset. A call may give another.`},
	{name: "culture", kinds: Kinds(), into: func(b *body) any { return &b.culture }, most: 64,
		describe: `The language, as "de" or "en-US", in which texts write numbers. A call may give another.`},
}

// perCall are the members of requests that come with each call, and why a definition has none.
var perCall = map[string]string{
	"variables":    "comes with each call",
	"requestId":    "comes with each call: it is the key of that one call",
	"validateOnly": "comes with each call",
	"environment":  "stands beside the action, not in it",
}

// membersOf are the members of a kind's body.
func membersOf(kind Kind) []*bodyMember {
	var members []*bodyMember
	for i := range bodyMembers {
		if slices.Contains(bodyMembers[i].kinds, kind) {
			members = append(members, &bodyMembers[i])
		}
	}
	return members
}

// read takes the body of a kind out of a file.
func (b *body) read(r *reader, kind Kind, m member) {
	known, names := membersOf(kind), []string{}
	for _, k := range known {
		names = append(names, k.name)
	}
	for why := range perCall {
		names = append(names, why)
	}
	given := r.members(m.value, m.path, names)
	for _, g := range given {
		if why := perCall[g.name]; why != "" {
			r.fault(g.key, g.path, "%s: leave it out here", why)
			continue
		}
		i := slices.IndexFunc(known, func(k *bodyMember) bool { return k.name == g.name })
		b.readMember(r, known[i], g)
	}
	if m.value.Kind != yaml.MappingNode {
		return
	}
	for _, k := range known {
		if k.needed && !slices.ContainsFunc(given, func(g member) bool { return g.name == k.name }) {
			r.fault(m.key, join(m.path, k.name), "is missing: it must have a value")
		}
	}
}

// readMember takes one member.
func (b *body) readMember(r *reader, k *bodyMember, m member) {
	switch into := k.into(b).(type) {
	case *string:
		*into = k.readText(r, m)
		if into == &b.fetchXML {
			b.fetchPlace = textPlaceOf(m.value, r.text)
		}
	case *bool:
		if flag, ok := r.value(m.value, m.path, 0).(bool); ok {
			*into = flag
		} else {
			r.fault(m.value, m.path, "must be true or false, and is %s", kindOf(m.value))
		}
	case *int:
		*into = k.readNumber(r, m)
	case *[]string:
		*into = k.readTexts(r, m)
	case *map[string]string:
		*into = k.readNames(r, m)
	case *map[string]any:
		if m.value.Kind != yaml.MappingNode {
			r.fault(m.value, m.path, "must be a mapping, and is %s", kindOf(m.value))
			return
		}
		*into, _ = r.value(m.value, m.path, 0).(map[string]any)
	case *[]actions.Condition:
		*into = k.readConditions(r, m)
	}
}

func (k *bodyMember) readText(r *reader, m member) string {
	text, ok := r.textOf(m.value, m.path)
	switch {
	case !ok:
	case text == "":
		r.fault(m.value, m.path, "is empty: give it a value, or leave it out")
	case k.values != nil && !slices.Contains(k.values, text):
		f := unknownMember(m.path, text, k.values)
		f.Message = fmt.Sprintf("%q is none of %s", text, strings.Join(k.values, ", "))
		f.Allowed = k.values
		r.add(m.value, f)
	default:
		k.checkText(r, m.value, m.path, text)
	}
	return text
}

// checkText holds a text to the member's shape and length.
func (k *bodyMember) checkText(r *reader, n node, path, text string) {
	switch {
	case k.shape != nil && !k.shape.MatchString(text):
		r.fault(n, path, "%q is not valid: it must be %s", text, k.right)
	case k.shape == nil && k.most > 0 && len(text) > k.most:
		r.fault(n, path, "is longer than %d characters", k.most)
	}
}

func (k *bodyMember) readNumber(r *reader, m member) int {
	n, err := strconv.Atoi(m.value.Value)
	if err != nil || m.value.ShortTag() != "!!int" || n < 0 || n > k.most {
		r.fault(m.value, m.path, "must be a whole number from 0 to %d", k.most)
	}
	return n
}

func (k *bodyMember) readTexts(r *reader, m member) []string {
	var texts []string
	for i, element := range k.elements(r, m) {
		path := fmt.Sprintf("%s[%d]", m.path, i)
		text, ok := r.textOf(element, path)
		if ok {
			k.checkText(r, element, path, text)
		}
		texts = append(texts, text)
	}
	return texts
}

// elements are the elements of a list.
func (k *bodyMember) elements(r *reader, m member) []node {
	switch {
	case m.value.Kind != yaml.SequenceNode:
		r.fault(m.value, m.path, "must be a list, and is %s", kindOf(m.value))
		return nil
	case len(m.value.Content) > k.most:
		r.fault(m.value, m.path, "has %d elements: %d are the most", len(m.value.Content), k.most)
	}
	for i, element := range m.value.Content {
		r.places[fmt.Sprintf("%s[%d]", m.path, i)] = place{element.Line, element.Column}
	}
	return m.value.Content
}

// maxSource bounds a source of save, in characters.
const maxSource = 300

func (k *bodyMember) readNames(r *reader, m member) map[string]string {
	names := map[string]string{}
	for _, pair := range r.pairs(m.value, m.path) {
		r.places[pair.path] = place{pair.key.Line, pair.key.Column}
		k.checkText(r, pair.key, pair.path, pair.name)
		text, ok := r.textOf(pair.value, pair.path)
		if ok && (text == "" || len(text) > maxSource) {
			r.fault(pair.value, pair.path, `must be a source of at most %d characters, as "fullname" or "@id"`, maxSource)
		}
		names[pair.name] = text
	}
	if len(names) > k.most {
		r.fault(m.value, m.path, "has %d variables: %d are the most", len(names), k.most)
	}
	return names
}

// conditionMembers are the members of a condition.
var conditionMembers = []string{"field", "operator", "value"}

func (k *bodyMember) readConditions(r *reader, m member) []actions.Condition {
	var conditions []actions.Condition
	for i, element := range k.elements(r, m) {
		var c actions.Condition
		path := fmt.Sprintf("%s[%d]", m.path, i)
		for _, part := range r.members(element, path, conditionMembers) {
			switch part.name {
			case "field":
				c.Field, _ = r.textOf(part.value, part.path)
			case "operator":
				c.Operator, _ = r.textOf(part.value, part.path)
			case "value":
				c.Value = r.value(part.value, part.path, 0)
			}
		}
		if element.Kind == yaml.MappingNode && (c.Field == "" || c.Operator == "") {
			r.fault(element, path, "needs a field and an operator")
		}
		conditions = append(conditions, c)
	}
	return conditions
}
