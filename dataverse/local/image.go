package local

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/local/thumbnail"
	"github.com/botverse/botverse/dataverse/schema"
)

// setImages makes the thumbnail of an image that is written and gives it its ID, time and address, and takes them from one that is
// cleared (Dataverse, "Image columns"); all is the whole record.
func setImages(t *table, r, all record) error {
	for _, f := range t.Fields {
		value, written := r[f.LogicalName]
		if f.Type != schema.Image || !written || !t.has(f.LogicalName) {
			continue
		}
		stamps := record{f.LogicalName + "id": nil, f.LogicalName + "_timestamp": nil, f.LogicalName + "_url": nil}
		r[query.FullColumn(f)] = nil
		if value != nil {
			if err := setThumbnail(t, f, r, all.text(t.PrimaryID)); err != nil {
				return err
			}
			id, ticks := newID(), time.Now().UnixMicro()*10+unixEpochTicks
			stamps = record{f.LogicalName + "id": id, f.LogicalName + "_timestamp": ticks, f.LogicalName + "_url": imageAddress(t, f, id, ticks)}
		}
		for name, stamp := range stamps {
			if t.has(name) {
				r[name] = stamp
			}
		}
	}
	return nil
}

// setThumbnail puts the thumbnail of a field's image in its place, and keeps the image itself where that is another.
func setThumbnail(t *table, f *schema.Field, r record, recordID string) error {
	content, err := base64.StdEncoding.DecodeString(r.text(f.LogicalName))
	if err != nil {
		return err
	}
	small, err := thumbnail.Of(content)
	if err != nil {
		return refuse(code.ProcessImageFailure, "Error occured when processing image. Reason: Update image properties failed for objectid: %s, logicalName: %s, attribute: %s (%v)", recordID, t.LogicalName, f.LogicalName, err) //nolint:misspell // the service's own words
	}
	if !bytes.Equal(small, content) {
		r[query.FullColumn(f)] = r.text(f.LogicalName)
		r[f.LogicalName] = base64.StdEncoding.EncodeToString(small)
	}
	return nil
}

// unixEpochTicks is 1970 in .NET's time: units of 100 ns since the year 1.
const unixEpochTicks = 621355968000000000

// imageContent is a record's image: its thumbnail, or with ?size=full the image as it came.
func imageContent(c *call, f *schema.Field, r record) ([]byte, error) {
	text := r.text(f.LogicalName)
	if c.query.Other.Get("size") == "full" {
		text = fullImage(f, r)
	}
	return base64.StdEncoding.DecodeString(text)
}

// readImage answers with an image as it is, not as base64, or with the part of it that the Range header names. A record without
// one has no content.
func readImage(c *call, f *schema.Field, r record) (reply, error) {
	content, err := imageContent(c, f, r)
	if err != nil {
		return reply{}, err
	}
	if c.header.Get("Range") != "" {
		return readImagePart(c, f, content, true, "")
	}
	answer := newReply(http.StatusOK)
	answer.body = content
	answer.header.Set("Content-Type", "application/octet-stream")
	answer.header.Set("x-ms-file-size", strconv.Itoa(len(content)))
	return answer, nil
}

func fullImage(f *schema.Field, r record) string {
	if full := r.text(query.FullColumn(f)); full != "" {
		return full
	}
	return r.text(f.LogicalName)
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

// writeImage answers a PATCH of an image with the image itself, as of a file.
func (s *Server) writeImage(ctx context.Context, c *call, t *table, f *schema.Field, content []byte) (reply, error) {
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
		return m.update(ctx, t, before, body{f.LogicalName: base64.StdEncoding.EncodeToString(content)}, false)
	})
	return newReply(http.StatusNoContent), err
}
