package main

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"github.com/clipdb/clipdb/db"
)

// formats are those that clipdb reads.
const formats = "JPEG, PNG, GIF, WebP, TIFF and BMP"

// nextSteps tell what to do about an error that does not say it itself. The
// first that fits is taken.
var nextSteps = []struct {
	err  error
	step string
}{
	{db.ErrLocked, "wait for the other program to end, or stop it"},
	{db.ErrNewerFormat, "use a newer clipdb for this file"},
	{db.ErrNotDatabase, "name another file"},
	{db.ErrModelMismatch, "choose the model with --model"},
	{db.ErrCorrupt, "'clipdb verify' lists what is damaged; restore a backup"},
	{db.ErrReadOnly, "make the file writable, or copy it with 'clipdb backup'"},
	{db.ErrImageTruncated, "copy the file again, it is not whole"},
	{db.ErrImageEmpty, "copy the file again, it is not whole"},
	{db.ErrImageTooLarge, "reduce the picture first"},
	{db.ErrImageFormat, "clipdb reads " + formats},
	{db.ErrText, "shorten the text or write it in UTF-8"},
	{db.ErrNoEncoder, "choose a model with --model"},
	{syscall.ENOSPC, "free some space and run the same command again"},
	{fs.ErrPermission, "check who may read and write it"},
}

// explain writes an error as one sentence that ends in what to do next.
func explain(err error) string {
	text := strings.TrimRight(err.Error(), "\n. ")
	if errors.Is(err, db.ErrNoRuntime) {
		return text // names the command that mends it
	}
	for _, n := range nextSteps {
		if !errors.Is(err, n.err) {
			continue
		}
		if strings.Contains(text, n.step) || n.err == db.ErrImageFormat && strings.Contains(text, formats) {
			return text
		}
		return text + "; " + n.step
	}
	return text
}
