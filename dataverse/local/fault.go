package local

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/odata"
)

// fault is a refusal as the client gets it.
type fault struct {
	status  int // 0 for the one that goes with the code
	code    code.Code
	message string // Dataverse's own words where they are known
	noCode  bool   // the code is sent as ""
}

func (f *fault) Error() string { return f.code.String() + ": " + f.message }

func refuse(c code.Code, format string, args ...any) *fault {
	return &fault{code: c, message: fmt.Sprintf(format, args...)}
}

// faultOf brings any error into the form that clients get. What nobody foresaw is a 500, and its text stays with us; so it is where the
// records cannot be read or written, but then clients are told to try again later.
func faultOf(err error) (_ *fault, foreseen bool) {
	var (
		own     *fault
		refused *query.Error
		syntax  *odata.SyntaxError
		xml     *fetchxml.SyntaxError
	)
	switch {
	case errors.As(err, &own):
		return own, true
	case errors.As(err, &refused):
		return &fault{code: refused.Code, message: refused.Message}, true
	case errors.As(err, &syntax):
		return refuse(code.UnsupportedQuery, "%s", syntax.Error()), true
	case errors.As(err, &xml):
		return refuse(xml.Code, "%s", xml.Error()), true
	}
	if text := storageTrouble(err); text != "" {
		return refuse(code.SQLError, "Generic SQL error. %s", text), false
	}
	return &fault{status: http.StatusInternalServerError, code: code.UnExpected, message: "An unexpected error occurred."}, false
}

// storageTrouble says what keeps the records from being read or written; "" where it is not that.
func storageTrouble(err error) string {
	var broken *sqlite.Error
	if !errors.As(err, &broken) {
		return ""
	}
	switch broken.Code() & 0xff { // the higher bits say where
	case sqlite3.SQLITE_FULL:
		return "The disk that the records lie on is full."
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return "The file of the records cannot be read or written."
	}
	return ""
}

// The annotations of errors ("Compose HTTP requests and handle errors", Include additional details with errors). The others
// that Dataverse has tell of plug-ins.
const (
	errorStatus = "Microsoft.PowerApps.CDS.ErrorDetails.HttpStatusCode"
	errorHelp   = "Microsoft.PowerApps.CDS.HelpLink"
	errorInner  = "Microsoft.PowerApps.CDS.InnerError.Message"

	helpLink = "http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a"
)

// reply is the refusal in the shape of the Web API ("Compose HTTP requests and handle errors").
func (f *fault) reply() reply { return f.annotated(preferences{}) }

// annotated is the refusal with the details that are asked for.
func (f *fault) annotated(p preferences) reply {
	status := f.status
	if status == 0 {
		status = f.code.HTTPStatus()
	}
	text := f.code.String()
	if f.noCode {
		text = ""
	}
	b := appendString(append(appendMember([]byte{'{'}, "error"), `{"code":`...), text)
	b = appendString(appendMember(b, "message"), f.message)
	for _, detail := range [][2]string{
		{errorStatus, strconv.Itoa(status)},
		{errorHelp, helpLink + strings.TrimPrefix(text, "0x") + "&client=platform"},
		{errorInner, f.message},
	} {
		if p.wants(detail[0]) {
			b = appendString(appendMember(b, "@"+detail[0]), detail[1])
		}
	}
	answer := newReply(status)
	answer.json(append(b, "}}"...))
	return answer
}

func noSuchRecord(entity, id string) *fault {
	return refuse(code.ObjectDoesNotExist, "%s With Id = %s Does Not Exist", entity, id)
}

func noSuchEntity(name string) *fault {
	return refuse(code.QueryBuilderNoEntity, "The entity with a name = '%s' with namemapping = 'Logical' was not found in the MetadataCache.", name)
}

func noSuchSegment(name string) *fault {
	return &fault{status: http.StatusNotFound, code: code.CrmHTTPError, message: fmt.Sprintf("Resource not found for the segment '%s'.", name)}
}
