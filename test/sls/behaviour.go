package sls

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Behaviour is what Alibaba's documents leave open about the Kafka endpoint, each part a switch. The zero value accepts
// everything that Kafka 2.1 allows. What is right is known to a live account alone: sls-check -probe asks it.
type Behaviour struct {
	// MaxProduceVersion is the highest version of Produce that is advertised and served, 0 for Kafka 2.1's, which is 7.
	MaxProduceVersion int16
	// UnservedProduceVersions and UnservedMetadataVersions are advertised, and a request of one ends its connection.
	UnservedProduceVersions, UnservedMetadataVersions []int16
	// CutUnknownAPIVersions ends the connection of a client that asks for a newer version of ApiVersions than Kafka 2.1's,
	// instead of the answer UNSUPPORTED_VERSION. franz-go does not get past that; SLS's own sample of it shows that it gets
	// past SLS, so no profile has this.
	CutUnknownAPIVersions bool
	// Idempotence advertises InitProducerID.
	Idempotence bool
	// RefuseBareToken refuses SaslHandshake version 0, after which a client sends its token without a header.
	RefuseBareToken bool
	// RefuseAuthenticate refuses SaslHandshake version 1, after which a client sends SaslAuthenticate.
	RefuseAuthenticate bool
	// Mechanisms are named to a client that asks for another than PLAIN; nil: PLAIN alone.
	Mechanisms []string
	// SecurityToken is the third part of the password AccessKeyID#AccessKeySecret#SecurityToken, which is then right too.
	SecurityToken string
	// MissingLogstore answers a logstore that does not exist; nil: UNKNOWN_TOPIC_OR_PARTITION, as documented.
	MissingLogstore *kerr.Error
	// BrokerHost is the host name in metadata instead of the address; it need not exist.
	BrokerHost string
	// HiddenShards are left out of metadata, as shards might be that are read-only.
	HiddenShards []int32
	// IdleTimeout ends a connection that asks nothing for so long; 0 for never.
	IdleTimeout time.Duration
	// NoConsumer refuses to let anyone read.
	NoConsumer bool

	Acks            []int16       // accepted values of a produce request, nil for all
	Codecs          []string      // accepted, of none, gzip, snappy, lz4 and zstd; nil for all
	MaxRequestBytes int           // a larger request ends its connection; 0 for Kafka's 100 MiB
	OneBatch        bool          // only the first batch of a request lands, others are refused with INVALID_REQUEST
	IgnoreHeader    bool          // the record header data-parse-format does nothing
	ContentField    string        // where a value goes that is not expanded; "": content, as documented
	NoExpansion     bool          // the topic logstore.json is like the topic logstore
	KeyIsField      bool          // a record's key names the field of a value that is not expanded
	ThrottleTime    time.Duration // over quota a batch lands, and the answer asks for this wait instead of refusing

	// OutOfTime is what becomes of records of more than OldestLog ago or NewestLog ahead (0: those of PutLogs, 168 hours
	// and 15 minutes). Options.CheckTime refuses them too, with INVALID_TIMESTAMP.
	OutOfTime            Treatment
	OldestLog, NewestLog time.Duration

	Values ValueBehaviour
}

// ValueBehaviour is what becomes of the value of a record whose JSON is to be expanded.
type ValueBehaviour struct {
	NotJSON     Treatment // Accept: in the field content
	NotAnObject Treatment // arrays and scalars; Accept: in the field content
	EmptyObject Treatment // Accept: a log without fields
	BrokenUTF8  Treatment // Accept: U+FFFD
	Duplicates  Duplicates
	Flatten     bool   // nested objects become fields a.b instead of JSON text
	Null        string // text of null, "" for "null"; "-" leaves the field out
	True, False string // texts of booleans, "" for true and false
	RoundNumber bool   // numbers go through a float
	MaxFields   int    // more are refused; 0 for no limit
	// LongKeys are those of more than MaxKeyBytes, ReservedKeys those that SLS keeps for itself, LongValues those of more
	// than MaxValueBytes; 0 for no limit.
	MaxKeyBytes, MaxValueBytes int
	LongKeys, LongValues       Treatment
	ReservedKeys               Treatment
}

// Treatment is what becomes of a record with something odd about it.
type Treatment uint8

// The treatments.
const (
	Accept Treatment = iota
	Refuse           // the whole batch, with INVALID_RECORD; for times with INVALID_TIMESTAMP
	Drop             // the batch is acknowledged, and the record is nowhere
	Cut              // the odd field is left out, or its value cut to the limit; for records as a whole the same as Accept
)

// Duplicates is what becomes of a key that stands in an object more than once.
type Duplicates uint8

// The ways.
const (
	KeepAll Duplicates = iota
	KeepFirst
	KeepLast
)

// The names of profiles.
const (
	Lenient    = "lenient"    // the zero Behaviour: what is not documented is accepted
	Documented = "documented" // what is documented of SLS anywhere is true of its Kafka endpoint
	Strict     = "strict"     // what is not documented is refused
)

// Profiles are the names of the services that SLS may be, as far as Alibaba's documents say.
func Profiles() []string { return []string{Lenient, Documented, Strict} }

// SetProfile makes the options those of a profile, as far as the profile is about them.
func (o *Options) SetProfile(name string) error {
	switch name {
	case Lenient:
	case Documented:
		o.CheckTime = true
		o.MaxMessageBytes = 10 << 20
		o.Quota = Quota{Bytes: 5_000_000, Writes: 500}
	case Strict:
		o.CheckTime = true
		o.RefuseSASL = true
		o.MaxMessageBytes = 1_100_000 // PutLogs recommends 1 MB a log; kafka clients send batches of 1,000,000
		o.Quota = Quota{Bytes: 5_000_000, Writes: 500}
		o.Behaviour = strict()
	default:
		return fmt.Errorf("profile %q: want one of %s", name, strings.Join(Profiles(), ", "))
	}
	return nil
}

func strict() Behaviour {
	return Behaviour{
		RefuseBareToken: true,
		IdleTimeout:     time.Minute,
		NoConsumer:      true, // to be asked for by a ticket
		Codecs:          []string{"none", "gzip"},
		MaxRequestBytes: 3 << 20,
		IgnoreHeader:    true,
		Values: ValueBehaviour{
			NotJSON: Refuse, NotAnObject: Refuse, EmptyObject: Refuse, BrokenUTF8: Refuse,
			MaxFields: 900, MaxKeyBytes: 128, LongKeys: Refuse, MaxValueBytes: 1 << 20, LongValues: Refuse, ReservedKeys: Refuse,
		},
	}
}

// check says what is wrong with a behaviour.
func (b *Behaviour) check() error {
	for _, codec := range b.Codecs {
		if !slices.Contains(codecNames, codec) {
			return fmt.Errorf("codec %q: want one of %s", codec, strings.Join(codecNames, ", "))
		}
	}
	if b.MaxProduceVersion != 0 && (b.MaxProduceVersion < minProduceVersion || b.MaxProduceVersion > maxProduceVersion) {
		return fmt.Errorf("version %d of Produce: want one from %d to %d", b.MaxProduceVersion, minProduceVersion, maxProduceVersion)
	}
	return nil
}

// codecNames are the codecs by Kafka's numbers.
var codecNames = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// judgeBatch finds what the behaviour refuses about a batch, before its records are looked at.
func (b *Behaviour) judgeBatch(r *request, i int) *kerr.Error {
	raw := r.batches[i].raw
	switch {
	case b.Acks != nil && !slices.Contains(b.Acks, r.acks):
		return kerr.InvalidRequiredAcks
	case b.OneBatch && i > 0:
		return kerr.InvalidRequest
	case b.Codecs != nil && len(raw) > batchHeaderBytes && !slices.Contains(b.Codecs, codecName(raw)):
		return kerr.UnsupportedCompressionType
	}
	return nil
}

func codecName(raw []byte) string {
	if n := int(raw[batchHeaderBytes-39] & 7); n < len(codecNames) { // low byte of the attributes
		return codecNames[n]
	}
	return "unknown"
}

// window is from when to when logs are taken.
func (b *Behaviour) window(now time.Time) (oldest, newest int64) {
	before, ahead := oldestLog, newestLog
	if b.OldestLog > 0 {
		before = b.OldestLog
	}
	if b.NewestLog > 0 {
		ahead = b.NewestLog
	}
	return now.Add(-before).UnixMilli(), now.Add(ahead).UnixMilli()
}

// looksAtRecords tells whether records have to be decoded before they are acknowledged.
func (b *Behaviour) looksAtRecords() bool {
	return b.OutOfTime != Accept || b.Values != (ValueBehaviour{})
}

// reviseTopics makes the answer to Metadata what the behaviour says.
func (b *Behaviour) reviseTopics(resp *kmsg.MetadataResponse) {
	for i := range resp.Topics {
		t := &resp.Topics[i]
		if t.ErrorCode == kerr.UnknownTopicOrPartition.Code && b.MissingLogstore != nil {
			t.ErrorCode = b.MissingLogstore.Code
		}
		t.Partitions = slices.DeleteFunc(t.Partitions, func(p kmsg.MetadataResponseTopicPartition) bool {
			return slices.Contains(b.HiddenShards, p.Partition)
		})
	}
}
