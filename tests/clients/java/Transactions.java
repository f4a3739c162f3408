// What a program with the Java clients sees of transactions. Prints one line per fact, the same against every broker that keeps
// Kafka's promises; `xtask/src/clients/java.rs` has the expected lines.
//
// java -cp 'libs/*' Transactions.java BOOTSTRAP

import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.serialization.*;

public class Transactions {
    static String bootstrap;
    static Admin admin;
    static final String RUN = "java-txn-";

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        try (Admin a = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            admin = a;
            commitAndAbort();
            openIsInvisible();
            interleaved();
            fencing();
            offsets();
            offsetsOfAGroup();
            timeouts();
            administration();
        }
    }

    static void commitAndAbort() throws Exception {
        String topic = topic("commit", 2);
        try (Producer<String, String> p = producer("commit", 60_000)) {
            p.initTransactions();
            p.beginTransaction();
            send(p, topic, 0, "a", "b");
            send(p, topic, 1, "c");
            p.commitTransaction();
            p.beginTransaction();
            send(p, topic, 0, "x");
            send(p, topic, 1, "y", "z");
            p.abortTransaction();
            p.beginTransaction();
            send(p, topic, 1, "d");
            p.commitTransaction();
            p.beginTransaction();
            p.commitTransaction();
        }
        say("committed are", read(topic, "read_committed"));
        say("all are", read(topic, "read_uncommitted"));
        say("each marker takes an offset", ends(topic, IsolationLevel.READ_UNCOMMITTED));
    }

    static void openIsInvisible() throws Exception {
        String topic = topic("open", 1);
        try (Producer<String, String> plain = producer(null, 0); Producer<String, String> p = producer("open", 60_000)) {
            send(plain, topic, 0, "before");
            p.initTransactions();
            p.beginTransaction();
            send(p, topic, 0, "inside");
            send(plain, topic, 0, "after");
            say("while it is open", read(topic, "read_committed"));
            say("while it is open, for all", read(topic, "read_uncommitted"));
            say("last stable offset", ends(topic, IsolationLevel.READ_COMMITTED));
            say("high watermark", ends(topic, IsolationLevel.READ_UNCOMMITTED));
            p.abortTransaction();
            say("after its abort", read(topic, "read_committed"));
            say("last stable offset", ends(topic, IsolationLevel.READ_COMMITTED));
        }
    }

    static void interleaved() throws Exception {
        String topic = topic("interleaved", 3);
        Set<String> expected = new TreeSet<>();
        List<Producer<String, String>> producers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            producers.add(producer("interleaved-" + i, 60_000));
            producers.get(i).initTransactions();
        }
        for (int round = 0; round < 20; round++) {
            for (Producer<String, String> p : producers) p.beginTransaction();
            for (int n = 0; n < 6; n++) {
                for (int i = 0; i < 3; i++) {
                    String value = "r" + round + "-p" + i + "-n" + n;
                    producers.get(i).send(new ProducerRecord<>(topic, n % 3, null, value));
                    if ((round + i) % 3 != 0) expected.add(value);
                }
            }
            for (Producer<String, String> p : producers) p.flush();
            for (int i = 0; i < 3; i++) {
                if ((round + i) % 3 != 0) producers.get(i).commitTransaction();
                else producers.get(i).abortTransaction();
            }
        }
        for (Producer<String, String> p : producers) p.close();
        List<String> read = read(topic, "read_committed");
        say("interleaved: exactly what was committed", read.size() == expected.size() && expected.equals(new TreeSet<>(read)));
        say("interleaved: records in all", read(topic, "read_uncommitted").size());
    }

    static void fencing() throws Exception {
        String topic = topic("fencing", 1);
        try (Producer<String, String> first = producer("fencing", 60_000)) {
            first.initTransactions();
            first.beginTransaction();
            send(first, topic, 0, "first");
            try (Producer<String, String> second = producer("fencing", 60_000)) {
                second.initTransactions();
                say("the first one's transaction is over", ends(topic, IsolationLevel.READ_COMMITTED));
                say("the first one commits", failure(first::commitTransaction));
                second.beginTransaction();
                send(second, topic, 0, "second");
                second.commitTransaction();
            }
        }
        try (Producer<String, String> old = producer("fencing", 60_000)) {
            old.initTransactions();
            old.beginTransaction();
            send(old, topic, 0, "old");
            try (Producer<String, String> young = producer("fencing", 60_000)) {
                young.initTransactions();
                say("an old one writes", failure(() -> send(old, topic, 0, "too late")));
            }
        }
        say("who was fenced wrote nothing", read(topic, "read_committed"));
    }

    static void offsets() throws Exception {
        String topic = topic("offsets", 1);
        TopicPartition tp = new TopicPartition(topic, 0);
        try (Producer<String, String> p = producer("offsets", 60_000)) {
            p.initTransactions();
            for (boolean commit : new boolean[] {false, true}) {
                p.beginTransaction();
                ConsumerGroupMetadata group = new ConsumerGroupMetadata(RUN + "plain");
                p.sendOffsetsToTransaction(Map.of(tp, new OffsetAndMetadata(commit ? 7 : 5, "note")), group);
                say("before its end", committed(RUN + "plain"));
                if (commit) p.commitTransaction(); else p.abortTransaction();
                say(commit ? "after its commit" : "after its abort", committed(RUN + "plain"));
            }
        }
    }

    static void offsetsOfAGroup() throws Exception {
        String from = topic("from", 1), to = topic("to", 1);
        try (Producer<String, String> plain = producer(null, 0)) {
            for (int i = 0; i < 10; i++) send(plain, from, 0, "v" + i);
        }
        // Consume, transform, produce; every second attempt fails before its commit.
        for (int attempt = 0; attempt < 4; attempt++) {
            try (KafkaConsumer<String, String> c = consumer(RUN + "etl", "read_committed", 3);
                    Producer<String, String> p = producer("etl", 60_000)) {
                p.initTransactions();
                c.subscribe(List.of(from));
                ConsumerRecords<String, String> records = ConsumerRecords.empty();
                long until = System.nanoTime() + 30_000_000_000L;
                while (records.isEmpty() && System.nanoTime() < until) records = c.poll(Duration.ofMillis(100));
                p.beginTransaction();
                long next = -1;
                for (ConsumerRecord<String, String> r : records) {
                    p.send(new ProducerRecord<>(to, 0, null, r.value().toUpperCase()));
                    next = r.offset() + 1;
                }
                p.sendOffsetsToTransaction(Map.of(new TopicPartition(from, 0), new OffsetAndMetadata(next)), c.groupMetadata());
                if (attempt % 2 == 0) p.abortTransaction(); else p.commitTransaction();
            }
        }
        say("consumed, transformed, produced", read(to, "read_committed"));
        say("and committed", committed(RUN + "etl"));
        try (Producer<String, String> p = producer("etl", 60_000)) {
            p.initTransactions();
            p.beginTransaction();
            ConsumerGroupMetadata stranger = new ConsumerGroupMetadata(RUN + "etl", 99, "stranger", Optional.empty());
            say("a stranger to the group", failure(() -> {
                p.sendOffsetsToTransaction(Map.of(new TopicPartition(from, 0), new OffsetAndMetadata(1)), stranger);
                p.commitTransaction();
            }));
        }
    }

    static void timeouts() throws Exception {
        say("a timeout above the broker's", failure(() -> {
            try (Producer<String, String> p = producer("too-long", 1_000_000)) { p.initTransactions(); }
        }));
        String topic = topic("timeout", 1);
        try (Producer<String, String> p = producer("timeout", 1_000)) {
            p.initTransactions();
            p.beginTransaction();
            send(p, topic, 0, "slow");
            long until = System.nanoTime() + 40_000_000_000L;
            while (ends(topic, IsolationLevel.READ_COMMITTED).equals("0") && System.nanoTime() < until) Thread.sleep(100);
            say("its time is up", ends(topic, IsolationLevel.READ_COMMITTED));
            // The first with transactions v1, the second with v2 (KIP-890).
            String refusal = failure(p::commitTransaction);
            boolean known = Set.of("ProducerFencedException", "InvalidTxnStateException").contains(refusal);
            say("then it commits", known ? "refused" : refusal);
        }
        say("what it wrote", read(topic, "read_committed"));
    }

    static void administration() throws Exception {
        String topic = topic("admin", 1);
        TopicPartition tp = new TopicPartition(topic, 0);
        try (Producer<String, String> p = producer("admin", 60_000)) {
            p.initTransactions();
            p.beginTransaction();
            send(p, topic, 0, "a");
            TransactionDescription d = admin.describeTransactions(List.of(RUN + "admin")).description(RUN + "admin").get();
            say("described", d.state() + " " + d.transactionTimeoutMs() + " " + d.topicPartitions() + " "
                + d.transactionStartTimeMs().isPresent());
            ProducerState s = admin.describeProducers(List.of(tp)).partitionResult(tp).get().activeProducers().get(0);
            say("its producer", s.lastSequence() + " " + s.currentTransactionStartOffset() + " " + (s.producerId() == d.producerId()));
            Collection<TransactionListing> open =
                admin.listTransactions(new ListTransactionsOptions().filterStates(List.of(TransactionState.ONGOING))).all().get();
            say("listed", open.stream().map(TransactionListing::transactionalId).sorted().toList());
            say("unknown", failure(() -> admin.describeTransactions(List.of("nobody")).description("nobody").get()));
            p.commitTransaction();
            TransactionDescription after = admin.describeTransactions(List.of(RUN + "admin")).description(RUN + "admin").get();
            say("after its commit", after.state() + " " + after.topicPartitions());
            p.beginTransaction();
            send(p, topic, 0, "b");
            admin.fenceProducers(List.of(RUN + "admin")).all().get();
            say("fenced by an administrator", failure(p::commitTransaction));
        }
        try (Producer<String, String> p = producer("abort", 60_000)) {
            p.initTransactions();
            p.beginTransaction();
            send(p, topic, 0, "c");
            ProducerState s = admin.describeProducers(List.of(tp)).partitionResult(tp).get().activeProducers().stream()
                .filter(one -> one.currentTransactionStartOffset().isPresent()).findFirst().get();
            say("stable before", ends(topic, IsolationLevel.READ_COMMITTED));
            admin.abortTransaction(new AbortTransactionSpec(tp, s.producerId(), (short) s.producerEpoch(), 0)).all().get();
            say("stable after an administrator's abort", ends(topic, IsolationLevel.READ_COMMITTED));
        }
        say("what counts", read(topic, "read_committed"));
    }

    // Helpers.

    interface Act { void run() throws Exception; }

    static void say(String what, Object fact) { System.out.println(what + ": " + fact); }

    /** The exception's name, that of its cause where the client wraps it. */
    static String failure(Act act) {
        try {
            act.run();
            return "no error";
        } catch (ExecutionException e) {
            return e.getCause().getClass().getSimpleName();
        } catch (Exception e) {
            Throwable t = e;
            while (t.getClass() == KafkaException.class && t.getCause() != null) t = t.getCause();
            return t.getClass().getSimpleName();
        }
    }

    static String topic(String name, int partitions) throws Exception {
        admin.createTopics(List.of(new NewTopic(RUN + name, partitions, (short) 1))).all().get();
        return RUN + name;
    }

    static Producer<String, String> producer(String id, int timeoutMs) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "linger.ms", 0, "max.block.ms", 30_000));
        if (id != null) {
            config.put("transactional.id", RUN + id);
            config.put("transaction.timeout.ms", timeoutMs);
        }
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    static void send(Producer<String, String> p, String topic, int partition, String... values) throws Exception {
        for (String value : values) p.send(new ProducerRecord<>(topic, partition, null, value)).get();
    }

    static KafkaConsumer<String, String> consumer(String group, String isolation, int most) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "isolation.level", isolation,
            "auto.offset.reset", "earliest", "enable.auto.commit", false, "max.poll.records", most));
        if (group != null) config.put("group.id", group);
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    /** All values, partition by partition. */
    static List<String> read(String topic, String isolation) {
        try (KafkaConsumer<String, String> c = consumer(null, isolation, 500)) {
            List<TopicPartition> all = c.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition()))
                .sorted(Comparator.comparingInt(TopicPartition::partition)).toList();
            Map<Integer, List<String>> values = new TreeMap<>();
            c.assign(all);
            c.seekToBeginning(all);
            Map<TopicPartition, Long> ends = c.endOffsets(all);
            long until = System.nanoTime() + 30_000_000_000L;
            while (all.stream().anyMatch(tp -> c.position(tp) < ends.get(tp)) && System.nanoTime() < until) {
                for (ConsumerRecord<String, String> r : c.poll(Duration.ofMillis(100)))
                    values.computeIfAbsent(r.partition(), any -> new ArrayList<>()).add(r.value());
            }
            return values.values().stream().flatMap(List::stream).collect(Collectors.toList());
        }
    }

    static String ends(String topic, IsolationLevel isolation) throws Exception {
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        int partitions = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
        for (int i = 0; i < partitions; i++) asked.put(new TopicPartition(topic, i), OffsetSpec.latest());
        var all = admin.listOffsets(asked, new ListOffsetsOptions(isolation)).all().get();
        return IntStream.range(0, partitions).mapToObj(i -> "" + all.get(new TopicPartition(topic, i)).offset())
            .collect(Collectors.joining(" "));
    }

    static String committed(String group) throws Exception {
        var all = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        return all.values().stream().map(o -> o == null ? "none" : o.offset() + " " + o.metadata()).collect(Collectors.joining(", "));
    }
}
