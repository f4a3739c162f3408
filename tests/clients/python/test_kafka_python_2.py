"""kafka-python 2.3: its admin, and acknowledgement by one; version 3 has other names."""

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import GroupIdNotFoundError, InvalidPartitionsError, NoError, UnknownTopicOrPartitionError
from test_kafka_python import PATIENCE_MS, consumer, read


def test_acknowledged_by_one(bootstrap, topic):
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks=1, enable_idempotence=False)
    assert [producer.send(topic, b"x").get(PATIENCE_MS / 1000).offset for _ in range(3)] == [0, 1, 2]
    producer.close()


def test_administration(bootstrap, topic):
    admin, partition = KafkaAdminClient(bootstrap_servers=bootstrap), TopicPartition(topic, 0)
    admin.create_topics([NewTopic(topic, 2, 1, topic_configs={"retention.ms": "600000"})])

    def retention():
        described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        entries = [entry for answer in described for entry in answer.resources[0][4]]
        return [entry[1] for entry in entries if entry[0] == "retention.ms"]

    assert retention() == ["600000"]
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "700000"})])
    assert retention() == ["700000"]
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for n in range(6):
        producer.send(topic, b"x", partition=n % 2).get(PATIENCE_MS / 1000)
    producer.close()
    member = consumer(bootstrap, topic, group_id=topic)
    read(member, 6)
    member.commit()
    assert (topic, "consumer") in admin.list_consumer_groups()
    described = admin.describe_consumer_groups([topic])[0]
    assert (described.state, described.protocol, len(described.members)) == ("Stable", "range", 1)
    offsets = admin.list_consumer_group_offsets(topic)
    assert {p.partition: o.offset for p, o in offsets.items()} == {0: 3, 1: 3}
    member.close()
    admin.create_partitions({topic: NewPartitions(3)})
    with pytest.raises(InvalidPartitionsError):
        admin.create_partitions({topic: NewPartitions(1)})
    assert admin.delete_records({partition: 2})[partition]["low_watermark"] == 2
    assert dict(admin.delete_consumer_groups([topic, "nobody"])) == {topic: NoError, "nobody": GroupIdNotFoundError}
    admin.delete_topics([topic])
    with pytest.raises(UnknownTopicOrPartitionError):
        admin.delete_topics([topic])
    admin.close()
