// Package pixel turns the bytes of a picture into what an image tower sees.
//
// [Decode] reads JPEG, PNG, GIF, WebP, TIFF and BMP under [Limits], turns the
// picture upright by its EXIF orientation, lays it on white where it is
// transparent, and gives packed 8-bit [RGB]. [Spec] resizes, crops and
// normalises it as CLIP's reference preprocessing does. [Thumbnail] makes the
// small JPEG that a database keeps beside a record.
//
// The aim is that a model sees here what it saw when it was trained. Image
// towers are trained behind Pillow, so the pixels are Pillow's to the byte:
// JPEG through libjpeg-turbo's inverse transform, upsampling and colour
// conversion, WebP through libwebp's, Image.resize with BICUBIC, and
// torchvision's Resize, CenterCrop, ToTensor and Normalize on top. The golden
// files of testdata, made with Pillow 11.3, hold this for each format and mode
// (make_golden.py there), and OpenAI's own tensor of a photo for the whole way.
//
// # Caveats
//
// Where Pillow's ways are surprising, this package goes its own:
//   - transparent pixels are laid on white; convert("RGB") drops alpha and
//     shows whatever colour hides beneath;
//   - 16-bit grey keeps its upper byte; convert("RGB") clips it at 255;
//   - pictures are turned upright, which Pillow leaves to its caller;
//   - a GIF whose first frame leaves part of the screen free is white there.
//
// Pillow 12.3 and later shrink tall pictures vertically first, which differs
// by a level here and there. Resize follows the versions before, those that
// CLIP and its successors were trained with: always horizontally first.
//
// Colour profiles are ignored, as convert("RGB") and CLIP's reference code
// ignore them; a picture in a wide colour space looks duller to the model.
// CMYK is converted without a profile too, and always taken for inverted.
//
// Of an animation or a file of several pages only the first picture is read;
// [Info] tells how many there are. HEIC, AVIF, JPEG XL, SVG, arithmetic-coded
// and 12-bit JPEG, and camera raw files are refused with ErrFormat.
//
// Decoding takes up to about 12 bytes of memory for each pixel that the
// header claims (a progressive JPEG without subsampling, a 16-bit PNG with
// alpha), so the default limit of 100 megapixels allows some 1.2 GB for one
// picture; lower [Limits] where several are decoded at once.
package pixel
