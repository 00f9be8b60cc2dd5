module github.com/clipdb/clipdb/bench/peers

go 1.26.0

require (
	github.com/clipdb/clipdb v0.0.0
	github.com/coder/hnsw v0.6.2-0.20250730165321-c271e58cdc9a
	github.com/philippgille/chromem-go v0.7.0
)

require (
	github.com/chewxy/math32 v1.10.1 // indirect
	github.com/google/renameio v1.0.1 // indirect
	github.com/viterin/partial v1.1.0 // indirect
	github.com/viterin/vek v0.4.2 // indirect
	golang.org/x/exp v0.0.0-20240506185415-9bf2ced13842 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/clipdb/clipdb => ../..
