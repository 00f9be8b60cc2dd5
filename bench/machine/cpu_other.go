//go:build !darwin

package machine

func cpuModel() string { return field("/proc/cpuinfo", "model name") }
