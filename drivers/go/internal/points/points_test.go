package points

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

const passagesVariable = "ZEROBUFFER_TEST_PASSAGES"

func TestMain(m *testing.M) {
	if os.Getenv(passagesVariable) == "" {
		os.Exit(m.Run())
	}
	if err := Arm("writer.post", 3); err != nil {
		os.Exit(3)
	}
	for range os.Getenv(passagesVariable) { // one for each letter
		Pass(WriterPost)
		Pass(ReaderSpace)
	}
}

func TestTheProcessDiesAtThePassageThatWasAskedFor(t *testing.T) {
	for passages, dies := range map[string]bool{"xx": false, "xxx": true} {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), passagesVariable+"="+passages)
		_ = child.Run()
		status := child.ProcessState.Sys().(syscall.WaitStatus)
		if killed := status.Signaled() && status.Signal() == syscall.SIGKILL; killed != dies || !dies && status.ExitStatus() != 0 {
			t.Errorf("after %d passages: %v", len(passages), child.ProcessState)
		}
	}
}

func TestOnlyPointsThatThereAreCanBeArmed(t *testing.T) {
	for _, name := range []string{"", "writer", "writer.nowhere"} {
		if Arm(name, 1) == nil {
			t.Errorf("%q was armed", name)
		}
	}
	for point, name := range names[1:] {
		if name == "" {
			t.Errorf("point %d has no name", point+1)
		}
	}
	if armed.Load() != 0 {
		t.Error("something is armed")
	}
}
