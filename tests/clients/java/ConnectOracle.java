import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/**
 * Asks the real Kafka Connect classes: one case per line of standard input, one answer per line of standard output, both JSON.
 * Keys and values are the bytes of a topic, in base64, as the converters named in the case read and write them.
 */
public class ConnectOracle {
    static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            ObjectNode answer = JSON.createObjectNode();
            try {
                JsonNode asked = JSON.readTree(line);
                switch (asked.get("op").asText()) {
                    case "transform": transform(asked, answer); break;
                    case "convert": convert(asked, answer); break;
                    case "header": header(asked, answer); break;
                    case "keys": keys(asked, answer); break;
                    case "message": message(asked, answer); break;
                    default: throw new IllegalArgumentException("no such op");
                }
            } catch (Throwable error) {
                answer.removeAll();
                answer.put("class", error.getClass().getName());
                answer.put("message", error.getMessage());
            }
            out.println(JSON.writeValueAsString(answer));
        }
        out.flush();
    }

    /** Reads a message of Kafka's protocol, and writes it as Kafka's tools show it. */
    static void message(JsonNode asked, ObjectNode answer) throws Exception {
        short version = (short) asked.get("version").asInt();
        Class<?> type = Class.forName(asked.get("message").asText());
        Object message = type.getConstructor().newInstance();
        ByteBufferAccessor readable = new ByteBufferAccessor(ByteBuffer.wrap(bytes(asked.get("bytes"))));
        ((Message) message).read(readable, version);
        Class<?> writer = Class.forName(type.getName() + "JsonConverter");
        answer.put("left", readable.remaining());
        answer.put("json", writer.getMethod("write", type, short.class).invoke(null, message, version).toString());
    }

    /** Reads key and value, applies the transform if its predicate (if any) says so, writes them. */
    static void transform(JsonNode asked, ObjectNode answer) throws Exception {
        Converter key = converter(asked.get("key.converter"), true);
        Converter value = converter(asked.get("value.converter"), false);
        String topic = asked.get("topic").asText();
        SchemaAndValue k = key.toConnectData(topic, bytes(asked.get("key")));
        SchemaAndValue v = value.toConnectData(topic, bytes(asked.get("value")));
        ConnectHeaders headers = new ConnectHeaders();
        try (SimpleHeaderConverter simple = new SimpleHeaderConverter()) {
            for (JsonNode header : asked.withArray("headers")) {
                byte[] raw = bytes(header.get(1));
                headers.add(header.get(0).asText(), simple.toConnectHeader(topic, header.get(0).asText(), raw));
            }
            Integer partition = asked.hasNonNull("partition") ? asked.get("partition").asInt() : null;
            Long timestamp = asked.hasNonNull("timestamp") ? asked.get("timestamp").asLong() : null;
            ConnectRecord<?> record = asked.hasNonNull("offset")
                ? new SinkRecord(topic, partition, k.schema(), k.value(), v.schema(), v.value(), asked.get("offset").asLong(),
                    timestamp, TimestampType.CREATE_TIME, headers)
                : new SourceRecord(null, null, topic, partition, k.schema(), k.value(), v.schema(), v.value(), timestamp, headers);
            ConnectRecord<?> after = apply(asked, record);
            if (after == null) {
                answer.put("dropped", true);
                return;
            }
            answer.put("topic", after.topic());
            answer.put("partition", after.kafkaPartition());
            answer.put("timestamp", after.timestamp());
            answer.put("key", text(key.fromConnectData(topic, after.keySchema(), after.key())));
            answer.put("value", text(value.fromConnectData(topic, after.valueSchema(), after.value())));
            ArrayNode list = answer.putArray("headers");
            for (Header header : after.headers()) {
                ArrayNode pair = list.addArray();
                pair.add(header.key());
                pair.add(text(simple.fromConnectHeader(topic, header.key(), header.schema(), header.value())));
            }
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    static ConnectRecord<?> apply(JsonNode asked, ConnectRecord<?> record) throws Exception {
        if (asked.hasNonNull("predicate")) {
            Predicate predicate = (Predicate) Class.forName(asked.get("predicate").asText()).getDeclaredConstructor().newInstance();
            predicate.configure(strings(asked.get("predicate.config")));
            if (!predicate.test(record)) {
                return record;
            }
        }
        Transformation transform = (Transformation) Class.forName(asked.get("class").asText()).getDeclaredConstructor().newInstance();
        transform.configure(strings(asked.get("config")));
        return transform.apply(record);
    }

    /** Reads bytes, says what they are, and writes them with the second converter. */
    static void convert(JsonNode asked, ObjectNode answer) throws Exception {
        SchemaAndValue read = converter(asked.get("from"), false).toConnectData("t", bytes(asked.get("data")));
        answer.put("text", String.valueOf(read.value()));
        answer.put("data", text(converter(asked.get("to"), false).fromConnectData("t", read.schema(), read.value())));
    }

    static void header(JsonNode asked, ObjectNode answer) throws Exception {
        try (SimpleHeaderConverter simple = new SimpleHeaderConverter()) {
            SchemaAndValue read = simple.toConnectHeader("t", "h", bytes(asked.get("data")));
            answer.put("schema", read.schema() == null ? null : String.valueOf(read.schema()));
            answer.put("data", text(simple.fromConnectHeader("t", "h", read.schema(), read.value())));
        }
    }

    static void keys(JsonNode asked, ObjectNode answer) throws Exception {
        Object plugin = Class.forName(asked.get("class").asText()).getDeclaredConstructor().newInstance();
        ConfigDef def = plugin instanceof Transformation ? ((Transformation<?>) plugin).config() : ((Predicate<?>) plugin).config();
        ArrayNode list = answer.putArray("keys");
        for (ConfigDef.ConfigKey key : def.configKeys().values()) {
            ObjectNode row = list.addObject();
            row.put("name", key.name);
            row.put("type", String.valueOf(key.type));
            row.put("required", !key.hasDefault());
            row.put("default", key.hasDefault() ? ConfigDef.convertToString(key.defaultValue, key.type) : null);
            row.put("importance", String.valueOf(key.importance));
            row.put("group", key.group);
            row.put("order", key.orderInGroup);
            row.put("width", String.valueOf(key.width));
            row.put("display", key.displayName);
            row.put("validator", key.validator == null ? null : String.valueOf(key.validator));
        }
    }

    static Converter converter(JsonNode named, boolean isKey) throws Exception {
        Converter converter = (Converter) Class.forName(named.get("class").asText()).getDeclaredConstructor().newInstance();
        converter.configure(strings(named.get("config")), isKey);
        return converter;
    }

    static Map<String, String> strings(JsonNode object) {
        Map<String, String> map = new HashMap<>();
        if (object != null) {
            object.fields().forEachRemaining(entry -> map.put(entry.getKey(), entry.getValue().asText()));
        }
        return map;
    }

    static byte[] bytes(JsonNode text) {
        return text == null || text.isNull() ? null : Base64.getDecoder().decode(text.asText());
    }

    static String text(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }
}
