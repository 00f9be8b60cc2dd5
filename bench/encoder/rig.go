package main

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/clipdb/clipdb/bench/machine"
	"github.com/clipdb/clipdb/bench/timing"
	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/onnx"
)

const (
	minTextCalls = 7 // in a round
	sampleSize   = 8 // pictures and texts whose vectors are compared
)

// rig is an encoder under measurement, in the child.
type rig struct {
	setting
	enc    *onnx.Encoder
	photos *album
	texts  []string
	next   int // text
	load   time.Duration
}

// openRig loads the encoder. A single input loads the tower and touches its
// weights; a batch that takes no longer than a figure follows, because the first
// of its size asks the system for memory. A longer one would cost a large model
// as much as a run that counts.
func openRig(ctx context.Context, s setting) (*rig, error) {
	r := &rig{setting: s, texts: captions(1024)}
	var err error
	if r.photos, err = openAlbum(s.Photos); err != nil {
		return nil, err
	}
	began := time.Now()
	if r.enc, err = s.open(); err != nil {
		return nil, err
	}
	if s.Task == taskTexts {
		if err = r.enc.Warm(ctx); err == nil {
			r.load = time.Since(began)
			_, err = r.enc.EncodeText(ctx, r.texts[:1])
		}
	} else {
		var one [][]float32
		if one, err = r.photos.tensors(ctx, r.enc, 1, 1); err == nil {
			_, err = r.enc.EncodeTensors(ctx, one)
		}
		st := r.enc.Stats().Image
		r.load = st.Load
		if err == nil && st.Busy.Seconds()*float64(s.Batch) < s.Seconds {
			var batch [][]float32
			if batch, err = r.photos.tensors(ctx, r.enc, s.Batch, s.Threads); err == nil {
				_, err = r.enc.EncodeTensors(ctx, batch)
			}
		}
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *rig) close() { _ = r.enc.Close() }

// captions returns n texts of 3 to 14 words, always the same.
func captions(n int) []string {
	words := strings.Fields("a dog cat horse child running jumping sleeping on the beach grass street red blue old wooden table two people with")
	rng := rand.New(rand.NewPCG(3, 4))
	out := make([]string, n)
	for i := range out {
		var s []string
		for range 3 + rng.IntN(12) {
			s = append(s, words[rng.IntN(len(words))])
		}
		out[i] = strings.Join(s, " ")
	}
	return out
}

// someTexts returns the next n texts.
func (r *rig) someTexts(n int) []string {
	if r.next+n > len(r.texts) {
		r.next = 0
	}
	r.next += n
	return r.texts[r.next-n : r.next]
}

func (r *rig) round(ctx context.Context) (m round, err error) {
	if r.Task == taskTexts {
		m, err = r.textRound(ctx)
		m.Provider = r.enc.Stats().Text.Provider
	} else {
		m, err = r.imageRound(ctx)
		m.Provider = r.enc.Stats().Image.Provider
	}
	m.Load = r.load.Seconds()
	_, m.PeakBytes = machine.Resident()
	return m, err
}

// during reports whether a figure needs another run.
func (r *rig) during(began time.Time, runs, least int) bool {
	return runs < least || time.Since(began).Seconds() < r.Seconds
}

// imageRound measures whole batches of pictures.
func (r *rig) imageRound(ctx context.Context) (m round, err error) {
	var enc encoder.Preparer = r.enc
	var alone, whole, cpu []float64
	for began := time.Now(); r.during(began, len(alone), 1); {
		start := time.Now()
		batch, err := r.photos.tensors(ctx, enc, r.Batch, r.Threads)
		if err != nil {
			return m, err
		}
		used, ready := machine.CPUTime(), time.Now()
		if _, err := enc.EncodeTensors(ctx, batch); err != nil {
			return m, err
		}
		alone = append(alone, time.Since(ready).Seconds())
		whole = append(whole, time.Since(start).Seconds())
		cpu = append(cpu, (machine.CPUTime() - used).Seconds())
	}
	n := float64(r.Batch)
	m.Images, m.WithDecode = n/timing.Median(alone), n/timing.Median(whole)
	m.CPU, m.Runs = 1000*timing.Median(cpu)/n, len(alone)
	return m, nil
}

// textRound measures texts alone and in batches.
func (r *rig) textRound(ctx context.Context) (m round, err error) {
	for began := time.Now(); r.during(began, len(m.Calls), minTextCalls); {
		one, start := r.someTexts(1), time.Now()
		if _, err := r.enc.EncodeText(ctx, one); err != nil {
			return m, err
		}
		m.Calls = append(m.Calls, 1000*time.Since(start).Seconds())
	}
	var runs, cpu []float64
	for began := time.Now(); r.during(began, len(runs), 1); {
		batch, used, start := r.someTexts(r.Batch), machine.CPUTime(), time.Now()
		if _, err := r.enc.EncodeText(ctx, batch); err != nil {
			return m, err
		}
		runs = append(runs, time.Since(start).Seconds())
		cpu = append(cpu, (machine.CPUTime() - used).Seconds())
	}
	n := float64(r.Batch)
	m.Texts, m.CPU, m.Runs = n/timing.Median(runs), 1000*timing.Median(cpu)/n, len(runs)
	return m, nil
}

// vectors are those of the sample.
type vectors struct {
	Images [][]float32 `json:"images"`
	Texts  [][]float32 `json:"texts"`
}

func (r *rig) vectors(ctx context.Context) (v vectors, err error) {
	r.photos.next = 0
	tensors, err := r.photos.tensors(ctx, r.enc, min(sampleSize, len(r.photos.files)), r.Threads)
	if err != nil {
		return v, err
	}
	if v.Images, err = r.enc.EncodeTensors(ctx, tensors); err != nil {
		return v, err
	}
	v.Texts, err = r.enc.EncodeText(ctx, r.texts[:sampleSize])
	return v, err
}
