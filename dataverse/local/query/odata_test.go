package query

import (
	"errors"
	"testing"

	"github.com/botverse/botverse/dataverse/code"
)

func TestODataFilters(t *testing.T) {
	t.Parallel()
	tests := []struct{ entity, filter, want string }{
		{"contact", "firstname eq 'ada'", "ada"},
		{"contact", "firstname eq 'JOSE'", "jose"}, // neither case nor accents count
		{"contact", "firstname ne 'Ada'", "bob jose"},
		{"contact", "firstname eq null", "zoe"},
		{"contact", "firstname ne null", "ada bob jose"},
		{"contact", "firstname gt 'b'", "bob jose"},
		{"contact", "lastname eq 'O''Neill'", "ada"},
		{"contact", "not (firstname eq 'Ada')", "bob jose"},
		{"contact", "firstname eq 'Ada' or firstname eq 'Bob' and statecode eq 0", "ada"},
		{"contact", "(firstname eq 'Ada' or firstname eq 'Bob') and statecode eq 1", "bob"},
		{"contact", "contains(fullname,'NUÑ')", "jose"},
		{"contact", "startswith(emailaddress1,'bob[_]')", "bob"},
		{"contact", "startswith(emailaddress1,'a_a@')", "ada"},
		{"contact", "endswith(emailaddress1,'.COM')", "ada bob jose"},
		{"account", "contains(name,'[50%]')", "empty"}, // a set of 5, 0 and %
		{"contact", "_parentcustomerid_value eq " + contoso, "ada jose"},
		{"contact", "_parentcustomerid_value eq '" + contoso + "'", "ada jose"},
		{"contact", "_parentcustomerid_value eq null", ""},
		{"contact", "parentcustomerid_account/name eq 'contoso'", "ada jose"},
		{"contact", "parentcustomerid_account/accountid eq " + contoso, "ada jose"},
		{"contact", "parentcustomerid_contact/fullname eq 'ada o''neill'", "bob"},
		{"contact", "parentcustomerid_account/primarycontactid/firstname eq 'Ada'", "ada jose"},
		{"contact", "parentcustomerid_account/primarycontactid eq null", "bob"},
		{"account", "primarycontactid/contactid eq " + ada, "contoso"},
		{"account", "primarycontactid/firstname eq 'Ada' or numberofemployees gt 6000", "contoso fabrikam"},
		{"account", "revenue eq 1000000.5", "contoso"},
		{"account", "revenue lt 20.26", "fabrikam"},
		{"account", "exchangerate gt 2", "fabrikam"},
		{"account", "exchangerate eq 1.250", "contoso"},
		{"account", "numberofemployees gt 1499.5", "contoso fabrikam"},
		{"account", "creditonhold eq true", "fabrikam"},
		{"account", "creditonhold ne true", "contoso"},
		{"account", "industrycode eq 6", "fabrikam"},
		{"contact", "birthdate eq 1990-08-17", "ada"},
		{"contact", "createdon ge 2020-08-16T22:30:00Z", "bob jose"},
		{"contact", "createdon gt 2020-08-17T00:30:00+02:00", "bob"},
		{"contact", "createdon lt 2020-01-01", "zoe"},
		{"account", "createdon eq 2020-08-17T10:00:00Z", "contoso fabrikam"}, // to queries times have whole seconds
		{"account", "createdon le 2020-08-17T10:00:00Z", "contoso empty fabrikam"},
		{"account", "createdon gt 2020-08-17T10:00:00Z", ""},
		{"account", "createdon ne 2020-08-17T10:00:00Z", "empty"},
		{"account", "createdon lt 2020-08-17T10:00:00Z", "empty"},
		{"contact", "firstname eq lastname", ""},
		{"contact", "lastname eq fullname", "zoe"},
		{"account", "contact_customer_accounts/any(c:c/firstname eq 'Ada')", "contoso"},
		{"account", "contact_customer_accounts/any()", "contoso fabrikam"},
		{"account", "contact_customer_accounts/all(c:c/firstname ne null)", "contoso empty"},
		{"account", "Account_Tasks/any(t:contains(t/subject,'call') and t/statecode eq 0)", "contoso"},
		{"systemuser", "teammembership_association/any(t:t/name eq 'desk')", "uma"},
		{"contact", "Microsoft.Dynamics.CRM.In(PropertyName='firstname',PropertyValues=[\"ada\",\"BOB\"])", "ada bob"},
		{"contact", "Microsoft.Dynamics.CRM.NotIn(PropertyName='firstname',PropertyValues=[\"ada\",\"BOB\"])", "jose zoe"},
		{"contact", "Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid')", "ada"},
		{"contact", "Microsoft.Dynamics.CRM.EqualUserOrUserTeams(PropertyName='_ownerid_value')", "ada bob"},
		{"contact", "Microsoft.Dynamics.CRM.Today(PropertyName='createdon')", "bob"},
		{"contact", "Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=1)", "bob jose"},
		{"account", "Microsoft.Dynamics.CRM.Between(PropertyName='numberofemployees',PropertyValues=[\"5\",\"2000\"])", "contoso"},
	}
	for _, tt := range tests {
		t.Run(tt.filter, func(t *testing.T) {
			t.Parallel()
			q := mustOData(t, tt.entity, "$filter="+tt.filter)
			page := read(t, q)
			if got := names(shown(q, page, q.Entity.PrimaryID)); got != tt.want {
				text, args := q.SQL()
				t.Errorf("%s: got %q, want %q\n%s\n%v", tt.filter, got, tt.want, text, args)
			}
		})
	}
}

func TestODataRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		entity, options string
		want            code.Code
	}{
		{"account", "$filter=nome eq 'x'", 0},
		{"account", "$select=nome", 0},
		{"account", "$select=primarycontactid", 0},
		{"contact", "$select=owneridname", 0},
		{"account", "$orderby=nome", 0},
		{"account", "$expand=nobody", 0},
		{"account", "$filter=primarycontactid/nome eq 'x'", 0},
		{"account", "$filter=name eq 5", code.UnsupportedQuery},
		{"account", "$filter=numberofemployees eq 'many'", code.UnsupportedQuery},
		{"account", "$filter=_primarycontactid_value eq 'Ada'", code.UnsupportedQuery},
		{"contact", "$filter=birthdate eq 1990-08-17T10:00:00Z", code.UnsupportedQuery},
		{"contact", "$filter=contains(gendercode,'1')", code.UnsupportedQuery},
		{"account", "$expand=primarycontactid($filter=firstname eq 'x')", code.UnsupportedQuery},
		{"account", "$skiptoken=nonsense", code.UnsupportedQuery},
	}
	for _, tt := range tests {
		t.Run(tt.options, func(t *testing.T) {
			t.Parallel()
			_, err := odataQuery(t, tt.entity, tt.options, testOptions())
			var refused *Error
			if !errors.As(err, &refused) || refused.Code != tt.want {
				t.Errorf("%s: error = %v, want code %v", tt.options, err, tt.want)
			}
		})
	}
}
