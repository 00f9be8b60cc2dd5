//go:build race

package token_test

const mega = 1 << 16
