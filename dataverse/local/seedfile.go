package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse/schema"
)

// maxSeedFaults bounds how much is said of a seed that is wrong.
const maxSeedFaults = 20

// validateSeed refuses a seed that is neither built in nor a file.
func (c Config) validateSeed() error {
	if c.Seed == SeedDemo || c.Seed == SeedNone {
		return nil
	}
	if info, err := os.Stat(c.Seed); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("seed %q is neither %q nor %q nor a file", c.Seed, SeedDemo, SeedNone)
	}
	return nil
}

// seed is a file of records, in Web API JSON by entity set. They are made in the order of the file; lookups may point at
// what comes later.
type seed struct {
	name string
	text []byte
	sets []seedSet
}

type seedSet struct {
	name    string
	line    int
	records []seedRecord
}

type seedRecord struct {
	line  int
	body  body
	lines map[string]int // of its members
}

// readSeeds reads what a new server is to begin with, and refuses names in it that do not exist: platform.json has what every
// organisation has; demo.json, or a file with organizations, has its own.
func (s *Server) readSeeds() ([]*seed, error) {
	switch s.cfg.Seed {
	case SeedDemo:
		return builtIn("seed/demo.json")
	case SeedNone:
		return builtIn("seed/platform.json")
	}
	text, err := os.ReadFile(s.cfg.Seed)
	if err != nil {
		return nil, fmt.Errorf("read the seed: %w", err)
	}
	own, err := parseSeed(s.cfg.Seed, text)
	if err != nil {
		return nil, err
	}
	if err := own.check(s); err != nil || own.has("organizations") {
		return []*seed{own}, err
	}
	platform, err := builtIn("seed/platform.json")
	return append(platform, own), err
}

func builtIn(name string) ([]*seed, error) {
	text, err := seeds.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s, err := parseSeed(name, text)
	return []*seed{s}, err
}

func (s *seed) has(set string) bool {
	return slices.ContainsFunc(s.sets, func(other seedSet) bool { return other.name == set })
}

// at is what is wrong in a line.
func (s *seed) at(line int, format string, args ...any) error {
	return fmt.Errorf("the seed %s, line %d: %w", s.name, line, fmt.Errorf(format, args...))
}

// lineOf is the line of an offset in the text.
func (s *seed) lineOf(offset int64) int {
	return 1 + bytes.Count(s.text[:min(offset, int64(len(s.text)))], []byte{'\n'})
}

const seedShape = `a seed is {"contacts": [{"lastname": "Lovelace"}], …}: entity sets with their records`

func parseSeed(name string, text []byte) (*seed, error) {
	s := &seed{name: name, text: text}
	d := json.NewDecoder(bytes.NewReader(text))
	err := s.object(d, 0, func(set string, line int) error {
		if token, err := d.Token(); err != nil || token != json.Delim('[') {
			return errors.Join(err, s.at(line, "%q must be a list: %s", set, seedShape))
		}
		records := seedSet{name: set, line: line}
		for d.More() {
			r, err := s.record(d)
			if err != nil {
				return err
			}
			records.records = append(records.records, r)
		}
		s.sets = append(s.sets, records)
		_, err := d.Token()
		return err
	})
	if _, end := d.Token(); err == nil && !errors.Is(end, io.EOF) {
		err = s.at(s.lineOf(d.InputOffset()), "there is more than one object")
	}
	return s, s.syntax(err, d)
}

// syntax is an error of reading JSON with its line.
func (s *seed) syntax(err error, d *json.Decoder) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return s.at(s.lineOf(syntax.Offset), "this is no JSON: %s", syntax)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return s.at(s.lineOf(d.InputOffset()), "the file ends in the middle")
	}
	return err
}

// object calls each with the members of the object that comes next, once their names are read; their values are each's to
// read. The decoder's text begins at an offset of the file.
func (s *seed) object(d *json.Decoder, offset int64, each func(name string, line int) error) error {
	line := func() int { return s.lineOf(offset + d.InputOffset()) }
	if token, err := d.Token(); err != nil {
		return err
	} else if token != json.Delim('{') {
		return s.at(line(), "there must be an object: %s", seedShape)
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		if err := each(fmt.Sprint(token), line()); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func (s *seed) record(d *json.Decoder) (seedRecord, error) {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return seedRecord{}, err
	}
	start := d.InputOffset() - int64(len(raw))
	r := seedRecord{line: s.lineOf(start), body: body{}, lines: map[string]int{}}
	inner := json.NewDecoder(bytes.NewReader(raw))
	inner.UseNumber()
	return r, s.object(inner, start, func(name string, line int) error {
		if _, twice := r.body[name]; twice {
			return s.at(line, "%q stands in the record twice", name)
		}
		var value any
		err := inner.Decode(&value)
		r.body[name], r.lines[name] = value, line
		return err
	})
}

// check names the entity sets and the members that do not exist.
func (s *seed) check(server *Server) error {
	var wrong []error
	for _, set := range s.sets {
		t, err := server.tableOfSet(set.name)
		if err != nil {
			wrong = append(wrong, s.at(set.line, "there is no entity set %q%s", set.name, hint(set.name, server.setNames())))
			continue
		}
		for _, r := range set.records {
			for _, name := range slices.Sorted(maps.Keys(r.body)) {
				if !t.takes(name) {
					wrong = append(wrong, s.at(r.lines[name], "%s has no %q%s", t.LogicalName, name, hint(name, t.memberNames())))
				}
			}
		}
	}
	if len(wrong) > maxSeedFaults {
		wrong = append(wrong[:maxSeedFaults], fmt.Errorf("and %d more", len(wrong)-maxSeedFaults))
	}
	return errors.Join(wrong...)
}

// hint is the end of a sentence that names what was meant.
func hint(name string, among []string) string {
	if nearest := schema.Nearest(name, among); len(nearest) > 0 {
		return fmt.Sprintf("; did you mean %q?", nearest[0])
	}
	return ""
}

func (s *Server) setNames() []string {
	names := s.schema.Names()
	for i, name := range names {
		names[i] = s.schema.EntitySetName(name)
	}
	return names
}

// takes reports whether a body of the entity may have a member of that name.
func (t *table) takes(member string) bool {
	property, annotation, annotated := strings.Cut(member, "@")
	if f, _ := t.lookupOf(property); f != nil {
		return true
	}
	if _, ok := t.children[property]; ok {
		return true
	}
	f := t.Field(property)
	return annotated && annotation != "odata.bind" || !annotated && f != nil && f.AttributeOf == "" && !f.IsLookup()
}

// memberNames are those that bodies of the entity commonly have.
func (t *table) memberNames() (names []string) {
	for _, f := range t.Fields {
		switch {
		case f.IsLookup():
			for _, navigation := range f.Navigation {
				names = append(names, navigation+"@odata.bind")
			}
		case f.AttributeOf == "":
			names = append(names, f.LogicalName)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// plant makes the records of seeds. The first ones, the organisation's own, come before there is a user to have made them;
// settings are read as soon as there are any.
func (m *mutation) plant(ctx context.Context, seeds []*seed) error {
	for _, s := range seeds {
		for _, set := range s.sets {
			if err := m.plantSet(ctx, s, set); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *mutation) plantSet(ctx context.Context, s *seed, set seedSet) error {
	t, err := m.s.tableOfSet(set.name)
	if err != nil {
		return err
	}
	for _, r := range set.records {
		if err := m.plantRecord(ctx, s, t, r); err != nil {
			return err
		}
	}
	settings, err := loadSettings(ctx, m.conn)
	if err != nil {
		return err
	}
	m.s.settings.Store(settings)
	m.by = settings.defaultCaller
	return nil
}

func (m *mutation) plantRecord(ctx context.Context, s *seed, t *table, r seedRecord) error {
	in := reading{mutation: m, table: t, creating: true, in: &input{values: record{}}}
	for _, name := range slices.Sorted(maps.Keys(r.body)) {
		if err := in.member(ctx, name, r.body[name]); err != nil {
			return s.at(r.lines[name], "%s, %q: %s", t.LogicalName, name, plainly(err))
		}
	}
	if _, err := m.createParsed(ctx, t, in.in, false); err != nil {
		return s.at(r.line, "%s: %s", t.LogicalName, plainly(err))
	}
	return nil
}

// plainly is an error without the frame that the Web API puts around what was wrong with a request's body.
func plainly(err error) string {
	f, foreseen := faultOf(err)
	if !foreseen {
		return err.Error()
	}
	text := f.message
	if _, inner, framed := strings.Cut(text, "InnerException : "); framed {
		text = inner
	}
	return strings.TrimPrefix(text, "Microsoft.OData.ODataException: ")
}
