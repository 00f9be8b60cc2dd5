//go:build !unix

package pixel

// isFolder reports whether reading failed because a folder was opened. These
// systems have no error of its own for that; an open file is asked before.
func isFolder(error) bool { return false }
