package local_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

var update = flag.Bool("update", false, "rewrite the replies in testdata; the requests stay as they are written")

// TestCases plays the files of testdata: requests in their order, each with the reply that it must have. A file begins with
// what it shows and where the rule stands; its last line says what data the server has, as "seed: demo".
//
// In replies the service root is {base}, what is new in each run has a name that later requests may use ({id1}), and
// versions and the present time are masked. A request whose line ends in "fetchXml=" has the document as its body, for the
// eye's sake: it is sent as that option.
func TestCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			playCase(t, file)
		})
	}
}

func playCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, base := localtest.Start(t, configOf(string(archive.Comment)))
	p := player{base: base + "/api/data/v9.2/", names: map[string]string{}}
	var played []txtar.File
	for i := 0; i < len(archive.Files); i++ {
		request := archive.Files[i]
		if *update && strings.HasSuffix(request.Name, "reply") {
			continue // of a request that was renamed
		}
		played = append(played, request)
		if !strings.HasSuffix(request.Name, "request") {
			t.Fatalf("%s: the file %q is no request", file, request.Name)
		}
		got := p.play(t, string(request.Data))
		reply := txtar.File{Name: strings.TrimSuffix(request.Name, "request") + "reply", Data: []byte(got)}
		played = append(played, reply)
		if i+1 < len(archive.Files) && archive.Files[i+1].Name == reply.Name {
			i++
			if want := string(archive.Files[i].Data); !*update && got != want {
				t.Errorf("%s, %s: the reply is another (-want +got):\n%s", file, reply.Name, cmp.Diff(want, got))
			}
		} else if !*update {
			t.Errorf("%s has no %q", file, reply.Name)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(&txtar.Archive{Comment: archive.Comment, Files: played}), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func configOf(comment string) local.Config {
	cfg := local.Config{}
	for line := range strings.Lines(comment) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ": "); name {
		case "seed":
			cfg.Seed = value
		case "require-auth":
			cfg.RequireAuth, cfg.ClientID, cfg.Audience = true, "the-client", "https://local"
			cfg.ClientSecrets = []local.ClientSecret{{Value: "the-secret"}, {Value: "the-old-secret", Expires: time.Now()}}
		}
	}
	return cfg
}

// player sends requests and masks what differs from run to run.
type player struct {
	base  string
	names map[string]string // what {id1} stands for, and the other way round
	count int
}

// play sends a request as it would stand on the wire, its path below the service root, and returns the reply's text.
func (p *player) play(t *testing.T, text string) string {
	t.Helper()
	for name, value := range p.names {
		if strings.HasPrefix(name, "{") {
			text = strings.ReplaceAll(text, name, value)
		}
	}
	text = strings.ReplaceAll(text, "{base}", p.base)
	head, body, _ := strings.Cut(text, "\n\n")
	first, headers, _ := strings.Cut(head, "\n")
	method, path, _ := strings.Cut(strings.TrimSpace(first), " ")
	if strings.HasSuffix(path, "fetchXml=") {
		path, body = path+url.QueryEscape(strings.TrimSpace(body)), ""
	}
	path = strings.ReplaceAll(path, " ", "%20")
	address := p.base + path
	if strings.HasPrefix(path, "/") {
		address = strings.TrimSuffix(p.base, "/api/data/v9.2/") + path
	}
	if strings.HasPrefix(headers, "Content-Type: multipart") {
		body = strings.ReplaceAll(body, "\n", "\r\n")
	} else {
		body = strings.TrimSuffix(body, "\n")
	}
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(headers) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		request.Header.Add(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return p.mask(t, replyText(response, b))
}

// shownHeaders are those that a case holds the server to, in the spelling of http.Header.
var shownHeaders = []string{"Allow", "Content-Type", "Etag", "Odata-Entityid", "Location", "Preference-Applied", "Retry-After", "Www-Authenticate"}

func replyText(response *http.Response, body []byte) string {
	var b strings.Builder
	fmt.Fprintln(&b, response.Status)
	for _, name := range shownHeaders {
		if value := response.Header.Get(name); value != "" && (name != "Location" || value != response.Header.Get("Odata-Entityid")) {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	if len(body) > 0 {
		fmt.Fprintf(&b, "\n%s\n", indented(body))
	}
	return b.String()
}

func indented(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", " ") == nil {
		return b.String()
	}
	lines := bufio.NewScanner(bytes.NewReader(body))
	for lines.Scan() {
		fmt.Fprintln(&b, strings.TrimSpace(lines.Text()))
	}
	return strings.TrimSpace(b.String())
}

var (
	newIDs    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`) // those of the seeds have version 4
	versions  = regexp.MustCompile(`W/(\\?)"\d+\\?"|"versionnumber": \d+|"versionnumber@[^,]*,`)
	moments   = regexp.MustCompile(`20\d\d-\d\d-\d\d \d\d:\d\d:\d\dZ`) // as Entra writes them
	times     = regexp.MustCompile(`"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"`)
	skipToken = regexp.MustCompile(`\$skiptoken=[^"]*`)
	deltaLink = regexp.MustCompile(`\$deltatoken=[^"&]*`)
	other     = regexp.MustCompile(`(?:batch|changeset)response_[0-9a-f-]{36}|CAS-\d{5}-[A-Z0-9]{6}|eyJ[\w.-]+`)
)

func (p *player) mask(t *testing.T, text string) string {
	t.Helper()
	text = strings.ReplaceAll(text, p.base, "{base}")
	text = strings.ReplaceAll(text, strings.TrimSuffix(p.base, "/api/data/v9.2/"), "{origin}")
	text = newIDs.ReplaceAllStringFunc(text, func(id string) string {
		if p.names[id] == "" {
			p.count++
			name := fmt.Sprintf("{id%d}", p.count)
			p.names[id], p.names[name] = name, id
		}
		return p.names[id]
	})
	if tag := regexp.MustCompile(`(?m)^Etag: (.*)$`).FindStringSubmatch(text); tag != nil {
		p.names["{etag}"] = tag[1]
	}
	text = versions.ReplaceAllStringFunc(text, func(v string) string {
		if strings.HasPrefix(v, `"`) {
			return `"versionnumber": {version}`
		}
		return "{version}"
	})
	if delta := deltaLink.FindString(text); delta != "" {
		p.names["{deltatoken}"] = delta
		text = strings.ReplaceAll(text, delta, "{deltatoken}")
	}
	if next := skipToken.FindString(text); next != "" {
		p.names["{skiptoken}"] = next
		text = strings.Replace(text, next, "{skiptoken}", 1)
	}
	if token := regexp.MustCompile(`eyJ[\w.-]+`).FindString(text); token != "" {
		p.names["{token}"] = token
	}
	text = other.ReplaceAllStringFunc(text, func(s string) string {
		switch {
		case strings.HasPrefix(s, "CAS-"):
			return "{ticket}"
		case strings.HasPrefix(s, "eyJ"):
			return "{token}"
		case strings.HasPrefix(s, "changesetresponse_"):
			return "changesetresponse_{boundary}"
		}
		return "{boundary}"
	})
	text = moments.ReplaceAllString(text, "{now}")
	return times.ReplaceAllStringFunc(text, func(at string) string {
		if recent(at) {
			return `"{now}"`
		}
		return at
	})
}

// recent reports whether a quoted time is one of this run.
func recent(at string) bool {
	when, err := time.Parse(`"2006-01-02T15:04:05Z"`, at)
	return err == nil && time.Since(when).Abs() < time.Hour
}
