package page

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"out_sls_kafka/test/sls"
)

// fault is a fault as JSON.
type fault struct {
	Name     string `json:"fault"`
	Logstore string `json:"logstore,omitempty"`
	Count    int    `json:"count,omitempty"`
	Delay    string `json:"delay,omitempty"`
	Hits     int    `json:"hits"`
}

func faultsOf(e *sls.Endpoint) []fault {
	list := []fault{}
	for _, f := range e.Faults() {
		shown := fault{Name: f.Name, Logstore: f.Logstore, Count: f.Count, Hits: f.Hits}
		if f.Delay > 0 {
			shown.Delay = f.Delay.String()
		}
		list = append(list, shown)
	}
	return list
}

// ParseFault reads a fault of fault=NAME with logstore=, count= or delay=, and says which value is wrong.
func ParseFault(values url.Values) (sls.Fault, error) {
	var f sls.Fault
	if err := only(values, "fault", "logstore", "count", "delay"); err != nil {
		return f, err
	}
	f.Name, f.Logstore = values.Get("fault"), values.Get("logstore")
	if f.Name == "" {
		return f, fmt.Errorf("no fault is named: want fault= and one of %s", strings.Join(sls.FaultNames(), ", "))
	}
	var err error
	if text := values.Get("count"); text != "" {
		if f.Count, err = strconv.Atoi(text); err != nil || f.Count < 1 {
			return f, fmt.Errorf("count %q: want a number of requests, at least 1", text)
		}
	}
	if text := values.Get("delay"); text != "" {
		if f.Delay, err = time.ParseDuration(text); err != nil {
			return f, fmt.Errorf("delay %q: want a duration such as 500ms or 3s", text)
		}
	}
	return f, nil
}

// only refuses what is not among names, so that a slip of the pen does not pass.
func only(values url.Values, names ...string) error {
	for name, all := range values {
		if !slices.Contains(names, name) {
			return fmt.Errorf("unknown %q: want %s", name, strings.Join(names, ", "))
		}
		if len(all) > 1 {
			return fmt.Errorf("%s is given %d times", name, len(all))
		}
	}
	return nil
}

func (s *server) listFaults(w http.ResponseWriter, _ *http.Request) { writeJSON(w, faultsOf(s.e)) }

func (s *server) setFault(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, func(form url.Values) error {
		f, err := ParseFault(form)
		if err != nil {
			return err
		}
		return s.e.SetFault(f)
	})
}

func (s *server) clearFaults(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, func(form url.Values) error {
		if err := only(form, "fault"); err != nil {
			return err
		}
		name := form.Get("fault")
		if name == "" {
			for _, n := range sls.FaultNames() {
				s.e.ClearFault(n)
			}
			return nil
		}
		if !slices.Contains(sls.FaultNames(), name) {
			return fmt.Errorf("fault %q: want one of %s", name, strings.Join(sls.FaultNames(), ", "))
		}
		s.e.ClearFault(name)
		return nil
	})
}

// act does what a form says, and answers with the faults that are on then.
func (s *server) act(w http.ResponseWriter, r *http.Request, do func(form url.Values) error) {
	if err := withForm(w, r, do); err != nil {
		refuse(w, err)
		return
	}
	writeJSON(w, faultsOf(s.e))
}

const maxFormBytes = 1 << 16

func withForm(w http.ResponseWriter, r *http.Request, do func(form url.Values) error) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("form: %w", err)
	}
	return do(r.Form)
}
