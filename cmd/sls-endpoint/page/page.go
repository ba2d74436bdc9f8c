// Package page shows what landed at a local SLS endpoint: a read-only web page, the same as JSON, and calls that switch
// faults on and off.
//
//	GET    /        the page; logstore, search and limit as query
//	GET    /json    the same as JSON
//	GET    /faults  the faults that are on
//	POST   /faults  switches one on: fault, and logstore, count or delay
//	DELETE /faults  switches one off (fault), or all
//	POST   /shards  adds shards to a logstore: logstore, add
package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"out_sls_kafka/test/sls"
)

// New serves an endpoint's page, at addresses, at localhost and under the names given. Browsers are kept from calling it
// for pages of other sites, also for one whose name has been made to lead here.
func New(e *sls.Endpoint, names ...string) http.Handler {
	s := &server{e: e}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /json", s.json)
	mux.HandleFunc("GET /faults", s.listFaults)
	mux.HandleFunc("POST /faults", s.setFault)
	mux.HandleFunc("DELETE /faults", s.clearFaults)
	mux.HandleFunc("POST /shards", s.addShards)
	return checkHost(names, http.NewCrossOriginProtection().Handler(mux))
}

// checkHost refuses requests to other hosts. A page of any site may change what its own name resolves to: then the
// browser takes this server for that site, and lets it read all that is here.
func checkHost(names []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		_, err := netip.ParseAddr(strings.Trim(host, "[]"))
		named := func(name string) bool { return name != "" && strings.EqualFold(name, host) }
		if err != nil && !named("localhost") && !slices.ContainsFunc(names, named) {
			http.Error(w, "this page is not "+host+": call it by its address, or by the name that -http has", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

type server struct{ e *sls.Endpoint }

func (s *server) page(w http.ResponseWriter, r *http.Request) {
	v, err := s.view(r)
	if err != nil {
		refuse(w, err)
		return
	}
	var text bytes.Buffer
	if err := document.Execute(&text, v); err != nil {
		http.Error(w, fmt.Sprintf("write the page: %v", err), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(text.Bytes()) // the reader left: nobody to tell
}

func (s *server) json(w http.ResponseWriter, r *http.Request) {
	v, err := s.view(r)
	if err != nil {
		refuse(w, err)
		return
	}
	writeJSON(w, v)
}

func writeJSON(w http.ResponseWriter, v any) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // people read this too
	if err := enc.Encode(v); err != nil {
		http.Error(w, fmt.Sprintf("write JSON: %v", err), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(text.Bytes())
}

// refuse answers a request that asks for what is not there.
func refuse(w http.ResponseWriter, err error) { http.Error(w, err.Error(), http.StatusBadRequest) }
