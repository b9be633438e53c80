package journal

import (
	"os"

	"golang.org/x/sys/windows"
)

// errHeld is what tryLock fails with when another process has the lock.
const errHeld = windows.ERROR_LOCK_VIOLATION

// tryLock takes the lock without waiting.
func tryLock(f *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
}
