package odata_test

import (
	"fmt"

	"github.com/botverse/botverse/dataverse/odata"
)

func ExampleQuery_Encode() {
	top := 2
	q := odata.Query{
		Select:  []string{"fullname"},
		Filter:  &odata.Compare{Path: odata.Path{"lastname"}, Op: odata.Eq, Value: odata.String("O'Neill & Sons")},
		OrderBy: []odata.Order{{Path: odata.Path{"createdon"}}},
		Top:     &top,
	}
	fmt.Println("contacts?" + q.Encode())
	// Output: contacts?$select=fullname&$filter=lastname%20eq%20'O''Neill%20%26%20Sons'&$orderby=createdon&$top=2
}

func ExampleParseFilter() {
	e, err := odata.ParseFilter("statecode eq 0 and contains(name,'bot')")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, term := range e.(*odata.Logical).Terms {
		fmt.Printf("%T %s\n", term, odata.FormatFilter(term))
	}
	_, err = odata.ParseFilter("name in ('a','b')")
	fmt.Println(err)
	// Output:
	// *odata.Compare statecode eq 0
	// *odata.Call contains(name,'bot')
	// the operator 'in' is not supported: use Microsoft.Dynamics.CRM.In(PropertyName='…',PropertyValues=[…]) at position 5 in 'name in ('a','b')'
}
