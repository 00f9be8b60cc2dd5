package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// Exit statuses; scripts depend on them.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// commandLine is the grammar of the command line, read by kong.
type commandLine struct {
	globals

	Add        addCmd        `cmd:"" help:"Add pictures, from files and folders."`
	Search     searchCmd     `cmd:"" help:"Find pictures by words."`
	Similar    similarCmd    `cmd:"" help:"Find pictures like a picture, or like an item."`
	Classify   classifyCmd   `cmd:"" help:"Say which of some labels fits a picture."`
	Duplicates duplicatesCmd `cmd:"" help:"Find the same and nearly the same pictures."`
	Get        getCmd        `cmd:"" help:"Show items, or write an item's picture to a file."`
	Delete     deleteCmd     `cmd:"" help:"Delete items."`
	Expire     expireCmd     `cmd:"" help:"Erase items whose consent or time to be kept is over."`
	Sensitive  sensitiveCmd  `cmd:"" help:"Rate pictures for sensitive content; no safeguard."`
	Info       infoCmd       `cmd:"" help:"Show what is in a database."`
	Verify     verifyCmd     `cmd:"" help:"Check a database."`
	Reembed    reembedCmd    `cmd:"" help:"Change the model of a database: embed its pictures again."`
	Audit      auditCmd      `cmd:"" help:"Show the audit log of a database, or switch it on or off."`
	Compact    compactCmd    `cmd:"" help:"Give unused space back and erase what was deleted for good."`
	Backup     backupCmd     `cmd:"" help:"Copy a database that no other process is writing."`
	Bench      benchCmd      `cmd:"" help:"Measure recall against latency of the index."`
	Embed      embedCmd      `cmd:"" help:"Print the vector of a text or a picture."`
	Model      modelCmd      `cmd:"" help:"Show, fetch, install and remove models."`
	Runtime    runtimeCmd    `cmd:"" help:"Show or install ONNX Runtime, which runs the model."`
	Version    versionCmd    `cmd:"" help:"Show the version."`
}

// globals are the flags that every command takes.
type globals struct {
	JSON     bool   `name:"json" help:"Print one JSON object, or one a line, and nothing else."`
	Model    string `name:"model" placeholder:"NAME|DIR" help:"Model to use: a name that 'clipdb model list' shows, or a folder with a model. Without it the database's own, or the built-in one."`
	Provider string `name:"provider" placeholder:"P" help:"What runs the model: cpu, cuda, coreml, directml or openvino; the CPU stands in where it cannot. CLIPDB_PROVIDER sets it, too."`
	Quiet    bool   `name:"quiet" short:"q" help:"No progress and no remarks on standard error."`
}

// app is what a command runs in.
type app struct {
	globals
	*console
	ctx        context.Context // ends when the user asks to stop
	interrupts *interrupts
	in         io.Reader
}

// usageError is a mistake in the words of the command line: exit status 2.
type usageError struct {
	err  error
	more string // lines to show below the sentence
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...)}
}

func main() {
	ctx, in, stop := watchInterrupts(context.Background(), func() { os.Exit(exitFailure) })
	code := run(ctx, in, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// helpShown unwinds the parser after --help.
type helpShown int

// run does what the words of the command line ask and returns the exit status.
func run(ctx context.Context, in *interrupts, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	cli := &commandLine{}
	con := newConsole(stdout, stderr)
	defer func() {
		if e := recover(); e != nil {
			shown, ok := e.(helpShown)
			if !ok {
				// A fault of clipdb, not of its user; Go's own exit status for
				// it, 2, means wrong usage here.
				fmt.Fprintf(stderr, "clipdb: internal fault: %v; please report it with what follows\n%s", e, debug.Stack())
				shown = exitFailure
			}
			code = int(shown)
		}
	}()
	parser, err := kong.New(cli,
		kong.Name("clipdb"),
		kong.Description("Find pictures by meaning, in one file."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(helpShown(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.KindMapper(reflect.String, kong.MapperFunc(verbatim)),
	)
	if err != nil {
		panic(err) // the grammar above is wrong, not the user's words
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		about := "clipdb"
		var pe *kong.ParseError
		if errors.As(err, &pe) && pe.Context != nil {
			if words := strings.Fields(pe.Context.Command()); len(words) > 0 {
				about += " " + commandName(words)
			}
		}
		fmt.Fprintf(stderr, "clipdb: %v; see %s --help\n", err, about)
		return exitUsage
	}
	con.json, con.quiet = cli.JSON, cli.Quiet
	a := &app{globals: cli.globals, console: con, ctx: ctx, interrupts: in, in: stdin}
	if err := parsed.Run(a); err != nil {
		return a.fail(err, commandName(strings.Fields(parsed.Command())))
	}
	return exitOK
}

// verbatim takes a word of the command line as it is. The parser's own way
// goes through JSON, which spoils file names that are not UTF-8.
func verbatim(ctx *kong.DecodeContext, target reflect.Value) error {
	t, err := ctx.Scan.PopValue("text")
	if err != nil {
		return err
	}
	s, ok := t.Value.(string)
	if !ok {
		return fmt.Errorf("expected text, found %v", t.Value)
	}
	target.SetString(s)
	return nil
}

// commandName is the command without the names of its arguments.
func commandName(words []string) string {
	for i, w := range words {
		if strings.HasPrefix(w, "<") || strings.HasPrefix(w, "[") {
			return strings.Join(words[:i], " ")
		}
	}
	return strings.Join(words, " ")
}

// fail says what went wrong in one sentence and returns the exit status.
func (a *app) fail(err error, command string) int {
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(a.err, "clipdb: %v; see clipdb %s --help\n", err, command)
		if usage.more != "" {
			fmt.Fprintln(a.err, usage.more)
		}
		return exitUsage
	}
	if errors.Is(err, context.Canceled) && a.interrupts.came() {
		fmt.Fprintln(a.err, "clipdb: stopped as asked")
		return exitFailure
	}
	fmt.Fprintf(a.err, "clipdb: %s\n", explain(err))
	return exitFailure
}
