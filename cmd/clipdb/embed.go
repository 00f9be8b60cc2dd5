package main

import (
	"bytes"
	"fmt"
	"image"
	"strconv"
	"strings"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// embedCmd prints the vector of a text or a picture.
type embedCmd struct {
	Text  *string `name:"text" short:"t" xor:"what" required:"" placeholder:"T" help:"Text to embed."`
	Image *string `name:"image" short:"i" xor:"what" required:"" placeholder:"F" help:"Picture file to embed, or - for standard input."`
}

// Help is shown by --help.
func (*embedCmd) Help() string {
	return `Prints the unit vector, a component a line. With --json: {"model","dim","vector"}.`
}

type vectorLine struct {
	Model  string    `json:"model"`
	Dim    int       `json:"dim"`
	Vector []float32 `json:"vector"`
}

// Run embeds.
func (c *embedCmd) Run(a *app) error {
	if c.Text != nil && len(*c.Text) > db.MaxText {
		return fmt.Errorf("the text has %s, more than the %s that are allowed; shorten it",
			byteCount(int64(len(*c.Text))), byteCount(db.MaxText))
	}
	var picture *pixel.RGB
	if c.Image != nil {
		data, err := a.picture(*c.Image)
		if err != nil {
			return err
		}
		if picture, _, err = pixel.Decode(a.ctx, bytes.NewReader(data), pixel.Limits{}); err != nil {
			return fmt.Errorf("%s: %w", *c.Image, err)
		}
	}
	enc, err := a.encoder()
	if err != nil {
		return err
	}
	defer enc.Close()
	var vectors [][]float32
	if picture != nil {
		vectors, err = enc.EncodeImages(a.ctx, []image.Image{picture})
	} else {
		vectors, err = enc.EncodeText(a.ctx, []string{*c.Text})
	}
	if err != nil {
		return err
	}
	if a.json {
		return a.emit(vectorLine{Model: enc.Model().Name, Dim: len(vectors[0]), Vector: vectors[0]})
	}
	var b strings.Builder
	for _, x := range vectors[0] {
		b.WriteString(strconv.FormatFloat(float64(x), 'g', -1, 32))
		b.WriteByte('\n')
	}
	return a.printf("%s", b.String())
}
