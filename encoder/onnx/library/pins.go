package library

// pin is what is known about a file before it is fetched.
type pin struct {
	sha256 string
	size   int64 // bytes, 0 where only the hash is published
}

// npmPackage and npmPin name the package that carries the libraries of all
// platforms. Hash and size were computed from the tarball.
const npmPackage = "onnxruntime-node@" + Version

var npmPin = pin{"c3779c01c59832f8c03e2c392ac3af10bf08579f1822e8b1c63cc451edb302a2", 100893124}

// releasePins are the archives of the official release, with the digests
// published beside them. A wrong digest here could only refuse a good file.
var releasePins = map[string]pin{
	"onnxruntime-linux-x64-1.27.0.tgz":     {"547e40a48f1fe73e3f812d7c88a948612c23f896b91e4e2ee1e232d7b468246f", 8831605},
	"onnxruntime-linux-aarch64-1.27.0.tgz": {"3e4d83ac06924a32a07b6d7f91ce6f852876153fc0bbdf931bf517a140bfbe48", 7797972},
	"onnxruntime-osx-arm64-1.27.0.tgz":     {"545e81c58152353acb0d1e8bd6ce4b62f830c0961f5b3acfedc790ffd76e477a", 32485368},
	"onnxruntime-win-x64-1.27.0.zip":       {"c5c81710938e68079ff1a192b04897faabe4b43830d48f39f27ecd4e16138bfc", 77086915},
	"onnxruntime-win-arm64-1.27.0.zip":     {"a32f2650575b3c20df462e337519fd1cc4105356130d11dba9771c6f374d952f", 78593089},
}

// libraryPins are the libraries inside the npm tarball, by path below
// package/bin/napi-v6. The companions of the Windows builds (DirectML, DXC)
// serve graphics processors only; the library loads them on demand, so they
// are known here but not installed.
var libraryPins = map[string]pin{
	"linux/x64/libonnxruntime.so.1":            {"d8aff4aa8abee8fb2abb2f2f2459ffc94461e781e41b9f7c072829dd0d470221", 38023776},
	"linux/arm64/libonnxruntime.so.1":          {"c36bc200e7e6c093b8abb0b34590fbdd8c52fd3fb5e33795b9523ffdde2fce0f", 20001880},
	"darwin/arm64/libonnxruntime.1.dylib":      {"89f692a3a1a224e4ad0b796b0e7c0bd81113b0741bfe84211eceef14d05a9e59", 38800984},
	"darwin/arm64/libonnxruntime.1.27.0.dylib": {"89f692a3a1a224e4ad0b796b0e7c0bd81113b0741bfe84211eceef14d05a9e59", 38800984},
	"win32/x64/onnxruntime.dll":                {"273f9ef9cf755c6a0f342226a80448156c10ceb74db2ae8c8370dc98e75af0eb", 26011960},
	"win32/x64/DirectML.dll":                   {"86d9b418e982fa1effb6ea39cb916b04fe3896ccedc6982d73a5477459b56d81", 18527544},
	"win32/x64/dxcompiler.dll":                 {"b2d807864ae4a7cdd4a8f09cc947206f60170c90f41fc248a9cdd800f4c6fbcd", 17986360},
	"win32/x64/dxil.dll":                       {"5f307a712416ae5213f2b4469e25c4258191c8284513fa5d2bd828a14c5052ef", 1508664},
	"win32/arm64/onnxruntime.dll":              {"908ce63e73f375e90daabe24c52486b42392c19df3d63973a26f871cfeab5453", 26834232},
	"win32/arm64/DirectML.dll":                 {"759a2d3054d4ce583186bd6f0b5c36071492b3dfba8be456b69f1b17b313171c", 18444600},
	"win32/arm64/dxcompiler.dll":               {"af2c099ca8270ddcdf5d5aca248345db997c714c5112553a932a75a472c2ae9d", 22285624},
	"win32/arm64/dxil.dll":                     {"87213188bf7bdcf0498684aaff8238666645c67e55e8c956d27d3a4da7453cbe", 1769784},
}

// pinnedLibrary reports whether hash is that of a library known for p.
func pinnedLibrary(p Platform, hash string) bool {
	dir := p.npmDir() + "/"
	for path, known := range libraryPins {
		if known.sha256 == hash && len(path) > len(dir) && path[:len(dir)] == dir && p.isLibraryName(path[len(dir):]) {
			return true
		}
	}
	return false
}

// pinnedArchive reports whether hash is that of a known archive.
func pinnedArchive(hash string) bool {
	if hash == npmPin.sha256 {
		return true
	}
	for _, known := range releasePins {
		if known.sha256 == hash {
			return true
		}
	}
	return false
}
