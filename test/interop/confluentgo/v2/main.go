// V2 sends the lines of standard input to a topic as the Go producer on Alibaba's page does, with the library as it is
// today.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run takes a file of properties, a topic, and where the records have a time of their own its milliseconds.
func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: v2 PROPERTIES TOPIC [MILLISECONDS] <lines")
	}
	config, err := properties(args[0])
	if err != nil {
		return err
	}
	topic := args[1]
	var at time.Time // the zero time is the time of sending
	if len(args) > 2 {
		ms, err := strconv.ParseInt(args[2], 10, 64)
		if err != nil {
			return err
		}
		at = time.UnixMilli(ms)
	}
	_, version := kafka.LibraryVersion()
	fmt.Println("librdkafka", version)
	producer, err := kafka.NewProducer(config)
	if err != nil {
		return err
	}
	defer producer.Close()
	sent := 0
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); sent++ {
		err := producer.Produce(&kafka.Message{
			TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: kafka.PartitionAny},
			Value:          []byte(lines.Text()),
			Timestamp:      at,
		}, nil)
		if err != nil {
			return err
		}
	}
	for range sent {
		if err := delivered(producer.Events()); err != nil {
			return err
		}
	}
	return nil
}

// delivered waits for the report of one record.
func delivered(events chan kafka.Event) error {
	late := time.After(30 * time.Second)
	for {
		select {
		case event := <-events:
			switch event := event.(type) {
			case *kafka.Message:
				p := event.TopicPartition
				if p.Error != nil {
					return p.Error
				}
				fmt.Printf("delivered %s [%d] offset %v\n", *p.Topic, p.Partition, p.Offset)
				return nil
			case kafka.Error:
				fmt.Fprintln(os.Stderr, event)
			}
		case <-late:
			return fmt.Errorf("no delivery report in 30s")
		}
	}
}

func properties(file string) (*kafka.ConfigMap, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	config := kafka.ConfigMap{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := config.Set(line); err != nil {
			return nil, err
		}
	}
	return &config, nil
}
