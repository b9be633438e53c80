package input_test

import (
	"testing"

	"github.com/botverse/botverse/actions/input"
)

func TestAVeiledMessageLeavesOutWhatWasGiven(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault            *input.Fault
		message, without string
	}{
		{input.NewFault(input.InvalidValue, "where.x", "%s does not fit %s: it takes %s", input.Given(`"7"`), `"7 up"`, "a 7"), `"7" does not fit "7 up": it takes a 7`, `the value does not fit "7 up": it takes a 7`},
		{input.NewFault(input.InvalidValue, "where.x", "there are %d of %s", 7, input.Given("7")), "there are 7 of 7", "there are 7 of the value"},
		{input.NewFault(input.InvalidValue, "where.x", "there are %d", 7), "there are 7", ""}, // which may be of the value
		{input.NewFault(input.InvalidField, "x", "no field %s", input.Given("fax")).NearestTo([]string{"faxes"}), "no field fax; the nearest are faxes", "no field the value"},
	} {
		if c.fault.Message != c.message || c.fault.Veiled != c.without {
			t.Errorf("message %q, veiled %q; want %q and %q", c.fault.Message, c.fault.Veiled, c.message, c.without)
		}
	}
}
