package actions

// Outcome is what a flow branches on. The names are those of the contract.
type Outcome string

// The outcomes. The zero Outcome is answered with ValidateOnly alone and stands for "valid".
const (
	Created        Outcome = "CREATED"
	AlreadyCreated Outcome = "ALREADY_CREATED" // an earlier call with the same request ID made it
	Duplicate      Outcome = "DUPLICATE"       // records that match exist; nothing was made
	Existing       Outcome = "EXISTING"        // a record that matches exists, and is the answer; nothing was made
	Updated        Outcome = "UPDATED"         // a record that matches exists, and was changed
	Unchanged      Outcome = "UNCHANGED"       // a record that matches exists, and has all values already
	InDoubt        Outcome = "IN_DOUBT"        // a write was sent and its answer never came
	Matched        Outcome = "MATCHED"
	NotMatched     Outcome = "NOT_MATCHED"
	Ambiguous      Outcome = "AMBIGUOUS" // several match and the caller wants none then
)

// Result is what became of an action.
type Result struct {
	Outcome   Outcome
	Record    *Record          // nil where there is none
	Variables map[string]any   // the request's, with those of save set; a map of its own
	Omitted   []string         // fields left out because their variable is not set, sorted
	Existing  []Record         // of a creation: the records that exist already, of whatever entity
	Matches   []DuplicateMatch // by what each of Existing was found, in the same order
	Warnings  []Warning

	MatchCount  *int // of a search: distinct records seen, or all where they were counted
	MoreMatches bool // whether there may be more than MatchCount
	OrderedBy   []string
	Candidates  []Candidate
	PhoneSearch *PhoneSearch // of a search by a phone number: how it was read; nil else
	PhoneMatch  *PhoneMatch  // of such a search: by what Record was found

	Requests    []PlannedRequest // with ValidateOnly: what would be sent
	Explanation *Explanation     // with ValidateOnly: why; nil else
}

// Record names a record of Dataverse.
type Record struct {
	Entity string // logical name
	ID     string
	Name   string // the primary name's value, where it was read
	URL    string // where a person opens it
}

// Candidate is one of several records that match.
type Candidate struct {
	Record Record
	Fields map[string]any // the fields that the request saves, by their source

	PhoneMatch *PhoneMatch // of a search by a phone number: by what the record was found; nil else
}

// WarningCode is the kind of a Warning. The names are those of the contract's Warning.Code.
type WarningCode string

// The kinds of warnings.
const (
	NoDuplicateRule         WarningCode = "NO_DUPLICATE_RULE"
	DuplicateRuleNotApplied WarningCode = "DUPLICATE_RULE_NOT_APPLIED"
	DuplicatesNotReadable   WarningCode = "DUPLICATES_NOT_READABLE"
	TextCut                 WarningCode = "TEXT_CUT"
	LookupOmitted           WarningCode = "LOOKUP_OMITTED"
	PagingReplaced          WarningCode = "PAGING_REPLACED"
	OrderNotTotal           WarningCode = "ORDER_NOT_TOTAL"
	IDNotKept               WarningCode = "ID_NOT_KEPT"
	SaveNotReadable         WarningCode = "SAVE_NOT_READABLE"
	RecordDeleted           WarningCode = "RECORD_DELETED"
	LedgerUnavailable       WarningCode = "LEDGER_UNAVAILABLE"
	VersionNotChecked       WarningCode = "VERSION_NOT_CHECKED"
	FieldNotUpdatable       WarningCode = "FIELD_NOT_UPDATABLE"
	CountCapped             WarningCode = "COUNT_CAPPED"
	PhoneSearchCapped       WarningCode = "PHONE_SEARCH_CAPPED"
	DuplicateCreated        WarningCode = "DUPLICATE_CREATED"
	RecordNewer             WarningCode = "RECORD_NEWER"
)

// Warning is something the flow's author should know though the call succeeded.
type Warning struct {
	Code    WarningCode
	Message string // a sentence, without values
	Field   string // as "fields.emailaddress1"; "" where it is about none
}
