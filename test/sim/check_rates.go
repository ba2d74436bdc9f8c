package sim

// Most of what may be asked of the service in 10 s, in trouble of any kind. With
// retry_backoff 1s the waits after failures are 1, 2, 4 and 8 s, and each may be a
// fifth shorter.
//
// A request whose connections are reset at once takes the client six of them. A node
// is tried five times in 10 s, the first wait being short; metadata may be asked for
// once at that time, and twice by the client itself, which does so each five minutes
// and 5 s after a failure.
const (
	mostMetadata      = 30 // and some for each topic
	mostMetadataTopic = 4
	mostFailures      = 12 // of one partition
	mostDials         = 30 // of a node
	mostMetadataDials = 18
)

// checkRates: no answer makes a loop without a wait.
func (w *world) checkRates() {
	r := w.cluster.Rates()
	if r.Metadata.Worst > mostMetadata+mostMetadataTopic*len(w.Logstores) {
		w.violate("metadata-rate", "%d metadata requests in 10 s", r.Metadata.Worst)
	}
	if r.Failed.Worst > w.mostFailures(r.Produce.Worst) {
		w.violate("produce-rate", "%d failed tries of %s in 10 s", r.Failed.Worst, r.FailedOf)
	}
	if r.Dials.Worst > mostDials*w.Nodes+mostMetadataDials {
		w.violate("dial-rate", "%d connections in 10 s", r.Dials.Worst)
	}
	if broken := w.cluster.Broken(); broken != "" {
		w.violate("broken", "%s", broken)
	}
}

// mostFailures is more where batches are refused for their records: finding these takes tries,
// about as many as parts are taken, and up to two of three requests in 10 s when large batches
// are divided first. A loop without a wait fails each time.
func (s *Scenario) mostFailures(requests int) int {
	divides := max(400, requests*2/3)
	for i := range s.Inputs {
		if in := &s.Inputs[i]; in.Shift != 0 || in.BadEvery > 0 || in.Poison > 0 {
			return divides
		}
	}
	for _, f := range s.Faults {
		if f.Size > 0 || f.Codec > 0 || splits[f.Err] {
			return divides
		}
	}
	if s.MaxBatch > 0 || s.Skew != 0 {
		return divides
	}
	return mostFailures
}
