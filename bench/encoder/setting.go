package main

import (
	"encoding/json"
	"fmt"
	"runtime"
)

// What a setting measures.
const (
	taskImages = "images" // whole batches of pictures
	taskTexts  = "texts"  // texts alone and in batches
)

// Batches beside those of options.
const (
	textBatch = 32
	spinBatch = 4 // at which spinning is compared
)

// setting is what one process measures.
type setting struct {
	Model    string          `json:"model"`
	Task     string          `json:"task"`
	Threads  int             `json:"threads"`
	Batch    int             `json:"batch"`
	Spin     bool            `json:"spin,omitempty"`
	Seconds  float64         `json:"seconds"` // for each figure of a round
	Dir      string          `json:"dir,omitempty"`
	Manifest json.RawMessage `json:"manifest,omitempty"`
	Photos   []string        `json:"photos,omitempty"`
}

func (s setting) String() string {
	spin := ""
	if s.Spin {
		spin = ", spinning"
	}
	return fmt.Sprintf("%s, %s, %d threads%s, batch %d", s.Model, s.Task, s.Threads, spin, s.Batch)
}

// group is what is measured in turns: the settings of a model for one task.
type group []setting

// plan lists the groups: one thread and all cores, every batch, and spinning
// where threads have to meet.
func plan(models []subject, photos []string, o options) []group {
	var all []group
	threads := []int{1}
	cores := runtime.GOMAXPROCS(0)
	if cores > 1 {
		threads = append(threads, cores)
	}
	for _, m := range models {
		var images, texts group
		with := func(task string, threads, batch int, spin bool) setting {
			return setting{
				Model: m.Name, Task: task, Threads: threads, Batch: batch, Spin: spin,
				Seconds: o.seconds, Dir: m.Dir, Manifest: m.manifest, Photos: photos,
			}
		}
		for _, n := range threads {
			for _, batch := range o.batches {
				images = append(images, with(taskImages, n, batch, false))
			}
			texts = append(texts, with(taskTexts, n, textBatch, false))
		}
		if cores > 1 {
			images = append(images, with(taskImages, cores, spinBatch, true))
			texts = append(texts, with(taskTexts, cores, textBatch, true))
		}
		all = append(all, images, texts)
	}
	return all
}
