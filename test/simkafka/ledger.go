package simkafka

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// chunkRecords is how many numbers of records a chunk has: record i of chunk c is
// number c*chunkRecords+i.
const chunkRecords = 1_000_000

// Given is what the records of a chunk are. Each has `"id":` and its number,
// chunk*1e6 + its place in the chunk, in the first 120 bytes of its value. The
// functions are called with the cluster's lock held.
type Given struct {
	Records int
	Topic   func(i int) string // nil: any topic will do
	Poison  func(i int) bool   // nil: none is poisoned
}

// Account is what became of a chunk's records.
type Account struct {
	Given
	Landed   []uint8 // how often each was written
	Answered []uint8 // how often each was written and the client got an answer without error
	Acked    int     // records answered at least once
}

func (a *Account) land(i int) { a.Landed[i] = increased(a.Landed[i]) }

func (a *Account) answer(i int) {
	if a.Answered[i] == 0 {
		a.Acked++
	}
	a.Answered[i] = increased(a.Answered[i])
}

// increased stops at what fits.
func increased(n uint8) uint8 { return min(n, math.MaxUint8-1) + 1 }

// ledger is what is known of records. The cluster's lock guards it.
type ledger struct {
	accounts []*Account
	acked    int64
	broken   string
}

// record is a record of a batch.
type record struct {
	account *Account
	chunk   int
	index   int
	at      time.Time
}

func (l *ledger) fail(what string) {
	if l.broken == "" {
		l.broken = what
	}
}

// find says whose record a value is.
func (l *ledger) find(value []byte) (record, error) {
	id, ok := recordID(value)
	if !ok {
		return record{}, errors.New("it has no id")
	}
	chunk, index := id/chunkRecords, id%chunkRecords
	if chunk >= len(l.accounts) || index >= l.accounts[chunk].Records {
		return record{}, fmt.Errorf("nobody gave record %d of chunk %d", index, chunk)
	}
	return record{account: l.accounts[chunk], chunk: chunk, index: index}, nil
}

// check finds records that are in a topic not their own.
func (l *ledger) check(topic string, records []record) error {
	for _, r := range records {
		if r.account.Topic == nil {
			continue
		}
		if own := r.account.Topic(r.index); own != topic {
			return fmt.Errorf("record %d of chunk %d is of topic %s, and was written to %s", r.index, r.chunk, own, topic)
		}
	}
	return nil
}

// Give announces a chunk, before its records are written.
func (c *Cluster) Give(g Given) (chunk int) {
	if g.Records > chunkRecords {
		panic("simkafka: a chunk of more records than it has numbers")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledger.accounts = append(c.ledger.accounts, &Account{Given: g, Landed: make([]uint8, g.Records), Answered: make([]uint8, g.Records)})
	return len(c.ledger.accounts) - 1
}

// Account shows what became of a chunk's records. The cluster's lock is held while
// f is called: f must neither wait nor call the cluster.
func (c *Cluster) Account(chunk int, f func(*Account)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.ledger.accounts[chunk])
}

// answered notes that a client can get an answer without error for records.
func (c *Cluster) answered(records []record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range records {
		r.account.answer(r.index)
	}
	c.ledger.acked += int64(len(records))
}

// Acked is how many records were answered without error, counting repeats.
func (c *Cluster) Acked() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ledger.acked
}

// Broken is the first thing a client sent that a client must never send; "": nothing.
func (c *Cluster) Broken() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ledger.broken
}
