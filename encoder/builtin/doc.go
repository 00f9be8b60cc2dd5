// Package builtin is the model that ships with clipdb: a small pair of towers
// trained by this project, embedded into the program.
//
// MODEL_CARD.md beside this file tells what it was trained on, how well it
// does and what it is bad at; train/ holds the scripts that made it.
//
// # Caveats
//
// It is a small model with English words only. Programs that bring a model of
// their own and import package db instead of the root package do not link its
// weights.
package builtin
