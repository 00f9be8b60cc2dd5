package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// childFlag makes the command a child: the first line of standard input is the
// setting, each further one an order; each is answered by a line of JSON.
const childFlag = "--child"

// Orders to a child.
const (
	orderRound   = "round"   // measure; the answer is a round
	orderVectors = "vectors" // encode the sample; the answer is vectors
)

// process is a child. Between orders it waits and uses no processor.
type process struct {
	setting
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// start runs a child that loads what the setting needs.
func start(ctx context.Context, s setting) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{setting: s, cmd: exec.CommandContext(ctx, self, childFlag)}
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.ask(s, nil); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// ask sends a line and reads the answer into a value, if there is one.
func (p *process) ask(order, answer any) error {
	line, err := json.Marshal(order)
	if err != nil {
		return err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("%s: %w", p.setting, err)
	}
	reply, err := p.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%s: the process has died: %w", p.setting, err)
	}
	var failed struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(reply, &failed); err != nil {
		return fmt.Errorf("%s: %w", p.setting, err)
	}
	if failed.Error != "" {
		return fmt.Errorf("%s: %s", p.setting, failed.Error)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(reply, answer)
}

// stop ends the child, which leaves when its input ends.
func (p *process) stop() {
	_ = p.in.Close()
	_ = p.cmd.Wait() // what it had to say it has said
}

// serve is the child's side.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	orders, replies := json.NewDecoder(in), json.NewEncoder(out)
	var s setting
	if err := orders.Decode(&s); err != nil {
		return err
	}
	r, err := openRig(ctx, s)
	if err != nil {
		return replies.Encode(failure(err))
	}
	defer r.close()
	answer := any(struct{}{})
	for {
		if err := replies.Encode(answer); err != nil {
			return err
		}
		var order string
		if err := orders.Decode(&order); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		switch order {
		case orderRound:
			answer, err = r.round(ctx)
		case orderVectors:
			answer, err = r.vectors(ctx)
		default:
			err = fmt.Errorf("order %q", order)
		}
		if err != nil {
			answer = failure(err)
		}
	}
}

func failure(err error) any { return map[string]string{"error": err.Error()} }
