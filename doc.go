// Package clipdb finds pictures by meaning.
package clipdb
