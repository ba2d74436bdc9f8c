package sim

// events changes the cluster as the scenario says.
func (w *world) events() {
	for _, l := range w.Logstores {
		if l.From > 0 {
			w.flushes.Go(func() {
				if w.sleep(l.From - w.now()) {
					w.cluster.AddTopic(l.Topic(), l.Shards)
				}
			})
		}
	}
	for _, e := range w.Events {
		if !w.sleep(e.At - w.now()) {
			return
		}
		w.happen(e)
	}
}

func (w *world) happen(e Event) {
	switch e.Kind {
	case Split, Merge:
		w.cluster.SetPartitions(e.Topic, e.To)
	case Lead:
		if int(e.Partition) < w.cluster.Partitions(e.Topic) {
			w.cluster.SetLeader(e.Topic, e.Partition, int32(e.To%w.Nodes))
		}
	case Readonly:
		if int(e.Partition) < w.cluster.Partitions(e.Topic) {
			w.cluster.SetReadOnly(e.Topic, e.Partition, readonlyError)
		}
	case Remove:
		w.cluster.RemoveTopic(e.Topic)
	case Rotate:
		if err := w.writeCredentials(e.To); err != nil {
			w.violate("world", "%v", err)
		}
		w.cluster.SetPassword(accessKeyID + "#" + secret(e.To))
	case Close:
		l := w.current()
		w.mu.Lock()
		w.closed, w.final = true, true
		w.mu.Unlock()
		w.setCurrent(nil)
		if l != nil {
			w.closeOutput(l)
		}
	case Restart, Reload, Kill, PowerCut:
		w.change(e)
	}
}
