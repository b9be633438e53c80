package local

import (
	"encoding/base64"

	"github.com/botverse/botverse/dataverse/code"
)

// setDocument says of a note that is written with a file that it has one, and how large it is ("Annotation (Note) table
// reference", DocumentBody, FileSize, IsDocument).
func setDocument(t *table, r record) error {
	body, written := r["documentbody"]
	if !written || t.LogicalName != "annotation" {
		return nil
	}
	r["isdocument"], r["filesize"] = int64(0), nil
	text, _ := body.(string)
	if text == "" {
		return nil
	}
	content, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return refuse(code.InvalidArgument, "The documentbody of a note must be base64.")
	}
	r["isdocument"], r["filesize"] = int64(1), int64(len(content))
	return nil
}
