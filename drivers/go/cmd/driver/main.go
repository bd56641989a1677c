// Command driver performs the verbs of the driver contract over this library. Requests come over stdin and are answered
// on stdout, which belongs to them alone; logs go to stderr.
package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"zerobuffer/internal/rpc"
)

const (
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
	handles := newHandles()
	server := rpc.NewServer(out, dispatcher{handles}.perform)
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
	err = handles.close()
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
