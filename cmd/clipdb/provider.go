package main

import (
	"context"
	"log/slog"
	"sync"

	"github.com/clipdb/clipdb/encoder/onnx"
)

// modelOptions are those of every model that a command opens.
func (a *app) modelOptions() *onnx.Options {
	return &onnx.Options{Provider: onnx.Provider(a.Provider), Logger: slog.New(&fallback{console: a.console})}
}

// fallback is a log handler that says once, as a remark, that a model runs on
// the CPU in the place of the provider that was asked for. Other records are
// dropped.
type fallback struct {
	*console
	once sync.Once
}

func (f *fallback) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (f *fallback) WithAttrs([]slog.Attr) slog.Handler               { return f }
func (f *fallback) WithGroup(string) slog.Handler                    { return f }

func (f *fallback) Handle(_ context.Context, r slog.Record) error {
	var provider, reason string
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "provider":
			provider = a.Value.String()
		case "error":
			reason = a.Value.String()
		}
		return true
	})
	if provider != "" {
		f.once.Do(func() { f.remark("%s cannot run here, the CPU does its work: %s", provider, reason) })
	}
	return nil
}
