package host

import (
	"testing"
	"unsafe"
)

// What runs ends soon when a reload begins, and goes on when that is given up.
func TestReloadThatIsGivenUp(t *testing.T) {
	r := registry{registrations: make(map[unsafe.Pointer]int)}
	first, second, third := unsafe.Pointer(new(int)), unsafe.Pointer(new(int)), unsafe.Pointer(new(int))
	r.registered(first)
	old := r.generation()
	r.registered(second)
	if !r.isReplaced(old) {
		t.Error("a reload begins, and nothing ends")
	}
	r.unregistered(second)
	if r.isReplaced(old) {
		t.Error("the reload was given up, and what runs is about to end")
	}
	r.registered(third)
	now := r.generation()
	if !r.isReplaced(old) || r.isReplaced(now) {
		t.Error("the second reload ends what it has started, or not what was there")
	}
	r.unregistered(first)
	if r.isReplaced(now) {
		t.Error("the end of the old registration ends the new one")
	}
}
