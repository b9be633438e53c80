//go:build unix

package journal

import (
	"os"

	"golang.org/x/sys/unix"
)

// errHeld is what tryLock fails with when another process has the lock.
const errHeld = unix.EWOULDBLOCK

// tryLock takes the lock without waiting.
func tryLock(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}
