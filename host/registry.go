package host

import (
	"sync"
	"unsafe"

	"out_sls_kafka/plugin"
)

// registry is the instances that live in this process. It is the one thing that they
// share. Fluent Bit ends them one after the other and tells none of the others, and
// versions before 2.0.7 end one of them twice (see fluentbit.h).
type registry struct {
	holding plugin.Holding // of all of them

	mu            sync.Mutex
	registrations map[unsafe.Pointer]int       // of the plugin, by what the host keeps of them, numbered
	last          int                          // number; one more for each reload
	instances     map[unsafe.Pointer]*instance // by what the host keeps of them
}

var live = registry{registrations: make(map[unsafe.Pointer]int), instances: make(map[unsafe.Pointer]*instance)}

func (r *registry) add(context unsafe.Pointer, i *instance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.instances[context] = i
}

// take removes an instance. It returns nil where there is none, or not any more.
func (r *registry) take(context unsafe.Pointer) *instance {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.instances[context]
	delete(r.instances, context)
	return i
}

// registered notes that Fluent Bit registers the plugin: at its start, and when a reload
// begins.
func (r *registry) registered(def unsafe.Pointer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	r.registrations[def] = r.last
}

// unregistered notes the end of a registration. If it was the newest, a reload was given
// up: its configuration has a fault.
func (r *registry) unregistered(def unsafe.Pointer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.registrations, def)
}

// generation is the number of the last registration: that of the instances that start now.
func (r *registry) generation() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// isReplaced tells whether there is a newer registration.
func (r *registry) isReplaced(generation int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.registrations {
		if n > generation {
			return true
		}
	}
	return false
}

// ending returns the ending that the instances of an engine share. Those of another
// engine, as before and after a hot reload, end at another time.
func (r *registry) ending(engine uintptr) (e *plugin.Ending, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range r.instances {
		if i.engine == engine {
			return i.ending, false
		}
	}
	return new(plugin.Ending), true
}
