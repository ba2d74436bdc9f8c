package produce

import "fmt"

// batchState is where a batch is on its way. [batch.to] changes it.
//
//	open --> closed --> ready --> inflight --> acked
//	  |                 ^  ^        |  |  \--> rejected
//	  |                 |  \-retry--/  |
//	  |                 |              v
//	  |                 \-parts-- dividing
//	  \--linger is over, a partition is free--> inflight
//
// Every state but acked and rejected leads to released, when the producer closes
// or fails internally; a batch that is ready is rejected too, when others have
// proved that the broker refuses its records for their time.
type batchState uint8

const (
	open     batchState = iota // takes records
	closed                     // is being compressed
	ready                      // waits in a line of its queue
	inflight                   // in a request
	dividing                   // refused; its records are being copied into smaller batches
	divided                    // they are; nothing is left of it
	acked
	rejected
	released
)

// transitions are the states that may follow each state.
var transitions = [...]uint16{
	open:     1<<closed | 1<<ready | 1<<inflight | 1<<released,
	closed:   1<<ready | 1<<divided | 1<<released, // divided: among partitions that were not known
	ready:    1<<inflight | 1<<rejected | 1<<released,
	inflight: 1<<ready | 1<<dividing | 1<<acked | 1<<rejected | 1<<released,
	dividing: 1<<divided | 1<<released,
	divided:  0,
	acked:    0,
	rejected: 1 << released, // its records could not be read back
	released: 0,
}

var stateNames = [...]string{"open", "closed", "ready", "in flight", "dividing", "divided", "acked", "rejected", "released"}

// to changes the state. A transition that is not in the table would count a record
// twice, or never: it panics, and who recovers gives the chunk back.
func (b *batch) to(next batchState) {
	if transitions[b.state]&(1<<next) == 0 {
		panic(fmt.Sprintf("a batch cannot be %s after %s", stateNames[next], stateNames[b.state]))
	}
	b.state = next
}
