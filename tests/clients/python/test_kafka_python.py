"""kafka-python, 2.3 and 3.0: another reading of the protocol, in pure Python, and what both versions can do."""

import threading
import time

import pytest
from conftest import CONNECT_TEST
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

PATIENCE_MS = 30_000


def consumer(bootstrap, *topics, **settings):
    settings = {"auto_offset_reset": "earliest", "consumer_timeout_ms": PATIENCE_MS, **settings}
    reader = KafkaConsumer(bootstrap_servers=bootstrap, **settings)
    # A leader that joins before it knows a topic's partitions gives nobody any, and version 3 may leave it at that.
    assert all(reader.partitions_for_topic(topic) for topic in topics)
    if topics:
        reader.subscribe(topics)
    return reader


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
@pytest.mark.parametrize("idempotent", [False, True])
def test_produce_and_consume(bootstrap, topic, codec, idempotent):
    settings = {"compression_type": codec, "acks": "all", "linger_ms": 5, "enable_idempotence": idempotent}
    producer = KafkaProducer(bootstrap_servers=bootstrap, **settings)
    values = [f"{n} é 漢".encode() for n in range(2_000)]
    futures = [producer.send(topic, value, key=b"k") for value in values]
    assert [f.get(PATIENCE_MS / 1000).offset for f in futures] == list(range(2_000))
    producer.close()
    reader = consumer(bootstrap, topic, group_id=topic)
    messages = read(reader, 2_000)
    assert [m.value for m in messages] == values
    assert [m.offset for m in messages] == list(range(2_000))
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


def transactional(bootstrap, name):
    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=name)
    producer.init_transactions()
    return producer


def test_commit_and_abort(bootstrap, topic):
    producer = transactional(bootstrap, topic)
    for value, commit in [(b"committed", True), (b"aborted", False), (b"committed too", True)]:
        producer.begin_transaction()
        producer.send(topic, value, partition=0).get(PATIENCE_MS / 1000)
        (producer.commit_transaction if commit else producer.abort_transaction)()
    producer.close()
    for level, expected in [("read_committed", [0, 4]), ("read_uncommitted", [0, 2, 4])]:
        reader = consumer(bootstrap, topic, isolation_level=level, consumer_timeout_ms=1_000)
        assert [m.offset for m in reader] == expected, level
        reader.close()


def test_the_older_one_is_fenced(bootstrap, topic):
    old = transactional(bootstrap, topic)
    old.begin_transaction()
    old.send(topic, b"old", partition=0).get(PATIENCE_MS / 1000)
    young = transactional(bootstrap, topic)
    with pytest.raises(KafkaError) as refused:
        old.send(topic, b"late", partition=0).get(PATIENCE_MS / 1000)
        old.commit_transaction()
    assert type(refused.value).__name__ in ("ProducerFencedError", "InvalidProducerEpochError")
    young.begin_transaction()
    young.send(topic, b"young", partition=0)
    young.commit_transaction()
    young.close()
    old.close(timeout=0)
    reader = consumer(bootstrap, topic, isolation_level="read_committed", consumer_timeout_ms=1_000)
    assert [m.value for m in reader] == [b"young"]
    reader.close()


class Member(threading.Thread):
    """A member of a group that polls until it is told to leave."""

    def __init__(self, bootstrap, topic):
        super().__init__(daemon=True)
        self.reader = consumer(bootstrap, topic, group_id=topic, heartbeat_interval_ms=200, session_timeout_ms=6_000)
        self.owned, self.leaving = [], threading.Event()
        self.start()

    def run(self):
        while not self.leaving.is_set():
            self.reader.poll(50)
            self.owned = sorted(p.partition for p in self.reader.assignment())
        self.reader.close()

    def leave(self):
        self.leaving.set()
        self.join(PATIENCE_MS / 1000)


def until(what, condition):
    """Waits until a condition holds."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def test_members_come_and_go(bootstrap, topic):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, 4, 1)])
    admin.close()
    members = []
    for shares in [[4], [2, 2], [1, 1, 2]]:
        members.append(Member(bootstrap, topic))
        until(shares, lambda: sorted(len(m.owned) for m in members) == shares)
        assert sorted(sum((m.owned for m in members), [])) == [0, 1, 2, 3]
    for member in members[1:]:
        member.leave()
    until("who is left has all", lambda: members[0].owned == [0, 1, 2, 3])
    members[0].leave()
