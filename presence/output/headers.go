package output

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"

	"github.com/botverse/botverse/internal/fresh"
	"github.com/botverse/botverse/presence"
)

// headers are those that each request to a receiver has.
type headers struct {
	fixed map[string]presence.Key
	files map[string]*fresh.Files[string] // whose values are read again when they change
}

// openHeaders reads the files of a Config.
func openHeaders(config Config, logger *slog.Logger) (headers, error) {
	h := headers{fixed: config.Headers, files: map[string]*fresh.Files[string]{}}
	for _, name := range slices.Sorted(maps.Keys(config.HeaderFiles)) {
		path := config.HeaderFiles[name]
		file, err := fresh.Open(logger, func() (string, error) { return fresh.Line(path) }, path)
		if err != nil {
			return headers{}, fmt.Errorf("header_files.%s: %w", name, err)
		}
		h.files[name] = file
	}
	return h, nil
}

func (h headers) setOn(request *http.Request) {
	for name, value := range h.fixed {
		request.Header.Set(name, string(value))
	}
	for name, file := range h.files {
		request.Header.Set(name, file.Get())
	}
}

// FaultyFiles are the files of headers that could not be used when they were looked at last; what they held before is used.
func (o *Outputs) FaultyFiles() []string {
	var faulty []string
	for _, r := range o.runners {
		if p, ok := r.sink.(*poster); ok {
			for _, file := range p.headers.files {
				faulty = append(faulty, file.Faulty()...)
			}
		}
	}
	return faulty
}
