// Package pull fetches models over HTTPS from a server that is laid out as
// Hugging Face's hub is, into a store.
//
// The files of a model are chosen from the server's list: configuration,
// tokenizer, one pair of towers and the weights beside them. They come several
// at a time, go on where a broken download ended, and are compared with the
// hashes that clipdb pins, that the server publishes, or that came the first
// time. Only a whole model is put into the store.
//
// HF_ENDPOINT names another server, HF_TOKEN a token for models that need one;
// the token goes to that server alone and not to where it redirects.
//
// # Caveats
//
// A hash that the server publishes guards against broken downloads, not
// against the server. What was recorded on the first pull is compared on every
// later one, also after the model was removed.
package pull
