package code_test

import (
	"net/http"
	"testing"

	"github.com/botverse/botverse/dataverse/code"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want code.Code
		ok   bool
	}{
		{"0x80040217", code.ObjectDoesNotExist, true},
		{"0x8006088A", code.CrmHTTPError, true},
		{"0X8006088a", code.CrmHTTPError, true},
		{"", 0, true},
		{"0x0", 0, true},
		{"0x80048306", 0x80048306, true}, // no name here, a code all the same
		{"80040217", 0, false},
		{"0x", 0, false},
		{"0x1800402170", 0, false},
		{"0x8004021g", 0, false},
		{"-2147220969", 0, false},
	}
	for _, test := range tests {
		got, ok := code.Parse(test.text)
		if got != test.want || ok != test.ok {
			t.Errorf("Parse(%q) = %v, %v, want %v, %v", test.text, got, ok, test.want, test.ok)
		}
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	if got := code.AggregateQueryRecordLimitExceeded.String(); got != "0x8004e023" {
		t.Errorf("got %q, letters are lower case on the wire", got)
	}
	if got := code.Code(0).String(); got != "0x0" {
		t.Errorf("the zero code = %q, want 0x0", got)
	}
}

func TestNamesAndStatuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code   code.Code
		number code.Code
		name   string
		status int
	}{
		{code.ObjectDoesNotExist, 0x80040217, "ObjectDoesNotExist", http.StatusNotFound},
		{code.RecordNotFoundByEntityKey, 0x80060891, "RecordNotFoundByEntityKey", http.StatusNotFound},
		{code.DuplicateRecordsFound, 0x80040333, "DuplicateRecordsFound", http.StatusPreconditionFailed},
		{code.DuplicateRecord, 0x80040237, "DuplicateRecord", http.StatusPreconditionFailed},
		{code.DuplicateRecordEntityKey, 0x80060892, "DuplicateRecordEntityKey", http.StatusPreconditionFailed},
		{code.ConcurrencyVersionMismatch, 0x80060882, "ConcurrencyVersionMismatch", http.StatusPreconditionFailed},
		{code.PrivilegeDenied, 0x80040220, "PrivilegeDenied", http.StatusForbidden},
		{code.ThrottlingBurstRequestLimitExceeded, 0x80072322, "ThrottlingBurstRequestLimitExceededError", http.StatusTooManyRequests},
		{code.CannotDeleteDueToAssociation, 0x80040227, "CannotDeleteDueToAssociation", http.StatusMethodNotAllowed},
		{code.RequestLengthTooLarge, 0x8004418a, "RequestLengthTooLarge", http.StatusRequestEntityTooLarge},
		{code.QueryBuilderBadCondition, 0x80041106, "QueryBuilderBad_Condition", http.StatusBadRequest},
		{code.StringLengthTooLong, 0x80044331, "StringLengthTooLong", http.StatusBadRequest},
		{0, 0, "", http.StatusBadRequest},
	}
	for _, test := range tests {
		if test.code != test.number || test.code.Name() != test.name || test.code.HTTPStatus() != test.status {
			t.Errorf("%v %q %d, want %v %q %d", test.code, test.code.Name(), test.code.HTTPStatus(), test.number, test.name, test.status)
		}
	}
}
