package simkafka

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The kinds of requests, by Kafka's numbers.
const (
	keyProduce      = 0
	keyMetadata     = 3
	keyHandshake    = 17
	keyVersions     = 18
	keyAuthenticate = 36
)

// mostVersions is the latest version of ApiVersions itself.
const mostVersions = 3

// versionRange is which versions of a request are understood.
type versionRange struct{ key, least, most int16 }

// versions are the requests that are understood. None is of a flexible version but
// ApiVersions, whose answer has the old header in every version.
func (c *Cluster) versions() []versionRange {
	produce := int16(7)
	if c.options.RecordErrors {
		produce = 8
	}
	return []versionRange{{keyProduce, 3, produce}, {keyMetadata, 0, 7}, {keyHandshake, 0, 1}, {keyVersions, 0, mostVersions}, {keyAuthenticate, 0, 1}}
}

// offered says whether a client may send a request. It asks for the versions before
// it knows them.
func offered(versions []versionRange, key, version int16) bool {
	return key == keyVersions || slices.ContainsFunc(versions, func(v versionRange) bool {
		return v.key == key && v.least <= version && version <= v.most
	})
}

func (x *exchange) versions(r *kmsg.ApiVersionsRequest) kmsg.Response {
	response := r.ResponseKind().(*kmsg.ApiVersionsResponse)
	for _, v := range x.cluster.versions() {
		k := kmsg.NewApiVersionsResponseApiKey()
		k.ApiKey, k.MinVersion, k.MaxVersion = v.key, v.least, v.most
		response.ApiKeys = append(response.ApiKeys, k)
	}
	if r.Version > mostVersions {
		response.Version, response.ErrorCode = 0, kerr.UnsupportedVersion.Code // every client reads version 0
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
