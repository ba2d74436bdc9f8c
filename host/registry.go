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
	registrations int                          // of the plugin: one more for each reload
	instances     map[unsafe.Pointer]*instance // by what the host keeps of them
}

var live = registry{instances: make(map[unsafe.Pointer]*instance)}

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
func (r *registry) registered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.registrations++
}

// generation is how many times the plugin was registered.
func (r *registry) generation() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.registrations
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
