package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

const picturedContact = "contacts(c0000000-0000-4000-8000-000000000001)/entityimage"

// sendPart sends a part of an image to where its upload was begun.
func (c client) sendPart(session string, from, to int, whole []byte) int {
	c.t.Helper()
	status, _, _ := c.send(http.MethodPatch, session, string(whole[from:to]), fmt.Sprintf("Content-Range: bytes %d-%d/%d", from, to-1, len(whole)), "Content-Type: application/octet-stream")
	return status
}

// TestImagesComeAndGoInParts sends an image in parts, one of them twice, and reads it again in parts.
func TestImagesComeAndGoInParts(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	c := newClient(t, base)
	whole := picture(t, 300, 200)
	status, header, b := c.send(http.MethodPatch, picturedContact+"?x-ms-file-name=me.png", "", "x-ms-transfer-mode: chunked")
	session := strings.TrimPrefix(header.Get("Location"), c.base)
	if status != http.StatusOK || header.Get("x-ms-chunk-size") != "4194304" || !strings.Contains(session, "sessiontoken=") {
		t.Fatalf("begin = %d %v %s", status, header, b)
	}
	half := len(whole) / 2
	for _, part := range []struct{ from, to, want int }{
		{half, len(whole), http.StatusBadRequest}, // the first is missing
		{0, half, http.StatusPartialContent},
		{0, half, http.StatusPartialContent}, // again, as after a lost answer
		{half, len(whole), http.StatusNoContent},
	} {
		if got := c.sendPart(session, part.from, part.to, whole); got != part.want {
			t.Errorf("the part from %d to %d is answered %d, want %d", part.from, part.to, got, part.want)
		}
	}
	var read []byte
	for from := 0; from < len(whole); from += 1000 {
		status, header, b := c.send(http.MethodGet, picturedContact+"?size=full", "", fmt.Sprintf("Range: bytes=%d-%d", from, from+999))
		var part struct{ Value []byte }
		if err := json.Unmarshal(b, &part); err != nil || status != http.StatusPartialContent || header.Get("x-ms-file-size") != fmt.Sprint(len(whole)) || header.Get("x-ms-file-name") != "entityimage.png" {
			t.Fatalf("the part from %d = %d %v %s", from, status, header, b)
		}
		read = append(read, part.Value...)
	}
	if !bytes.Equal(read, whole) {
		t.Error("the parts that were read are not what was sent")
	}
	status, header, b = c.send(http.MethodGet, picturedContact+"/$value?size=full", "", "Range: bytes=-10")
	want := fmt.Sprintf("bytes %d-%d/%d", len(whole)-10, len(whole)-1, len(whole))
	if status != http.StatusPartialContent || !bytes.Equal(b, whole[len(whole)-10:]) || header.Get("Content-Range") != want {
		t.Errorf("the last ten bytes = %d %q %d bytes, want %q", status, header.Get("Content-Range"), len(b), want)
	}
	if status, _, b := c.send(http.MethodPut, picturedContact, string(whole), "Content-Type: application/octet-stream"); status != http.StatusNoContent {
		t.Errorf("PUT of an image = %d %s", status, b)
	}
}

// TestUploadsAreRefused holds that what does not belong to an upload changes nothing.
func TestUploadsAreRefused(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	c := newClient(t, base)
	_, header, _ := c.send(http.MethodPatch, picturedContact, "", "x-ms-transfer-mode: chunked")
	session := strings.TrimPrefix(header.Get("Location"), c.base)
	other := strings.Replace(session, "c0000000-0000-4000-8000-000000000001", "c0000000-0000-4000-8000-000000000002", 1)
	for _, refused := range []struct {
		what, path, body, header string
		want                     int
	}{
		{"no session", picturedContact + "?sessiontoken=x", "x", "Content-Range: bytes 0-0/2", http.StatusNotFound},
		{"another record's session", other, "x", "Content-Range: bytes 0-0/2", http.StatusNotFound},
		{"no range", session, "x", "Content-Range: all", http.StatusBadRequest},
		{"a range that is not the body's", session, "xyz", "Content-Range: bytes 0-0/2", http.StatusBadRequest},
		{"a part behind the end", session, "xyz", "Content-Range: bytes 0-2/2", http.StatusBadRequest},
		{"an image that is too large", session, "x", "Content-Range: bytes 0-0/99999999", http.StatusRequestEntityTooLarge},
		{"no image", session, "x", "Content-Range: bytes 0-0/1", http.StatusBadRequest},
		{"a record that is not there", strings.Replace(picturedContact, "c0000000", "c9999999", 1), "", "x-ms-transfer-mode: chunked", http.StatusNotFound},
	} {
		if status, _, b := c.send(http.MethodPatch, refused.path, refused.body, refused.header); status != refused.want {
			t.Errorf("%s = %d %s, want %d", refused.what, status, b, refused.want)
		}
	}
	if status, _, b := c.send(http.MethodGet, picturedContact, ""); status != http.StatusNoContent {
		t.Errorf("the image = %d %s, want none", status, b)
	}
	c.send(http.MethodPatch, picturedContact, string(picture(t, 9, 9)))
	if status, _, b := c.send(http.MethodGet, picturedContact, "", "Range: bytes=a-b"); status != http.StatusBadRequest {
		t.Errorf("a range that is none = %d %s", status, b)
	}
}
