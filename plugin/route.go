package plugin

import (
	"sync"

	"out_sls_kafka/plugin/config"
)

// keptTopics bounds the names remembered: logstore_key may point at anything.
const keptTopics = 4096

// topics turns the value of logstore_key into a topic. Names are remembered,
// so that a record costs a look-up and no allocation.
type topics struct {
	cfg *config.Config

	mu    sync.RWMutex
	names map[string]string
}

// of returns the topic of the logstore named by route, or of the configured
// logstore where route is no valid name.
func (t *topics) of(route []byte) string {
	t.mu.RLock()
	topic, ok := t.names[string(route)]
	t.mu.RUnlock()
	if ok {
		return topic
	}
	topic = t.cfg.Topic(t.cfg.Logstore)
	if config.ValidLogstore.Match(route) {
		topic = t.cfg.Topic(string(route))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names == nil || len(t.names) >= keptTopics {
		t.names = make(map[string]string)
	}
	t.names[string(route)] = topic
	return topic
}

// retained is how many bytes the names remembered take, about.
func (t *topics) retained() (bytes int64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	const entry = 100 // of the map
	for name, topic := range t.names {
		bytes += int64(len(name) + len(topic) + entry)
	}
	return bytes
}
