package sim

// checkShardsUsed: a shard that failed once is used again.
func (w *world) checkShardsUsed() {
	within := w.Expect.EveryShard
	if within == 0 {
		return
	}
	for i := range w.Logstores {
		topic := w.Logstores[i].Topic()
		for partition, at := range w.cluster.WroteAt(topic) {
			if at < w.Duration-within {
				w.violate("unused", "%s/%d took no record after %v", topic, partition, at)
			}
		}
	}
}
