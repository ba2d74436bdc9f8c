// Package probe asks an SLS endpoint what no document says. It runs experiments, each with one outcome in plain words,
// and compares that with what Alibaba's page on Kafka upload says and with what the project's local
// endpoint does. Its report names no project, no logstore, no address and no secret, so that it can be published.
package probe

import (
	"time"

	"out_sls_kafka/plugin/config"
)

// Target is the endpoint to ask, and how far to go.
type Target struct {
	Config *config.Config // project, logstore, endpoint, credentials
	Other  string         // host:port of an endpoint of another region, "" for none
	STS    config.Secret  // id#secret#token of a temporary pair, "" for none
	Group  string         // consumer group to read back with, "" to read nothing

	Sizes bool          // look for the largest record and request, which writes tens of megabytes
	Idle  time.Duration // wait so long for the connection to be closed; 0 leaves it out
	Load  bool          // write to one shard until it is throttled

	Wait     time.Duration     // how long what was written may take to be readable
	Progress func(text string) // called before each experiment
	Now      func() time.Time
}

// Verdict says how an outcome compares.
type Verdict string

// The verdicts.
const (
	AsDocumented Verdict = "documented"            // as Alibaba's page says
	AsLocal      Verdict = "as the local endpoint" // the page does not say; the local endpoint does the same
	Differs      Verdict = "differs"
	NotSeen      Verdict = "not seen"  // written and acknowledged, but nobody could read it
	NotTried     Verdict = "not tried" // the detail says why
)

// Row is one experiment and what came of it.
type Row struct {
	ID         string  `json:"id"`
	Part       string  `json:"part"`
	Asks       string  `json:"asks"`
	Outcome    string  `json:"outcome"`
	Detail     string  `json:"detail,omitempty"`
	Documented string  `json:"documented,omitempty"` // the outcome that the page leads to expect
	Local      string  `json:"local"`                // the outcome at the local endpoint
	Verdict    Verdict `json:"verdict"`
}

// Report is all of it.
type Report struct {
	Date    string `json:"date"`
	Version string `json:"version"` // of sls-check
	Marker  string `json:"marker"`  // stands in every record that was written
	Rows    []Row  `json:"rows"`
	Look    string `json:"look,omitempty"` // how to see what could not be read back
}

// Count is how many rows have a verdict.
func (r *Report) Count(v Verdict) (n int) {
	for i := range r.Rows {
		if r.Rows[i].Verdict == v {
			n++
		}
	}
	return n
}

// result is what an experiment found.
type result struct {
	outcome string // in words that stay the same from run to run; "" where the experiment was not tried
	detail  string // figures, or why it was not tried
	unseen  bool   // whether it landed was not to be seen
}

func (r *Row) take(got result) {
	r.Outcome, r.Detail = got.outcome, got.detail
	switch {
	case got.outcome == "":
		r.Verdict = NotTried
	case r.Documented != "" && got.outcome == r.Documented:
		r.Verdict = AsDocumented
	case got.outcome == r.Local:
		r.Verdict = AsLocal
	case got.unseen:
		r.Verdict = NotSeen
	default:
		r.Verdict = Differs
	}
}
