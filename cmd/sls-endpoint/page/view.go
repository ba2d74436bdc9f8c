package page

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"out_sls_kafka/test/sls"
)

// The number of logs a page shows unless limit says otherwise, and the most it does.
const (
	defaultLimit = 100
	maxLimit     = 10_000
)

// view is what a page shows.
type view struct {
	Project   string     `json:"project"`
	Address   string     `json:"address"`
	Logstores []logstore `json:"logstores"`
	Faults    []fault    `json:"faults"`

	Logstore string    `json:"logstore"` // the one shown
	Search   string    `json:"search"`
	Limit    int       `json:"limit"`
	Kept     int       `json:"kept"`  // logs in memory, which are searched
	Found    int       `json:"found"` // of them
	Logs     []sls.Log `json:"logs"`  // the newest found, up to the limit
	Arrivals arrivals  `json:"arrivals"`

	// What the newest found show, if they have the form of a metricstore or of spans.
	Series seriesSet `json:"-"`
	Traces []*trace  `json:"-"`
}

type logstore struct {
	Name   string  `json:"name"`
	Count  int     `json:"count"`
	Shards []int64 `json:"shards"`
}

// arrivals are logs landed a second; the last is the running second.
type arrivals struct {
	Until  int64 `json:"until"` // Unix time of the last
	Counts []int `json:"counts"`
}

func (s *server) logstores() []logstore {
	list := []logstore{}
	for _, l := range s.e.Logstores() {
		list = append(list, logstore{Name: l.Name, Count: l.Count, Shards: l.Shards})
	}
	return list
}

// view gathers what a request asks for.
func (s *server) view(r *http.Request) (*view, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	v := &view{
		Project: s.e.Project(), Address: s.e.Addr(), Logstores: s.logstores(), Faults: faultsOf(s.e),
		Logstore: q.Get("logstore"), Search: q.Get("search"), Limit: defaultLimit,
	}
	if text := q.Get("limit"); text != "" {
		if v.Limit, err = strconv.Atoi(text); err != nil || v.Limit < 1 || v.Limit > maxLimit {
			return nil, fmt.Errorf("limit %q: want a number from 1 to %d", text, maxLimit)
		}
	}
	if v.Logstore == "" && len(v.Logstores) > 0 {
		v.Logstore = v.Logstores[0].Name
	}
	if v.shown() == nil {
		return nil, fmt.Errorf("logstore %q does not exist", v.Logstore)
	}
	v.find(s.e.Logs(v.Logstore))
	v.Arrivals = arrivals{Until: time.Now().Unix(), Counts: s.e.Arrivals(v.Logstore)}
	return v, nil
}

func (v *view) shown() *logstore {
	for i := range v.Logstores {
		if v.Logstores[i].Name == v.Logstore {
			return &v.Logstores[i]
		}
	}
	return nil
}

// find takes the newest logs that the search is for.
func (v *view) find(logs []sls.Log) {
	v.Kept = len(logs)
	v.Logs = []sls.Log{}
	terms := parseSearch(v.Search)
	var drawn []sls.Log
	for _, l := range slices.Backward(logs) {
		if len(terms) > 0 && !matches(terms, l.Fields()) {
			continue
		}
		v.Found++
		if len(v.Logs) < v.Limit {
			v.Logs = append(v.Logs, l)
		}
		if len(drawn) < maxDrawnLogs {
			drawn = append(drawn, l)
		}
	}
	v.Series, v.Traces = seriesOf(drawn), tracesOf(drawn)
}
