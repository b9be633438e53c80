package local

import (
	"context"
	"encoding/base64"
	"net/http"
	"strconv"

	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
)

// imagePath is where images are downloaded from, as pages do (Dataverse, "Use image column data", "Download URL").
const imagePath = "/Image/download.aspx"

// imageAddress is where a browser finds an image, below the organisation's own address.
func imageAddress(t *table, f *schema.Field, id string, ticks int64) string {
	return imagePath + "?Entity=" + t.LogicalName + "&Attribute=" + f.LogicalName + "&Id=" + id + "&Timestamp=" + strconv.FormatInt(ticks, 10)
}

// serveImage sends the thumbnail of an image, or with Full=true the image as it came. Nothing but the image's ID counts of the
// address, so that one that is old shows nothing.
func (s *Server) serveImage(w http.ResponseWriter, r *http.Request) {
	if _, err := s.authenticate(r); err != nil {
		s.refusal(r.Context(), r.Header, err).writeTo(w)
		return
	}
	q := r.URL.Query()
	t := s.tables[q.Get("Entity")]
	if t == nil {
		http.NotFound(w, r)
		return
	}
	f := t.Field(q.Get("Attribute"))
	if f == nil || f.Type != schema.Image || !t.has(f.LogicalName) || !t.has(f.LogicalName+"id") {
		http.NotFound(w, r)
		return
	}
	content, err := s.imageOf(r.Context(), t, f, q.Get("Id"), q.Get("Full") == "true")
	switch {
	case err != nil:
		s.refusal(r.Context(), r.Header, err).writeTo(w)
	case content == nil:
		http.NotFound(w, r)
	default:
		w.Header().Set("Content-Type", http.DetectContentType(content))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(content) // a client that went away needs no answer
	}
}

// imageOf is the image of that ID, nil where there is none.
func (s *Server) imageOf(ctx context.Context, t *table, f *schema.Field, id string, full bool) (content []byte, err error) {
	column := quote(f.LogicalName)
	if full {
		column = "coalesce(" + quote(query.FullColumn(f)) + ", " + column + ")"
	}
	err = s.store.readOnce(ctx, func(c *conn) error {
		row, found, err := c.row(ctx, "SELECT "+column+" FROM "+quote(t.LogicalName)+" WHERE "+quote(f.LogicalName+"id")+" = ?", id)
		if err != nil || !found {
			return err
		}
		text, _ := row[0].(string)
		content, err = base64.StdEncoding.DecodeString(text)
		return err
	})
	return content, err
}
