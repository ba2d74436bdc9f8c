package plugin

import (
	"sync"

	"out_sls_kafka/plugin/config"
)

// maxRoutes bounds the routes remembered: logstore_key may point at any field.
const maxRoutes = 4096

// router turns the value of logstore_key, a route, into a topic. Routes are
// remembered, so that a record costs a look-up and no allocation.
type router struct {
	cfg *config.Config

	mu     sync.RWMutex
	topics map[string]string // by route
}

// topicFor returns the topic of the logstore that route names, or of the configured
// logstore if route is not a valid name.
func (r *router) topicFor(route []byte) string {
	if len(route) > config.MaxLogstoreName { // anybody's text may stand there: it is not remembered
		return r.cfg.Topic(r.cfg.Logstore)
	}
	r.mu.RLock()
	topic, ok := r.topics[string(route)]
	r.mu.RUnlock()
	if ok {
		return topic
	}
	topic = r.cfg.Topic(r.cfg.Logstore)
	if config.ValidLogstore.Match(route) {
		topic = r.cfg.Topic(string(route))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.topics == nil || len(r.topics) >= maxRoutes {
		r.topics = make(map[string]string)
	}
	r.topics[string(route)] = topic
	return topic
}

// retained is about how many bytes the routes remembered take.
func (r *router) retained() (bytes int64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	const entry = 100 // of the map
	for name, topic := range r.topics {
		bytes += int64(len(name) + len(topic) + entry)
	}
	return bytes
}
