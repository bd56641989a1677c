// Package stops is how tests wait for a process that they have started to be stopped.
package stops

import (
	"fmt"
	"syscall"
	"time"
)

const look = time.Millisecond

// Await returns when a child has been stopped. It fails if the child ends instead, or if patience does.
func Await(pid int, patience time.Duration) error {
	for deadline := time.Now().Add(patience); ; {
		var status syscall.WaitStatus
		seen, err := syscall.Wait4(pid, &status, syscall.WUNTRACED|syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("process %d cannot be waited for: %w", pid, err)
		case seen == pid && status.Stopped():
			return nil
		case seen == pid:
			return fmt.Errorf("process %d ended and did not stop: %#x", pid, int(status))
		case time.Now().After(deadline):
			return fmt.Errorf("process %d did not stop within %v", pid, patience)
		}
		time.Sleep(look) // a wait that blocks would outlast the patience
	}
}
