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

// TestOlderFileGetsWhatIsNew holds that a data directory made before there was an entity, or a field of one, serves them.
func TestOlderFileGetsWhatIsNew(t *testing.T) {
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
	if _, err := db.Exec(`ALTER TABLE contact DROP COLUMN entityimage; DROP TABLE position; DROP TABLE savedquery; DROP TABLE botverse_deleted; DELETE FROM botverse_meta WHERE name = 'views'; DELETE FROM sdkmessagefilter WHERE primaryobjecttypecode = 'position'`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if server, err = local.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for path, want := range map[string]string{
		"contacts?$select=entityimage&$top=1": `"entityimage":null`,
		"positions":                           `"value":[]`,
		"savedqueries?$select=name&$filter=returnedtypecode%20eq%20'lead'":                                `"name":"Open Leads"`,
		"accounts?$deltatoken=0!01/01/2099%2000:00:00":                                                    `"@odata.deltaLink"`,
		"sdkmessagefilters?$select=primaryobjecttypecode&$filter=primaryobjecttypecode%20eq%20'position'": `"primaryobjecttypecode":"position"`,
	} {
		answer := httptest.NewRecorder()
		server.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/api/data/v9.2/"+path, nil))
		if answer.Code != 200 || !strings.Contains(answer.Body.String(), want) {
			t.Errorf("GET %s = %d %s", path, answer.Code, answer.Body)
		}
	}
}
