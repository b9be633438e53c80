package output

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/botverse/botverse/presence"
)

// csvFiles writes files for each day, by the UTC day on which events were received. A day that has ended is never written
// again: an event that was received around midnight out of order stands in a later file. When an event happened is a
// column.
//
// The state file says how far the events are in the files, and how long the last day's files are then: it is replaced after the
// rows are on the disk. Whatever stands behind that length was not finished, and is cut off before the next rows are written. So
// no row is lost or doubled, wherever the process ends.
type csvFiles struct {
	dir    string
	name   string
	path   filePath
	logger *slog.Logger
	state  csvState
}

// csvState is what the state file says.
type csvState struct {
	Day      string            `json:"day"`             // the last one of which there are rows
	Sizes    map[string]int64  `json:"sizes,omitempty"` // of that day's files, in bytes, by their path below the directory
	Size     int64             `json:"size,omitempty"`  // of the day's only file: a Botverse that knew no others wrote it
	Position presence.Position `json:"position"`
}

func (c *csvFiles) file(name string) string { return filepath.Join(c.dir, filepath.FromSlash(name)) }

func (c *csvFiles) stateFile() string { return filepath.Join(c.dir, "."+c.name+".state") }

// begin implements sink. The files know best how far they are.
func (c *csvFiles) begin(_ context.Context, tap *presence.Tap) error {
	if err := os.MkdirAll(c.dir, 0o750); err != nil {
		return err
	}
	text, err := os.ReadFile(c.stateFile())
	if errors.Is(err, fs.ErrNotExist) {
		return c.first(tap.Position())
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &c.state); err != nil {
		return fmt.Errorf("%s is not as it was written: %w", c.stateFile(), err)
	}
	if c.state.Sizes == nil && c.state.Day != "" {
		c.state.Sizes = map[string]int64{defaultPath(c.name).of(c.state.Day, &presence.Event{}): c.state.Size}
	}
	c.state.Size = 0
	tap.Seek(c.state.Position)
	return nil
}

// first keeps the first state. Files without one are of somebody who took it away: what they have is not known.
func (c *csvFiles) first(position presence.Position) error {
	there, err := c.path.anyIn(c.dir)
	if err != nil {
		return err
	}
	if there != "" {
		return fmt.Errorf("%s is there and %s is not: move the files elsewhere, or put it back", c.file(there), c.stateFile())
	}
	c.state.Position = position
	return c.keep(c.state)
}

// put implements sink: the rows of a day at a time.
func (c *csvFiles) put(_ context.Context, _ *presence.Tap, batch []presence.Tapped) error {
	for len(batch) > 0 {
		day := c.dayOf(batch[0].Event)
		end := 1
		for end < len(batch) && c.later(day, batch[end].Event) == day {
			end++
		}
		if err := c.write(day, batch[:end]); err != nil {
			return err
		}
		batch = batch[end:]
	}
	return nil
}

func (c *csvFiles) dayOf(e *presence.Event) string { return c.later(c.state.Day, e) }

// later is the day of an event, or the given one where that is later.
func (c *csvFiles) later(day string, e *presence.Event) string {
	return max(day, e.ReceiveTime.UTC().Format(time.DateOnly))
}

// write appends rows to a day's files.
func (c *csvFiles) write(day string, batch []presence.Tapped) error {
	rows := make(map[string][]byte)
	for _, t := range batch {
		if t.Position.Incarnation == c.state.Position.Incarnation && t.Position.Place <= c.state.Position.Place {
			continue // written already, by an attempt that failed after that
		}
		name := c.path.of(day, t.Event)
		rows[name] = AppendRow(rows[name], Row(t.Event))
	}
	next := csvState{Day: day, Sizes: make(map[string]int64), Position: batch[len(batch)-1].Position}
	if day == c.state.Day {
		maps.Copy(next.Sizes, c.state.Sizes)
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		size, err := c.appendTo(name, next.Sizes[name], rows[name])
		if err != nil {
			return err
		}
		next.Sizes[name] = size
	}
	if err := c.keep(next); err != nil {
		return err
	}
	c.state = next
	return nil
}

// appendTo brings a file to the length that is known of it, and puts rows behind it. It returns once they are on the disk.
func (c *csvFiles) appendTo(name string, known int64, rows []byte) (size int64, err error) {
	folder, err := makeFolders(c.dir, name)
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(c.file(name), os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	there, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	if there < known {
		c.logger.Error("the file is shorter than it was: somebody took rows out", "file", c.file(name), "bytes", known-there)
		known = there
	}
	if err := f.Truncate(known); err != nil {
		return 0, err
	}
	if known == 0 {
		rows = append(AppendRow(nil, Header()), rows...)
	}
	if _, err := f.WriteAt(rows, known); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	return known + int64(len(rows)), syncDir(folder)
}

// keep replaces the state file.
func (c *csvFiles) keep(state csvState) error {
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(c.dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already where it was renamed
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), c.stateFile()); err != nil {
		return err
	}
	return syncDir(c.dir)
}

// syncDir makes names in a directory outlive the machine.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
