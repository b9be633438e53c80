package fetchxml_test

import (
	"fmt"

	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

func ExampleParse() {
	f, err := fetchxml.Parse(`<fetch><entity name='account'><filter><condition attribute='name' operator='eq' value='{{ company }}'/></filter></entity></fetch>`)
	if err != nil {
		fmt.Println(err)
		return
	}
	f.Entity.Filters[0].Conditions[0].Value = "Smith & Sons"
	fmt.Println(f.XML())
	// Output: <fetch><entity name="account"><filter><condition attribute="name" operator="eq" value="Smith &amp; Sons"/></filter></entity></fetch>
}

func ExampleCheck() {
	f, err := fetchxml.Parse("<fetch>\n  <entity name='contact'><attribute name='emailadress1'/></entity>\n</fetch>")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, fault := range fetchxml.Check(f, schema.Standard().Entity) {
		fmt.Println(fault, fault.Code, fault.Nearest[0])
	}
	// Output: line 2, column 43: 'contact' entity doesn't contain attribute with Name = 'emailadress1' and NameMapping = 'Logical'. 0x80041103 emailaddress1
}
