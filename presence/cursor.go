package presence

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/google/uuid"
)

// cursors makes and reads cursors: a position in one incarnation of the log. To everybody else they are opaque. They are of
// digits and letters alone, so that they can stand in a URL, a header and on a command line, where a hyphen begins a flag.
type cursors struct {
	incarnation uuid.UUID // a log that is made anew counts from 1 again: its cursors must not be taken for the old one's
}

const cursorSize = 16 + 8

func (c cursors) bytes(sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 64), c.incarnation[:]...), sequence)
}

// format returns the cursor of a position.
func (c cursors) format(sequence uint64) string {
	return hex.EncodeToString(c.bytes(sequence))
}

// parse returns the position of a cursor, and whether it is one of this log.
func (c cursors) parse(cursor string) (uint64, bool) {
	sequence, rest, ok := c.split(cursor)
	return sequence, ok && rest == ""
}

// formatPage returns the token of the page after key, of a list that began at a position.
func (c cursors) formatPage(sequence uint64, key string) string {
	return hex.EncodeToString(append(c.bytes(sequence), key...))
}

// parsePage reads what formatPage wrote.
func (c cursors) parsePage(token string) (sequence uint64, key string, ok bool) {
	sequence, key, ok = c.split(token)
	return sequence, key, ok && key != ""
}

func (c cursors) split(text string) (sequence uint64, rest string, ok bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) < cursorSize || uuid.UUID(raw[:16]) != c.incarnation {
		return 0, "", false
	}
	return binary.BigEndian.Uint64(raw[16:cursorSize]), string(raw[cursorSize:]), true
}
