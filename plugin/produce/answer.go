package produce

import (
	"cmp"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// MostPartitions is how many partitions of a topic are used. A logstore has tens of
// shards, or some hundred; a broker that lists millions means harm.
const MostPartitions = 2000

// Crowded is a topic whose answer lists more than MostPartitions partitions.
type Crowded struct {
	Topic  string
	Listed int
}

func topicName(t kmsg.MetadataResponseTopic) string {
	if t.Topic == nil {
		return ""
	}
	return *t.Topic
}

// Tidy makes of an answer to a metadata request one that can be relied on: it has each
// topic once and in the order of names, those alone that were asked for, and of each
// MostPartitions partitions at most, each once and in the order of numbers. It returns the
// topics that list more: somebody has to say that the others get no records.
func Tidy(answer *kmsg.MetadataResponse, names []string) (crowded []Crowded) {
	asked := make(map[string]bool, len(names))
	for _, name := range names {
		asked[name] = true
	}
	topics := answer.Topics[:0:0] // a copy: a flood of others is not to be kept
	for _, t := range answer.Topics {
		if name := topicName(t); asked[name] {
			asked[name] = false
			if listed := tidyPartitions(&t); listed > MostPartitions {
				crowded = append(crowded, Crowded{name, listed})
			}
			topics = append(topics, t)
		}
	}
	slices.SortFunc(topics, func(a, b kmsg.MetadataResponseTopic) int { return strings.Compare(topicName(a), topicName(b)) })
	answer.Topics = topics
	return crowded
}

// tidyPartitions returns how many partitions there are, each counted once.
func tidyPartitions(t *kmsg.MetadataResponseTopic) (listed int) {
	all := slices.DeleteFunc(t.Partitions, func(p kmsg.MetadataResponseTopicPartition) bool { return p.Partition < 0 })
	slices.SortStableFunc(all, func(a, b kmsg.MetadataResponseTopicPartition) int { return cmp.Compare(a.Partition, b.Partition) })
	all = slices.CompactFunc(all, func(a, b kmsg.MetadataResponseTopicPartition) bool { return a.Partition == b.Partition })
	t.Partitions = slices.Clone(all[:min(len(all), MostPartitions)])
	return len(all)
}

// FindTopic finds a topic in a tidy answer. If the answer does not mention the topic, the
// result has the error that it does not exist.
func FindTopic(answer *kmsg.MetadataResponse, name string) kmsg.MetadataResponseTopic {
	i, found := slices.BinarySearchFunc(answer.Topics, name, func(t kmsg.MetadataResponseTopic, name string) int { return strings.Compare(topicName(t), name) })
	if !found {
		return kmsg.MetadataResponseTopic{ErrorCode: kerr.UnknownTopicOrPartition.Code}
	}
	return answer.Topics[i]
}
