package local_test

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
)

// TestOlderFileGetsNewFields holds that a data directory made before an entity had a field serves the field.
func TestOlderFileGetsNewFields(t *testing.T) {
	t.Parallel()
	cfg := local.Default()
	cfg.DataDir = t.TempDir()
	server, err := local.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(cfg.DataDir, "dataverse.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`ALTER TABLE contact DROP COLUMN entityimage`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if server, err = local.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	answer := httptest.NewRecorder()
	server.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/api/data/v9.2/contacts?$select=entityimage&$top=1", nil))
	if answer.Code != 200 || !strings.Contains(answer.Body.String(), `"entityimage":null`) {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}
