package model

import "slices"

// familyTemplates are the captions that labels are averaged over, by family:
// what the makers classify with where they say it. A family that is not here
// takes those of "clip".
var familyTemplates = map[string][]string{
	// Its text tower is too small to gain from several: docs/models.md.
	ownFamily: {"a photo of a {}."},
	// The seven of OpenAI's eighty that a search chose for ImageNet (its
	// notebook "Prompt Engineering for ImageNet").
	"clip": {
		"itap of a {}.",
		"a bad photo of the {}.",
		"a origami {}.",
		"a photo of the large {}.",
		"a {} in a video game.",
		"art of the {}.",
		"a photo of the small {}.",
	},
	// The pipeline of Hugging Face, after which the models were measured.
	"siglip":  {"This is a photo of {}."},
	"siglip2": {"This is a photo of {}."},
	// The same seven, as the makers' translation of the eighty has them
	// (cn_clip/eval/imagenet_zeroshot_templates.py).
	"chinese-clip": {
		"拍了{}的照片。",
		"{}的糟糕照片。",
		"{}的折纸。",
		"大{}的照片。",
		"{}在视频游戏中。",
		"{}的艺术作品。",
		"小{}的照片。",
	},
	// The model card of microsoft/BiomedCLIP.
	"biomedclip": {"this is a photo of {}"},
	// Goods in plain photographs: origami and art are beside the point. The
	// makers' own code takes labels as they are.
	"fashion-clip": {"a photo of a {}.", "a photo of {}."},
}

// Templates returns the captions that labels are averaged over where a model
// names none itself, with {} in the place of the label.
func Templates(family string) []string {
	t, ok := familyTemplates[family]
	if !ok {
		t = familyTemplates["clip"]
	}
	return slices.Clone(t)
}

func (m *Manifest) templates() []string {
	if len(m.Templates) > 0 {
		return slices.Clone(m.Templates)
	}
	return Templates(m.Family)
}
