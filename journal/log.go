package journal

import (
	"fmt"
	"log/slog"
	"sync"
)

// natsLog hands NATS's log on at debug, for it greets each start with twenty notices, and its warnings and errors as
// what they are. It remembers a fatal error: NATS goes on after "can't start JetStream" and says that it is ready.
type natsLog struct {
	logger *slog.Logger

	mu    sync.Mutex
	fatal error
}

func (l *natsLog) Noticef(format string, v ...any) { l.logger.Debug(fmt.Sprintf(format, v...)) }
func (l *natsLog) Warnf(format string, v ...any)   { l.logger.Warn(fmt.Sprintf(format, v...)) }
func (l *natsLog) Errorf(format string, v ...any)  { l.logger.Error(fmt.Sprintf(format, v...)) }
func (l *natsLog) Debugf(format string, v ...any)  { l.logger.Debug(fmt.Sprintf(format, v...)) }
func (l *natsLog) Tracef(string, ...any)           {}

// Fatalf remembers the first fatal error and ends nothing.
func (l *natsLog) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fatal == nil {
		l.fatal = fmt.Errorf(format, v...)
	}
	l.logger.Error(fmt.Sprintf(format, v...))
}

func (l *natsLog) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}
