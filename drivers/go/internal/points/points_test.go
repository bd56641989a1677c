package points

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"zerobuffer/internal/stops"
)

const (
	passagesVariable = "ZEROBUFFER_TEST_PASSAGES"
	patience         = 10 * time.Second
)

func TestMain(m *testing.M) {
	deed, passages, passing := strings.Cut(os.Getenv(passagesVariable), " ")
	if !passing {
		os.Exit(m.Run())
	}
	if err := Arm("writer.post", 3, Deed(deed)); err != nil {
		os.Exit(3)
	}
	for range passages { // one for each letter
		Pass(WriterPost)
		Pass(ReaderSpace)
	}
	if len(passages) >= 3 && armed.Load() != 0 {
		os.Exit(4)
	}
}

// passing has another process die or halt at the third of some passages.
func passing(deed Deed, passages string) *exec.Cmd {
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), passagesVariable+"="+string(deed)+" "+passages)
	other.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return other
}

func TestTheProcessDiesAtThePassageThatWasAskedFor(t *testing.T) {
	for passages, dies := range map[string]bool{"xx": false, "xxx": true} {
		other := passing(Die, passages)
		_ = other.Run()
		status := other.ProcessState.Sys().(syscall.WaitStatus)
		if killed := status.Signaled() && status.Signal() == syscall.SIGKILL; killed != dies || !dies && status.ExitStatus() != 0 {
			t.Errorf("after %d passages: %v", len(passages), other.ProcessState)
		}
	}
}

func TestTheProcessHaltsThereOnceAndGoesOn(t *testing.T) {
	other := passing(Halt, "xxxxxxx")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill() }()
	if err := stops.Await(other.Process.Pid, patience); err != nil {
		t.Fatal(err)
	}
	if err := other.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = other.Process.Kill() })
	defer late.Stop()
	if err := other.Wait(); err != nil {
		t.Errorf("after its halt: %v", err)
	}
	if err := passing(Halt, "xx").Run(); err != nil {
		t.Errorf("after two passages: %v", err)
	}
}

func TestOnlyPointsAndDeedsThatThereAreCanBeArmed(t *testing.T) {
	for _, name := range []string{"", "writer", "writer.nowhere"} {
		if Arm(name, 1, Die) == nil {
			t.Errorf("%q was armed", name)
		}
	}
	for _, deed := range []Deed{"", "stop", "Die"} {
		if Arm("writer.done", 1, deed) == nil {
			t.Errorf("%q was armed", deed)
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
