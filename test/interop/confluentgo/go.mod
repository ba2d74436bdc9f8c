module out_sls_kafka/test/interop/confluentgo

go 1.26.0

require (
	github.com/confluentinc/confluent-kafka-go v1.9.2
	github.com/confluentinc/confluent-kafka-go/v2 v2.11.1
)
