"""aiokafka: the protocol once more, in Python with coroutines; its own producer, group member and admin."""

import asyncio
import contextlib
import functools

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import CommitFailedError, ProducerFenced, TopicAlreadyExistsError
from aiokafka.structs import OffsetAndMetadata
from conftest import CONNECT_TEST

PATIENCE = 30


def runs(test):
    """A test that is a coroutine, with an end to waiting."""

    @functools.wraps(test)
    def run(**arguments):
        asyncio.run(asyncio.wait_for(test(**arguments), 3 * PATIENCE))

    return run


def producer(bootstrap, **settings):
    return AIOKafkaProducer(bootstrap_servers=bootstrap, **settings)


def reader(bootstrap, *topics, **settings):
    settings = {"auto_offset_reset": "earliest", "enable_auto_commit": False, **settings}
    return AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, **settings)


@contextlib.asynccontextmanager
async def admin(bootstrap):
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    yield client
    await client.close()


async def produce(bootstrap, topic, values, **settings):
    """Produces to partition 0 and returns the offsets."""
    async with producer(bootstrap, **settings) as sender:
        sent = [await sender.send(topic, value, partition=0) for value in values]
        return [(await future).offset for future in sent]


async def read(consumer, count):
    """Reads that many messages."""
    return [await asyncio.wait_for(consumer.getone(), PATIENCE) for _ in range(count)]


async def until(what, condition):
    """Waits until a condition holds."""
    for _ in range(PATIENCE * 20):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(what)


@runs
async def test_the_tutorials_record_byte_for_byte(bootstrap):
    async with reader(bootstrap, "connect-test") as consumer:
        message = (await read(consumer, 1))[0]
    assert (message.key, message.value, message.offset) == (None, CONNECT_TEST, 0)


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("idempotent", [False, True])
@runs
async def test_produce_and_consume(bootstrap, topic, codec, idempotent):
    values = [f"{n} é 漢".encode() for n in range(2_000)]
    settings = {"compression_type": codec, "enable_idempotence": idempotent, "linger_ms": 5}
    assert await produce(bootstrap, topic, values, **settings) == list(range(2_000))
    async with reader(bootstrap, topic, group_id=topic) as consumer:
        messages = await read(consumer, 2_000)
    assert [m.value for m in messages] == values
    assert [m.offset for m in messages] == list(range(2_000))


@pytest.mark.parametrize("acks", [0, 1])
@runs
async def test_weaker_acknowledgements(bootstrap, topic, acks):
    async with producer(bootstrap, acks=acks) as sender:
        for n in range(10):
            await sender.send(topic, str(n).encode())
        await sender.flush()
    async with reader(bootstrap, topic) as consumer:
        assert [m.value for m in await read(consumer, 10)] == [str(n).encode() for n in range(10)]


@runs
async def test_headers_timestamp_and_tombstone(bootstrap, topic):
    headers = [("a", b"1"), ("a", b"2"), ("b", b"")]
    async with producer(bootstrap) as sender:
        await sender.send_and_wait(topic, b"value", key=b"k", headers=headers, timestamp_ms=1_700_000_000_123)
        await sender.send_and_wait(topic, None, key=b"k")
    async with reader(bootstrap, topic) as consumer:
        first, second = await read(consumer, 2)
    assert (list(first.headers), first.timestamp) == (headers, 1_700_000_000_123)
    assert (second.key, second.value) == (b"k", None)


@runs
async def test_a_batch_of_ones_own(bootstrap, topic):
    async with producer(bootstrap, enable_idempotence=True) as sender:
        batch = sender.create_batch()
        for n in range(10):
            assert batch.append(key=None, value=str(n).encode(), timestamp=1_700_000_000_000 + n) is not None
        report = await (await sender.send_batch(batch, topic, partition=0))
    assert report.offset == 0
    async with reader(bootstrap, topic) as consumer:
        assert [m.timestamp - 1_700_000_000_000 for m in await read(consumer, 10)] == list(range(10))


@runs
async def test_commit_and_abort(bootstrap, topic):
    async with producer(bootstrap, transactional_id=topic) as sender:
        async with sender.transaction():
            await sender.send(topic, b"committed", partition=0)
        with pytest.raises(ZeroDivisionError):
            async with sender.transaction():
                await sender.send_and_wait(topic, b"aborted", partition=0)
                raise ZeroDivisionError
        async with sender.transaction():
            await sender.send(topic, b"committed too", partition=0)
    for level, expected in [("read_committed", [0, 4]), ("read_uncommitted", [0, 2, 4])]:
        async with reader(bootstrap, topic, isolation_level=level) as consumer:
            assert [m.offset for m in await read(consumer, len(expected))] == expected, level
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(consumer.getone(), 0.5)


@runs
async def test_what_is_open_holds_readers_back(bootstrap, topic):
    async with producer(bootstrap, transactional_id=topic) as sender:
        await sender.begin_transaction()
        await sender.send_and_wait(topic, b"open", partition=0)
        await produce(bootstrap, topic, [b"plain"])
        settings = {"isolation_level": "read_committed", "fetch_max_wait_ms": 50}
        async with reader(bootstrap, topic, **settings) as consumer:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(consumer.getone(), 0.5)
            partition = TopicPartition(topic, 0)
            await until("it knows the end", lambda: consumer.highwater(partition) == 2)
            assert consumer.last_stable_offset(partition) == 0
            await sender.commit_transaction()
            assert [m.value for m in await read(consumer, 2)] == [b"open", b"plain"]


@runs
async def test_offsets_count_with_the_commit(bootstrap, topic):
    await produce(bootstrap, topic, [b"a", b"b", b"c"])
    partition = TopicPartition(topic, 0)
    async with producer(bootstrap, transactional_id=topic) as sender, reader(bootstrap, group_id=topic) as consumer:
        consumer.assign([partition])
        await sender.begin_transaction()
        await sender.send_offsets_to_transaction({partition: 2}, topic)
        await sender.abort_transaction()
        assert await consumer.committed(partition) is None
        await sender.begin_transaction()
        await sender.send_offsets_to_transaction({partition: 2}, topic)
        await sender.commit_transaction()
        # Kafka's markers come after its answer, and this client does not ask for what is stable.
        for _ in range(PATIENCE * 20):
            if await consumer.committed(partition) is not None:
                break
            await asyncio.sleep(0.05)
        assert await consumer.committed(partition) == 2


@runs
async def test_the_older_one_is_fenced(bootstrap, topic):
    async with producer(bootstrap, transactional_id=topic) as old, producer(bootstrap, transactional_id=topic):
        await old.begin_transaction()
        with pytest.raises(ProducerFenced):
            await old.send_and_wait(topic, b"late", partition=0)
            await old.commit_transaction()


@runs
async def test_a_group_goes_on_where_it_committed(bootstrap, topic):
    await produce(bootstrap, topic, [str(n).encode() for n in range(20)])
    partition = TopicPartition(topic, 0)
    async with reader(bootstrap, topic, group_id=topic) as first:
        await read(first, 12)
        await first.commit({partition: OffsetAndMetadata(8, "note")})
        assert await first.committed(partition) == 8
    async with reader(bootstrap, topic, group_id=topic) as second:
        assert [m.offset for m in await read(second, 12)] == list(range(8, 20))
    async with admin(bootstrap) as client:
        assert await client.list_consumer_group_offsets(topic) == {partition: OffsetAndMetadata(8, "note")}


class Turns(ConsumerRebalanceListener):
    """Notes what a member was given and what was taken from it."""

    def __init__(self):
        self.given, self.taken = [], []

    def on_partitions_assigned(self, assigned):
        self.given.append(sorted(p.partition for p in assigned))

    def on_partitions_revoked(self, revoked):
        self.taken.append(sorted(p.partition for p in revoked))


@runs
async def test_members_come_and_go(bootstrap, topic):
    async with admin(bootstrap) as client:
        await client.create_topics([NewTopic(topic, 4, 1)])
    members, turns = [], []
    for _ in range(3):
        member = reader(bootstrap, group_id=topic, heartbeat_interval_ms=200, session_timeout_ms=6_000)
        turns.append(Turns())
        member.subscribe([topic], listener=turns[-1])
        await member.start()
        members.append(member)

        def shared():
            owned = [sorted(p.partition for p in one.assignment()) for one in members]
            return sorted(sum(owned, [])) == [0, 1, 2, 3] and max(map(len, owned)) <= -(-4 // len(owned))

        await until(f"{len(members)} members share four partitions", shared)
    async with producer(bootstrap) as sender:
        for n in range(4):
            await sender.send_and_wait(topic, str(n).encode(), partition=n)
    for member in members:
        for message in await read(member, len(member.assignment())):
            assert message.value == str(message.partition).encode()
        await member.commit()
    assert turns[0].given[0] == [0, 1, 2, 3]
    assert [0, 1, 2, 3] in turns[0].taken
    for member in members[1:]:
        await member.stop()
    await until("who is left has all", lambda: len(members[0].assignment()) == 4)
    assert [await members[0].committed(TopicPartition(topic, n)) for n in range(4)] == [1, 1, 1, 1]
    await members[0].stop()


@runs
async def test_a_commit_without_membership_is_refused(bootstrap, topic):
    await produce(bootstrap, topic, [b"x"])
    async with reader(bootstrap, topic, group_id=topic) as member, reader(bootstrap, group_id=topic) as stranger:
        await read(member, 1)
        stranger.assign([TopicPartition(topic, 0)])
        with pytest.raises(CommitFailedError):
            await stranger.commit({TopicPartition(topic, 0): 1})


@runs
async def test_ends_times_and_seeks(bootstrap, topic):
    async with producer(bootstrap) as sender:
        for n in range(5):
            await sender.send_and_wait(topic, b"x", partition=0, timestamp_ms=1_700_000_000_000 + n * 1_000)
    partition = TopicPartition(topic, 0)
    async with reader(bootstrap) as consumer:
        consumer.assign([partition])
        assert await consumer.beginning_offsets([partition]) == {partition: 0}
        assert await consumer.end_offsets([partition]) == {partition: 5}
        found = await consumer.offsets_for_times({partition: 1_700_000_001_500})
        assert (found[partition].offset, found[partition].timestamp) == (2, 1_700_000_002_000)
        assert await consumer.offsets_for_times({partition: 1_800_000_000_000}) == {partition: None}
        await consumer.seek_to_end()
        assert await consumer.position(partition) == 5
        consumer.seek(partition, 3)
        assert [m.offset for m in await read(consumer, 2)] == [3, 4]


@runs
async def test_administration(bootstrap, topic):
    partition, resource = TopicPartition(topic, 0), ConfigResource(ConfigResourceType.TOPIC, topic)
    async with admin(bootstrap) as client:
        await client.create_topics([NewTopic(topic, 1, 1, topic_configs={"retention.ms": "600000"})])
        again = await client.create_topics([NewTopic(topic, 1, 1)])
        assert [code for _, code, *_ in again.topic_errors] == [TopicAlreadyExistsError.errno]
        await client.create_partitions({topic: NewPartitions(3)})
        described = (await client.describe_topics([topic]))[0]
        assert sorted(p["partition"] for p in described["partitions"]) == [0, 1, 2]
        await produce(bootstrap, topic, [b"x"] * 5)
        await client.delete_records({partition: RecordsToDelete(3)})
        async with reader(bootstrap, topic, group_id=topic) as consumer:
            assert (await read(consumer, 1))[0].offset == 3
            groups = await client.describe_consumer_groups([topic])
            assert (groups[0].groups[0][1], groups[0].groups[0][2]) == (topic, "Stable")
            assert (topic, "consumer") in await client.list_consumer_groups()
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "700000"})])
        entries = (await client.describe_configs([resource]))[0].resources[0][4]
        assert [entry[1] for entry in entries if entry[0] == "retention.ms"] == ["700000"]
        await client.delete_topics([topic])
        assert topic not in await client.list_topics()
