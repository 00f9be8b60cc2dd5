// Package ortlib finds and installs the shared library of ONNX Runtime, with
// everything the command line needs. The work is done in package library; what
// is added here is the download of the official release, so that a program
// which only runs models links no network code.
//
// # Caveats
//
// Those of package library. Nothing here is called unless the user asks for
// an installation.
package ortlib

import (
	"context"

	"github.com/clipdb/clipdb/encoder/onnx/fetch"
	"github.com/clipdb/clipdb/encoder/onnx/library"
)

// Version is the version that Install fetches; Env is the environment
// variable that names a library.
const (
	Version    = library.Version
	MinVersion = library.MinVersion
	Env        = library.Env
)

// What package library defines.
type (
	Options        = library.Options
	Library        = library.Library
	Origin         = library.Origin
	Attempt        = library.Attempt
	NotFoundError  = library.NotFoundError
	Report         = library.Report
	InstallOptions = library.InstallOptions
	Installed      = library.Installed
	Progress       = library.Progress
	Stage          = library.Stage
)

// Stages of an installation.
const (
	StageWait     = library.StageWait
	StageDownload = library.StageDownload
	StageNPM      = library.StageNPM
	StageVerify   = library.StageVerify
	StageUnpack   = library.StageUnpack
)

// Errors of Find and Install.
var (
	ErrUnpinned    = library.ErrUnpinned
	ErrAltered     = library.ErrAltered
	ErrUnsupported = library.ErrUnsupported
	ErrArchive     = library.ErrArchive
)

// Find returns the library that would be loaded: see library.Find.
func Find(opts Options) (Library, error) { return library.Find(opts) }

// Status tells where was looked and what was found: see library.Status.
func Status(opts Options) Report { return library.Status(opts) }

// DefaultCache returns the folder that Install fills by default.
func DefaultCache() (string, error) { return library.DefaultCache() }

// Install puts the library into the cache: see library.Install. The official
// release is fetched over HTTPS unless InstallOptions.Download says otherwise.
func Install(ctx context.Context, opts InstallOptions) (Installed, error) {
	if opts.Download == nil {
		opts.Download = fetch.File
	}
	return library.Install(ctx, opts)
}
