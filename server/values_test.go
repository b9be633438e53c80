package server

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"
)

func TestNumbersThatADoubleCannotHoldAreStrings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in   any
		want any // float64 or string
	}{
		{json.Number("12.10"), 12.1},
		{json.Number("0"), 0.0},
		{json.Number("-0.00"), 0.0},
		{json.Number("9007199254740992"), 9007199254740992.0},
		{json.Number("9007199254740993"), "9007199254740993"},
		{json.Number("18014473134538750"), "18014473134538750"}, // the nearest double is …752, though it prints these digits
		{json.Number("18014473134538752"), "18014473134538752"}, // held, but printed as …750
		{json.Number("922337203685477.5807"), "922337203685477.5807"},
		{json.Number("-123456789012345.67"), -123456789012345.67},
		{json.Number("1E400"), "1E400"},
		{json.Number("1e22"), 1e22},
		{json.Number("0.1234567890123456789"), "0.1234567890123456789"},
		{int64(math.MaxInt64), "9223372036854775807"},
		{42, 42.0},
		{math.Inf(1), "+Inf"},
	} {
		v, err := valueFrom(test.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.AsInterface(); got != test.want {
			t.Errorf("%v becomes %v (%T), want %v (%T)", test.in, got, got, test.want, test.want)
		}
	}
}

func TestEveryDoubleIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		if abs := math.Abs(f); abs > 1<<53 && abs < 1<<63 {
			t.Skip("its shortest digits may be another integer's")
		}
		for _, format := range []byte{'g', 'f', 'e'} {
			text := strconv.FormatFloat(f, format, -1, 64)
			if got, exact := exactDouble(text); !exact || got != f {
				t.Fatalf("%s: got %v, exact %v", text, got, exact)
			}
		}
	})
}

func TestIntegersAreExactOnlyWhereTheyComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		f, exact := exactDouble(strconv.FormatInt(n, 10))
		if back, _ := big.NewFloat(f).Int64(); exact && back != n {
			t.Fatalf("%d is told exact and comes back as %d", n, back)
		}
		if !exact && n > -1<<53 && n < 1<<53 {
			t.Fatalf("%d is told inexact", n)
		}
	})
}

func TestVariablesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	want, err := structpb.NewStruct(map[string]any{
		"text": "x", "none": nil, "yes": true, "n": 1.5,
		"visitor": map[string]any{"name": "Ada", "tags": []any{"a", 1.0, nil, map[string]any{}}}, "empty": []any{},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := structFrom(want.AsMap())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("variables changed (-want +got):\n%s", diff)
	}
}

func TestUnknownTypeIsAnErrorAndNoPanic(t *testing.T) {
	t.Parallel()
	if _, err := structFrom(map[string]any{"a": []any{struct{}{}}}); err == nil {
		t.Error("a struct{} became a value")
	}
}

func TestInexactNumbersAreFoundOnlyOutsideTexts(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"a":12345678901234567890}`:          true,
		`{"a":"12345678901234567890"}`:        false,
		`{"a":"\"12345678901234567890"}`:      false,
		`{"a\\":12345678901234567890}`:        true,
		`[1,2,3.25,-4e2]`:                     false,
		`[0.30000000000000004]`:               false,
		`[0.300000000000000041]`:              true,
		`[1e999]`:                             true,
		`{"12345678901234567890": 1}`:         false,
		`{"phone":"+49 30 1234567890123456"}`: false,
	} {
		if err := checkBody([]byte(body)); (err != nil) != want || want && !errors.Is(err, errInexactNumber) {
			t.Errorf("%s: %v, want it refused: %v", body, err, want)
		}
	}
}

func TestNestingOfABodyIsBounded(t *testing.T) {
	t.Parallel()
	nested := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if err := checkBody(nested(maxJSONDepth)); err != nil {
		t.Errorf("%d levels: %v", maxJSONDepth, err)
	}
	if err := checkBody(nested(maxJSONDepth + 1)); !errors.Is(err, errTooDeep) {
		t.Errorf("%d levels: %v, want errTooDeep", maxJSONDepth+1, err)
	}
	if err := checkBody([]byte(`{"a":"` + strings.Repeat(`[\"{`, maxJSONDepth) + `"}`)); err != nil {
		t.Errorf("brackets in a text: %v", err)
	}
}
