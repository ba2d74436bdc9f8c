// Package failure is the one table of errors. For each it says what becomes of the
// records of a batch that failed, what an operator has to do, and what else waits.
package failure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Action is what becomes of the records of a batch that failed.
type Action uint8

const (
	// Retry: the error is transient, or an operator can fix it while the batch waits.
	Retry Action = iota + 1
	// Split: the broker refuses some record of the batch; splitting finds which.
	Split
)

// Kind groups errors by what an operator has to do.
type Kind uint8

const (
	Network       Kind = iota + 1 // nothing, or check the network up to the endpoint
	TLS                           // certificates
	Access                        // the AccessKey and its policy
	NotFound                      // project, logstore, region
	Service                       // nothing: the service failed
	Quota                         // raise the quota, or split shards
	Size                          // size options
	Record                        // the record itself
	Codec                         // compression
	Protocol                      // kafka_version
	NoAnswer                      // nothing: requests are sent and not answered
	Leader                        // nothing: a shard moves to another node
	File                          // a file that the configuration names
	ForeignBroker                 // broker_hosts

	kinds // all of them, and the zero Kind, which is none
)

// Kinds is the length of an array that has a place for each kind.
const Kinds = int(kinds)

// kindNames are the kinds as operators read them.
var kindNames = [Kinds]string{
	Network: "network", TLS: "tls", Access: "access", NotFound: "not_found", Service: "service", Quota: "quota", Size: "size",
	Record: "record", Codec: "codec", Protocol: "protocol", NoAnswer: "no_answer", Leader: "leader", File: "file", ForeignBroker: "foreign_broker",
}

// AllKinds returns every kind.
func AllKinds() (all []Kind) {
	for k := Kind(1); k < kinds; k++ {
		all = append(all, k)
	}
	return all
}

// String returns the kind's name, of lower-case letters and underscores.
func (k Kind) String() string { return kindNames[k] }

// Scope is what waits after a failure.
type Scope uint8

const (
	Partition Scope = iota + 1 // only it can be affected
	Topic                      // all partitions of the topic
	Broker                     // all requests to the broker
)

// Class is one row of the table.
type Class struct {
	Action Action
	Kind   Kind
	Scope  Scope
}

// classes is the table, of every Kafka error code that the client knows. Of would
// take a code that is missing for an error of the service and retry it.
var classes = func() map[int16]Class {
	table := make(map[int16]Class)
	row := func(a Action, k Kind, s Scope, errs ...*kerr.Error) {
		for _, e := range errs {
			table[e.Code] = Class{a, k, s}
		}
	}
	row(Split, Size, Topic, kerr.MessageTooLarge, kerr.RecordListTooLarge)
	row(Split, Record, Topic, kerr.InvalidRecord, kerr.InvalidTimestamp, kerr.UnsupportedForMessageFormat)
	row(Split, Codec, Topic, kerr.UnsupportedCompressionType)

	row(Retry, Network, Partition, kerr.NetworkException, kerr.BrokerNotAvailable)
	row(Retry, NoAnswer, Partition, kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend)
	row(Retry, Access, Topic, kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed,
		kerr.TransactionalIDAuthorizationFailed, kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState,
		kerr.SecurityDisabled, kerr.DelegationTokenAuthDisabled, kerr.DelegationTokenNotFound, kerr.DelegationTokenOwnerMismatch,
		kerr.DelegationTokenRequestNotAllowed, kerr.DelegationTokenAuthorizationFailed, kerr.DelegationTokenExpired,
		kerr.InvalidPrincipalType, kerr.PrincipalDeserializationFailure, kerr.UnacceptableCredential)
	row(Retry, NotFound, Topic, kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.InconsistentTopicID, kerr.InvalidTopicException)
	row(Retry, Quota, Partition, kerr.ThrottlingQuotaExceeded, kerr.PolicyViolation)
	row(Retry, Protocol, Topic, kerr.UnsupportedVersion, kerr.InvalidRequest, kerr.InvalidRequiredAcks, kerr.InvalidConfig,
		kerr.MismatchedEndpointType, kerr.UnsupportedEndpointType)
	row(Retry, Leader, Partition, kerr.LeaderNotAvailable, kerr.NotLeaderForPartition, kerr.ReplicaNotAvailable,
		kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch, kerr.NewLeaderElected,
		kerr.PreferredLeaderNotAvailable, kerr.EligibleLeadersNotAvailable, kerr.ElectionNotNeeded, kerr.IneligibleReplica)
	// Bytes that were changed on their way, or on a disk, arrive whole the next time:
	// Kafka's own clients send such a batch again.
	row(Retry, Service, Partition, kerr.CorruptMessage)
	row(Retry, Service, Partition, kerr.UnknownServerError, kerr.KafkaStorageError, kerr.LogDirNotFound, kerr.NotEnoughReplicas,
		kerr.ListenerNotFound, kerr.RebootstrapRequired, kerr.OffsetNotAvailable, kerr.OperationNotAttempted)
	row(Retry, Service, Partition, neverForProduce...)
	return table
}()

// neverForProduce are codes of requests that this plugin does not send. If a broker
// answers with one all the same, a retry loses nothing.
var neverForProduce = []*kerr.Error{
	kerr.OffsetOutOfRange, kerr.InvalidFetchSize, kerr.StaleControllerEpoch, kerr.OffsetMetadataTooLarge,
	kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.IllegalGeneration,
	kerr.InconsistentGroupProtocol, kerr.InvalidGroupID, kerr.UnknownMemberID, kerr.InvalidSessionTimeout,
	kerr.RebalanceInProgress, kerr.InvalidCommitOffsetSize, kerr.TopicAlreadyExists, kerr.InvalidPartitions,
	kerr.InvalidReplicationFactor, kerr.InvalidReplicaAssignment, kerr.NotController,
	kerr.OutOfOrderSequenceNumber, kerr.DuplicateSequenceNumber, kerr.InvalidProducerEpoch, kerr.InvalidTxnState,
	kerr.InvalidProducerIDMapping, kerr.InvalidTransactionTimeout, kerr.ConcurrentTransactions,
	kerr.TransactionCoordinatorFenced, kerr.UnknownProducerID, kerr.ReassignmentInProgress,
	kerr.NonEmptyGroup, kerr.GroupIDNotFound, kerr.FetchSessionIDNotFound, kerr.InvalidFetchSessionEpoch,
	kerr.TopicDeletionDisabled, kerr.StaleBrokerEpoch, kerr.MemberIDRequired, kerr.GroupMaxSizeReached,
	kerr.FencedInstanceID, kerr.NoReassignmentInProgress, kerr.GroupSubscribedToTopic, kerr.UnstableOffsetCommit,
	kerr.ProducerFenced, kerr.ResourceNotFound, kerr.DuplicateResource, kerr.InconsistentVoterSet,
	kerr.InvalidUpdateVersion, kerr.FeatureUpdateFailed, kerr.SnapshotNotFound, kerr.PositionOutOfRange,
	kerr.DuplicateBrokerRegistration, kerr.BrokerIDNotRegistered, kerr.InconsistentClusterID,
	kerr.TransactionalIDNotFound, kerr.FetchSessionTopicIDError, kerr.OffsetMovedToTieredStorage,
	kerr.FencedMemberEpoch, kerr.UnreleasedInstanceID, kerr.UnsupportedAssignor, kerr.StaleMemberEpoch,
	kerr.UnknownControllerID, kerr.UnknownSubscriptionID, kerr.TelemetryTooLarge, kerr.InvalidRegistration,
	kerr.TransactionAbortable, kerr.InvalidRecordState, kerr.ShareSessionNotFound, kerr.InvalidShareSessionEpoch,
	kerr.FencedStateEpoch, kerr.InvalidVoterKey, kerr.DuplicateVoter, kerr.VoterNotFound,
	kerr.InvalidRegularExpression, kerr.StreamsInvalidTopology, kerr.StreamsInvalidTopologyEpoch,
	kerr.StreamsTopologyFenced, kerr.ShareSessionLimitReached, kerr.GroupDeletionFailed,
	kerr.StreamsTopologyDescriptionUpdateFailed, kerr.ControllerIDNotRegistered,
}

// ErrFile is that a file which the configuration names cannot be used any more. What
// wraps it says which, and why.
var ErrFile = errors.New("a file of the configuration cannot be used")

// ErrBrokerHost is that the service names a broker which broker_hosts does not allow. No
// connection was made to it.
var ErrBrokerHost = errors.New("not one of broker_hosts")

// ErrNoAnswer means that requests are sent and not answered.
var ErrNoAnswer = errors.New("requests are not answered")

// Of returns the class of an error of the client. An error that is not Kafka's, not
// of TLS and not ErrNoAnswer counts as one of the network.
func Of(err error) Class {
	if ke, ok := errors.AsType[*kerr.Error](err); ok {
		if c, known := classes[ke.Code]; known {
			return c
		}
		return Class{Retry, Service, Partition}
	}
	if errors.Is(err, ErrFile) {
		return Class{Retry, File, Broker}
	}
	if errors.Is(err, ErrBrokerHost) {
		return Class{Retry, ForeignBroker, Broker}
	}
	if isTLS(err) {
		return Class{Retry, TLS, Broker}
	}
	if errors.Is(err, ErrNoAnswer) {
		return Class{Retry, NoAnswer, Broker}
	}
	return Class{Retry, Network, Broker}
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	_, ok := errors.AsType[x509.SystemRootsError](err)
	return ok
}
