package page

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"out_sls_kafka/test/sls"
)

// A site that makes its own name lead here gets neither the logs nor the faults, though for a browser it is the same site.
func TestHostOfAnotherSite(t *testing.T) {
	e, err := sls.Start(sls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	handler := New(e, "demo.internal")
	for host, served := range map[string]bool{
		"127.0.0.1:8080": true, "127.0.0.1": true, "[::1]:8080": true, "[::1]": true, "localhost:8080": true, "LOCALHOST": true, "192.0.2.1:80": true, "demo.internal:8080": true,
		"evil.example:8080": false, "evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "demo.internal.evil.example:8080": false, "": false,
	} {
		for _, call := range []struct{ method, path string }{{"GET", "/"}, {"GET", "/json"}, {"POST", "/faults?fault=NETWORK_EXCEPTION"}, {"DELETE", "/faults"}, {"POST", "/shards?logstore=demo&add=1"}} {
			r := httptest.NewRequest(call.method, call.path, strings.NewReader(""))
			r.Host = host
			r.Header.Set("Origin", "http://"+host)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if (w.Code != http.StatusMisdirectedRequest) != served {
				t.Errorf("%s %s at %q: status %d", call.method, call.path, host, w.Code)
			}
		}
	}
	if len(e.Faults()) > 0 {
		t.Errorf("faults are on: %v", e.Faults())
	}
}
