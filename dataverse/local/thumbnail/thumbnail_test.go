package thumbnail_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/botverse/botverse/dataverse/local/thumbnail"
)

// flag is red in the square of its middle and blue around it.
func flag(width, height int) image.Image {
	m := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.NRGBA{B: 255, A: 255}, color.NRGBA{R: 255, A: 255}})
	side := min(width, height)
	left, top := (width-side)/2, (height-side)/2
	for y := top; y < top+side; y++ {
		for x := left; x < left+side; x++ {
			m.SetColorIndex(x, y, 1)
		}
	}
	return m
}

func encoded(t *testing.T, m image.Image, encode func(io.Writer, image.Image) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestThumbnailIsTheSquareInTheMiddle(t *testing.T) {
	t.Parallel()
	formats := map[string]func(io.Writer, image.Image) error{
		"png": png.Encode, "bmp": bmp.Encode,
		"jpeg": func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) },
		"gif":  func(w io.Writer, m image.Image) error { return gif.Encode(w, m, nil) },
		"tiff": func(w io.Writer, m image.Image) error { return tiff.Encode(w, m, nil) },
	}
	for _, size := range []struct{ width, height, side int }{
		{300, 428, 144}, {91, 130, 91}, {130, 91, 91}, {1000, 200, 144}, {200, 100, 144}, {145, 144, 144}, {400, 400, 144},
	} {
		for name, encode := range formats {
			small, err := thumbnail.Of(encoded(t, flag(size.width, size.height), encode))
			if err != nil {
				t.Errorf("%s of %d by %d: %v", name, size.width, size.height, err)
				continue
			}
			m, err := png.Decode(bytes.NewReader(small))
			if err != nil {
				t.Errorf("%s of %d by %d gives no PNG: %v", name, size.width, size.height, err)
				continue
			}
			if got := m.Bounds(); got.Dx() != size.side || got.Dy() != size.side {
				t.Errorf("%s of %d by %d becomes %v, want a square of %d", name, size.width, size.height, got, size.side)
			}
			for _, at := range []image.Point{{2, 2}, {size.side - 3, size.side - 3}, {size.side / 2, size.side / 2}} {
				if r, _, b, _ := m.At(at.X, at.Y).RGBA(); r < 0xc000 || b > 0x4000 {
					t.Errorf("%s of %d by %d is not red at %v", name, size.width, size.height, at)
				}
			}
		}
	}
}

func TestSquareThatIsSmallStaysAsItCame(t *testing.T) {
	t.Parallel()
	for _, side := range []int{1, 91, 144} {
		content := encoded(t, flag(side, side), png.Encode)
		small, err := thumbnail.Of(content)
		if err != nil || !bytes.Equal(small, content) {
			t.Errorf("a square of %d does not stay as it came (%v)", side, err)
		}
	}
}

func TestWhatIsNoImageIsRefused(t *testing.T) {
	t.Parallel()
	huge := encoded(t, flag(1, 1), bmp.Encode)
	copy(huge[18:], []byte{0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0}) // 65,535 by 65,535 pixels, it says
	whole := encoded(t, flag(200, 200), png.Encode)
	for name, content := range map[string][]byte{
		"nothing": nil, "text": []byte("GIF89a and so on"), "half": whole[:len(whole)/2], "too many pixels": huge,
	} {
		if _, err := thumbnail.Of(content); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
