// Package thumbnail makes the small images that Dataverse shows of the images that records have.
package thumbnail

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif"  // the formats that Dataverse takes
	_ "image/jpeg" // and these
	"image/png"

	_ "golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/tiff"
)

const (
	// Side is what the sides of a thumbnail measure at most, in pixels.
	Side = 144
	// maxPixels bounds the images that are taken: a small file can claim to be of any size.
	maxPixels = 50_000_000
)

// Of returns the thumbnail of an image, by Dataverse's rules ("Use image column data", "Resize rules for thumbnail-sized images"): the
// square in the middle, 144 pixels wide where a side of the image is longer, else as wide as the shorter side. What is such a square
// already stays as it came; anything else becomes a PNG. It fails for what is no image of a known format, and for more than 50
// million pixels.
func Of(content []byte) ([]byte, error) {
	config, _, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	if config.Width <= 0 || config.Height <= 0 || config.Width > maxPixels/config.Height {
		return nil, fmt.Errorf("an image of %d by %d pixels is not taken", config.Width, config.Height)
	}
	whole, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	from, side := middle(whole.Bounds()), min(config.Width, config.Height)
	if max(config.Width, config.Height) > Side {
		side = Side
	}
	if from == whole.Bounds() && side == from.Dx() {
		return content, nil
	}
	small := image.NewNRGBA(image.Rect(0, 0, side, side))
	draw.CatmullRom.Scale(small, small.Bounds(), whole, from, draw.Src, nil)
	var b bytes.Buffer
	err = png.Encode(&b, small)
	return b.Bytes(), err
}

// middle is the largest square in the middle of a rectangle.
func middle(r image.Rectangle) image.Rectangle {
	side := min(r.Dx(), r.Dy())
	corner := r.Min.Add(image.Pt((r.Dx()-side)/2, (r.Dy()-side)/2))
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(side, side))}
}
