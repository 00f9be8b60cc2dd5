package onnx

import (
	"log/slog"
	"os"
	"runtime"

	"github.com/clipdb/clipdb/encoder/onnx/library"
)

// Options configure an encoder. The zero value, and nil, are right for most
// programs.
type Options struct {
	// Library names the ONNX Runtime library, a file or a folder; "" means
	// the discovery described in package library. One library serves the whole
	// process: it counts for the encoder that loads the first tower.
	Library string

	// Cache is the folder of installed libraries; "" means library.DefaultCache.
	Cache string

	// Threads is how many threads one run of a tower uses; 0 means the number
	// of usable cores, at most 4. Idle threads sleep, they never spin.
	Threads int

	// TextBatch and ImageBatch bound how many texts or images go into one
	// run; 0 means 16 and 4. More gains no speed on a CPU and costs memory: an
	// image of 288 pixels a side needs about 17 MB while it is in the tower. A
	// GPU may want more; make bench-encoder measures it for CPUs.
	TextBatch, ImageBatch int

	// Provider computes the towers; "" means what the environment variable
	// CLIPDB_PROVIDER names, or CPU. Where the library or the machine lacks it
	// the CPU does the work, and the Logger hears why. Encoder.Stats tells
	// which one it is.
	Provider Provider

	// Spin lets idle threads spin for a moment before they sleep. Where the
	// process has the cores to itself, runs that follow each other closely may
	// become a little faster; beside other work it costs 1.4 to 2 times the CPU
	// time for an image and gains nothing, and decoding beside the model is
	// such work.
	Spin bool

	// NoArena gives memory back after each run instead of keeping it for the
	// next one. Runs become slower, the process smaller.
	NoArena bool

	// Logger hears which library was loaded and how long towers took to load,
	// at level debug, and at level warn that Provider cannot be used; nil means
	// silence.
	Logger *slog.Logger
}

// Defaults of Options.
const (
	DefaultTextBatch  = 16
	DefaultImageBatch = 4
	maxDefaultThreads = 4
	maxBatch          = 1024
)

func (o *Options) withDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	if out.Threads <= 0 {
		out.Threads = min(maxDefaultThreads, runtime.GOMAXPROCS(0))
	}
	if out.TextBatch <= 0 {
		out.TextBatch = DefaultTextBatch
	}
	if out.ImageBatch <= 0 {
		out.ImageBatch = DefaultImageBatch
	}
	out.TextBatch, out.ImageBatch = min(out.TextBatch, maxBatch), min(out.ImageBatch, maxBatch)
	if out.Provider == "" {
		out.Provider = Provider(os.Getenv(ProviderVariable))
	}
	if out.Provider == "" {
		out.Provider = CPU
	}
	if out.Logger == nil {
		out.Logger = slog.New(slog.DiscardHandler)
	}
	return out
}

func (o Options) library() library.Options {
	return library.Options{Path: o.Library, Cache: o.Cache}
}
