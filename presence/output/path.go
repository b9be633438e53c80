package output

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/botverse/botverse/presence"
)

// filePath is where an output's files are below its directory: tokens in braces stand for what the rows are of.
type filePath string

// The tokens of a filePath.
const (
	dateToken  = "{date}"  // the UTC day on which the events were received
	eventToken = "{event}" // their kind, as presence-changed
	orgToken   = "{org}"   // the organisation's unique name, its ID where nobody told the name
)

// defaultPath is where an output's files are if nothing is said: beside each other.
func defaultPath(output string) filePath { return filePath(output + "-" + dateToken + ".csv") }

var anyToken = regexp.MustCompile(`\{[^{}]*\}`)

// faults names what is wrong with a path.
func (p filePath) faults() []error {
	var faults []error
	refuse := func(format string, args ...any) { faults = append(faults, fmt.Errorf("path: "+format, args...)) }
	for _, token := range anyToken.FindAllString(string(p), -1) {
		if !slices.Contains([]string{dateToken, eventToken, orgToken}, token) {
			refuse("there is no token %s; there are {event}, {date} and {org}", token)
		}
	}
	if rest := anyToken.ReplaceAllString(string(p), ""); strings.ContainsAny(rest, "{}\\\x00") {
		refuse("%q has a brace or a backslash outside of a token; folders are separated by /", p)
	}
	if !strings.Contains(string(p), dateToken) {
		refuse("%q has no {date}: each day needs files of its own", p)
	}
	if !strings.HasSuffix(string(p), ".csv") {
		refuse("%q does not end in .csv", p)
	}
	if !fs.ValidPath(string(p)) {
		refuse("%q is no path below dir, as {event}/{date}.csv", p)
	}
	return faults
}

// of is the file of an event on a day.
func (p filePath) of(day string, e *presence.Event) string {
	return strings.NewReplacer(
		dateToken, day,
		eventToken, strings.ToLower(strings.ReplaceAll(string(e.Kind), "_", "-")),
		orgToken, folder(cmp.Or(e.OrganizationName, e.OrganizationID, "unknown")),
	).Replace(string(p))
}

var strange = regexp.MustCompile(`[^\pL\pN._-]`)

// folder makes a name of others one that can be part of a file's: it leads nowhere else, and is not hidden.
func folder(name string) string {
	const most = 100 // of the 255 bytes that a name may have
	name = strange.ReplaceAllString(name, "_")
	if strings.HasPrefix(name, ".") {
		name = "_" + name[1:]
	}
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "")
	}
	return name
}

// pattern matches the files of a path, whatever they are of.
func (p filePath) pattern() *regexp.Regexp {
	text := regexp.QuoteMeta(string(p))
	for token, pattern := range map[string]string{dateToken: `\d{4}-\d{2}-\d{2}`, eventToken: `[a-z-]+`, orgToken: `[^/]+`} {
		text = strings.ReplaceAll(text, regexp.QuoteMeta(token), pattern)
	}
	return regexp.MustCompile("^" + text + "$")
}

// anyIn returns a file of the path that is in a directory; empty where there is none.
func (p filePath) anyIn(dir string) (found string, err error) {
	pattern := p.pattern()
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && pattern.MatchString(name) {
			found = name
			return fs.SkipAll
		}
		return err
	})
	return found, err
}

// makeFolders makes the folders between a directory and a file below it, so that they outlive the machine, and returns the file's
// own.
func makeFolders(dir, name string) (string, error) {
	folder := filepath.Join(dir, filepath.FromSlash(path.Dir(name)))
	if _, err := os.Stat(folder); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return folder, err
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return "", err
	}
	for above := filepath.Dir(folder); ; above = filepath.Dir(above) {
		if err := syncDir(above); err != nil || len(above) <= len(filepath.Clean(dir)) {
			return folder, err
		}
	}
}
