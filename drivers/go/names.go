package zerobuffer

import (
	"os"
	"path/filepath"
	"strings"
)

const (
	sharedMemory         = "/dev/shm"
	defaultLockDirectory = "/tmp/zerobuffer"

	// LockDirectoryVariable names the environment variable that moves the lock files elsewhere.
	LockDirectoryVariable = "ZEROBUFFER_LOCK_DIR"
)

// The semaphore "sem-w-NAME" is a file "sem.sem-w-NAME", and a file name has 255 bytes at most.
const longestName = 255 - len("sem.sem-w-")

const legalBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

func validateName(name string) error {
	reason := ""
	switch {
	case name == "":
		reason = "it is empty"
	case strings.Contains(name, "/"):
		reason = "it holds a '/'"
	case strings.Contains(name, "..") || name == ".":
		reason = "it holds '..' or is '.'"
	case strings.HasPrefix(name, "sem."):
		reason = "it begins with 'sem.', as the semaphores of other buffers do"
	case strings.IndexFunc(name, illegal) >= 0:
		reason = "it holds something else than letters, digits, '-', '_' and '.'"
	case len(name) > longestName:
		reason = "it is too long"
	default:
		return nil
	}
	return fail(InvalidName, Details{"name": name, "reason": reason, "longest": longestName},
		"%q is not a valid buffer name: %s. Use 1 to %d letters, digits, '-', '_' and '.'", name, reason, longestName)
}

func illegal(character rune) bool { return !strings.ContainsRune(legalBytes, character) }

func segmentPath(name string) string { return filepath.Join(sharedMemory, name) }

// dataPath is the file behind the semaphore "data": one post for each frame written.
func dataPath(name string) string { return filepath.Join(sharedMemory, "sem.sem-w-"+name) }

// spacePath is the file behind the semaphore "space": one post for each frame released.
func spacePath(name string) string { return filepath.Join(sharedMemory, "sem.sem-r-"+name) }

func lockDirectory() string {
	if place := os.Getenv(LockDirectoryVariable); place != "" {
		return place
	}
	return defaultLockDirectory
}

func lockPath(name string) string { return filepath.Join(lockDirectory(), name+".lock") }
