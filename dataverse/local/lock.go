package local

import "errors"

// ErrLocked is what Open fails with where another process has the data directory open.
var ErrLocked = errors.New("the data directory is in use")
