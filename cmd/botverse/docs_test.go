package main

import (
	"errors"
	"go/build"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/botverse/botverse/access"
	"github.com/botverse/botverse/dataverse"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/presence"
	"github.com/botverse/botverse/presence/output"
)

// doc reads a page of the documentation.
func doc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The table of settings has each of serve's, with its default, and no other.
func TestEverySettingIsDocumented(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("HOME", "~")
	rows := map[string]string{}
	table, _, _ := strings.Cut(doc(t, "docs/configuration.md"), "```")
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|([^|]*)\\|").FindAllStringSubmatch(table, -1) {
		rows[row[1]] = row[2]
	}
	parser, err := newParser(&cli{}, io.Discard, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		if command.Name != "serve" {
			continue
		}
		for _, f := range command.Flags {
			key := yamlKey(f)
			told, ok := rows[key]
			delete(rows, key)
			if !ok || !strings.Contains(told, f.Default) {
				t.Errorf("docs/configuration.md says %q of %s, whose default is %q", told, key, f.Default)
			}
		}
	}
	for key := range rows {
		t.Errorf("docs/configuration.md has %s, which is no setting of serve", key)
	}
}

// Each key of the mappings in the file is told somewhere.
func TestEveryKeyIsDocumented(t *testing.T) {
	t.Parallel()
	text := doc(t, "docs/configuration.md")
	for _, of := range []any{dataverse.Config{}, presence.Config{}, output.Config{}, journal.NATS{}, webhookSettings{}, access.Config{}} {
		keys := yamlKeys(reflect.TypeOf(of))
		if len(keys) < 2 {
			t.Errorf("%T has the keys %q, want some", of, keys)
		}
		for _, key := range keys {
			if !regexp.MustCompile(`(?m)(^|[ {])#? ?` + key + ":|`" + key + "[`:]").MatchString(text) {
				t.Errorf("docs/configuration.md lacks %s of %T", key, of)
			}
		}
	}
}

// yamlKeys are the keys of a structure of settings, and of those in it.
func yamlKeys(of reflect.Type) []string {
	var keys []string
	for _, f := range reflect.VisibleFields(of) {
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		keys = append(keys, key)
		inner := f.Type
		if inner.Kind() == reflect.Map {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			keys = append(keys, yamlKeys(inner)...)
		}
	}
	return keys
}

// The configurations that the documentation shows are taken, and those that are to show defaults do.
func TestDocumentedConfigurationsAreTaken(t *testing.T) {
	for _, name := range []string{"CONTOSO_CLIENT_SECRET", "NATS_TOKEN", "TOPIC_KEY", "NEW_KEY", "OLD_KEY", "BOT_TOKEN"} {
		t.Setenv(name, "a-secret-0123456789")
	}
	for _, page := range []string{"README.md", "docs/configuration.md"} {
		blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(doc(t, page), -1)
		if len(blocks) == 0 {
			t.Errorf("%s shows no configuration", page)
		}
		for _, block := range blocks {
			c := serveFrom(t, "--config="+configFile(t, block[1]))
			if err := c.validate(); err != nil {
				t.Errorf("%s: %v\n%s", page, err, block[1])
			}
			checkDefaults(t, block[1], c.Presence.settings())
		}
	}
}

func checkDefaults(t *testing.T, block string, got presence.Config) {
	t.Helper()
	want := presence.Default()
	if strings.Contains(block, "heartbeat:") && (got.Heartbeat != want.Heartbeat || got.Buffer != want.Buffer || got.Retention != want.Retention || got.MaxBytes != want.MaxBytes) {
		t.Errorf("the documentation shows %v, %v, %v and %v as defaults, want %v, %v, %v and %v",
			got.Heartbeat, got.Buffer, got.Retention, got.MaxBytes, want.Heartbeat, want.Buffer, want.Retention, want.MaxBytes)
	}
	if strings.Contains(block, "interval:") && !cmp.Equal(got.Backfill, want.Backfill) {
		t.Errorf("the documentation shows %+v as the default, want %+v", got.Backfill, want.Backfill)
	}
}

// The table of roles has each method of the contract beside the role that it takes.
func TestRolesAreDocumented(t *testing.T) {
	t.Parallel()
	told := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(viewer|caller|builder|admin)` \\|([^|]*)\\|").FindAllStringSubmatch(doc(t, "docs/configuration.md"), -1) {
		for _, method := range regexp.MustCompile(`[A-Z]\w+`).FindAllString(row[2], -1) {
			told[method] = row[1]
		}
	}
	want := map[string]string{}
	protoregistry.GlobalFiles.RangeFilesByPackage("botverse.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				role := proto.GetExtension(methods.Get(j).Options(), botversev1.E_Role).(botversev1.Role)
				want[string(methods.Get(j).Name())] = strings.ToLower(role.String())
			}
		}
		return true
	})
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("docs/configuration.md differs from the contract (-contract +page):\n%s", diff)
	}
}

// The commands that the documentation shows have the flags and arguments that they are shown with.
func TestDocumentedCommandsAreKnown(t *testing.T) {
	shown := map[string][]string{}
	for _, page := range []string{"README.md", "docs/configuration.md", "docs/actions.md", "dataverse/local/README.md"} {
		for _, line := range regexp.MustCompile(`(?m)^(?:.*go run \./cmd/)?botverse +([a-z].*)$`).FindAllStringSubmatch(doc(t, page), -1) {
			command, _, _ := strings.Cut(line[1], " #")
			shown[page] = append(shown[page], command)
		}
		for _, code := range regexp.MustCompile("`botverse ([a-z][^`<…]*)`").FindAllStringSubmatch(doc(t, page), -1) {
			shown[page] = append(shown[page], code[1])
		}
	}
	if len(shown["README.md"]) < 4 || len(shown["docs/configuration.md"]) < 10 {
		t.Fatalf("found %q, want more commands", shown)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("botverse.yaml", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for page, commands := range shown {
		for _, command := range commands {
			if _, err := parse(words(command), io.Discard); err != nil && !strings.Contains(err.Error(), "which of its commands") && !strings.Contains(err.Error(), "expected ") {
				t.Errorf("%s: botverse %s: %v", page, command, err)
			}
		}
	}
}

// words are a command's, those in quotes being one.
func words(command string) []string {
	found := regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(command, -1)
	for i, w := range found {
		found[i] = strings.Trim(w, `"`)
	}
	return slices.DeleteFunc(found, func(w string) bool { return w == "" })
}

// A flag's help has its default, though a word for what it takes stands in the place where defaults are printed.
func TestHelpTellsDefaults(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if _, err := parse([]string{"serve", "--help"}, &out); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"Serve REST here; default 127.0.0.1:8080 ($BOTVERSE_HTTP_ADDR).", `--log-level="info"`} {
		if !strings.Contains(text, want) {
			t.Errorf("--help lacks %q:\n%s", want, out.String())
		}
	}
}

// The picture of the house has an arrow for each import and none without, and the table has each package. cmd's own imports
// are not drawn: it wires all.
func TestHouseIsDrawnAsItStands(t *testing.T) {
	t.Parallel()
	imports := packageImports(t)
	page := doc(t, "docs/architecture.md")
	want := map[string]bool{}
	for from, all := range imports {
		if !strings.HasPrefix(from, "gen/") && !regexp.MustCompile("(?m)^\\|.*`"+path.Base(from)+"`|`"+from+"`").MatchString(page) {
			t.Errorf("docs/architecture.md has no row of %s", from)
		}
		if from == "cmd/botverse" || strings.HasSuffix(from, "test") || path.Base(from) == "bench" {
			continue
		}
		for _, to := range all {
			if drawn(from) != drawn(to) && !strings.HasPrefix(to, "internal/") {
				want[drawn(from)+" -> "+drawn(to)] = true
			}
		}
	}
	got := map[string]bool{}
	for _, arrow := range regexp.MustCompile(`data-from="([^"]+)" data-to="([^"]+)"`).FindAllStringSubmatch(doc(t, "docs/images/house.svg"), -1) {
		if arrow[1] != "cmd/botverse" {
			got[arrow[1]+" -> "+arrow[2]] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) < 15 {
		t.Errorf("imports and drawn arrows differ (-imports +drawn):\n%s", diff)
	}
}

// drawn is the box of the picture that a package is in.
func drawn(pkg string) string {
	switch {
	case strings.HasPrefix(pkg, "gen/"):
		return "gen"
	case strings.HasPrefix(pkg, "dataverse/local"):
		return "dataverse/local"
	case strings.HasPrefix(pkg, "dataverse/"): // the metadata model and the languages of the wire
		return "dataverse/schema"
	case pkg == "actions/phone":
		return "actions/template"
	case pkg == "actions/input":
		return "actions/translate"
	case pkg == "actions/order":
		return "actions/fetch"
	}
	return pkg
}

// packageImports are the packages of this module, by their path in it, with what they import of each other outside of tests.
func packageImports(t *testing.T) map[string][]string {
	t.Helper()
	const module = "github.com/botverse/botverse/"
	found := map[string][]string{}
	for _, top := range []string{"access", "actions", "cmd", "dataverse", "gen", "journal", "presence", "server"} {
		err := fs.WalkDir(os.DirFS("../.."), top, func(dir string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if d.Name() == "testdata" || d.Name() == "node_modules" {
				return fs.SkipDir
			}
			p, err := build.ImportDir("../../"+dir, 0)
			var none *build.NoGoError
			if errors.As(err, &none) {
				return nil
			}
			found[dir] = nil
			for _, name := range p.Imports {
				if of, ours := strings.CutPrefix(name, module); ours {
					found[dir] = append(found[dir], of)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// A row of the catalogue names tests that exist.
func TestFeaturesNameTestsThatExist(t *testing.T) {
	t.Parallel()
	exist := map[string]bool{}
	err := fs.WalkDir(os.DirFS("../.."), ".", func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (d.Name() == "node_modules" || d.Name() == "third_party" || d.Name() == ".git") {
			return fs.SkipDir
		}
		if err != nil {
			return err
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		for _, f := range regexp.MustCompile(`(?m)^func (?:\([^)]*\) )?([A-Za-z]\w+)`).FindAllStringSubmatch(doc(t, name), -1) {
			exist[f[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, row := range regexp.MustCompile(`(?m)^\| ([A-Z]\d?-\d+) \|.*$`).FindAllStringSubmatch(doc(t, "docs/features.md"), -1) {
		for _, test := range regexp.MustCompile(`\b[Tt]est[A-Z]\w*(\*|\b)`).FindAllString(row[0], -1) {
			named++
			prefix, several := strings.CutSuffix(test, "*")
			if !exist[test] && (!several || !slices.ContainsFunc(slices.Collect(maps.Keys(exist)), func(name string) bool { return strings.HasPrefix(name, prefix) })) {
				t.Errorf("docs/features.md: %s names %s, which is no test", row[1], test)
			}
		}
	}
	if named < 300 {
		t.Errorf("found %d tests in docs/features.md, want more", named)
	}
}

// The tests that the page shows pass with the definition that it shows.
func TestShownTestsOfActionsPass(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(doc(t, "docs/actions.md"), -1) {
		name := "find-customer.test.yaml"
		if found := regexp.MustCompile(`(?m)^name: (\S+)$`).FindStringSubmatch(block[1]); found != nil {
			name = found[1] + ".yaml"
		}
		if err := os.WriteFile(path.Join(dir, name), []byte(block[1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "2 definitions, nothing wrong", "action", "lint", dir)
	must(t, "3 tests in ", "action", "test", dir)
}
