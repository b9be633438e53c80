package local

import (
	"context"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"github.com/botverse/botverse/dataverse/schema"
)

// setImages gives an image that is written its ID, time and address, and takes them from one that is cleared (Dataverse,
// "Image columns"); all is the whole record.
func setImages(t *table, r, all record) {
	for _, f := range t.Fields {
		value, written := r[f.LogicalName]
		if f.Type != schema.Image || !written || !t.has(f.LogicalName) {
			continue
		}
		stamps := record{f.LogicalName + "id": nil, f.LogicalName + "_timestamp": nil, f.LogicalName + "_url": nil}
		if value != nil {
			ticks := time.Now().UnixMicro()*10 + unixEpochTicks
			address := "/Image/download.aspx?Entity=" + t.LogicalName + "&Attribute=" + f.LogicalName + "&Id=" + all.text(t.PrimaryID) + "&Timestamp=" + strconv.FormatInt(ticks, 10)
			stamps = record{f.LogicalName + "id": newID(), f.LogicalName + "_timestamp": ticks, f.LogicalName + "_url": address}
		}
		for name, stamp := range stamps {
			if t.has(name) {
				r[name] = stamp
			}
		}
	}
}

// unixEpochTicks is 1970 in .NET's time: units of 100 ns since the year 1.
const unixEpochTicks = 621355968000000000

// readImage answers with an image as it is, not as base64.
func readImage(f *schema.Field, r record) (reply, error) {
	content, err := base64.StdEncoding.DecodeString(r.text(f.LogicalName))
	if err != nil {
		return reply{}, err
	}
	answer := newReply(http.StatusOK)
	answer.body = content
	answer.header.Set("Content-Type", "application/octet-stream")
	answer.header.Set("x-ms-file-size", strconv.Itoa(len(content)))
	return answer, nil
}

// imageField is the image that the call's path ends with, nil for any other path.
func (c *call) imageField(t *table) *schema.Field {
	segments := c.resource.Segments
	if len(segments) != 2 || !segments[0].HasParens {
		return nil
	}
	if f := t.Field(segments[1].Name); f != nil && f.Type == schema.Image {
		return f
	}
	return nil
}

// writeImage answers a PATCH of an image: its body is the image itself, as for a file.
func (s *Server) writeImage(ctx context.Context, c *call, t *table, f *schema.Field) (reply, error) {
	k, err := readKey(t, c.resource.Segments[0])
	if err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		_, before, err := m.lookUp(ctx, t, k)
		if err != nil {
			return err
		}
		if before == nil {
			return k.missing(t)
		}
		return m.update(ctx, t, before, body{f.LogicalName: base64.StdEncoding.EncodeToString(c.body)}, false)
	})
	return newReply(http.StatusNoContent), err
}
