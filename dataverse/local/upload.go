package local

import (
	"context"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// What comes in parts ("Use image column data", "Upload images"; the parts of files have the same form).
const (
	chunkSize    = 4 << 20  // of a part that is asked for and sent
	maxImageSize = 30 << 20 // of the whole
	maxUploads   = 16       // that are under way at once; a new one takes the place of the oldest
	uploadLife   = time.Hour
)

// uploads are the images that are on their way in parts. The zero value is ready to use.
type uploads struct {
	mu       sync.Mutex
	underWay map[string]*upload // by session token
}

// upload is an image of which the first parts have come.
type upload struct {
	path    string // of the image, as the client wrote it when it began
	userID  string
	begun   time.Time
	content []byte
	ended   bool // all of it has come
}

// begin makes an upload and returns its token.
func (u *uploads) begin(path, userID string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.underWay == nil {
		u.underWay = map[string]*upload{}
	}
	oldest := ""
	for token, other := range u.underWay {
		if time.Since(other.begun) > uploadLife {
			delete(u.underWay, token)
		} else if oldest == "" || other.begun.Before(u.underWay[oldest].begun) {
			oldest = token
		}
	}
	if len(u.underWay) >= maxUploads {
		delete(u.underWay, oldest)
	}
	token := uuid.NewString()
	u.underWay[token] = &upload{path: path, userID: userID, begun: time.Now()}
	return token
}

// add takes a part. It returns the whole content with the last part, and whether it is the last.
func (u *uploads) add(token, path, userID string, part byteRange, content []byte) (whole []byte, last bool, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	up := u.underWay[token]
	switch {
	case up == nil || up.path != path || up.userID != userID:
		return nil, false, &fault{status: http.StatusNotFound, code: code.ObjectDoesNotExist, message: "There is no upload with this sessiontoken. Begin it with x-ms-transfer-mode: chunked."}
	case up.ended && len(content) == 0: // there are clients that send an empty part behind the last
		return nil, false, nil
	case up.ended, part.from > len(up.content), part.to-part.from != len(content), part.to > part.total:
		return nil, false, refuse(code.InvalidArgument, "The Content-Range does not fit: the upload has %d bytes so far, and the request %d.", len(up.content), len(content))
	case part.total > maxImageSize || len(content) > maxBody:
		return nil, false, refuse(code.RequestLengthTooLarge, "The image has %d bytes, more than the %d that are allowed.", part.total, maxImageSize)
	}
	up.content = append(up.content[:part.from], content...)
	if part.to < part.total {
		return nil, false, nil
	}
	whole, up.content, up.ended = up.content, nil, true
	return whole, true, nil
}

// byteRange is a part of a content: the bytes from one up to another, of so many.
type byteRange struct{ from, to, total int }

// readContentRange reads "bytes 0-4095/8192", also without the unit; false for what is none.
func readContentRange(text string) (byteRange, bool) {
	text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "bytes"))
	bounds, size, _ := strings.Cut(strings.TrimPrefix(text, "="), "/")
	total, err := strconv.Atoi(size)
	if err != nil {
		return byteRange{}, false
	}
	first, last, _ := strings.Cut(bounds, "-")
	from, noFirst := strconv.Atoi(first)
	to, noLast := strconv.Atoi(last)
	if noFirst != nil || noLast != nil || to < from-1 {
		return byteRange{}, false
	}
	return byteRange{from, to + 1, total}, true
}

// readRange reads the first range of a Range header, as "bytes=0-4194303", cut to what there is.
func readRange(text string, total int) (byteRange, bool) {
	bounds, ok := strings.CutPrefix(strings.TrimSpace(text), "bytes=")
	if !ok {
		return byteRange{}, false
	}
	bounds, _, _ = strings.Cut(bounds, ",")
	bounds, _, _ = strings.Cut(bounds, "/")
	first, last, ok := strings.Cut(strings.TrimSpace(bounds), "-")
	if !ok {
		return byteRange{}, false
	}
	from, err := strconv.Atoi(first)
	if first == "" { // the last so many
		n, err := strconv.Atoi(last)
		return byteRange{max(total-n, 0), total, total}, err == nil && n >= 0
	}
	to := total
	if n, err := strconv.Atoi(last); err == nil {
		to = min(n, total-1) + 1
	} else if last != "" {
		return byteRange{}, false
	}
	from = min(from, total)
	return byteRange{from, max(to, from), total}, err == nil && from >= 0
}

// upload answers a request that writes an image: of the whole, of a part, or one that says that parts will follow.
func (s *Server) upload(ctx context.Context, c *call, t *table, f *schema.Field) (reply, error) {
	session := c.query.Other.Get("sessiontoken") // before the header: there are clients that send it with each part
	switch {
	case session == "" && strings.EqualFold(c.header.Get("x-ms-transfer-mode"), "chunked"):
		return s.beginUpload(ctx, c, t)
	case session == "":
		return s.writeImage(ctx, c, t, f, c.body)
	}
	part, ok := readContentRange(c.header.Get("Content-Range"))
	if !ok {
		return reply{}, refuse(code.InvalidArgument, "A part of an upload needs a Content-Range, as bytes 0-4095/8192.")
	}
	whole, last, err := s.uploads.add(session, c.path, c.by.userID, part, c.body)
	switch {
	case err != nil:
		return reply{}, err
	case last:
		return s.writeImage(ctx, c, t, f, whole)
	case len(c.body) == 0:
		return newReply(http.StatusNoContent), nil
	}
	return newReply(http.StatusPartialContent), nil
}

func (s *Server) beginUpload(ctx context.Context, c *call, t *table) (reply, error) {
	k, err := readKey(t, c.resource.Segments[0])
	if err != nil {
		return reply{}, err
	}
	err = s.readFor(ctx, c, func(conn *conn) error {
		id, found, err := s.resolve(ctx, conn, t, k)
		if err == nil && found {
			found, err = s.exists(ctx, conn, t, id)
		}
		if err == nil && !found {
			err = k.missing(t)
		}
		return err
	})
	if err != nil {
		return reply{}, err
	}
	answer := newReply(http.StatusOK)
	answer.header.Set("Location", c.base+c.path+"?sessiontoken="+s.uploads.begin(c.path, c.by.userID))
	answer.header.Set("x-ms-chunk-size", strconv.Itoa(chunkSize))
	answer.header.Set("Accept-Ranges", "bytes")
	return answer, nil
}

// readImagePart answers with a part of an image, in JSON as clients that download in parts expect it, or as it is behind /$value.
func readImagePart(c *call, f *schema.Field, content []byte, raw bool, context string) (reply, error) {
	part, ok := readRange(c.header.Get("Range"), len(content))
	if !ok {
		return reply{}, refuse(code.InvalidArgument, "The Range '%s' is none that can be read, as bytes=0-4194303.", c.header.Get("Range"))
	}
	answer := newReply(http.StatusPartialContent)
	name := f.LogicalName + extensionOf(content)
	for header, value := range map[string]string{
		"x-ms-file-name": name, "x-ms-file-size": strconv.Itoa(len(content)), "x-ms-chunk-size": strconv.Itoa(chunkSize),
		"mimetype": http.DetectContentType(content), "Content-Disposition": `attachment; filename="` + name + `"`, "Accept-Ranges": "bytes",
		"Location": c.base + c.path + "?size=" + sizeOf(c),
	} {
		answer.header.Set(header, value)
	}
	if raw {
		answer.body = content[part.from:part.to]
		answer.header.Set("Content-Type", "application/octet-stream")
		if len(answer.body) > 0 {
			answer.header.Set("Content-Range", "bytes "+strconv.Itoa(part.from)+"-"+strconv.Itoa(part.to-1)+"/"+strconv.Itoa(part.total))
		}
		return answer, nil
	}
	b := appendString(appendMember([]byte{'{'}, "@odata.context"), context)
	answer.json(append(appendString(appendMember(b, "value"), base64.StdEncoding.EncodeToString(content[part.from:part.to])), '}'))
	return answer, nil
}

func sizeOf(c *call) string {
	if c.query.Other.Get("size") == "full" {
		return "full"
	}
	return "thumb"
}

// extensionOf is what a file's name ends with, by its content.
func extensionOf(content []byte) string {
	switch http.DetectContentType(content) {
	case "image/png":
		return ".png"
	case "image/jpeg":
		return ".jpg"
	case "image/gif":
		return ".gif"
	case "image/bmp":
		return ".bmp"
	}
	return ".tif"
}
