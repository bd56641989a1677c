// Command driver performs the verbs of the driver contract over this library. Requests come over stdin and are answered
// on stdout, which belongs to them alone; logs go to stderr.
package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"zerobuffer"
	"zerobuffer/internal/rpc"
)

const (
	// driverError is the code of every error that the library names; the name stands in the data.
	driverError = -32000

	setDeathSignal = 1

	// How long the end waits for verbs that closing has interrupted.
	answerPatience = 300 * time.Millisecond
)

// The death of the parent is told to the thread that asked for it: so this must be the main thread, which never ends.
func init() { runtime.LockOSThread() }

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err := run(); err != nil {
		slog.Error("the driver ends", "error", err)
		os.Exit(1)
	}
}

func run() error {
	if err := dieWithParent(); err != nil {
		return fmt.Errorf("ask for the death signal: %w", err)
	}
	out, err := takeStdout()
	if err != nil {
		return fmt.Errorf("take stdout: %w", err)
	}
	// Go's poller is made with the first timer, and without a free descriptor it ends the process: now there is one.
	time.Sleep(time.Nanosecond)
	desk := newDesk()
	server := rpc.NewServer(out, desk.perform)
	desk.underWay = server.UnderWay
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(os.Stdin)
	}()
	select {
	case <-ended:
	case <-stop:
	}
	err = desk.close()
	server.Finish(answerPatience)
	return err
}

func dieWithParent() error {
	_, _, number := syscall.RawSyscall(syscall.SYS_PRCTL, setDeathSignal, uintptr(syscall.SIGKILL), 0)
	if number != 0 {
		return number
	}
	return nil
}

// takeStdout keeps stdout for the protocol: whatever else prints there prints to stderr.
func takeStdout() (*os.File, error) {
	out, err := syscall.Dup(1)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(out)
	if err := syscall.Dup3(2, 1, 0); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(out), "answers"), nil
}

// translated makes the answer of a failed verb.
func translated(err error) error {
	var known *zerobuffer.Error
	if errors.Is(err, zerobuffer.ErrConfig) {
		return rpc.Errorf(rpc.InvalidParams, "Invalid params: %v", err)
	}
	if !errors.As(err, &known) {
		return err
	}
	details := known.Details
	if details == nil {
		details = zerobuffer.Details{}
	}
	return &rpc.Error{Code: driverError, Message: err.Error(), Data: map[string]any{"code": known.Code, "details": details}}
}

// perform does one verb.
func (d *desk) perform(call *rpc.Call) (any, error) {
	work, known := verbs[call.Method]
	if !known {
		return nil, rpc.Errorf(rpc.MethodNotFound, "there is no verb %q", call.Method)
	}
	result, err := work(d, call)
	if err != nil {
		return nil, translated(err)
	}
	return result, nil
}
