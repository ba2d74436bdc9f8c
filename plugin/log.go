package plugin

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"out_sls_kafka/plugin/display"
)

// Level is a log level with Fluent Bit's number.
type Level int

// Source of the numbers: Fluent Bit, include/fluent-bit/flb_log.h.
const (
	LevelOff   Level = 0
	LevelError Level = 1
	LevelWarn  Level = 2
	LevelInfo  Level = 3
	LevelDebug Level = 4
)

// Logger is Fluent Bit's own logger. Print may be called on a thread of
// Fluent Bit only: on any other its line would miss the log file.
type Logger interface {
	Print(level Level, line string)
	Level() Level // the most verbose level shown
}

const (
	// stderrDelay is how long an entry waits for a thread of Fluent Bit before it is
	// written to stderr, where none is sure to come: an idle output may see none for
	// hours.
	stderrDelay = 3 * time.Second
	// maxPending bounds the pending entries; more than that are only counted.
	maxPending = 256
)

// Log carries entries from any goroutine to Fluent Bit's log. Where that is possible
// nothing goes to stderr, which an operator may never see.
type Log struct {
	logger Logger // nil: the host has no logger, everything goes to stderr
	prefix string
	level  Level

	secrets atomic.Pointer[display.Secrets] // nil: none are known

	requestMu     sync.RWMutex // held for reading while requestThread runs
	requestThread func()       // asks for a thread of Fluent Bit; may be nil

	mu      sync.Mutex
	sure    bool    // a thread comes when it is asked for
	closed  bool    // none comes any more
	pending []entry // wait for a thread of Fluent Bit
	dropped int     // entries beyond maxPending
	timer   *time.Timer
}

type entry struct {
	at    time.Time
	level Level
	text  string
}

// NewLog returns a log whose lines begin with name. logger may be nil.
func NewLog(logger Logger, name string) *Log {
	l := &Log{logger: logger, prefix: "[output:" + name + "] ", level: LevelInfo}
	if logger != nil {
		l.level = logger.Level()
	}
	return l
}

// Errorf logs what needs a person.
func (l *Log) Errorf(format string, args ...any) { l.add(LevelError, format, args...) }

// Warnf logs what may need a person.
func (l *Log) Warnf(format string, args ...any) { l.add(LevelWarn, format, args...) }

// Infof logs what a person may want to know.
func (l *Log) Infof(format string, args ...any) { l.add(LevelInfo, format, args...) }

// Debugf logs what helps to find a fault in this plugin.
func (l *Log) Debugf(format string, args ...any) { l.add(LevelDebug, format, args...) }

// add logs one line: args may hold texts of others, and those may hold anything.
func (l *Log) add(level Level, format string, args ...any) {
	if level > l.level {
		return
	}
	l.write(entry{time.Now(), level, display.Line(l.secrets.Load().Hide(l.prefix + fmt.Sprintf(format, args...)))})
}

// Panicked logs a panic with its stack, the only line that is several.
func (l *Log) Panicked(cause any, stack []byte) {
	if LevelError <= l.level {
		hidden := l.secrets.Load()
		cause = hidden.Hide(fmt.Sprint(cause)) // before it is cut
		l.write(entry{time.Now(), LevelError, hidden.Hide(PanicText(l.prefix, cause, stack))})
	}
}

// PanicText returns the line of a panic, which begins with prefix.
func PanicText(prefix string, cause any, stack []byte) string {
	return display.Line(prefix) + "internal error, please report it: " + display.Panic(cause, stack)
}

// HideSecrets sets what no line shows from now on, whoever says it: a broker may repeat
// the password that it got.
func (l *Log) HideSecrets(secrets *display.Secrets) { l.secrets.Store(secrets) }

func (l *Log) write(e entry) {
	if l.logger == nil {
		e.writeStderr()
		return
	}
	if !l.addPending(e) {
		return
	}
	l.requestMu.RLock()
	defer l.requestMu.RUnlock()
	if l.requestThread != nil {
		l.requestThread()
	}
}

func (l *Log) addPending(e entry) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return false // a goroutine outlived the output, which was said
	case len(l.pending) < maxPending:
		l.pending = append(l.pending, e)
	default:
		l.dropped++
	}
	if !l.sure && l.timer == nil {
		l.timer = time.AfterFunc(stderrDelay, l.writeOverdue)
	}
	return true
}

// Notify sets what has a thread of Fluent Bit drain the log, and is sure to do so as
// long as Fluent Bit goes on. It replaces OnPending.
func (l *Log) Notify(requestThread func()) {
	l.mu.Lock()
	l.sure = true
	l.stopTimerLocked()
	l.mu.Unlock()
	l.setRequest(requestThread)
}

// Close drains the log for the last time. It must be called on a thread of Fluent Bit,
// whose logger is not used after it.
func (l *Log) Close() {
	l.setRequest(nil)
	l.Drain()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// OnPending sets what is called when an entry waits for a thread of Fluent Bit; nil:
// nothing. No thread is sure to come. When it returns, what was set before is not
// running any more.
func (l *Log) OnPending(requestThread func()) {
	l.mu.Lock()
	sure := l.sure
	l.mu.Unlock()
	if !sure {
		l.setRequest(requestThread)
	}
}

func (l *Log) setRequest(requestThread func()) {
	l.requestMu.Lock()
	defer l.requestMu.Unlock()
	l.requestThread = requestThread
}

// Drain prints the pending entries. It must be called on a thread of Fluent Bit.
func (l *Log) Drain() {
	for _, e := range l.takePending() {
		l.logger.Print(e.level, e.text)
	}
}

// writeOverdue writes the pending entries to stderr: no thread of Fluent Bit drained
// them in time.
func (l *Log) writeOverdue() {
	defer func() { _ = recover() }() // an entry is not worth the process, and the panic itself has no log to go to
	for _, e := range l.takePending() {
		e.writeStderr()
	}
}

func (l *Log) takePending() []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopTimerLocked()
	entries := l.pending
	if l.pending = nil; l.dropped > 0 {
		entries = append(entries, entry{time.Now(), LevelWarn, fmt.Sprintf("%s%d log lines were dropped: too many at once", l.prefix, l.dropped)})
		l.dropped = 0
	}
	return entries
}

func (l *Log) stopTimerLocked() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}

// writeStderr writes the entry in the form of Fluent Bit's own log.
func (e entry) writeStderr() {
	word := [...]string{"", "error", " warn", " info", "debug"}[e.level]
	WriteStderr(fmt.Sprintf("[%s] [%s] %s\n", e.at.Format("2006/01/02 15:04:05.000000000"), word, e.text))
}

// clientLogger logs the lines of the Kafka client itself, at the level debug.
type clientLogger struct{ log *Log }

// Level implements [kgo.Logger].
func (c clientLogger) Level() kgo.LogLevel {
	if c.log.level < LevelDebug {
		return kgo.LogLevelNone
	}
	return kgo.LogLevelInfo
}

// Log implements [kgo.Logger].
func (c clientLogger) Log(_ kgo.LogLevel, msg string, keyvals ...any) {
	c.log.Debugf("kafka client: %s %v", msg, keyvals)
}
