package phone_test

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/botverse/botverse/actions/phone"
)

// The table has numbers of many countries, as people there write them: those that regulators keep for fiction, and the shapes of
// their numbering plans. It was written by hand, so that the library's knowledge is held against something else than itself.
func TestNumbersOfTheWorld(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/numbers.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader := csv.NewReader(file)
	reader.Comment, reader.FieldsPerRecord = '#', 4
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	regions := map[string]bool{}
	for _, row := range rows {
		region, text, want := row[0], row[1], row[2]
		regions[region] = true
		number, err := phone.Parse(text, region)
		switch isNumber := strings.HasPrefix(want, "+"); {
		case isNumber && err != nil:
			t.Errorf("%s in %q is refused: %v, want %s (%s)", text, region, err, want, row[3])
		case isNumber && number.E164() != want:
			t.Errorf("%s in %q is %s, want %s (%s)", text, region, number.E164(), want, row[3])
		case !isNumber && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s in %q: %v, want %q (%s)", text, region, err, want, row[3])
		case isNumber && !number.In(want, ""):
			t.Errorf("%s in %q is not the same as %s", text, region, want)
		}
	}
	if len(rows) < 100 || len(regions) < 60 {
		t.Errorf("the table has %d numbers of %d regions, want 100 of 60", len(rows), len(regions))
	}
}
