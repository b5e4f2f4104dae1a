# Reads a topic with Confluent's own deserializers: brokers, topic, partitions, the registry's URL, avro or json, and the subject to read as.
import json
import sys

from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

brokers, topic, partitions, url, format, subject = sys.argv[1:]
client = SchemaRegistryClient({"url": url})
reader = client.get_latest_version(subject).schema.schema_str if subject else None
if format == "avro":
    deserialize = AvroDeserializer(client, reader)
else:
    deserialize = JSONDeserializer(reader, schema_registry_client=client)


def exact(value):
    if isinstance(value, dict):
        return {name: exact(one) for name, one in value.items()}
    if isinstance(value, list):
        return [exact(one) for one in value]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if is_number else value


numbers = range(int(partitions))
consumer = Consumer({"bootstrap.servers": brokers, "group.id": topic + "-reader", "isolation.level": "read_committed",
                     "enable.auto.commit": False, "enable.partition.eof": True})
consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
found, at_end = [], set()
while len(at_end) < len(numbers):
    message = consumer.poll(30)
    if message is None:
        sys.exit("nothing came for 30 seconds")
    if message.error():
        if message.error().code() != KafkaError._PARTITION_EOF:
            sys.exit(str(message.error()))
        at_end.add(message.partition())
        continue
    value = deserialize(message.value(), SerializationContext(topic, MessageField.VALUE))
    op = dict(message.headers())["pgveil.op"].decode()
    found.append([message.key().decode("utf-8", "backslashreplace"), exact(value), op])
consumer.close()
print(json.dumps(found))
