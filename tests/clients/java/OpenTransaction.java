import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A producer that is killed in the middle of a transaction, two hours ago by its records: BOOTSTRAP TOPIC ... One transaction was
 * committed before, and one aborted. Whoever keeps the files keeps a transaction that is open.
 */
public class OpenTransaction {
    public static void main(String[] args) throws Exception {
        long then = System.currentTimeMillis() - 2 * 60 * 60 * 1000 - 1000;
        Map<String, Object> config = Map.of("bootstrap.servers", args[0], "transactional.id", "java-killed", "linger.ms", 0);
        KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
        producer.initTransactions();
        for (String end : new String[] {"committed", "aborted", "open"}) {
            producer.beginTransaction();
            for (int topic = 1; topic < args.length; topic++) {
                producer.send(new ProducerRecord<>(args[topic], 0, then, "key", end)).get();
            }
            switch (end) {
                case "committed": producer.commitTransaction(); break;
                case "aborted": producer.abortTransaction(); break;
                default: Runtime.getRuntime().halt(0);
            }
        }
    }
}
