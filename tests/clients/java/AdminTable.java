// Some sixty Admin calls, one line of output each, so that two brokers can be compared line by line.
//
// Usage: java -cp 'libs/*' AdminTable.java BOOTSTRAP
// Ids, sizes, times and addresses, which differ from run to run, are left out. The broker must be fresh and its node id 1.

import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.*;

public class AdminTable {
    interface Call { Object run() throws Exception; }

    static Admin admin;
    static final ConfigResource TOPIC = topic("admin-a");
    static final ConfigResource BROKER = new ConfigResource(ConfigResource.Type.BROKER, "1");
    static final ConfigResource CLUSTER = new ConfigResource(ConfigResource.Type.BROKER, "");
    static final TopicPartition A0 = new TopicPartition("admin-a", 0);
    static final TopicPartition NONE = new TopicPartition("admin-none", 0);

    static ConfigResource topic(String name) { return new ConfigResource(ConfigResource.Type.TOPIC, name); }

    static void say(String name, Call call) {
        String said;
        try {
            Object result = call.run();
            if (result instanceof KafkaFuture<?> future) result = future.get(20, TimeUnit.SECONDS);
            said = String.valueOf(result);
        } catch (ExecutionException e) {
            said = e.getCause().getClass().getSimpleName() + ": " + e.getCause().getMessage();
        } catch (Throwable e) {
            said = e.getClass().getSimpleName() + ": " + e.getMessage();
        }
        System.out.println(name + " = " + said.replace("\n", " "));
    }

    static Object each(Map<?, ? extends KafkaFuture<?>> futures) {
        return futures.entrySet().stream().map(entry -> {
            try {
                return entry.getKey() + " " + entry.getValue().get(20, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                return entry.getKey() + " " + e.getCause().getClass().getSimpleName() + ": " + e.getCause().getMessage();
            } catch (Exception e) {
                return entry.getKey() + " " + e;
            }
        }).sorted().collect(Collectors.joining("; "));
    }

    static Object alter(ConfigResource resource, boolean validate, AlterConfigOp... ops) {
        var said = each(admin.incrementalAlterConfigs(Map.of(resource, List.of(ops)), new AlterConfigsOptions().validateOnly(validate)).values());
        // Kafka's controller has decided; its broker learns of it a moment later.
        if (!validate) settle();
        return said;
    }

    static void settle() {
        try {
            Thread.sleep(500);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    static AlterConfigOp op(String name, String value, AlterConfigOp.OpType type) {
        return new AlterConfigOp(new ConfigEntry(name, value), type);
    }

    static AlterConfigOp set(String name, String value) { return op(name, value, AlterConfigOp.OpType.SET); }

    static AlterConfigOp delete(String name) { return op(name, "", AlterConfigOp.OpType.DELETE); }

    static String entry(ConfigEntry entry) {
        String synonyms = entry.synonyms().stream().map(s -> s.name() + ":" + s.value() + ":" + s.source()).collect(Collectors.joining(","));
        return entry.name() + "=" + entry.value() + " " + entry.source() + " " + entry.type() + " ro=" + entry.isReadOnly()
            + " secret=" + entry.isSensitive() + " [" + synonyms + "]";
    }

    static Object configs(ConfigResource resource, String... names) throws Exception {
        Config config = admin.describeConfigs(List.of(resource), new DescribeConfigsOptions().includeSynonyms(true))
            .all().get(20, TimeUnit.SECONDS).get(resource);
        Set<String> wanted = Set.of(names);
        return config.entries().stream().filter(e -> wanted.isEmpty() || wanted.contains(e.name()))
            .map(AdminTable::entry).sorted().collect(Collectors.joining("; "));
    }

    static Object create(NewTopic... topics) { return createWith(new CreateTopicsOptions(), topics); }

    static Object createWith(CreateTopicsOptions options, NewTopic... topics) {
        return each(admin.createTopics(List.of(topics), options).values());
    }

    static Object grow(boolean validate, String topic, NewPartitions partitions) {
        return each(admin.createPartitions(Map.of(topic, partitions), new CreatePartitionsOptions().validateOnly(validate)).values());
    }

    static Object offsets(OffsetSpec spec, TopicPartition partition) {
        KafkaFuture<ListOffsetsResult.ListOffsetsResultInfo> found = admin.listOffsets(Map.of(partition, spec)).partitionResult(partition);
        return found.thenApply(info -> info.offset() + (info.timestamp() < 0 ? " " + info.timestamp() : " at a time"));
    }

    static String group(ConsumerGroupDescription d) {
        return d.groupId() + " " + d.groupState() + " " + d.type() + " simple=" + d.isSimpleConsumerGroup() + " assignor="
            + d.partitionAssignor() + " members=" + d.members().size() + " coordinator=" + d.coordinator().id();
    }

    static TopicDescription described(String name) throws Exception {
        return admin.describeTopics(List.of(name)).allTopicNames().get(20, TimeUnit.SECONDS).get(name);
    }

    static String partitions(TopicDescription d) {
        return d.name() + " internal=" + d.isInternal() + " " + d.partitions().stream().map(p -> p.partition() + ":"
            + p.leader().id() + ":" + p.replicas().stream().map(Node::id).toList() + ":" + p.isr().stream().map(Node::id).toList()).toList();
    }

    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", args[0]);
        properties.put("request.timeout.ms", "10000");
        properties.put("default.api.timeout.ms", "15000");
        admin = Admin.create(properties);
        topics();
        configs();
        data(args[0]);
        groups(args[0]);
        cluster();
        security();
        say("delete topics", () -> each(admin.deleteTopics(List.of("admin-a", "admin-b", "admin-none")).topicNameValues()));
        admin.close();
    }

    static void topics() {
        say("create", () -> create(new NewTopic("admin-a", 2, (short) 1), new NewTopic("admin-b", Optional.empty(), Optional.empty())));
        say("create again", () -> create(new NewTopic("admin-a", 2, (short) 1)));
        say("create, what came", () -> {
            var made = admin.createTopics(List.of(new NewTopic("admin-c", 3, (short) 1).configs(Map.of("retention.ms", "1000"))));
            return made.numPartitions("admin-c").get() + " " + made.replicationFactor("admin-c").get() + " "
                + entry(made.config("admin-c").get().get("retention.ms"));
        });
        say("create, validate", () -> createWith(new CreateTopicsOptions().validateOnly(true), new NewTopic("admin-v", 1, (short) 1)));
        say("create, replication 2", () -> create(new NewTopic("admin-x", 1, (short) 2)));
        say("create, replication 0", () -> create(new NewTopic("admin-x", 1, (short) 0)));
        say("create, 0 partitions", () -> create(new NewTopic("admin-x", 0, (short) 1)));
        say("create, name", () -> create(new NewTopic("admin x", 1, (short) 1)));
        say("create, dots", () -> create(new NewTopic("..", 1, (short) 1)));
        say("create, long", () -> create(new NewTopic("x".repeat(250), 1, (short) 1)));
        say("create, collision", () -> { create(new NewTopic("admin.d", 1, (short) 1)); return create(new NewTopic("admin_d", 1, (short) 1)); });
        say("create, config unknown", () -> create(new NewTopic("admin-x", 1, (short) 1).configs(Map.of("no.such", "1"))));
        say("create, config bad", () -> create(new NewTopic("admin-x", 1, (short) 1).configs(Map.of("retention.ms", "soon"))));
        say("create, config range", () -> create(new NewTopic("admin-x", 1, (short) 1).configs(Map.of("segment.bytes", "1"))));
        say("create, config word", () -> create(new NewTopic("admin-x", 1, (short) 1).configs(Map.of("cleanup.policy", "burn"))));
        say("create, assigned", () -> create(new NewTopic("admin-m", Map.of(0, List.of(1), 1, List.of(1)))));
        say("create, assigned to nobody", () -> create(new NewTopic("admin-x", Map.of(0, List.of(7)))));
        say("create, assigned twice", () -> create(new NewTopic("admin-x", Map.of(0, List.of(1, 1)))));
        say("create, assigned with a gap", () -> create(new NewTopic("admin-x", Map.of(0, List.of(1), 2, List.of(1)))));
        say("create, assigned empty", () -> create(new NewTopic("admin-x", Map.of(0, List.of()))));
        say("list", () -> admin.listTopics().names().get().stream().filter(n -> n.startsWith("admin")).sorted().toList());
        say("describe", () -> partitions(described("admin-a")));
        say("describe by id", () -> {
            Uuid id = described("admin-a").topicId();
            return partitions(admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).topicIdValues().get(id).get());
        });
        say("describe nothing", () -> described("admin-none"));
        say("describe no id", () -> {
            Uuid id = new Uuid(7, 7);
            return admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).topicIdValues().get(id);
        });
        say("grow", () -> grow(false, "admin-a", NewPartitions.increaseTo(3)));
        say("grow, validate", () -> grow(true, "admin-a", NewPartitions.increaseTo(9)));
        say("grow, fewer", () -> grow(false, "admin-a", NewPartitions.increaseTo(1)));
        say("grow, as many", () -> grow(false, "admin-a", NewPartitions.increaseTo(3)));
        say("grow, none", () -> grow(false, "admin-a", NewPartitions.increaseTo(0)));
        say("grow, unknown", () -> grow(false, "admin-none", NewPartitions.increaseTo(3)));
        say("grow, assigned", () -> grow(false, "admin-b", NewPartitions.increaseTo(2, List.of(List.of(1)))));
        say("grow, assigned to nobody", () -> grow(false, "admin-b", NewPartitions.increaseTo(3, List.of(List.of(7)))));
        say("grow, assigned too many", () -> grow(false, "admin-b", NewPartitions.increaseTo(3, List.of(List.of(1), List.of(1)))));
        say("grown", () -> partitions(described("admin-a")) + " " + partitions(described("admin-b")));
    }

    static void configs() {
        say("configs", () -> ((String) configs(TOPIC)).replaceAll("min.insync.replicas[^;]*; ", ""));
        say("configs, some", () -> configs(topic("admin-c"), "retention.ms", "segment.ms"));
        say("configs, unknown", () -> configs(topic("admin-none")));
        say("alter", () -> alter(TOPIC, false, set("retention.ms", "5000"), set("max.message.bytes", "2000")));
        say("altered", () -> configs(TOPIC, "retention.ms", "max.message.bytes"));
        say("alter, validate", () -> alter(TOPIC, true, set("retention.ms", "6000")));
        say("alter, append", () -> alter(TOPIC, false, op("cleanup.policy", "compact", AlterConfigOp.OpType.APPEND)));
        say("appended", () -> configs(TOPIC, "cleanup.policy", "retention.ms"));
        say("alter, subtract", () -> alter(TOPIC, false, op("cleanup.policy", "compact", AlterConfigOp.OpType.SUBTRACT)));
        say("subtracted", () -> configs(TOPIC, "cleanup.policy"));
        say("alter, append to a number", () -> alter(TOPIC, false, op("retention.ms", "1", AlterConfigOp.OpType.APPEND)));
        say("alter, delete", () -> alter(TOPIC, false, delete("retention.ms"), delete("cleanup.policy")));
        say("deleted", () -> configs(TOPIC, "retention.ms", "cleanup.policy"));
        say("alter, delete what is not set", () -> alter(TOPIC, false, delete("segment.ms")));
        say("alter, unknown name", () -> alter(TOPIC, false, set("no.such", "1")));
        say("alter, bad value", () -> alter(TOPIC, false, set("retention.ms", "soon")));
        say("alter, out of range", () -> alter(TOPIC, false, set("retention.ms", "-2")));
        say("alter, unknown topic", () -> alter(topic("admin-none"), false, set("retention.ms", "1")));
        say("alter, name twice", () -> alter(TOPIC, false, set("retention.ms", "1"), delete("retention.ms")));
        say("alter, no topic", () -> alter(topic(""), false, set("retention.ms", "1")));
        say("alter broker", () -> alter(BROKER, false, set("log.retention.ms", "7000")));
        say("altered broker", () -> configs(BROKER, "log.retention.ms") + " | " + configs(TOPIC, "retention.ms"));
        say("alter cluster", () -> alter(CLUSTER, false, set("log.retention.ms", "8000"), set("log.segment.bytes", "2000000")));
        say("altered cluster", () -> configs(BROKER, "log.retention.ms", "log.segment.bytes") + " | " + configs(CLUSTER, "log.retention.ms", "log.segment.bytes") + " | " + configs(TOPIC, "retention.ms", "segment.bytes"));
        say("alter back", () -> alter(BROKER, false, delete("log.retention.ms")) + " " + alter(CLUSTER, false, delete("log.retention.ms"), delete("log.segment.bytes")));
        say("altered back", () -> configs(BROKER, "log.retention.ms", "log.segment.bytes") + " | " + configs(TOPIC, "retention.ms", "segment.bytes"));
        say("alter broker, not dynamic", () -> alter(BROKER, false, set("num.partitions", "3")));
        say("alter broker, bad value", () -> alter(BROKER, false, set("log.retention.ms", "soon")));
        say("alter broker, not a number", () -> alter(new ConfigResource(ConfigResource.Type.BROKER, "x"), false, set("log.retention.ms", "7000")));
        say("configs broker", () -> configs(BROKER, "node.id", "num.partitions", "auto.create.topics.enable", "delete.topic.enable", "message.max.bytes", "log.cleanup.policy", "compression.type"));
        say("configs group", () -> configs(new ConfigResource(ConfigResource.Type.GROUP, "g"), "none"));
        say("config resources", () -> admin.listConfigResources(Set.of(ConfigResource.Type.TOPIC), new ListConfigResourcesOptions()).all()
            .get().stream().map(ConfigResource::name).filter(n -> n.startsWith("admin")).sorted().toList());
    }

    static void data(String bootstrap) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        try (var producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
            for (int n = 0; n < 10; n++) producer.send(new ProducerRecord<>("admin-a", 0, 1_700_000_000_000L + n % 7, "k" + n, "v" + n)).get();
            say("produce, too large", () -> {
                try {
                    return producer.send(new ProducerRecord<>("admin-a", 0, "k", "x".repeat(5000))).get();
                } catch (ExecutionException e) {
                    return e.getCause().getClass().getSimpleName();
                }
            });
        }
        say("offsets, earliest", () -> offsets(OffsetSpec.earliest(), A0));
        say("offsets, latest", () -> offsets(OffsetSpec.latest(), A0));
        say("offsets, max timestamp", () -> offsets(OffsetSpec.maxTimestamp(), A0));
        say("offsets, by time", () -> offsets(OffsetSpec.forTimestamp(1_700_000_000_003L), A0));
        say("offsets, later than all", () -> offsets(OffsetSpec.forTimestamp(1_800_000_000_000L), A0));
        say("offsets, earliest local", () -> offsets(OffsetSpec.earliestLocal(), A0));
        say("offsets, latest tiered", () -> offsets(OffsetSpec.latestTiered(), A0));
        say("log dirs", () -> {
            var dirs = admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1);
            var dir = dirs.values().iterator().next();
            var size = dir.replicaInfos().get(A0).size();
            return dirs.size() + " " + (dir.error() == null) + " " + dir.replicaInfos().keySet().stream().filter(p -> p.topic().startsWith("admin"))
                .map(String::valueOf).sorted().toList() + " " + (size > 500 && size < 2000) + " " + dir.totalBytes().isPresent() + dir.usableBytes().isPresent();
        });
    }

    static void groups(String bootstrap) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("group.id", "admin-g");
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        var strings = new StringDeserializer();
        try (var consumer = new KafkaConsumer<>(properties, strings, strings)) {
            consumer.subscribe(List.of("admin-a"));
            while (consumer.poll(java.time.Duration.ofMillis(200)).isEmpty()) { }
            consumer.commitSync(Map.of(A0, new OffsetAndMetadata(4, "note")));
            say("groups", () -> admin.listGroups().all().get().stream().filter(g -> g.groupId().startsWith("admin"))
                .map(g -> g.groupId() + " " + g.type() + " " + g.protocol() + " " + g.groupState()).sorted().toList());
            say("groups, classic and stable", () -> admin.listGroups(new ListGroupsOptions().inGroupStates(Set.of(GroupState.STABLE)).withTypes(Set.of(GroupType.CLASSIC)))
                .all().get().stream().map(GroupListing::groupId).filter(g -> g.startsWith("admin")).toList());
            say("groups, other type", () -> admin.listGroups(new ListGroupsOptions().withTypes(Set.of(GroupType.SHARE))).all().get().size());
            say("group", () -> admin.describeConsumerGroups(List.of("admin-g")).describedGroups().get("admin-g").thenApply(AdminTable::group));
            say("classic group", () -> admin.describeClassicGroups(List.of("admin-g")).describedGroups().get("admin-g").thenApply(d -> d.state() + " " + d.protocol() + " " + d.protocolData() + " " + d.members().size()));
            say("delete a group in use", () -> each(admin.deleteConsumerGroups(List.of("admin-g")).deletedGroups()));
            say("delete offsets in use", () -> admin.deleteConsumerGroupOffsets("admin-g", Set.of(A0)).partitionResult(A0));
            say("alter offsets in use", () -> admin.alterConsumerGroupOffsets("admin-g", Map.of(A0, new OffsetAndMetadata(1))).partitionResult(A0));
            say("remove members", () -> admin.removeMembersFromConsumerGroup("admin-g", new RemoveMembersFromConsumerGroupOptions()).all());
        }
        say("group, empty", () -> admin.describeConsumerGroups(List.of("admin-g")).describedGroups().get("admin-g").thenApply(AdminTable::group));
        say("group, unknown", () -> admin.describeConsumerGroups(List.of("admin-h")).describedGroups().get("admin-h").thenApply(AdminTable::group));
        say("offsets of a group", () -> admin.listConsumerGroupOffsets("admin-g").partitionsToOffsetAndMetadata());
        say("offsets of no group", () -> admin.listConsumerGroupOffsets("admin-h").partitionsToOffsetAndMetadata());
        say("alter offsets", () -> admin.alterConsumerGroupOffsets("admin-g", Map.of(A0, new OffsetAndMetadata(1), NONE, new OffsetAndMetadata(1))).partitionResult(A0));
        say("alter offsets, no topic", () -> admin.alterConsumerGroupOffsets("admin-g", Map.of(NONE, new OffsetAndMetadata(1))).partitionResult(NONE));
        say("alter offsets of a new group", () -> admin.alterConsumerGroupOffsets("admin-s", Map.of(A0, new OffsetAndMetadata(1))).all());
        say("group of offsets alone", () -> admin.describeConsumerGroups(List.of("admin-s")).describedGroups().get("admin-s").thenApply(AdminTable::group));
        say("delete offsets", () -> admin.deleteConsumerGroupOffsets("admin-g", Set.of(A0)).partitionResult(A0));
        say("deleted offsets", () -> admin.listConsumerGroupOffsets("admin-g").partitionsToOffsetAndMetadata());
        say("delete offsets, no topic", () -> admin.deleteConsumerGroupOffsets("admin-g", Set.of(NONE)).partitionResult(NONE));
        say("delete offsets, no group", () -> admin.deleteConsumerGroupOffsets("admin-h", Set.of(A0)).partitionResult(A0));
        say("delete groups", () -> each(admin.deleteConsumerGroups(List.of("admin-g", "admin-h", "admin-s")).deletedGroups()));
    }

    static void cluster() {
        say("cluster", () -> {
            var cluster = admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true));
            return cluster.nodes().get().size() + " " + cluster.controller().get().id() + " " + new TreeSet<>(cluster.authorizedOperations().get());
        });
        say("cluster with fenced", () -> admin.describeCluster(new DescribeClusterOptions().includeFencedBrokers(true)).nodes().get().size());
        say("quorum", () -> {
            var quorum = admin.describeMetadataQuorum().quorumInfo().get();
            return quorum.leaderId() + " " + quorum.voters().stream().map(QuorumInfo.ReplicaState::replicaId).toList() + " " + quorum.observers().size();
        });
        say("elect", () -> each(elected(ElectionType.PREFERRED, Set.of(A0, NONE))));
        say("elect unclean", () -> each(elected(ElectionType.UNCLEAN, Set.of(A0))));
        say("elect all", () -> admin.electLeaders(ElectionType.PREFERRED, null).partitions().get().size());
        say("reassign to itself", () -> reassign(A0, 1));
        say("reassign to another", () -> reassign(A0, 7));
        say("reassign to nobody", () -> reassign(A0));
        say("reassign nothing", () -> reassign(NONE, 1));
        say("reassign, cancel", () -> each(admin.alterPartitionReassignments(Map.of(A0, Optional.<NewPartitionReassignment>empty())).values()));
        say("reassignments", () -> admin.listPartitionReassignments().reassignments());
        say("replica to another folder", () -> {
            var replica = new TopicPartitionReplica("admin-a", 0, 1);
            return admin.alterReplicaLogDirs(Map.of(replica, "/no/such/folder")).values().get(replica);
        });
    }

    static Map<TopicPartition, KafkaFuture<String>> elected(ElectionType type, Set<TopicPartition> partitions) throws Exception {
        var results = admin.electLeaders(type, partitions).partitions().get(20, TimeUnit.SECONDS);
        Map<TopicPartition, KafkaFuture<String>> said = new HashMap<>();
        results.forEach((partition, error) -> said.put(partition, KafkaFuture.completedFuture(error.map(String::valueOf).orElse("elected"))));
        return said;
    }

    static Object reassign(TopicPartition partition, Integer... replicas) {
        return each(admin.alterPartitionReassignments(Map.of(partition, Optional.of(new NewPartitionReassignment(List.of(replicas))))).values());
    }

    static void security() {
        var pattern = new ResourcePattern(ResourceType.TOPIC, "admin-a", PatternType.LITERAL);
        var entry = new AccessControlEntry("User:a", "*", AclOperation.READ, AclPermissionType.ALLOW);
        say("acls", () -> admin.describeAcls(AclBindingFilter.ANY).values());
        say("acls, create", () -> admin.createAcls(List.of(new AclBinding(pattern, entry))).all());
        say("acls, delete", () -> admin.deleteAcls(List.of(AclBindingFilter.ANY)).all());
        say("quotas", () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities());
        say("scram", () -> admin.describeUserScramCredentials().all());
        say("scram of one", () -> admin.describeUserScramCredentials(List.of("nobody")).description("nobody"));
        say("scram, delete", () -> admin.alterUserScramCredentials(List.of(new UserScramCredentialDeletion("nobody", ScramMechanism.SCRAM_SHA_256))).all());
        say("tokens", () -> admin.describeDelegationToken().delegationTokens());
        say("token, create", () -> admin.createDelegationToken().delegationToken());
        say("token, renew", () -> admin.renewDelegationToken(new byte[] {1}).expiryTimestamp());
        say("token, expire", () -> admin.expireDelegationToken(new byte[] {1}).expiryTimestamp());
        say("features, unknown", () -> admin.updateFeatures(Map.of("no.such", new FeatureUpdate((short) 1, FeatureUpdate.UpgradeType.UPGRADE)), new UpdateFeaturesOptions()).all());
    }
}
