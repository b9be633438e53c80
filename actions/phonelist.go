package actions

import (
	"context"
	"fmt"
	"slices"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// phoneRows is how many rows a search by a number asks for first: all, nearly always, as few records have the digits.
const phoneRows = 100

// phoneOrder is what the order of a search by a number begins with, as an answer's OrderedBy has it: records that have the number
// as their own in a usual spelling come first, then those that have it as their own, then the others.
const phoneOrder = "@phone"

// phoneWanted is how many records a search by a number needs.
type phoneWanted struct {
	least int // records that the answer has a use for; 0 for all
	usual int // records with a usual spelling that answer by themselves; 0 where no number of them does
}

// phoneFound is what a search by a number found, in the order of phoneOrder and then that of the query.
type phoneFound struct {
	records []dataverse.Record
	more    bool // whether there may be more
	capped  bool // whether this is because there are more rows than Dataverse gives at once
}

// rankedRow is a record that has the number, and how well.
type rankedRow struct {
	row  dataverse.Record
	rank phoneRank
}

// list reads the records that have the number. Those with a usual spelling come first and cost little; where they are not enough,
// all records with the digits are read through. It asks three times at most.
func (p *phoneSearch) list(ctx context.Context, client *dataverse.Client, e *schema.Entity, q *odata.Query, wanted phoneWanted) (phoneFound, error) {
	usual, more, err := p.listUsual(ctx, client, e, q)
	if err != nil || wanted.usual > 0 && len(usual) >= wanted.usual {
		return phoneFound{records: inOrder(usual), more: true}, err
	}
	if more {
		wanted.least = 0 // there are usual spellings beyond these, which come before the others
	}
	rows, found, err := p.listAll(ctx, client, e, q, wanted.least)
	if err != nil {
		return phoneFound{}, err
	}
	known := map[dataverse.ID]bool{}
	for _, r := range usual {
		known[r.row.ID()] = true
	}
	found.records = inOrder(append(usual, slices.DeleteFunc(rows, func(r rankedRow) bool { return known[r.row.ID()] })...))
	return found, nil
}

// inOrder is the records, those that have the number better first and else as they come.
func inOrder(rows []rankedRow) []dataverse.Record {
	slices.SortStableFunc(rows, func(a, b rankedRow) int { return int(a.rank - b.rank) })
	records := make([]dataverse.Record, len(rows))
	for i, r := range rows {
		records[i] = r.row
	}
	return records
}

// ordered is the order of a search, in which that of the number comes first; without a number, the order as it is.
func (p *phoneSearch) ordered(orders []string) []string {
	if p == nil {
		return orders
	}
	return append([]string{phoneOrder}, orders...)
}

// listUsual reads the records that have the number as their own in a usual spelling. more says that there may be others.
func (p *phoneSearch) listUsual(ctx context.Context, client *dataverse.Client, e *schema.Entity, q *odata.Query) (rows []rankedRow, more bool, err error) {
	if p.usual == nil {
		return nil, false, nil
	}
	asked := *q
	asked.Filter = p.usual
	rows, more, err = p.ask(ctx, client, e, &asked, phoneRows)
	return slices.DeleteFunc(rows, func(r rankedRow) bool { return r.rank != usualNumber }), more, err
}

// listAll reads the records that have the number, in the query's order, until there are least of them that have it as their own;
// all of them where least is 0. It asks twice at most.
func (p *phoneSearch) listAll(ctx context.Context, client *dataverse.Client, e *schema.Entity, q *odata.Query, least int) (rows []rankedRow, found phoneFound, err error) {
	for _, most := range []int{phoneRows, mostRows} {
		if rows, found.more, err = p.ask(ctx, client, e, q, most); err != nil {
			return nil, found, err
		}
		own := 0
		for _, r := range rows {
			if r.rank < anothersNumber {
				own++
			}
		}
		if !found.more || least > 0 && own >= least {
			return rows, found, nil
		}
	}
	found.capped = true
	return rows, found, nil
}

// ask sends the query for that many rows. full says that there are as many.
func (p *phoneSearch) ask(ctx context.Context, client *dataverse.Client, e *schema.Entity, q *odata.Query, most int) (rows []rankedRow, full bool, err error) {
	asked := *q
	asked.Top, asked.Count = &most, false // Dataverse's count has the false friends in it
	page, err := client.ListRecords(ctx, e, &asked)
	if err != nil {
		return nil, false, err
	}
	for _, row := range page.Records {
		if rank := p.rank(row); rank != noNumber {
			rows = append(rows, rankedRow{row, rank})
		}
	}
	return rows, page.More || len(page.Records) >= most, nil
}

// plan lists the requests that list sends.
func (p *phoneSearch) plan(ctx context.Context, client *dataverse.Client, e *schema.Entity, q *odata.Query, wanted phoneWanted, requests *plan) error {
	if p.usual != nil {
		_, _, err := p.listUsual(ctx, client, e, q)
		if err := requests.heldBack(err); err != nil {
			return err
		}
		requests.hold(wanted.condition())
	}
	for _, rows := range []int{phoneRows, mostRows} {
		_, _, err := p.ask(ctx, client, e, q, rows)
		if err := requests.heldBack(err); err != nil {
			return err
		}
		requests.hold(fmt.Sprintf("if %d records have the number's digits, and too few of them the number", phoneRows))
	}
	return nil
}

// condition is when all records are read through, as a plan has it; "" for always.
func (w phoneWanted) condition() string {
	switch w.usual {
	case 0:
		return ""
	case 1:
		return "if no record has the number as its own in a usual spelling"
	}
	return fmt.Sprintf("if fewer than %d records have the number as their own in a usual spelling", w.usual)
}
