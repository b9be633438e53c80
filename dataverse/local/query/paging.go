package query

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// orderKey is a term of a total order. Its values in the last row of a page are where the next page begins, so that rows
// which come or go in between shift nothing.
type orderKey struct {
	x        expr
	desc     bool
	name     string // in a paging cookie
	kind     schema.Type
	behavior schema.Behavior
}

func keyOf(v value, name string, desc bool) orderKey {
	return orderKey{x: v.x, desc: desc, name: name, kind: v.kind, behavior: v.field.Behavior}
}

// afterKeys are conditions for the rows behind the row with those keys, in ranges that follow each other. NULL is the lowest value,
// as for SQL Server. They are written so that an index leads to the place at once, wherever it lies: one condition over a key's
// values and over NULL would not.
func afterKeys(root *table, keys []orderKey, last []any) []expr {
	switch k := keys[0]; {
	case k.isAlwaysSet(root):
	case !k.desc && last[0] == nil:
		return []expr{and(isNull{x: k.x}, behindAll(root, keys[1:], last[1:])), isNull{x: k.x, negated: true}}
	case k.desc && last[0] != nil:
		same := and(compared{"=", k.x, param{last[0]}}, behindAll(root, keys[1:], last[1:]))
		return []expr{and(compared{"<=", k.x, param{last[0]}}, or(compared{"<", k.x, param{last[0]}}, same)), isNull{x: k.x}}
	}
	return []expr{behindAll(root, keys, last)}
}

// behindAll is true for rows behind the row with those keys, in one condition; of no keys it is false.
func behindAll(root *table, keys []orderKey, last []any) expr {
	if len(keys) == 0 {
		return sqlFalse
	}
	if ascending(keys) && !slices.Contains(last, nil) {
		return comparedRows{">", keys, last} // unknown, and so not true, where a key is NULL: that row is before
	}
	behind := expr(sqlFalse)
	for i := len(keys) - 1; i >= 0; i-- {
		if i == len(keys)-1 {
			behind = keys[i].behind(last[i])
			continue
		}
		same := compared{"IS", keys[i].x, param{last[i]}}
		behind = or(keys[i].behind(last[i]), and(same, behind))
	}
	switch {
	case last[0] == nil:
		return behind
	case !keys[0].desc:
		return and(compared{">=", keys[0].x, param{last[0]}}, behind)
	case keys[0].isAlwaysSet(root):
		return and(compared{"<=", keys[0].x, param{last[0]}}, behind)
	}
	return behind
}

func ascending(keys []orderKey) bool {
	return !slices.ContainsFunc(keys, func(k orderKey) bool { return k.desc })
}

// isAlwaysSet reports whether a key is a column of the root that no record is without.
func (k orderKey) isAlwaysSet(root *table) bool {
	c, ok := k.x.(*column)
	return ok && c.table == root && isAlwaysSet(root.entity, c.name)
}

func (k orderKey) behind(last any) expr {
	switch {
	case last == nil && k.desc:
		return sqlFalse
	case last == nil:
		return isNull{x: k.x, negated: true}
	case k.desc:
		return or(compared{"<", k.x, param{last}}, isNull{x: k.x})
	default:
		return compared{">", k.x, param{last}}
	}
}

// cookie is Dataverse's paging cookie (FetchXML, "Page results"):
//
//	<cookie page="1"><fullname last="Ann" first="Zoe" /><contactid last="{70BF…}" first="{49B0…}" /></cookie>
type cookie struct {
	XMLName xml.Name    `xml:"cookie"`
	Page    string      `xml:"page,attr"`
	Keys    []cookieKey `xml:",any"`
}

type cookieKey struct {
	XMLName   xml.Name
	Last      *string `xml:"last,attr"`
	LastNull  string  `xml:"lastnull,attr,omitempty"`
	First     *string `xml:"first,attr"`
	FirstNull string  `xml:"firstnull,attr,omitempty"`
}

// writeCookie makes the cookie of a page of its first and last row's keys.
func writeCookie(page int, keys []orderKey, first, last []any) string {
	c := cookie{Page: strconv.Itoa(page)}
	for i, k := range keys {
		key := cookieKey{XMLName: xml.Name{Local: k.name}}
		key.Last, key.LastNull = k.attribute(last[i])
		key.First, key.FirstNull = k.attribute(first[i])
		c.Keys = append(c.Keys, key)
	}
	b, err := xml.Marshal(c)
	if err != nil {
		return "" // a struct of texts marshals
	}
	return string(b)
}

func (k orderKey) attribute(value any) (text *string, isNull string) {
	if value == nil {
		return nil, "1"
	}
	s := k.text(value)
	return &s, ""
}

// readCookie reads a cookie's page and the keys of its last row.
func readCookie(text string, keys []orderKey) (page int, last []any, err error) {
	var c cookie
	if err := xml.Unmarshal([]byte(text), &c); err != nil {
		return 0, nil, refuse(code.QueryBuilderInvalidPagingCookie, "The paging cookie is not valid XML.")
	}
	page, err = strconv.Atoi(c.Page)
	if err != nil || page < 1 {
		return 0, nil, refuse(code.QueryBuilderInvalidPagingCookie, "Invalid page number in paging cookie.")
	}
	mismatch := refuse(code.QueryBuilderPagingOrderBy, "Order by columns do not match those in paging cookie.")
	if len(c.Keys) != len(keys) {
		return 0, nil, mismatch
	}
	for i, k := range keys {
		if c.Keys[i].XMLName.Local != k.name {
			return 0, nil, mismatch
		}
		if c.Keys[i].Last == nil {
			last = append(last, nil)
			continue
		}
		value, ok := k.value(*c.Keys[i].Last)
		if !ok {
			return 0, nil, mismatch
		}
		last = append(last, value)
	}
	return page, last, nil
}

// cookieTime keeps the microseconds that the order is by.
const cookieTime = "2006-01-02T15:04:05.000000Z"

// text writes a key's column value into a cookie.
func (k orderKey) text(value any) string {
	switch v := value.(type) {
	case int64:
		switch k.kind {
		case schema.DateTime:
			return time.UnixMicro(v).UTC().Format(cookieTime)
		case schema.Money:
			return moneyText(v, moneyDigits)
		}
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		if k.isID() {
			return "{" + strings.ToUpper(v) + "}"
		}
		return hide(v)
	}
	return ""
}

// hide writes what means something in XML as JSON would, \u0026. A cookie goes through two documents, and there are clients
// that do not escape it fully between them (DynamicsWebApi leaves & as it is).
func hide(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < ' ' || strings.ContainsRune(`&<>"'\`, r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// reveal undoes hide.
func reveal(text string) (string, bool) {
	plain, err := strconv.Unquote(`"` + text + `"`)
	return plain, err == nil
}

func (k orderKey) isID() bool {
	switch k.kind {
	case schema.Uniqueidentifier, schema.Lookup, schema.Customer, schema.Owner:
		return true
	}
	return false
}

// value reads a key's column value from a cookie.
func (k orderKey) value(text string) (any, bool) {
	switch k.kind {
	case schema.DateTime:
		t, err := time.Parse(time.RFC3339Nano, text)
		return t.UnixMicro(), err == nil
	case schema.Money:
		number, ok := parseDecimal(text)
		if !ok {
			return nil, false
		}
		return scaledMoney(number)
	case schema.Double:
		n, err := strconv.ParseFloat(text, 64)
		return n, err == nil
	}
	if k.isID() {
		return parseGUID(text)
	}
	if sqlType(k.kind) == "INTEGER" {
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	}
	plain, ok := reveal(text)
	return plain, ok
}

// annotation wraps a cookie as it travels: in the annotation fetchxmlpagingcookie, and as $skiptoken. Clients decode what
// is inside twice.
func annotation(nextPage int, cookie string) string {
	return `<cookie pagenumber="` + strconv.Itoa(nextPage) + `" pagingcookie="` + percent(percent(cookie)) + `" istracking="False" />`
}

func percent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// NumberToken is a $skiptoken that leads to a page by its number alone.
func NumberToken(page int) string { return annotation(page, "") }

// TrackingToken is a $skiptoken that also has where the changes begin that are to be asked for after the last page.
func TrackingToken(token, delta string) string {
	return strings.Replace(token, ` istracking="False"`, ` istracking="True" trackingcookie="`+percent(delta)+`"`, 1)
}

// ReadTracking reads what TrackingToken put into a $skiptoken; "" where there is nothing of it.
func ReadTracking(token string) string {
	var a struct {
		XMLName  xml.Name `xml:"cookie"`
		Tracking string   `xml:"trackingcookie,attr"`
	}
	if !strings.Contains(token, "trackingcookie") || xml.Unmarshal([]byte(token), &a) != nil {
		return ""
	}
	delta, err := url.QueryUnescape(a.Tracking)
	if err != nil {
		return ""
	}
	return delta
}

// ReadToken reads the paging cookie, "" for none, and the number of the page that a $skiptoken leads to.
func ReadToken(token string) (cookie string, page int, ok bool) { return readAnnotation(token) }

// readAnnotation reads the cookie and the number of the page that it leads to.
func readAnnotation(text string) (cookie string, page int, ok bool) {
	var a struct {
		XMLName      xml.Name `xml:"cookie"`
		PageNumber   int      `xml:"pagenumber,attr"`
		PagingCookie string   `xml:"pagingcookie,attr"`
	}
	if err := xml.Unmarshal([]byte(text), &a); err != nil || a.PageNumber < 2 {
		return "", 0, false
	}
	for range 2 {
		decoded, err := url.QueryUnescape(a.PagingCookie)
		if err != nil {
			return "", 0, false
		}
		a.PagingCookie = decoded
	}
	return a.PagingCookie, a.PageNumber, true
}
