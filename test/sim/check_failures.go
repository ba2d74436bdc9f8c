package sim

// checkFailures: what is refused is not tried more often than the scenario expects.
func (w *world) checkFailures() {
	if n, most := w.cluster.Rates().Failed.Total, w.Expect.FailedAtMost; most > 0 && n > most {
		w.violate("failures", "%d batches got an error, at most %d are expected to", n, most)
	}
}
