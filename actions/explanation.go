package actions

import (
	"context"

	"github.com/botverse/botverse/dataverse"
)

// Explanation tells why a call with ValidateOnly would send what it lists.
type Explanation struct {
	Conversions    []Conversion    // what became of the request's values
	DuplicateRules []DuplicateRule // by which Dataverse would look for duplicates; empty where it is not asked to
	Privileges     []string        // that the requests need, sorted
	Cost           Cost
}

// Cost is how many requests a call makes of Dataverse, as the records are now. Signing in comes on top, and so do metadata and
// duplicate rules that are not in the cache, and what is sent again.
type Cost struct {
	Least int // those that are sent in every case
	Most  int // with all that may have to follow; some of it excludes the other
}

func costOf(requests []PlannedRequest) Cost {
	cost := Cost{Most: len(requests)}
	for _, request := range requests {
		if request.Condition == "" {
			cost.Least++
		}
	}
	return cost
}

// Conversion is one value of a request, as it was given and as it is sent.
type Conversion struct {
	Field     string // where it was given, as "fields.statuscode", "where.fullname", "fetch_xml:3:14"
	Given     string // "" where the field is sensitive
	Sent      string // likewise: the body's value, in a search the condition, in FetchXML the operand
	Reason    string // a sentence for people
	Sensitive bool
}

// explain adds to the answer of a call with ValidateOnly what its requests need.
func (p *plan) explain(ctx context.Context, client *dataverse.Client, result Result) (Result, error) {
	needed, err := privilegesOf(ctx, client, result.Requests)
	if err != nil {
		return Result{}, err
	}
	if result.Explanation == nil {
		result.Explanation = &Explanation{}
	}
	result.Explanation.Privileges, result.Explanation.Cost = needed, costOf(result.Requests)
	return result, nil
}
