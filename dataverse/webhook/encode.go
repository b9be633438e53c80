package webhook

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// contracts is the namespace of the SDK's types, as the serialiser writes it.
const contracts = `:http:\/\/schemas.microsoft.com\/xrm\/2011\/Contracts"`

// zeroID is what .NET's Guid.Empty looks like: members that are no nullable Guid have it in place of null.
const zeroID = "00000000-0000-0000-0000-000000000000"

// Encode writes the body that Dataverse would post: members in alphabetical order, pairs instead of maps, type markers
// first and only where the declared type is object, slashes escaped. Asynchronous and synchronous contexts differ in the
// shape of OperationCreatedOn, as they do there. An attribute value of another type than Attribute allows is an error.
func Encode(c *Context) ([]byte, error) {
	w := &writer{buf: make([]byte, 0, 4096)}
	w.context(c)
	if w.err != nil {
		return nil, fmt.Errorf("encode the webhook body of %s %s: %w", c.MessageName, c.PrimaryEntityName, w.err)
	}
	return w.buf, nil
}

// writer appends JSON to buf. The first error stays; what is written after it does not matter.
type writer struct {
	buf []byte
	err error
}

func (w *writer) raw(s string) { w.buf = append(w.buf, s...) }

// member begins a member of an object; name needs no escaping.
func (w *writer) member(name string) {
	if last := w.buf[len(w.buf)-1]; last != '{' {
		w.raw(",")
	}
	w.raw(`"` + name + `":`)
}

func (w *writer) context(c *Context) {
	w.raw("{")
	w.id("BusinessUnitId", c.BusinessUnitID)
	w.id("CorrelationId", c.CorrelationID)
	w.number("Depth", c.Depth)
	w.text("InitiatingUserAgent", c.InitiatingUserAgent)
	w.id("InitiatingUserAzureActiveDirectoryObjectId", c.InitiatingUserAzureActiveDirectoryID)
	w.id("InitiatingUserId", c.InitiatingUserID)
	if !c.Reduced {
		w.parameters("InputParameters", c.InputParameters)
	}
	w.boolean("IsExecutingOffline", c.IsExecutingOffline)
	w.boolean("IsInTransaction", c.IsInTransaction)
	w.boolean("IsOfflinePlayback", c.IsOfflinePlayback)
	w.number("IsolationMode", c.IsolationMode)
	w.text("MessageName", c.MessageName)
	w.number("Mode", int(c.Mode))
	w.member("OperationCreatedOn")
	w.operationTime(c)
	w.id("OperationId", c.OperationID)
	w.id("OrganizationId", c.OrganizationID)
	w.text("OrganizationName", c.OrganizationName)
	w.parameters("OutputParameters", c.OutputParameters)
	w.member("OwningExtension")
	w.reference(c.OwningExtension, "")
	if !c.Reduced {
		w.parent(c.ParentContext)
		w.images("PostEntityImages", c.PostEntityImages)
		w.images("PreEntityImages", c.PreEntityImages)
	}
	w.id("PrimaryEntityId", c.PrimaryEntityID)
	w.text("PrimaryEntityName", c.PrimaryEntityName)
	w.member("RequestId")
	w.textOrNull(canonicalID(c.RequestID))
	w.text("SecondaryEntityName", c.SecondaryEntityName)
	w.parameters("SharedVariables", c.SharedVariables)
	w.number("Stage", c.Stage)
	w.id("UserAzureActiveDirectoryObjectId", c.UserAzureActiveDirectoryID)
	w.id("UserId", c.UserID)
	w.raw("}")
}

func (w *writer) parent(c *Context) {
	w.member("ParentContext")
	if c == nil {
		w.raw("null")
		return
	}
	w.context(c)
}

// operationTime writes whole seconds with an offset for asynchronous contexts, milliseconds without one for synchronous.
func (w *writer) operationTime(c *Context) {
	if c.Mode == Synchronous {
		w.date(c.OperationCreatedOn.UnixMilli(), "")
		return
	}
	w.date(c.OperationCreatedOn.Unix()*1000, "+0000")
}

func (w *writer) date(milliseconds int64, offset string) {
	w.raw(`"\/Date(`)
	w.buf = strconv.AppendInt(w.buf, milliseconds, 10)
	w.raw(offset + `)\/"`)
}

func (w *writer) id(name, id string) {
	if id == "" {
		id = zeroID
	}
	w.text(name, canonicalID(id))
}

func (w *writer) text(name, s string) {
	w.member(name)
	w.string(s)
}

func (w *writer) textOrNull(s string) {
	if s == "" {
		w.raw("null")
		return
	}
	w.string(s)
}

func (w *writer) number(name string, n int) {
	w.member(name)
	w.buf = strconv.AppendInt(w.buf, int64(n), 10)
}

func (w *writer) boolean(name string, b bool) {
	w.member(name)
	w.buf = strconv.AppendBool(w.buf, b)
}

// list writes an array whose elements each writes.
func list[T any](w *writer, elements []T, each func(T)) {
	w.raw("[")
	for i, element := range elements {
		if i > 0 {
			w.raw(",")
		}
		each(element)
	}
	w.raw("]")
}

func (w *writer) pair(key string, value func()) {
	w.raw(`{"key":`)
	w.string(key)
	w.raw(`,"value":`)
	value()
	w.raw("}")
}

func (w *writer) parameters(name string, parameters []Parameter) {
	w.member(name)
	list(w, parameters, func(p Parameter) { w.pair(p.Key, func() { w.value(p.Key, p.Value) }) })
}

// images writes entities without a type marker: their slot is statically typed.
func (w *writer) images(name string, images []Image) {
	w.member(name)
	list(w, images, func(i Image) { w.pair(i.Alias, func() { w.entity(i.Entity, "") }) })
}

// marker is the __type member of a value in a slot of type object. .NET's reader wants it first.
func marker(name string) string { return `"__type":"` + name + contracts }

func (w *writer) entity(e Entity, typeMarker string) {
	w.raw("{" + typeMarker)
	w.member("Attributes")
	list(w, e.Attributes, func(a Attribute) { w.pair(a.Key, func() { w.value(a.Key, a.Value) }) })
	w.raw(`,"EntityState":null,"FormattedValues":`)
	list(w, e.Formatted, func(p Pair) { w.pair(p.Key, func() { w.string(p.Value) }) })
	w.id("Id", e.ID)
	w.raw(`,"KeyAttributes":[]`)
	w.text("LogicalName", e.LogicalName)
	w.raw(`,"RelatedEntities":[],"RowVersion":`)
	w.textOrNull(e.RowVersion)
	w.raw("}")
}

func (w *writer) reference(r EntityReference, typeMarker string) {
	w.raw("{" + typeMarker)
	w.id("Id", r.ID)
	w.raw(`,"KeyAttributes":[]`)
	w.text("LogicalName", r.LogicalName)
	w.raw(`,"Name":`)
	w.textOrNull(r.Name)
	w.raw(`,"RowVersion":`)
	w.textOrNull(r.RowVersion)
	w.raw("}")
}

func (w *writer) value(key string, v any) {
	switch v := v.(type) {
	case nil:
		w.raw("null")
	case string:
		w.string(v)
	case bool:
		w.buf = strconv.AppendBool(w.buf, v)
	case json.Number, int, int32, int64, float64:
		w.literal(key, fmt.Sprint(v))
	case time.Time:
		w.date(v.Unix()*1000, "") // attribute dates have whole seconds and no offset
	case OptionSetValue:
		w.raw("{" + marker("OptionSetValue") + `,"Value":` + strconv.Itoa(int(v)) + "}")
	case Money:
		w.raw("{" + marker("Money") + `,"Value":`)
		w.literal(key, string(v))
		w.raw("}")
	case EntityReference:
		w.reference(v, marker("EntityReference"))
	case Entity:
		w.entity(v, marker("Entity"))
	default:
		w.many(key, v)
	}
}

// many writes the values that are lists.
func (w *writer) many(key string, v any) {
	switch v := v.(type) {
	case []OptionSetValue:
		list(w, v, func(o OptionSetValue) { w.value(key, o) })
	case []Entity:
		w.raw("{" + marker("EntityCollection") + `,"Entities":`)
		list(w, v, func(e Entity) { w.entity(e, "") })
		w.raw(`,"MoreRecords":false}`)
	case []Pair:
		list(w, v, func(p Pair) {
			w.raw(`{"__type":"KeyValuePairOfstringstring:#System.Collections.Generic"`)
			w.text("key", p.Key)
			w.text("value", p.Value)
			w.raw("}")
		})
	case []any:
		list(w, v, func(element any) { w.value(key, element) })
	case map[string]any:
		object, err := json.Marshal(v)
		w.buf, w.err = append(w.buf, object...), err
	default:
		w.err = fmt.Errorf("%s has a value of type %T, which a webhook body cannot carry", key, v)
	}
}

// literal writes a number as it stands, so that the zeros at its end survive.
func (w *writer) literal(key, number string) {
	if !isNumber(number) {
		w.err = fmt.Errorf("%s is no number: %q", key, number)
		return
	}
	w.raw(number)
}

// isNumber says whether a text is a number as JSON writes it.
func isNumber(text string) bool {
	return json.Valid([]byte(text)) && strings.ContainsAny(text[:1], "-0123456789")
}

const hex = "0123456789abcdef"

// string writes a text as DataContractJsonSerializer does: slashes escaped, control characters and what lies beyond the
// basic plane as \u with four lower-case digits, all else as it is.
func (w *writer) string(s string) {
	w.buf = append(w.buf, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\' || r == '/':
			w.buf = append(w.buf, '\\', byte(r))
		case r < 0x20:
			w.escape(uint16(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			w.escape(uint16(high))
			w.escape(uint16(low))
		default:
			w.buf = utf8.AppendRune(w.buf, r)
		}
	}
	w.buf = append(w.buf, '"')
}

func (w *writer) escape(unit uint16) {
	w.buf = append(w.buf, '\\', 'u', hex[unit>>12], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
}
