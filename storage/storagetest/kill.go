package storagetest

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// childEnv names the child function that a started test binary is to run.
const childEnv = "CLIPDB_TEST_CHILD"

// Main is what TestMain of a package calls whose tests kill processes:
//
//	func TestMain(m *testing.M) {
//		os.Exit(storagetest.Main(m, map[string]func(args []string){"write": write}))
//	}
//
// In a process that Kill or Run has started it runs the function of that name
// instead of the tests.
func Main(m *testing.M, children map[string]func(args []string)) int {
	name := os.Getenv(childEnv)
	if name == "" {
		return m.Run()
	}
	child := children[name]
	if child == nil {
		_, _ = os.Stderr.WriteString("no child function " + name + "\n")
		return 2
	}
	child(strings.Split(os.Getenv(childEnv+"_ARGS"), "\x1f"))
	return 0
}

// Kill starts the test binary with a child function, kills it (SIGKILL) after
// a while, and returns the complete lines it had printed by then: what it has
// acknowledged. The while begins with its first line. A child that ends by
// itself before is an error of the test, unless it ends well.
func Kill(t testing.TB, after time.Duration, name string, args ...string) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+name, childEnv+"_ARGS="+strings.Join(args, "\x1f"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	var lines []string
	var timer *time.Timer
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			break // a line cut short acknowledges nothing
		}
		if timer == nil {
			timer = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	if timer != nil {
		killed = !timer.Stop()
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || !killed) {
		t.Fatalf("child %s: %v", name, err)
	}
	return lines
}
