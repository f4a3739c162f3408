"""confluent-kafka (the newest librdkafka): producer, consumer, groups, idempotence, admin."""

import time

import pytest
from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from conftest import CONNECT_TEST

PATIENCE = 30


def produce(bootstrap, topic, values, **settings):
    """Produces and returns the offsets in the order of their reports."""
    producer = Producer({"bootstrap.servers": bootstrap, **settings})
    offsets, errors = [], []

    def report(error, message):
        errors.append(error) if error else offsets.append(message.offset())

    for value in values:
        producer.produce(topic, value, on_delivery=report)
        producer.poll(0)
    assert producer.flush(PATIENCE) == 0
    assert errors == []
    return offsets


def read(consumer, count):
    """Reads that many messages."""
    messages, end = [], time.monotonic() + PATIENCE
    while len(messages) < count and time.monotonic() < end:
        for message in consumer.consume(count - len(messages), 0.5):
            assert message.error() is None, message.error()
            messages.append(message)
    assert len(messages) == count
    return messages


def group(bootstrap, name, **settings):
    return Consumer({"bootstrap.servers": bootstrap, "group.id": name, "auto.offset.reset": "earliest", **settings})


def test_the_tutorials_record_byte_for_byte(bootstrap):
    consumer = group(bootstrap, "confluent-connect-test")
    consumer.assign([TopicPartition("connect-test", 0, 0)])
    message = read(consumer, 1)[0]
    assert (message.key(), message.value(), message.offset()) == (None, CONNECT_TEST, 0)
    consumer.close()


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("idempotent", [False, True])
def test_produce_and_consume(bootstrap, topic, codec, idempotent):
    values = [f"{n} é 漢".encode() for n in range(5_000)]
    settings = {"compression.type": codec, "enable.idempotence": idempotent, "linger.ms": 5}
    assert produce(bootstrap, topic, values, **settings) == list(range(5_000))
    consumer = group(bootstrap, topic)
    consumer.subscribe([topic])
    messages = read(consumer, 5_000)
    assert [m.value() for m in messages] == values
    assert [m.offset() for m in messages] == list(range(5_000))
    consumer.close()


def test_key_headers_timestamp(bootstrap, topic):
    producer = Producer({"bootstrap.servers": bootstrap})
    headers = [("a", b"1"), ("a", b"2"), ("empty", b""), ("null", None)]
    producer.produce(topic, b"value", key=b"key", headers=headers, timestamp=1_700_000_000_123)
    producer.produce(topic, None, key=b"gone")
    assert producer.flush(PATIENCE) == 0
    consumer = group(bootstrap, topic)
    consumer.subscribe([topic])
    first, second = read(consumer, 2)
    assert (first.key(), first.value(), first.headers()) == (b"key", b"value", headers)
    assert first.timestamp()[1] == 1_700_000_000_123
    assert (second.key(), second.value()) == (b"gone", None)
    consumer.close()


def test_a_group_goes_on_where_it_committed(bootstrap, topic):
    produce(bootstrap, topic, [str(n) for n in range(100)])
    first = group(bootstrap, topic, **{"enable.auto.commit": False})
    first.subscribe([topic])
    fortieth = read(first, 40)[-1]
    committed = first.commit(fortieth, asynchronous=False)
    assert [(p.partition, p.offset) for p in committed] == [(0, 40)]
    first.close()
    second = group(bootstrap, topic, **{"enable.auto.commit": False})
    second.subscribe([topic])
    assert [m.value() for m in read(second, 60)] == [str(n).encode() for n in range(40, 100)]
    assert second.committed([TopicPartition(topic, 0)], PATIENCE)[0].offset == 40
    second.close()


def test_two_members_share_the_partitions(bootstrap, topic):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 4, 1)])[topic].result(PATIENCE)
    members = [group(bootstrap, topic, **{"session.timeout.ms": 6000}) for _ in range(2)]
    for member in members:
        member.subscribe([topic])
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for member in members:
            member.poll(0.2)
        owned = [sorted(p.partition for p in member.assignment()) for member in members]
        if [len(o) for o in owned] == [2, 2]:
            break
    assert sorted(owned[0] + owned[1]) == [0, 1, 2, 3]
    assert [len(o) for o in owned] == [2, 2]
    for member in members:
        member.close()


def test_offsets_by_time_and_watermarks(bootstrap, topic):
    producer = Producer({"bootstrap.servers": bootstrap})
    for n in range(10):
        producer.produce(topic, str(n), timestamp=1_700_000_000_000 + n * 1_000)
        assert producer.flush(PATIENCE) == 0
    consumer = group(bootstrap, topic)
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), PATIENCE) == (0, 10)
    asked = [(1_700_000_000_000, 0), (1_700_000_003_500, 4), (1_700_000_009_000, 9)]
    for moment, expected in asked:
        assert consumer.offsets_for_times([TopicPartition(topic, 0, moment)], PATIENCE)[0].offset == expected
    after_all = consumer.offsets_for_times([TopicPartition(topic, 0, 1_800_000_000_000)], PATIENCE)[0].offset
    assert after_all == OFFSET_END
    consumer.close()


def test_seek_back(bootstrap, topic):
    produce(bootstrap, topic, [str(n) for n in range(50)])
    consumer = group(bootstrap, topic)
    consumer.assign([TopicPartition(topic, 0, 45)])
    assert [m.offset() for m in read(consumer, 5)] == [45, 46, 47, 48, 49]
    consumer.seek(TopicPartition(topic, 0, 3))
    assert [m.offset() for m in read(consumer, 2)] == [3, 4]
    consumer.close()


def test_a_reader_at_the_end_gets_what_comes(bootstrap, topic):
    produce(bootstrap, topic, ["before"])
    consumer = group(bootstrap, topic)
    consumer.assign([TopicPartition(topic, 0, OFFSET_END)])
    assert consumer.poll(1.0) is None
    produce(bootstrap, topic, ["after"])
    assert read(consumer, 1)[0].value() == b"after"
    consumer.close()


def test_a_record_too_large_is_refused(bootstrap, topic):
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 5_000_000})
    errors = []
    producer.produce(topic, b"x" * 2_000_000, on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(PATIENCE) == 0
    assert [e.code() for e in errors] == [KafkaError.MSG_SIZE_TOO_LARGE]


def test_create_describe_delete(bootstrap, topic):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 3, 1)])[topic].result(PATIENCE)
    assert len(admin.list_topics(timeout=PATIENCE).topics[topic].partitions) == 3
    with pytest.raises(KafkaException) as again:
        admin.create_topics([NewTopic(topic, 3, 1)])[topic].result(PATIENCE)
    assert again.value.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS
    with pytest.raises(KafkaException) as replicas:
        admin.create_topics([NewTopic(topic + "-rf", 1, 3)])[topic + "-rf"].result(PATIENCE)
    assert replicas.value.args[0].code() == KafkaError.INVALID_REPLICATION_FACTOR
    admin.delete_topics([topic])[topic].result(PATIENCE)
    end = time.monotonic() + PATIENCE
    while topic in admin.list_topics(timeout=PATIENCE).topics and time.monotonic() < end:
        time.sleep(0.1)
    assert topic not in admin.list_topics(timeout=PATIENCE).topics
    with pytest.raises(KafkaException) as gone:
        admin.delete_topics([topic])[topic].result(PATIENCE)
    assert gone.value.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_a_topic_made_again_is_empty(bootstrap, topic):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for _ in range(2):
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(PATIENCE)
        assert produce(bootstrap, topic, ["a", "b"]) == [0, 1]
        admin.delete_topics([topic])[topic].result(PATIENCE)
        time.sleep(0.5)


def test_an_unknown_topic_without_creation(bootstrap, topic):
    consumer = group(bootstrap, topic, **{"allow.auto.create.topics": False})
    consumer.subscribe([topic])
    message = consumer.poll(5.0)
    assert message is not None
    assert message.error().code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    consumer.close()
