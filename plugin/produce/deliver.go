package produce

// results is what owners and the observer are to be told.
type results struct {
	found    []string // topics
	failed   []failedTopic
	held     []heldRecord
	acked    []*batch
	rejected []rejectedBatch
	released []*batch // their owners get the records back
}

// failedTopic is a topic that something failed of, and why. Topic "" is none of them.
type failedTopic struct {
	topic string
	err   error
}

// heldRecord is a record that waits. Its batch may be sent again while the owner is
// told, so nothing of it is read then.
type heldRecord struct {
	owner Owner
	topic string
	err   error
}

// hold notes that a batch of one record waits.
func (res *results) hold(b *batch, err error) {
	res.held = append(res.held, heldRecord{b.runs[0].owner, b.queue.topic.name, err})
}

// fail notes a failure: one for each topic and error of a request.
func (res *results) fail(topic string, err error) {
	for _, f := range res.failed {
		if f.topic == topic && f.err == err { //nolint:errorlint // the very same
			return
		}
	}
	res.failed = append(res.failed, failedTopic{topic, err})
}

func (res *results) empty() bool {
	return len(res.found)+len(res.failed)+len(res.held)+len(res.acked)+len(res.rejected)+len(res.released) == 0
}

// unlock unlocks p.mu and then delivers what was decided while it was held: owners
// and the observer may have locks of their own.
func (p *Producer) unlock() {
	if p.undelivered.empty() {
		p.mu.Unlock()
		return
	}
	res := p.undelivered
	p.undelivered = results{}
	p.mu.Unlock()
	res.deliver(p)
}

// deliver calls the observer and the owners.
func (res *results) deliver(p *Producer) {
	for _, topic := range res.found {
		p.observeFound(topic)
	}
	for _, f := range res.failed {
		p.observeFailed(f.topic, f.err)
	}
	for _, r := range res.held {
		p.ownerHeld(r)
	}
	for _, b := range res.acked {
		p.observeAcked(b)
		for _, run := range b.runs {
			p.ownerAcked(run)
		}
		p.pool.put(b.wire)
	}
	for _, r := range res.rejected {
		p.tellRejected(r)
	}
	for _, b := range res.released {
		for _, run := range b.runs {
			p.ownerReleased(run)
		}
	}
}

// recoverPanic, deferred, keeps a panic from ending the process.
func (p *Producer) recoverPanic() {
	if cause := recover(); cause != nil {
		p.observer.Panicked(cause)
	}
}

// A panic of an owner or of the observer ends in the call: the other owners must
// hear of their records, and each of them once.

func (p *Producer) observeAcked(b *batch) {
	defer p.recoverPanic()
	p.observer.Acked(b.queue.topic.name, b.count, b.bytes)
}

func (p *Producer) observeFound(topic string) {
	defer p.recoverPanic()
	p.observer.Found(topic)
}

func (p *Producer) observeFailed(topic string, err error) {
	defer p.recoverPanic()
	p.observer.Failed(topic, err)
}

func (p *Producer) ownerHeld(r heldRecord) {
	defer p.recoverPanic()
	r.owner.Held(r.topic, r.err)
}

func (p *Producer) ownerAcked(run run) {
	defer p.recoverPanic()
	run.owner.Acked(run.records, run.bytes)
}

func (p *Producer) ownerRejected(o Owner, r Record, err error) {
	defer p.recoverPanic()
	o.Rejected(r, err)
}

func (p *Producer) ownerReleased(run run) {
	defer p.recoverPanic()
	run.owner.Released(run.records)
}
