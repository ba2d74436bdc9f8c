// Package kafka tests the plugin against a real Apache Kafka: three brokers,
// SASL_SSL, every topic on all three, two of them needed for a write. The
// broker's jars come from Maven Central (pom.xml) and are cached outside the
// repository. See make test-kafka.
package kafka
