"""Sends the lines of standard input to a topic, as the Python producer on Alibaba's page does.

usage: produce.py PROPERTIES TOPIC [MILLISECONDS] <lines

With HEALTHCHECK=on in the environment the topic is asked for first, as Vector does.
"""
import os
import sys

import confluent_kafka

failures = []


def delivery_report(err, msg):
    if err is not None:
        failures.append(err)
        print("delivery failed:", err, file=sys.stderr)
    else:
        print("delivered %s [%s] offset %s" % (msg.topic(), msg.partition(), msg.offset()))


def read_properties(path):
    conf = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            line = line.strip()
            if line and not line.startswith("#"):
                key, _, value = line.partition("=")
                conf[key] = value
    return conf


def main():
    properties, topic = sys.argv[1:3]
    timestamp = {"timestamp": int(sys.argv[3])} if len(sys.argv) > 3 else {}
    print("librdkafka", confluent_kafka.libversion()[0], "confluent-kafka", confluent_kafka.version())
    producer = confluent_kafka.Producer(read_properties(properties))
    if os.environ.get("HEALTHCHECK") == "on":
        found = producer.list_topics(topic, timeout=3).topics[topic]
        if found.error is not None:
            sys.exit("healthcheck: %s" % found.error)
    for line in sys.stdin:
        producer.produce(topic=topic, value=line.rstrip("\n").encode("utf-8"), callback=delivery_report, **timestamp)
    left = producer.flush(30)
    if left or failures:
        sys.exit("%d not delivered, %d failed" % (left, len(failures)))


if __name__ == "__main__":
    main()
