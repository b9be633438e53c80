package local

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
	"github.com/botverse/botverse/dataverse/webhook"
)

// attribute is a field's value as a webhook carries it, and its formatted value.
func (m *mutation) attribute(ctx context.Context, f *schema.Field, r record, isImage bool) (value any, text string, err error) {
	stored := r[f.LogicalName]
	if f.IsLookup() && stored != nil {
		reference := webhook.EntityReference{LogicalName: r.pointsAt(f), ID: r.text(f.LogicalName)}
		if isImage {
			reference.Name, err = m.nameOf(ctx, reference.LogicalName, reference.ID)
		}
		return reference, reference.Name, err
	}
	return attributeValue(f, stored), query.Formatted(f, stored, m.s.format()), nil
}

func attributeValue(f *schema.Field, stored any) any {
	switch v := stored.(type) {
	case int64:
		return integerAttribute(f, v)
	case string:
		switch f.Type {
		case schema.MultiSelectPicklist:
			return optionsIn(v)
		case schema.Decimal:
			return json.Number(v)
		}
		return v
	}
	return stored
}

func integerAttribute(f *schema.Field, n int64) any {
	switch f.Type {
	case schema.Boolean:
		return n != 0
	case schema.DateTime:
		return time.UnixMicro(n).UTC().Truncate(time.Second)
	case schema.Picklist, schema.State, schema.Status:
		return webhook.OptionSetValue(n)
	case schema.Money:
		amount, _ := query.Decode(f, n).(json.Number)
		return webhook.Money(amount)
	}
	return n
}

func optionsIn(stored string) []webhook.OptionSetValue {
	var options []webhook.OptionSetValue
	for part := range strings.SplitSeq(strings.Trim(stored, ","), ",") {
		if n, err := strconv.ParseInt(part, 10, 32); err == nil {
			options = append(options, webhook.OptionSetValue(n))
		}
	}
	return options
}
