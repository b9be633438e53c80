package dataverse

import (
	"fmt"
	"strings"
)

// ID is a record ID: a GUID in lower case, without braces. ParseID makes one of what people write.
type ID string

// ParseID reads a GUID in any case, with or without braces and outer blanks.
func ParseID(text string) (ID, error) {
	s := strings.TrimSpace(text)
	if len(s) == 38 && s[0] == '{' && s[37] == '}' {
		s = s[1:37]
	}
	if !isGUID(s) {
		return "", fmt.Errorf("a record ID is a GUID as 7d1c1a4e-0f4e-4c9b-9c53-0d6b1f0a2b11; what was given is none (%d characters)", len(text))
	}
	return ID(strings.ToLower(s)), nil
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return false
		}
	}
	return true
}
