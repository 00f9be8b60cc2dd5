package dataset

import (
	"fmt"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// CLIPLike makes n vectors of dim components that behave as CLIP embeddings of
// images do, with queries of both sides: images that are not in the set, and
// texts, which lie outside the cloud of images. Equal arguments give equal
// sets. Package cliplike tells what is imitated.
func CLIPLike(n, dim, images, texts int, seed uint64) *Set {
	s := cliplike.New(cliplike.Config{N: n, Dim: dim, Seed: seed})
	return &Set{
		Name: fmt.Sprintf("cliplike-%d-%d", n, dim),
		Base: Rows(s.Images()),
		Queries: []Queries{
			{index.SideImage, Rows(s.ImageQueries(images))},
			{index.SideText, Rows(s.TextQueries(texts))},
		},
	}
}
