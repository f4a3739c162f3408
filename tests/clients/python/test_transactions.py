"""confluent-kafka's transactions: commit, abort, offsets in them, fencing, and readers of what is committed."""

import pytest
from confluent_kafka import KafkaException, Producer, TopicPartition
from test_confluent import PATIENCE, group, read


def transactional(bootstrap, name):
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": name})
    producer.init_transactions(PATIENCE)
    return producer


def committed_values(bootstrap, topic, count):
    """That many values, and then the end of what is committed."""
    settings = {"isolation.level": "read_committed", "enable.partition.eof": False}
    consumer = group(bootstrap, topic + "-reader", **settings)
    consumer.assign([TopicPartition(topic, 0, 0)])
    values = [message.value() for message in read(consumer, count)]
    assert consumer.consume(1, 1.0) == []
    consumer.close()
    return values


def test_commit_and_abort(bootstrap, topic):
    producer = transactional(bootstrap, topic)
    expected = []
    for number in range(10):
        producer.begin_transaction()
        values = [f"{number}-{record}".encode() for record in range(20)]
        for value in values:
            producer.produce(topic, value, partition=0)
        if number % 2:
            producer.commit_transaction(PATIENCE)
            expected += values
        else:
            producer.flush(PATIENCE)
            producer.abort_transaction(PATIENCE)
    assert committed_values(bootstrap, topic, len(expected)) == expected


def test_offsets_count_with_the_commit(bootstrap, topic):
    producer = transactional(bootstrap, topic)
    consumer = group(bootstrap, topic)
    for commit, expected in [(False, -1001), (True, 7)]:
        producer.begin_transaction()
        producer.produce(topic, b"v", partition=0)
        offsets = [TopicPartition(topic, 0, 7)]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), PATIENCE)
        (producer.commit_transaction if commit else producer.abort_transaction)(PATIENCE)
        assert consumer.committed([TopicPartition(topic, 0)], PATIENCE)[0].offset == expected
    consumer.close()


def test_the_older_one_is_fenced(bootstrap, topic):
    old = transactional(bootstrap, topic)
    old.begin_transaction()
    old.produce(topic, b"old", partition=0)
    old.flush(PATIENCE)
    young = transactional(bootstrap, topic)
    with pytest.raises(KafkaException) as raised:
        old.commit_transaction(PATIENCE)
    assert raised.value.args[0].fatal()
    young.begin_transaction()
    young.produce(topic, b"young", partition=0)
    young.commit_transaction(PATIENCE)
    assert committed_values(bootstrap, topic, 1) == [b"young"]
