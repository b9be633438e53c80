package query

import (
	"bytes"
	"encoding/base64"

	"github.com/botverse/botverse/dataverse/code"
)

// maxImage is the most bytes that an image may have: MaxSizeInKB of an image field that says nothing else.
const maxImage = 10240 << 10

// imageFormats are what the kinds of images that Dataverse takes begin with (Dataverse, "Image columns": gif, jpeg, tiff, bmp
// and png).
var imageFormats = []string{"GIF87a", "GIF89a", "\xff\xd8\xff", "II*\x00", "MM\x00*", "BM", "\x89PNG\r\n\x1a\n"}

// image takes base64, and looks no further than at how it begins.
func (enc encoder) image() (any, error) {
	text, ok := enc.value.(string)
	if !ok {
		return nil, enc.conversion("Edm.Binary")
	}
	content, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, enc.conversion("Edm.Binary")
	}
	if len(content) == 0 {
		return nil, nil
	}
	if len(content) > maxImage || !isImage(content) {
		return nil, refuse(code.ProcessImageFailure, "The image of '%s' could not be processed: it must be a gif, jpg, tiff, bmp or png of at most %d KB.", enc.field.LogicalName, maxImage>>10)
	}
	return base64.StdEncoding.EncodeToString(content), nil
}

func isImage(content []byte) bool {
	for _, start := range imageFormats {
		if bytes.HasPrefix(content, []byte(start)) {
			return true
		}
	}
	return false
}
