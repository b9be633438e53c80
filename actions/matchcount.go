package actions

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/botverse/botverse/actions/fetch"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/odata"
)

const (
	// mostInCount is the greatest $count: of more records Dataverse says the same (Web API, "Query data using the Web API").
	mostInCount = 5000
	// mostAggregated is how many rows Dataverse aggregates at most (Web API, "Aggregate data").
	mostAggregated = 50_000
	// countAlias is what the number is called in an answer.
	countAlias = "botverse_count"
)

// tally is how many records match, as far as it is known.
type tally struct {
	count   int
	more    bool     // whether there may be more
	warning *Warning // where more was asked for than Dataverse tells
}

// seen is the tally of the records of one answer. full says that there may be more than these.
func seen(records []dataverse.Record, full bool) tally { return tally{count: len(records), more: full} }

// count is the tally of a search whose first records were read. The exact number, where it is asked for, costs no request
// up to 5,000 records, and one up to 50,000, beyond which Dataverse does not count.
func (s recordSearch) count(ctx context.Context, page dataverse.Page) (tally, error) {
	t := seen(page.Records, page.More || len(page.Records) >= s.top())
	if !t.more || !s.query.Count {
		return t, nil
	}
	if page.Count >= 0 && page.Count < mostInCount {
		return tally{count: max(page.Count, t.count)}, nil
	}
	counted, err := s.client.ListRecords(ctx, s.entity, s.counting())
	return t.exactly(counted, err, page.Count, mostAggregated)
}

// counting is the query that counts the records.
func (s recordSearch) counting() *odata.Query {
	return &odata.Query{Apply: &odata.Apply{Filter: s.query.Filter, Aggregates: []odata.Aggregate{{Method: "count", As: countAlias}}}}
}

// count is the tally of a search whose first records were read. The exact number, where it is asked for and these are not
// all, costs a request.
func (s fetchSearch) count(ctx context.Context, records []dataverse.Record, full bool) (tally, error) {
	t := seen(records, full)
	if !t.more || !s.countMatches {
		return t, nil
	}
	page, err := s.client.FetchRecords(ctx, s.entity, counting(s.fetch, s.entity.PrimaryID).XML())
	beyond := mostAggregated
	if s.query.Multiplies {
		beyond = 0 // of so many rows, any number of records
	}
	return t.exactly(page, err, 0, beyond)
}

// counting is the query that counts a query's records, each once however many rows it has (FetchXML, "Aggregate data").
func counting(query *fetchxml.Fetch, key string) *fetchxml.Fetch {
	c := query.Clone()
	c.Top, c.Distinct, c.UseRawOrderBy, c.Aggregate = nil, false, false, true
	selectNothing(&c.Entity.Contents)
	for link := range fetch.AllLinks(&c.Entity.Contents) {
		selectNothing(&link.Contents)
	}
	c.Entity.Attributes = []fetchxml.Attribute{{Name: key, Alias: countAlias, Aggregate: "countcolumn", Distinct: true}}
	return c
}

func selectNothing(c *fetchxml.Contents) {
	c.Attributes, c.AllAttributes, c.NoAttributes, c.Orders = nil, false, false, nil
}

// exactly is the tally by an answer to a query that counts. Where Dataverse refuses to count, there are at least as many as
// were seen or are known of, and beyond where the refusal is that there are too many.
func (t tally) exactly(page dataverse.Page, err error, known, beyond int) (tally, error) {
	var refusal *dataverse.Error
	switch {
	case err == nil && len(page.Records) == 1:
		number, _ := page.Records[0].Value(countAlias)
		text, _ := number.(json.Number)
		n, err := text.Int64()
		if err != nil {
			return t, errors.New("the environment answers a query that counts with something else than a number")
		}
		return tally{count: max(int(n), t.count)}, nil
	case err == nil:
		return t, errors.New("the environment answers a query that counts with something else than one row")
	case !errors.As(err, &refusal) || refusal.Code == heldCode || refusal.Code != code.AggregateQueryRecordLimitExceeded && refusal.Status != http.StatusBadRequest:
		return t, err
	case refusal.Code == code.AggregateQueryRecordLimitExceeded:
		known = max(known, beyond)
	}
	t.count = max(t.count, known)
	t.warning = &Warning{
		Code: CountCapped, Field: "count_matches",
		Message: "Dataverse would not count the matches, as it does not where they are more than 50,000: there are at least as many as match_count says.",
	}
	return t, nil
}
