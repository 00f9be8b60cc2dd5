package peer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// ErrPeer is returned when a library failed at what it was asked.
var ErrPeer = errors.New("the library failed")

// Process is a running peer.
type Process struct {
	Name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

// Start runs cmd as a peer. Its standard error goes where cmd says.
func Start(name string, cmd *exec.Cmd) (*Process, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Process{name, cmd, in, bufio.NewReaderSize(out, 1<<20)}, nil
}

// Ask sends a request and waits for its reply.
func (p *Process) Ask(q Request) (Reply, error) {
	var r Reply
	line, err := json.Marshal(q)
	if err != nil {
		return r, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return r, fmt.Errorf("%s: %w: it takes no request: %v", p.Name, ErrPeer, err)
	}
	line, err = p.out.ReadBytes('\n')
	if err != nil {
		return r, fmt.Errorf("%s: %w: no reply to %s: %v", p.Name, ErrPeer, q.Op, err)
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("%s: %w: reply to %s: %v", p.Name, ErrPeer, q.Op, err)
	}
	if r.Error != "" {
		return r, fmt.Errorf("%s: %w: %s", p.Name, ErrPeer, r.Error)
	}
	return r, nil
}

// Close ends the process and waits for it.
func (p *Process) Close() error {
	return errors.Join(p.in.Close(), p.cmd.Wait())
}
