// kafkajs: a reading of the protocol in JavaScript alone. Run by `cargo xtask clients node`.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { createRequire } from "node:module";

// The packages are installed below the target folder, not here.
const { CompressionTypes, Kafka, logLevel } = createRequire(process.env.PACKAGES)("kafkajs");

const kafka = new Kafka({ brokers: [process.env.BOOTSTRAP], clientId: "kafkajs-test", logLevel: logLevel.ERROR });
const admin = kafka.admin();
const name = () => `node-${randomUUID().slice(0, 12)}`;

before(() => admin.connect());
after(() => admin.disconnect());

/** Reads `count` messages in a group, from the beginning or from where the group is. */
async function read(topic, groupId, count) {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  const messages = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`${messages.length} of ${count} messages after 30 s`)), 30_000);
    consumer
      .run({
        eachMessage: async ({ message }) => {
          if (messages.length < count) messages.push(message);
          if (messages.length === count) {
            clearTimeout(limit);
            resolve();
          }
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return messages;
}

test("the tutorial's record, byte for byte", async () => {
  const [message] = await read("connect-test", name(), 1);
  assert.equal(message.key, null);
  assert.equal(message.value.toString(), process.env.CONNECT_TEST);
});

for (const [codec, compression] of [["none", CompressionTypes.None], ["gzip", CompressionTypes.GZIP]]) {
  for (const idempotent of [false, true]) {
    test(`produce and consume, ${codec}, ${idempotent ? "idempotent" : "plain"}`, async () => {
      const topic = name();
      const producer = kafka.producer({ idempotent, allowAutoTopicCreation: true });
      await producer.connect();
      const values = Array.from({ length: 1_000 }, (_, n) => `${n} é 漢`);
      const messages = values.map((value) => ({ key: "k", value, headers: { a: "1" } }));
      await producer.send({ topic, compression, acks: -1, messages: messages.slice(0, 500) });
      await producer.send({ topic, compression, acks: -1, messages: messages.slice(500) });
      await producer.disconnect();
      const back = await read(topic, topic, 1_000);
      assert.deepEqual(back.map((m) => m.value.toString()), values);
      assert.deepEqual(back.map((m) => m.offset), values.map((_, n) => String(n)));
      assert.equal(back[0].headers.a.toString(), "1");
    });
  }
}

test("a group goes on where it committed", async () => {
  const topic = name();
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages: [{ value: "one" }, { value: "two" }] });
  assert.deepEqual((await read(topic, topic, 2)).map((m) => m.value.toString()), ["one", "two"]);
  await producer.send({ topic, messages: [{ value: "three" }] });
  assert.deepEqual((await read(topic, topic, 1)).map((m) => m.value.toString()), ["three"]);
  await producer.disconnect();
});

test("create, list, offsets, delete", async () => {
  const topic = name();
  assert.equal(await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] }), true);
  assert.equal(await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] }), false, "it is there already");
  assert.ok((await admin.listTopics()).includes(topic));
  assert.equal((await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length, 3);
  assert.deepEqual((await admin.fetchTopicOffsets(topic)).map((o) => o.offset), ["0", "0", "0"]);
  await admin.deleteTopics({ topics: [topic] });
  assert.ok(!(await admin.listTopics()).includes(topic));
});

/** A transactional producer with a topic of its own name. */
async function transactional(topic) {
  const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  return producer;
}

test("commit and abort", async () => {
  const topic = name();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
  const producer = await transactional(topic);
  for (const [value, end] of [["committed", "commit"], ["aborted", "abort"], ["committed too", "commit"]]) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value }] });
    await transaction[end]();
  }
  await producer.disconnect();
  // What is not committed is not shown unless it is asked for.
  assert.deepEqual((await read(topic, topic, 2)).map((m) => m.value.toString()), ["committed", "committed too"]);
  assert.deepEqual((await admin.fetchTopicOffsets(topic)).map((o) => [o.low, o.high]), [["0", "6"]]);
});

test("offsets count with the commit", async () => {
  const topic = name();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
  const producer = await transactional(topic);
  const offset = async () => (await admin.fetchOffsets({ groupId: topic, topics: [topic] }))[0].partitions[0].offset;
  for (const [end, expected] of [["abort", "-1"], ["commit", "7"]]) {
    const transaction = await producer.transaction();
    await transaction.sendOffsets({ consumerGroupId: topic, topics: [{ topic, partitions: [{ partition: 0, offset: "7" }] }] });
    await transaction[end]();
    // Kafka's markers come after its answer.
    for (let n = 0; n < 300 && (await offset()) !== expected; n++) await new Promise((later) => setTimeout(later, 50));
    assert.equal(await offset(), expected, end);
  }
  await producer.disconnect();
});

test("members come and go", async () => {
  const topic = name();
  await admin.createTopics({ topics: [{ topic, numPartitions: 4 }] });
  const members = [];
  const join = async () => {
    // It learns of a rebalance between two fetches.
    const settings = { groupId: topic, heartbeatInterval: 100, maxWaitTimeInMs: 100 };
    const member = { consumer: kafka.consumer(settings), owned: [] };
    member.consumer.on("consumer.group_join", ({ payload }) => (member.owned = payload.memberAssignment[topic] ?? []));
    members.push(member);
    await member.consumer.connect();
    await member.consumer.subscribe({ topics: [topic] });
    await member.consumer.run({ eachMessage: async () => {} });
  };
  const shares = async (expected) => {
    const seen = () => members.map((m) => m.owned.length).sort().join();
    for (let n = 0; n < 600 && seen() !== expected; n++) await new Promise((later) => setTimeout(later, 50));
    assert.equal(seen(), expected);
    assert.deepEqual(members.flatMap((m) => m.owned).sort(), [0, 1, 2, 3]);
  };
  await join();
  await shares("4");
  await join();
  await shares("2,2");
  const described = (await admin.describeGroups([topic])).groups[0];
  assert.deepEqual([described.state, described.protocol, described.members.length], ["Stable", "RoundRobinAssigner", 2]);
  await members.pop().consumer.disconnect();
  await shares("4");
  await members[0].consumer.disconnect();
});

test("settings, records and groups of an administrator", async () => {
  const topic = name();
  const configEntries = [{ name: "retention.ms", value: "600000" }];
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] });
  const retention = async () => {
    const resources = [{ type: 2, name: topic, configNames: ["retention.ms"] }];
    return (await admin.describeConfigs({ resources })).resources[0].configEntries[0].configValue;
  };
  assert.equal(await retention(), "600000");
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries: [{ name: "retention.ms", value: "700000" }] }] });
  assert.equal(await retention(), "700000");
  await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
  const producer = kafka.producer();
  await producer.connect();
  const messages = [1, 2, 3, 4].map((n) => ({ value: `${n}`, partition: 0, timestamp: `${1_700_000_000_000 + n * 1_000}` }));
  await producer.send({ topic, messages });
  await producer.disconnect();
  const later = await admin.fetchTopicOffsetsByTimestamp(topic, 1_700_000_002_500);
  assert.equal(later.find((one) => one.partition === 0).offset, "2");
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "1" }] });
  assert.equal((await admin.fetchTopicOffsets(topic)).find((one) => one.partition === 0).low, "1");
  await read(topic, topic, 3);
  assert.ok((await admin.listGroups()).groups.some((group) => group.groupId === topic));
  await admin.setOffsets({ groupId: topic, topic, partitions: [{ partition: 0, offset: "2" }] });
  assert.deepEqual((await read(topic, topic, 2)).map((m) => m.value.toString()), ["3", "4"]);
  await admin.deleteGroups([topic]);
  assert.ok(!(await admin.listGroups()).groups.some((group) => group.groupId === topic));
});
