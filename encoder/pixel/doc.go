// Package pixel turns the bytes of a picture into what an image tower sees.
//
// [Decode] reads JPEG, PNG, GIF, WebP, TIFF and BMP under [Limits], turns the
// picture upright by its EXIF orientation, lays it on white where it is
// transparent, and gives packed 8-bit RGB. [Spec] resizes, crops and
// normalises it the way CLIP's reference preprocessing does: the resize is
// byte for byte Pillow's bicubic, the tensor equals torchvision's.
// [Thumbnail] makes the small JPEG that a database keeps beside a record.
//
// # Caveats
//
// Colour profiles are ignored, as Pillow's convert("RGB") and CLIP's
// reference code ignore them.
package pixel
