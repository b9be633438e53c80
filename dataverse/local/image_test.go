package local_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// picture is a PNG of a size.
func picture(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// download reads an address: the answer's status, and the size of the picture there, "" where it is none.
func download(t *testing.T, address string) (status int, content []byte, size string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if content, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	if config, err := png.DecodeConfig(bytes.NewReader(content)); err == nil {
		size = fmt.Sprint(config.Width, "x", config.Height)
	}
	return response.StatusCode, content, size
}

// TestImages holds what becomes of an image that is no thumbnail yet, however it is written.
func TestImages(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	c := newClient(t, base)
	api := base + "/api/data/v9.2/"
	const contact = "contacts(c0000000-0000-4000-8000-000000000001)"
	first, second := picture(t, 300, 428), picture(t, 91, 130)
	check := func(when, thumbnail string, full []byte) {
		t.Helper()
		r := c.list("contacts?$select=entityimage,entityimage_url,entityimageid&$filter=contactid eq c0000000-0000-4000-8000-000000000001")[0]
		shown, err := base64.StdEncoding.DecodeString(fmt.Sprint(r["entityimage"]))
		if err != nil {
			t.Fatalf("%s: entityimage = %v", when, r["entityimage"])
		}
		config, err := png.DecodeConfig(bytes.NewReader(shown))
		if got := fmt.Sprint(config.Width, "x", config.Height); err != nil || got != thumbnail {
			t.Errorf("%s: the record shows %s (%v), want %s", when, got, err, thumbnail)
		}
		_, _, text := c.send(http.MethodGet, contact+"/entityimage_timestamp/$value", "")
		id, ticks := fmt.Sprint(r["entityimageid"]), string(text)
		address := fmt.Sprint(r["entityimage_url"])
		if want := "/Image/download.aspx?Entity=contact&Attribute=entityimage&Id=" + id + "&Timestamp=" + ticks; address != want {
			t.Errorf("%s: the URL is %s, want %s", when, address, want)
		}
		n, err := strconv.ParseInt(ticks, 10, 64)
		if at := time.UnixMicro((n - 621355968000000000) / 10); err != nil || time.Since(at).Abs() > time.Hour {
			t.Errorf("%s: the timestamp %s is %s (%v), want now", when, ticks, at, err)
		}
		for _, where := range []struct {
			address string
			full    bool
		}{
			{api + contact + "/entityimage/$value", false}, {api + contact + "/entityimage/$value?size=full", true},
			{base + address, false}, {base + address + "&Full=true", true},
		} {
			_, content, size := download(t, where.address)
			if where.full && !bytes.Equal(content, full) {
				t.Errorf("%s: %s gives %s, want the image as it came", when, where.address, size)
			}
			if !where.full && size != thumbnail {
				t.Errorf("%s: %s gives %q, want %s", when, where.address, size, thumbnail)
			}
		}
	}
	write := func(method, path, body string, headers ...string) {
		t.Helper()
		if status, _, b := c.send(method, path, body, headers...); status != http.StatusNoContent {
			t.Fatalf("%s %s = %d %s", method, path, status, b)
		}
	}
	write(http.MethodPatch, contact, `{"entityimage":"`+base64.StdEncoding.EncodeToString(first)+`"}`)
	check("in the record", "144x144", first)
	old := fmt.Sprint(c.list("contacts?$select=entityimage_url&$filter=contactid eq c0000000-0000-4000-8000-000000000001")[0]["entityimage_url"])
	write(http.MethodPatch, contact+"/entityimage", string(second), "Content-Type: application/octet-stream")
	check("as a file", "91x91", second)
	if status, _, _ := download(t, base+old); status != http.StatusNotFound {
		t.Errorf("the address of the image before is answered %d, want 404", status)
	}
	write(http.MethodPut, contact+"/entityimage", `{"value":"`+base64.StdEncoding.EncodeToString(first)+`"}`)
	check("as a value", "144x144", first)
	write(http.MethodPatch, contact, `{"jobtitle":"Pilot"}`)
	check("after another change", "144x144", first)
	write(http.MethodDelete, contact+"/entityimage", "")
	for _, suffix := range []string{"", "/$value", "/$value?size=full"} {
		if status, _, b := c.send(http.MethodGet, contact+"/entityimage"+suffix, ""); status != http.StatusNoContent {
			t.Errorf("GET %s of no image = %d %s", suffix, status, b)
		}
	}
	small := picture(t, 20, 20)
	write(http.MethodPut, contact+"/entityimage", `{"value":"`+base64.StdEncoding.EncodeToString(small)+`"}`)
	check("a small square", "20x20", small)
}

// TestImagesAreRefused holds the refusals of Dataverse, and that nothing else of the record is written then.
func TestImagesAreRefused(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo, RequireAuth: true})
	if status, _, _ := download(t, base+"/Image/download.aspx?Entity=contact&Attribute=entityimage&Id=x"); status != http.StatusUnauthorized {
		t.Errorf("a download without a token is answered %d, want 401", status)
	}
	_, base = localtest.Start(t, local.Config{Seed: local.SeedDemo})
	c := newClient(t, base)
	status, _, b := c.send(http.MethodPatch, "contacts(c0000000-0000-4000-8000-000000000001)", `{"jobtitle":"Pilot","entityimage":"`+base64.StdEncoding.EncodeToString([]byte("GIF89a and so on"))+`"}`)
	if status != http.StatusBadRequest || !strings.Contains(string(b), "0x80072553") {
		t.Errorf("what is no image = %d %s", status, b)
	}
	if got := c.list("contacts?$filter=jobtitle eq 'Pilot'"); len(got) != 0 {
		t.Error("the other field was written")
	}
	for _, address := range []string{"Entity=nothing&Attribute=entityimage&Id=x", "Entity=contact&Attribute=fullname&Id=x", "Entity=contact&Attribute=entityimage&Id=x"} {
		if status, content, _ := download(t, base+"/Image/download.aspx?"+address); status != http.StatusNotFound {
			t.Errorf("%s = %d %s, want 404", address, status, content)
		}
	}
}
