package plugin

import (
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Level is a log level with Fluent Bit's number.
type Level int

// Source of the numbers: Fluent Bit, include/fluent-bit/flb_log.h.
const (
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
	// patience is how long a line waits for a thread of Fluent Bit before it
	// goes to stderr: an idle output may see none for hours.
	patience = 3 * time.Second
	// keptLines bounds the lines waiting; more than that are only counted.
	keptLines = 256
)

// Log carries lines from any goroutine to Fluent Bit's log.
type Log struct {
	host   Logger // nil: the host has no logger, everything goes to stderr
	prefix string
	level  Level

	nudging sync.RWMutex // held for reading while nudge runs
	nudge   func()       // asks for a thread of Fluent Bit; may be nil

	mu      sync.Mutex
	waiting []line
	lost    int
	timer   *time.Timer
}

type line struct {
	at    time.Time
	level Level
	text  string
}

// NewLog returns a log whose lines begin with name. host may be nil.
func NewLog(host Logger, name string) *Log {
	l := &Log{host: host, prefix: "[output:" + name + "] ", level: LevelInfo}
	if host != nil {
		l.level = host.Level()
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

func (l *Log) add(level Level, format string, args ...any) {
	if level > l.level {
		return
	}
	n := line{time.Now(), level, l.prefix + fmt.Sprintf(format, args...)}
	if l.host == nil {
		n.toStderr()
		return
	}
	l.mu.Lock()
	if len(l.waiting) < keptLines {
		l.waiting = append(l.waiting, n)
	} else {
		l.lost++
	}
	if l.timer == nil {
		l.timer = time.AfterFunc(patience, l.overdue)
	}
	l.mu.Unlock()
	l.nudging.RLock()
	defer l.nudging.RUnlock()
	if l.nudge != nil {
		l.nudge()
	}
}

// OnPending sets what is called when a line waits for a thread of Fluent Bit; nil:
// nothing. When it returns, what was set before is not running any more.
func (l *Log) OnPending(nudge func()) {
	l.nudging.Lock()
	defer l.nudging.Unlock()
	l.nudge = nudge
}

// Drain hands the waiting lines to the host. It must be called on a thread of
// Fluent Bit.
func (l *Log) Drain() {
	for _, n := range l.take() {
		l.host.Print(n.level, n.text)
	}
}

// overdue writes the waiting lines to stderr: no thread of Fluent Bit came by
// in time.
func (l *Log) overdue() {
	defer func() { _ = recover() }() // a line is not worth the process, and there is no log to tell
	for _, n := range l.take() {
		n.toStderr()
	}
}

func (l *Log) take() []line {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	lines := l.waiting
	if l.waiting = nil; l.lost > 0 {
		lines = append(lines, line{time.Now(), LevelWarn, fmt.Sprintf("%s%d log lines were dropped: too many at once", l.prefix, l.lost)})
		l.lost = 0
	}
	return lines
}

// toStderr writes the line in the form of Fluent Bit's own log.
func (n line) toStderr() {
	word := [...]string{"", "error", " warn", " info", "debug"}[n.level]
	WriteStderr(fmt.Sprintf("[%s] [%s] %s\n", n.at.Format("2006/01/02 15:04:05.000000000"), word, n.text))
}

// clientLog hands the Kafka client's own lines over, for whoever debugs.
type clientLog struct{ log *Log }

// Level implements [kgo.Logger].
func (c clientLog) Level() kgo.LogLevel {
	if c.log.level < LevelDebug {
		return kgo.LogLevelNone
	}
	return kgo.LogLevelInfo
}

// Log implements [kgo.Logger].
func (c clientLog) Log(_ kgo.LogLevel, msg string, keyvals ...any) {
	c.log.Debugf("kafka client: %s %v", msg, keyvals)
}
