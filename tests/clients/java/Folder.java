// Writes every kind of record to a topic, and reads all of a topic back in a form that two brokers can be compared by.
//
//   java Folder.java write BOOTSTRAP ROUND
//   java Folder.java read BOOTSTRAP

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Folder {
    static final String TOPIC = "folder";
    static final int PARTITIONS = 2;

    public static void main(String[] args) {
        try {
            run(args);
        } catch (Exception exception) {
            exception.printStackTrace();
            System.exit(1);
        }
    }

    static void run(String[] args) throws Exception {
        switch (args[0]) {
            case "write" -> {
                create(args[1]);
                write(args[1], args[2]);
            }
            case "read" -> {
                read(args[1], "read_uncommitted");
                read(args[1], "read_committed");
            }
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    static void create(String bootstrap) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            NewTopic topic = new NewTopic(TOPIC, PARTITIONS, (short) 1).configs(Map.of("segment.bytes", "1048576"));
            if (!admin.listTopics().names().get().contains(TOPIC)) {
                admin.createTopics(List.of(topic)).all().get();
            }
        }
    }

    static KafkaProducer<String, String> producer(String bootstrap, Map<String, String> more) {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        config.putAll(more);
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    static void send(KafkaProducer<String, String> producer, String what, int count) {
        for (int number = 0; number < count; number++) {
            String value = what + " " + number + " " + "x".repeat(number % 700);
            producer.send(new ProducerRecord<>(TOPIC, number % PARTITIONS, number % 3 == 0 ? null : "k" + number, value));
        }
        producer.flush();
    }

    static void write(String bootstrap, String round) {
        try (var producer = producer(bootstrap, Map.of("enable.idempotence", "false"))) {
            send(producer, "plain " + round, 3000);
        }
        for (String codec : List.of("gzip", "snappy", "lz4", "zstd")) {
            try (var producer = producer(bootstrap, Map.of("compression.type", codec))) {
                send(producer, codec + " " + round, 500);
            }
        }
        try (var producer = producer(bootstrap, Map.of("transactional.id", "id"))) {
            producer.initTransactions();
            for (int number = 0; number < 10; number++) {
                producer.beginTransaction();
                send(producer, "transaction " + number + " " + round, 20);
                if (number % 3 == 1) {
                    producer.abortTransaction();
                } else {
                    producer.commitTransaction();
                }
            }
        }
    }

    static void read(String bootstrap, String isolation) {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        config.put("isolation.level", isolation);
        try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            var partitions = IntStream.range(0, PARTITIONS).mapToObj(number -> new TopicPartition(TOPIC, number)).toList();
            var ends = consumer.endOffsets(partitions);
            for (TopicPartition partition : partitions) {
                consumer.assign(List.of(partition));
                consumer.seekToBeginning(List.of(partition));
                System.out.println(isolation + " " + partition + " ends at " + ends.get(partition));
                while (consumer.position(partition) < ends.get(partition)) {
                    for (var record : consumer.poll(Duration.ofSeconds(30))) {
                        System.out.println(record.offset() + " " + record.timestamp() + " " + record.key() + " " + record.value());
                    }
                }
            }
        }
    }
}
