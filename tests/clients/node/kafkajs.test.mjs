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
  const consumer = kafka.consumer({ groupId });
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
