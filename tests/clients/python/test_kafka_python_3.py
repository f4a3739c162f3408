"""kafka-python 3.0: what its older version cannot do, against Kafka itself neither, and its admin, which has other names."""

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import (
    GroupIdNotFoundError,
    InvalidPartitionsError,
    NoError,
    SecurityDisabledError,
    TransactionalIdNotFoundError,
    UnknownMemberIdError,
    UnknownTopicOrPartitionError,
)
from kafka.structs import OffsetAndMetadata
from test_kafka_python import PATIENCE_MS, consumer, read, transactional, until


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


def test_offsets_count_with_the_commit(bootstrap, topic):
    producer, partition = transactional(bootstrap, topic), TopicPartition(topic, 0)
    reader = consumer(bootstrap, group_id=topic)
    reader.assign([partition])
    for commit, expected in [(False, None), (True, 7)]:
        producer.begin_transaction()
        producer.send(topic, b"v", partition=0)
        producer.send_offsets_to_transaction({partition: OffsetAndMetadata(7, "note", -1)}, topic)
        (producer.commit_transaction if commit else producer.abort_transaction)()
        until("the transaction has ended", lambda: reader.committed(partition) == expected)
    reader.close()
    producer.close()


@pytest.fixture
def admin(bootstrap, topic):
    """An admin, and the topic with two partitions of three records each."""
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    client.create_topics([NewTopic(topic, 2, 1, topic_configs={"retention.ms": "600000"})])
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for n in range(6):
        producer.send(topic, b"x", partition=n % 2, timestamp_ms=1_700_000_000_000 + n).get(PATIENCE_MS / 1000)
    producer.close()
    yield client
    client.close()


def test_settings(admin, topic):
    def changed():
        entries = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])["topic"][topic]
        return {key: (entry["value"], entry["config_source"], entry["config_type"]) for key, entry in entries.items()}

    assert changed() == {"retention.ms": ("600000", "DYNAMIC_TOPIC_CONFIG", "LONG")}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "700000"})])
    assert changed() == {"retention.ms": ("700000", "DYNAMIC_TOPIC_CONFIG", "LONG")}
    admin.reset_configs([ConfigResource(ConfigResourceType.TOPIC, topic, ["retention.ms"])])
    assert changed() == {}
    resources = admin.list_config_resources()
    assert topic in resources["topic"]
    assert resources["broker"] == resources["broker_logger"] == ["1"]


def test_partitions_and_records(admin, topic):
    partition = TopicPartition(topic, 0)

    def offset(spec):
        return admin.list_partition_offsets({partition: spec})[partition][:2]

    admin.create_partitions({topic: NewPartitions(3)})
    with pytest.raises(InvalidPartitionsError):
        admin.create_partitions({topic: NewPartitions(1)})
    assert [(t["name"], len(t["partitions"])) for t in admin.describe_topics([topic])] == [(topic, 3)]
    assert offset(OffsetSpec.LATEST) == (3, -1)
    assert offset(OffsetSpec.MAX_TIMESTAMP) == (2, 1_700_000_000_004)
    deleted = admin.delete_records({partition: 2})
    assert deleted == {partition: {"partition_index": 0, "low_watermark": 2, "error_code": 0}}
    assert offset(OffsetSpec.EARLIEST) == (2, -1)
    folders = admin.describe_log_dirs([topic])[0]["log_dirs"]
    assert sum(len(t["partitions"]) for folder in folders for t in folder["topics"]) == 3
    producers = admin.describe_producers([partition])[partition].active_producers
    assert [(p.last_sequence, p.last_timestamp) for p in producers] == [(2, 1_700_000_000_004)]
    assert admin.list_partition_reassignments({topic: [0]}) == {}
    admin.delete_topics([topic])
    with pytest.raises(UnknownTopicOrPartitionError):
        admin.delete_topics([topic])


def test_groups(bootstrap, admin, topic):
    partition, other = TopicPartition(topic, 0), TopicPartition(topic, 1)
    member = consumer(bootstrap, topic, group_id=topic)
    read(member, 6)
    member.commit()
    listed = [group for group in admin.list_groups() if group["group_id"] == topic]
    expected = {"protocol_type": "consumer", "group_state": "Stable", "group_type": "classic"}
    assert listed == [{"group_id": topic, **expected}]
    described = admin.describe_groups([topic])[topic]
    assert described["members"][0]["member_assignment"]["assigned_partitions"] == [
        {"topic": topic, "partitions": [0, 1]}
    ]
    assert {p: o.offset for p, o in admin.list_group_offsets({topic: None})[topic].items()} == {partition: 3, other: 3}
    moved = {partition: OffsetAndMetadata(1, "note", -1)}
    assert admin.alter_group_offsets(topic, moved) == {partition: UnknownMemberIdError}
    member.close()
    assert admin.alter_group_offsets(topic, moved) == {partition: NoError}
    assert admin.list_group_offsets({topic: None})[topic][partition] == OffsetAndMetadata(1, "note", -1)
    reset = admin.reset_group_offsets(topic, {partition: OffsetSpec.LATEST})
    assert reset == {partition: {"error": NoError, "offset": 3}}
    assert admin.delete_group_offsets(topic, [partition]) == {partition: NoError}
    assert list(admin.list_group_offsets({topic: None})[topic]) == [other]
    assert admin.delete_groups([topic, "nobody"]) == {topic: "OK", "nobody": GroupIdNotFoundError.__name__}


def test_the_cluster(bootstrap, admin):
    cluster = admin.describe_cluster()
    assert [f"{b['host']}:{b['port']}" for b in cluster["brokers"]] == [bootstrap]
    with pytest.raises(TransactionalIdNotFoundError):
        admin.describe_transactions(["nobody"])
    assert admin.describe_user_scram_credentials() == {}
    with pytest.raises(SecurityDisabledError):
        admin.describe_acls(any_acl())


def any_acl():
    resource = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    return ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, resource)
