package plugin

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// action is what becomes of a record that failed with an error.
type action uint8

const (
	// again: the error can pass, or an operator can mend it while we wait.
	again action = iota + 1
	// takeApart: some record of the batch is unacceptable; find out which.
	takeApart
)

// trouble groups errors by what an operator has to do.
type trouble uint8

const (
	troubleNetwork  trouble = iota + 1 // nothing, or the way to the endpoint
	troubleTLS                         // certificates
	troubleAccess                      // the AccessKey and its policy
	troubleUnknown                     // project, logstore, region
	troubleService                     // nothing: the service has an error
	troubleQuota                       // quota or more shards
	troubleSize                        // size options
	troubleData                        // the record itself
	troubleCodec                       // compression
	troubleProtocol                    // kafka_version
	troubleSilence                     // nothing answers
)

// verdict is one row of the error table.
type verdict struct {
	action  action
	trouble trouble
}

// verdicts is the error table: every Kafka error code the client knows. A code
// missing here would be taken for an error of the service and tried again.
var verdicts = func() map[int16]verdict {
	table := make(map[int16]verdict)
	row := func(a action, t trouble, errs ...*kerr.Error) {
		for _, e := range errs {
			table[e.Code] = verdict{a, t}
		}
	}
	row(takeApart, troubleSize, kerr.MessageTooLarge, kerr.RecordListTooLarge)
	row(takeApart, troubleData, kerr.InvalidRecord, kerr.InvalidTimestamp, kerr.CorruptMessage, kerr.UnsupportedForMessageFormat)
	row(takeApart, troubleCodec, kerr.UnsupportedCompressionType)

	row(again, troubleNetwork, kerr.NetworkException, kerr.BrokerNotAvailable)
	row(again, troubleSilence, kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend)
	row(again, troubleAccess, kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed,
		kerr.TransactionalIDAuthorizationFailed, kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState,
		kerr.SecurityDisabled, kerr.DelegationTokenAuthDisabled, kerr.DelegationTokenNotFound, kerr.DelegationTokenOwnerMismatch,
		kerr.DelegationTokenRequestNotAllowed, kerr.DelegationTokenAuthorizationFailed, kerr.DelegationTokenExpired,
		kerr.InvalidPrincipalType, kerr.PrincipalDeserializationFailure, kerr.UnacceptableCredential)
	row(again, troubleUnknown, kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.InconsistentTopicID, kerr.InvalidTopicException)
	row(again, troubleQuota, kerr.ThrottlingQuotaExceeded, kerr.PolicyViolation)
	row(again, troubleProtocol, kerr.UnsupportedVersion, kerr.InvalidRequest, kerr.InvalidRequiredAcks, kerr.InvalidConfig,
		kerr.MismatchedEndpointType, kerr.UnsupportedEndpointType)
	row(again, troubleService, kerr.UnknownServerError, kerr.KafkaStorageError, kerr.LogDirNotFound,
		kerr.LeaderNotAvailable, kerr.NotLeaderForPartition, kerr.ReplicaNotAvailable, kerr.NotEnoughReplicas,
		kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch, kerr.NewLeaderElected,
		kerr.PreferredLeaderNotAvailable, kerr.EligibleLeadersNotAvailable, kerr.ElectionNotNeeded, kerr.IneligibleReplica,
		kerr.ListenerNotFound, kerr.RebootstrapRequired, kerr.OffsetNotAvailable, kerr.OperationNotAttempted)
	row(again, troubleService, neverForProduce...)
	return table
}()

// neverForProduce are codes of requests this plugin does not make. Should a
// broker send one all the same, trying again loses nothing.
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

// errSilence is that requests go out and no answer comes.
var errSilence = errors.New("requests are not answered")

// classify finds the verdict on an error of the client. What is no Kafka error
// is the network's, and passes.
func classify(err error) verdict {
	if ke, ok := errors.AsType[*kerr.Error](err); ok {
		if v, known := verdicts[ke.Code]; known {
			return v
		}
		return verdict{again, troubleService}
	}
	if isTLS(err) {
		return verdict{again, troubleTLS}
	}
	if errors.Is(err, errSilence) {
		return verdict{again, troubleSilence}
	}
	return verdict{again, troubleNetwork}
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

// where names the step at which the network failed.
func where(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "DNS"
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || isTimeout(err) {
		return "timeout"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "TCP"
	}
	if _, ok := errors.AsType[*kgo.ErrFirstReadEOF](err); ok {
		return "closed by the endpoint"
	}
	return "network"
}

func isTimeout(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}

// topicError is an error about one topic: with logstore_key there are several.
type topicError struct {
	topic string
	err   error
}

func (e *topicError) Error() string { return e.err.Error() }
func (e *topicError) Unwrap() error { return e.err }

// about is the logstore that err is about.
func (c *Config) about(err error) string {
	if e, ok := errors.AsType[*topicError](err); ok {
		return c.logstore(e.topic)
	}
	return c.Logstore
}

// advice is what an operator reads: what is wrong and what to do about it.
func (c *Config) advice(t trouble, err error) string {
	switch t {
	case troubleTLS:
		return fmt.Sprintf("TLS with %s failed: %v; check the certificate, tls_ca_file (%s) and tls_server_name; retrying", c.endpoints(), err, orSystem(c.tlsCAFile))
	case troubleAccess:
		return fmt.Sprintf("the AccessKey is refused (%v): the pair is wrong, or lacks log:PostLogStoreLogs (and log:GetProject, log:GetLogStore, log:ListShards) on project %s and logstore %s; retrying", err, c.Project, c.about(err))
	case troubleUnknown:
		return fmt.Sprintf("project %s or logstore %s does not exist, or the endpoint %s is of another region (%v); retrying", c.Project, c.about(err), c.endpoints(), err)
	case troubleService:
		return fmt.Sprintf("the service had an error (%v); retrying", err)
	case troubleQuota:
		return fmt.Sprintf("the service limits writes (%v): raise the quota of project %s or split the shards of logstore %s; retrying", err, c.Project, c.about(err))
	case troubleSize:
		return fmt.Sprintf("a batch is larger than the broker accepts (%v): lower max_message_bytes (%d) below the broker's limit; sending its records apart", err, c.MaxMessageBytes)
	case troubleData:
		return fmt.Sprintf("the broker refuses a record (%v); sending the batch's records apart", err)
	case troubleCodec:
		return fmt.Sprintf("the broker refuses compression %s (%v): set compression gzip or none; sending these records uncompressed", c.Compression, err)
	case troubleProtocol:
		return fmt.Sprintf("the broker does not speak this protocol (%v): check kafka_version; retrying", err)
	case troubleSilence:
		return fmt.Sprintf("no acknowledgement from %s: %v; retrying", c.endpoints(), err)
	}
	return fmt.Sprintf("cannot reach %s (%s): %v; retrying", c.endpoints(), where(err), err)
}

func orSystem(file string) string {
	if file == "" {
		return "unset: the system's roots"
	}
	return file
}
