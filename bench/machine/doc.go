// Package machine tells what machine a measurement comes from, and what CPU
// time the process has used.
//
// # Caveats
//
// The model, the memory and the load are read where the system tells them
// plainly (Linux; the model on macOS, too) and are empty elsewhere.
package machine
