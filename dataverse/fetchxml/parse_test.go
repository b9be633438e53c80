package fetchxml_test

import (
	"testing"

	"github.com/botverse/botverse/dataverse/fetchxml"
)

func TestThereAre83Operators(t *testing.T) {
	t.Parallel()
	if got := len(fetchxml.OperatorNames()); got != 83 {
		t.Errorf("%d operators, want 83", got)
	}
}
