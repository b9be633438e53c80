package server

import (
	"encoding/base64"
	"slices"
	"strings"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// defaultPageSize is the size of a page where the caller names none.
const defaultPageSize = 100

// pageRequest is what the requests for lists have in common.
type pageRequest interface {
	GetPageSize() int32
	GetPageToken() string
}

// pageOf cuts the page that is asked for out of a list that is ordered by name, and gives the next page's token. A token is
// the last name of a page, so that what comes and goes between two pages moves nothing.
func pageOf[E any](all []E, name func(E) string, req pageRequest) (page []E, next string, err error) {
	after, err := base64.RawURLEncoding.DecodeString(req.GetPageToken())
	if err != nil {
		return nil, "", refusal(botversev1.ErrorDetail_INVALID_REQUEST,
			fault(botversev1.ErrorDetail_INVALID_REQUEST, "page_token", "is not a next_page_token of an answer"))
	}
	start, found := slices.BinarySearchFunc(all, string(after), func(e E, after string) int { return strings.Compare(name(e), after) })
	if found {
		start++
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPageSize
	}
	page = all[start:]
	if len(page) <= size {
		return page, "", nil
	}
	return page[:size], base64.RawURLEncoding.EncodeToString([]byte(name(page[size-1]))), nil
}
