package simkafka

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// versions are the requests that are understood. None is of a flexible version but
// ApiVersions, whose answer has the old header in every version.
func (c *Cluster) versions(r *kmsg.ApiVersionsRequest) kmsg.Response {
	response := r.ResponseKind().(*kmsg.ApiVersionsResponse)
	produce := int16(7)
	if c.options.RecordErrors {
		produce = 8
	}
	for _, v := range [][3]int16{{0, 3, produce}, {3, 0, 7}, {17, 0, 1}, {18, 0, 3}, {36, 0, 1}} {
		k := kmsg.NewApiVersionsResponseApiKey()
		k.ApiKey, k.MinVersion, k.MaxVersion = v[0], v[1], v[2]
		response.ApiKeys = append(response.ApiKeys, k)
	}
	if r.Version > 3 { // says so in version 0, with what is understood
		response.Version, response.ErrorCode = 0, kerr.UnsupportedVersion.Code
	}
	return response
}

// authenticate checks what SASL PLAIN says: a name and a password.
func (x *exchange) authenticate(r *kmsg.SASLAuthenticateRequest) kmsg.Response {
	response := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	words := strings.Split(string(r.SASLAuthBytes), "\x00")
	c := x.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(words) != 3 {
		response.ErrorCode = kerr.SaslAuthenticationFailed.Code
		c.ledger.fail("credentials that are not of SASL PLAIN")
		return response
	}
	x.session.password = words[2]
	known := c.options.User == "" || words[1] == c.options.User && (words[2] == c.password || x.meet(Expired, "", -1) != nil)
	if !known {
		message := "Authentication failed: Invalid username or password"
		response.ErrorCode, response.ErrorMessage = kerr.SaslAuthenticationFailed.Code, &message
	}
	x.session.trusted = known
	return response
}
