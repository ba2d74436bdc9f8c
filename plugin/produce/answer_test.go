package produce

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What nobody asked for, what comes twice and what is too much is not in the answer.
func TestTidy(t *testing.T) {
	t.Parallel()
	partitions := func(numbers ...int32) (all []kmsg.MetadataResponseTopicPartition) {
		for i, n := range numbers {
			all = append(all, kmsg.MetadataResponseTopicPartition{Partition: n, Leader: int32(i)})
		}
		return all
	}
	topic := func(name string, p []kmsg.MetadataResponseTopicPartition) kmsg.MetadataResponseTopic {
		return kmsg.MetadataResponseTopic{Topic: kmsg.StringPtr(name), Partitions: p}
	}
	many := make([]int32, 100_000)
	for i := range many {
		many[i] = int32(len(many) - i)
	}
	answer := &kmsg.MetadataResponse{Topics: []kmsg.MetadataResponseTopic{
		topic("stranger", partitions(0)), topic("b", partitions(2, 0, -1, 0, -1<<31, 1<<31-1)), topic("many", partitions(many...)),
		topic("b", partitions(9)), {Partitions: partitions(0)}, topic("a", nil),
	}}
	crowded := Tidy(answer, []string{"many", "b", "a", "missing"})
	text := ""
	for _, t := range answer.Topics {
		text += fmt.Sprint(*t.Topic, len(t.Partitions), " ")
	}
	if want := fmt.Sprintf("a0 b3 many%d ", MostPartitions); text != want {
		t.Fatalf("topics %s, want %s", text, want)
	}
	if want := []Crowded{{"many", len(many)}}; !slices.Equal(crowded, want) {
		t.Errorf("crowded: %v, want %v", crowded, want)
	}
	if again := Tidy(answer, []string{"many", "b", "a"}); again != nil {
		t.Errorf("a tidy answer is crowded: %v", again)
	}
	b, most := FindTopic(answer, "b").Partitions, FindTopic(answer, "many").Partitions
	if b[0].Partition != 0 || b[0].Leader != 1 || b[1].Partition != 2 || b[2].Partition != 1<<31-1 {
		t.Errorf("partitions of b: %+v", b)
	}
	if most[0].Partition != 1 || most[MostPartitions-1].Partition != MostPartitions || cap(most) > 2*MostPartitions {
		t.Errorf("many partitions, from %d to %d, with room for %d", most[0].Partition, most[MostPartitions-1].Partition, cap(most))
	}
	if FindTopic(answer, "stranger").ErrorCode == 0 || FindTopic(answer, "missing").ErrorCode == 0 {
		t.Error("a topic is found that is not there")
	}
}
