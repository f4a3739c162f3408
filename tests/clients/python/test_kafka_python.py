"""kafka-python: another reading of the protocol, in pure Python."""

import pytest
from conftest import CONNECT_TEST
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

PATIENCE_MS = 30_000


def consumer(bootstrap, *topics, **settings):
    settings = {"auto_offset_reset": "earliest", "consumer_timeout_ms": PATIENCE_MS, **settings}
    return KafkaConsumer(*topics, bootstrap_servers=bootstrap, **settings)


def read(reader, count):
    """Reads that many messages."""
    messages = []
    for message in reader:
        messages.append(message)
        if len(messages) == count:
            break
    assert len(messages) == count
    return messages


def test_the_tutorials_record_byte_for_byte(bootstrap):
    reader = consumer(bootstrap)
    reader.assign([TopicPartition("connect-test", 0)])
    reader.seek_to_beginning()
    message = read(reader, 1)[0]
    assert (message.key, message.value, message.offset) == (None, CONNECT_TEST, 0)
    reader.close()


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_produce_and_consume(bootstrap, topic, codec):
    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=codec, acks="all", linger_ms=5)
    values = [f"{n} é 漢".encode() for n in range(2_000)]
    futures = [producer.send(topic, value, key=b"k") for value in values]
    assert [f.get(PATIENCE_MS / 1000).offset for f in futures] == list(range(2_000))
    producer.close()
    reader = consumer(bootstrap, topic, group_id=topic)
    messages = read(reader, 2_000)
    assert [m.value for m in messages] == values
    assert [m.offset for m in messages] == list(range(2_000))
    reader.close()


@pytest.mark.parametrize("acks", [0, 1])
def test_weaker_acknowledgements(bootstrap, topic, acks):
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks=acks, enable_idempotence=False)
    for n in range(10):
        producer.send(topic, str(n).encode())
    producer.flush(PATIENCE_MS / 1000)
    producer.close()
    reader = consumer(bootstrap, topic)
    assert [m.value for m in read(reader, 10)] == [str(n).encode() for n in range(10)]
    reader.close()


def test_headers_and_timestamp(bootstrap, topic):
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    headers = [("a", b"1"), ("b", b"")]
    producer.send(topic, b"value", headers=headers, timestamp_ms=1_700_000_000_123).get(PATIENCE_MS / 1000)
    producer.close()
    reader = consumer(bootstrap, topic)
    message = read(reader, 1)[0]
    assert (list(message.headers), message.timestamp) == (headers, 1_700_000_000_123)
    reader.close()


def test_a_group_goes_on_where_it_committed(bootstrap, topic):
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for n in range(20):
        producer.send(topic, str(n).encode())
    producer.flush(PATIENCE_MS / 1000)
    producer.close()
    first = consumer(bootstrap, topic, group_id=topic, enable_auto_commit=False, max_poll_records=1)
    assert [m.offset for m in read(first, 5)] == [0, 1, 2, 3, 4]
    first.commit()
    assert first.committed(TopicPartition(topic, 0)) == 5
    first.close()
    second = consumer(bootstrap, topic, group_id=topic, enable_auto_commit=False)
    assert [m.offset for m in read(second, 15)] == list(range(5, 20))
    second.close()


def test_ends_and_times(bootstrap, topic):
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for n in range(5):
        producer.send(topic, b"x", timestamp_ms=1_700_000_000_000 + n * 1_000).get(PATIENCE_MS / 1000)
    producer.close()
    reader = consumer(bootstrap)
    partition = TopicPartition(topic, 0)
    assert reader.beginning_offsets([partition]) == {partition: 0}
    assert reader.end_offsets([partition]) == {partition: 5}
    assert reader.offsets_for_times({partition: 1_700_000_001_500})[partition].offset == 2
    reader.close()


def test_create_list_delete(bootstrap, topic):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, 2, 1)])
    assert topic in admin.list_topics()
    with pytest.raises(TopicAlreadyExistsError):
        admin.create_topics([NewTopic(topic, 2, 1)])
    admin.delete_topics([topic])
    assert topic not in admin.list_topics()
    admin.close()
