package sim

import "slices"

// Shrink makes a scenario smaller as long as fails tells that what is left still
// fails: it takes away events, faults, inputs, logstores and options one by one,
// and again until nothing more can go.
func Shrink(s *Scenario, fails func(*Scenario) bool) *Scenario {
	for smaller := true; smaller; {
		smaller = false
		for _, remove := range []func(*Scenario, int) bool{removeEvent, removeFault, removeDiskFault, removeInput, removeLogstore, removeOption, simplify} {
			for i := 0; ; {
				next := s.clone()
				if !remove(next, i) {
					break
				}
				if next.String() != s.String() && fails(next) {
					s, smaller = next, true
					continue // what was at i+1 is at i now
				}
				i++
			}
		}
	}
	return s
}

func (s *Scenario) clone() *Scenario {
	c := *s
	c.Options, c.Logstores, c.Inputs = slices.Clone(s.Options), slices.Clone(s.Logstores), slices.Clone(s.Inputs)
	c.Events, c.Faults = slices.Clone(s.Events), slices.Clone(s.Faults)
	c.Disk = slices.Clone(s.Disk)
	return &c
}

// without takes the element at i off, and tells whether there is one.
func without[T any](from *[]T, i int) bool {
	if i >= len(*from) {
		return false
	}
	*from = slices.Delete(*from, i, i+1)
	return true
}

func removeEvent(s *Scenario, i int) bool     { return without(&s.Events, i) }
func removeFault(s *Scenario, i int) bool     { return without(&s.Faults, i) }
func removeDiskFault(s *Scenario, i int) bool { return without(&s.Disk, i) }
func removeInput(s *Scenario, i int) bool     { return without(&s.Inputs, i) }
func removeOption(s *Scenario, i int) bool    { return without(&s.Options, i) }

// removeLogstore takes a logstore off with all that is about it, but never the first.
func removeLogstore(s *Scenario, i int) bool {
	i++ // the first is the configured one
	if i >= len(s.Logstores) {
		return false
	}
	l := s.Logstores[i]
	s.Logstores = slices.Delete(s.Logstores, i, i+1)
	s.Inputs = slices.DeleteFunc(s.Inputs, func(in Input) bool { return in.Logstore == l.Name })
	s.Events = slices.DeleteFunc(s.Events, func(e Event) bool { return e.Topic == l.Topic() })
	for k := len(s.Faults) - 1; k >= 0; k-- {
		if s.Faults[k].Topic == l.Topic() {
			s.Faults = slices.Delete(s.Faults, k, k+1)
		}
	}
	return true
}

// simplify tries a plainer value of a number of the scenario.
func simplify(s *Scenario, i int) bool {
	simpler := []func(){
		func() { s.Nodes = 1 },
		func() { s.Flush = 0 },
		func() { s.Named = false },
		func() { s.Duration = s.Duration / 2 },
	}
	if i >= len(simpler) {
		return false
	}
	simpler[i]()
	return true
}
