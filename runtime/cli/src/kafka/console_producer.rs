//! `kafka-console-producer`: lines of standard input become records.
//!
//! Owns its flags, the settings of its producer, how a line becomes a record, and its texts. Source: Kafka 4.3's ConsoleProducer and
//! LineMessageReader, observed. Leaves reading and sending to the binary.
//! Invariant: a line gives the record that Kafka's tool makes of it, or Kafka's refusal.

use std::collections::BTreeMap;

use super::client_options::{self, Pairs, RENAMED_PRODUCER};
use crate::{
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, Flag, Given, perhaps, switch, value},
    tool::{Run, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-console-producer",
    about: "Send lines of standard input to a topic.",
    flags: FLAGS,
    commands: &[],
    run: Run::Edge,
};

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER,
    value("topic", "name", "The topic to send to."),
    value("command-config", "file", "Settings for the producer."),
    value("command-property", "name=value", "A setting for the producer."),
    value(
        "reader-property",
        "name=value",
        "How lines are read: parse.key, key.separator, parse.headers, null.marker, ...",
    ),
    value("reader-config", "file", "The same, in a file."),
    value("property", "name=value", "Old name of --reader-property."),
    value("producer-property", "name=value", "Old name of --command-property."),
    value("producer.config", "file", "Old name of --command-config."),
    perhaps("compression-codec", "codec", "none, gzip, snappy, lz4 or zstd; gzip without a value."),
    switch("sync", "Wait for each record before the next is read."),
    value("timeout", "ms", "How long a record may wait for others [default: 5]."),
    value("batch-size", "bytes", "Most bytes of a batch [default: 16384]."),
    value("max-partition-memory-bytes", "bytes", "Old name of --batch-size."),
    value("request-required-acks", "acks", "0, 1 or all [default: -1, which is all]."),
    value("request-timeout-ms", "ms", "How long a broker may take to acknowledge [default: 1500]."),
    value("message-send-max-retries", "count", "How often a record is tried again [default: 3]."),
    value("retry-backoff-ms", "ms", "Between two tries [default: 100]."),
    value("max-block-ms", "ms", "How long a record waits for a cluster that is away [default: 60000]."),
    value("max-memory-bytes", "bytes", "Most bytes that wait to be sent [default: 33554432]."),
    value("metadata-expiry-ms", "ms", "Between two looks at the cluster [default: 300000]."),
    value("socket-buffer-size", "bytes", "The socket's send buffer [default: 102400]."),
    value("line-reader", "class", "").not_here("lines are read by what Kafka has as its default, LineMessageReader"),
    value("broker-list", "host:port", "").renamed("bootstrap-server"),
    value("zookeeper", "host:port", "")
        .ignored("there is no ZooKeeper any more; --bootstrap-server says where the cluster is"),
];

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The topic.
    pub topic: String,
    /// Java's settings for the producer.
    pub producer: Pairs,
    /// How to read lines.
    pub reader: Reader,
    /// Wait for each record.
    pub sync: bool,
    /// Milliseconds that a record waits for a cluster that is away.
    pub max_block_ms: u64,
    /// Lines to send in place of those of standard input.
    pub values: Vec<String>,
    /// A key and headers for every record.
    pub every: Line,
}

/// A record to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Names and values.
    pub headers: Vec<(String, Option<String>)>,
    /// The key.
    pub key: Option<String>,
    /// The value.
    pub value: Option<String>,
}

/// Understands the command line. Warnings about old names go to stdout, as in Kafka.
///
/// # Errors
/// What Kafka refuses, in its words.
pub fn understand(given: &Given, world: &mut dyn World) -> Result<Asked, Failure> {
    given.require(&["topic"])?;
    if !given.has("bootstrap-server") {
        return Err(Failure::usage("Missing required argument \"[bootstrap-server]\""));
    }
    if !client_options::have_ports(given)? {
        return Err(Failure::usage("Please provide valid host:port like host1:9091,host2:9092\n"));
    }
    client_options::warn_of_old_names(given, &RENAMED_PRODUCER, world)?;
    let codec = match given.has("compression-codec") {
        true => Some(given.one("compression-codec")?.filter(|codec| !codec.is_empty()).unwrap_or("gzip").to_owned()),
        false => None,
    };
    if let Some(codec) = codec.as_deref().filter(|codec| !["none", "gzip", "snappy", "lz4", "zstd"].contains(codec)) {
        return Err(Failure::new(format!(
            "Invalid value {codec} for configuration compression.type: String must be one of: none, gzip, snappy, lz4, zstd"
        )));
    }
    let mut producer = client_options::config(given, &["command-config", "producer.config"], world)?;
    producer.extend(client_options::pairs(given, &["command-property", "producer-property"])?);
    if let Some(codec) = codec {
        producer.insert("compression.type".into(), codec);
    }
    producer.insert("bootstrap.servers".into(), given.one("bootstrap-server")?.unwrap_or_default().into());
    producer.entry("client.id".into()).or_insert_with(|| "console-producer".into());
    let mut number = |flag: &str, setting: &str, default: &str| -> Result<(), Failure> {
        match given.parsed::<i64>(flag)? {
            Some(given) => drop(producer.insert(setting.into(), given.to_string())),
            None => drop(producer.entry(setting.into()).or_insert_with(|| default.into())),
        }
        Ok(())
    };
    // Kafka's tool lets a line wait for a second; whoever types wants it sent.
    number("timeout", "linger.ms", "5")?;
    number("request-timeout-ms", "request.timeout.ms", "1500")?;
    number("message-send-max-retries", "retries", "3")?;
    number("retry-backoff-ms", "retry.backoff.ms", "100")?;
    number("socket-buffer-size", "send.buffer.bytes", "102400")?;
    number("max-memory-bytes", "buffer.memory", "33554432")?;
    let batch = if given.has("batch-size") { "batch-size" } else { "max-partition-memory-bytes" };
    number(batch, "batch.size", "16384")?;
    number("metadata-expiry-ms", "metadata.max.age.ms", "300000")?;
    number("max-block-ms", "max.block.ms", "60000")?;
    match given.one("request-required-acks")? {
        Some(acks) => drop(producer.insert("acks".into(), acks.into())),
        None => drop(producer.entry("acks".into()).or_insert_with(|| "-1".into())),
    }
    let acks = &producer["acks"];
    if !["all", "-1", "0", "1"].contains(&acks.as_str()) {
        return Err(Failure::new(format!(
            "Invalid value {acks} for configuration acks: String must be one of: all, -1, 0, 1"
        )));
    }
    let max_block_ms = producer["max.block.ms"].parse().unwrap_or(60_000);
    let mut reader = client_options::config(given, &["reader-config"], world)?;
    reader.extend(client_options::pairs(given, &["reader-property", "property"])?);
    Ok(Asked {
        topic: given.one("topic")?.unwrap_or_default().into(),
        producer,
        reader: Reader::new(&reader)?,
        sync: given.has("sync"),
        max_block_ms,
        values: Vec::new(),
        every: Line::default(),
    })
}

impl Asked {
    /// The record of a line, whose number begins at 1.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn record(&self, line: &str, number: u64) -> Result<Line, Failure> {
        let mut record = self.reader.read(line, number)?;
        record.headers.extend(self.every.headers.iter().cloned());
        record.key = record.key.or_else(|| self.every.key.clone());
        Ok(record)
    }
}

/// Kafka's `LineMessageReader`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    parse_key: bool,
    parse_headers: bool,
    ignore_error: bool,
    key_separator: String,
    headers_delimiter: String,
    headers_separator: String,
    headers_key_separator: String,
    null_marker: Option<String>,
}

impl Reader {
    /// With Kafka's properties, such as `parse.key`.
    ///
    /// # Errors
    /// Separators that are equal.
    pub fn new(properties: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let is = |name: &str| properties.get(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        let text = |name: &str, default: &str| properties.get(name).map_or(default, String::as_str).to_owned();
        let reader = Self {
            parse_key: is("parse.key"),
            parse_headers: is("parse.headers"),
            ignore_error: is("ignore.error"),
            key_separator: text("key.separator", "\t"),
            headers_delimiter: text("headers.delimiter", "\t"),
            headers_separator: text("headers.separator", ","),
            headers_key_separator: text("headers.key.separator", ":"),
            null_marker: properties.get("null.marker").cloned(),
        };
        let (delimiter, separator, of_keys) =
            (&reader.headers_delimiter, &reader.headers_separator, &reader.headers_key_separator);
        for (one, other, message) in [
            (delimiter, separator, "headers.delimiter and headers.separator may not be equal"),
            (delimiter, of_keys, "headers.delimiter and headers.key.separator may not be equal"),
            (separator, of_keys, "headers.separator and headers.key.separator may not be equal"),
        ] {
            if one == other {
                return Err(Failure::new(message));
            }
        }
        if let Some(marker) = &reader.null_marker {
            for (name, value) in [
                ("key.separator", &reader.key_separator),
                ("headers.separator", separator),
                ("headers.delimiter", delimiter),
                ("headers.key.separator", of_keys),
            ] {
                if marker == value {
                    return Err(Failure::new(format!("null.marker and {name} may not be equal")));
                }
            }
        }
        Ok(reader)
    }

    /// The record of a line, whose number begins at 1.
    ///
    /// # Errors
    /// A separator that is not there, in Kafka's words.
    pub fn read(&self, line: &str, number: u64) -> Result<Line, Failure> {
        let mut rest = line;
        let headers = match self.parse_headers {
            true => self.part(&mut rest, line, &self.headers_delimiter, "headers delimiter", number)?,
            false => None,
        };
        let key = match self.parse_key {
            true => self.part(&mut rest, line, &self.key_separator, "key separator", number)?,
            false => None,
        };
        let value = self.unless_null(rest);
        let headers = headers.and_then(|headers| self.unless_null(headers));
        let headers = headers.map_or(Ok(Vec::new()), |headers| self.headers(&headers, number))?;
        Ok(Line { headers, key: key.and_then(|key| self.unless_null(key)), value })
    }

    fn part<'a>(
        &self,
        rest: &mut &'a str,
        line: &str,
        separator: &str,
        name: &str,
        number: u64,
    ) -> Result<Option<&'a str>, Failure> {
        match rest.split_once(separator) {
            Some((part, after)) => {
                *rest = after;
                Ok(Some(part))
            }
            None if self.ignore_error => Ok(None),
            None => Err(Failure::new(format!("No {name} found on line number {number}: '{line}'"))),
        }
    }

    fn headers(&self, text: &str, number: u64) -> Result<Vec<(String, Option<String>)>, Failure> {
        let one = |pair: &str| match pair.split_once(self.headers_key_separator.as_str()) {
            Some((name, _)) if self.null_marker.as_deref() == Some(name) => Err(Failure::new(format!(
                "Header keys should not be equal to the null marker '{name}' as they can't be null"
            ))),
            Some((name, value)) => Ok((name.to_owned(), self.unless_null(value))),
            None if self.ignore_error => Ok((pair.to_owned(), None)),
            None => {
                Err(Failure::new(format!("No header key separator found in pair '{pair}' on line number {number}")))
            }
        };
        text.split(self.headers_separator.as_str()).map(one).collect()
    }

    fn unless_null(&self, text: &str) -> Option<String> {
        (self.null_marker.as_deref() != Some(text)).then(|| text.to_owned())
    }
}

/// A record that was not sent; Kafka logs the same on stderr, and goes on.
pub fn not_sent(topic: &str, line: &Line, why: &str) -> String {
    let size = |text: &Option<String>| text.as_ref().map_or("null".into(), |text| format!("{} bytes", text.len()));
    let (key, value) = (size(&line.key), size(&line.value));
    format!("ERROR Error when sending message to topic {topic} with key: {key}, value: {value} with error: {why}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(properties: &[(&str, &str)]) -> Result<Reader, Failure> {
        Reader::new(&properties.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect())
    }

    fn check(properties: &[(&str, &str)], line: &str, expected: (&[(&str, Option<&str>)], Option<&str>, Option<&str>)) {
        let read = reader(properties).unwrap().read(line, 1).unwrap();
        let text = |text: Option<&str>| text.map(str::to_owned);
        let headers = expected.0.iter().map(|(name, value)| ((*name).to_owned(), text(*value))).collect();
        assert_eq!(read, Line { headers, key: text(expected.1), value: text(expected.2) }, "{line}");
    }

    const KEY: (&str, &str) = ("parse.key", "true");
    const HEADERS: (&str, &str) = ("parse.headers", "true");

    #[test]
    fn lines() {
        check(&[], "a\tb", (&[], None, Some("a\tb")));
        check(&[], "", (&[], None, Some("")));
        check(&[KEY], "a\tb\tc", (&[], Some("a"), Some("b\tc")));
        check(&[KEY, ("key.separator", "::")], "a::b", (&[], Some("a"), Some("b")));
        check(&[KEY, ("ignore.error", "true")], "a", (&[], None, Some("a")));
        check(&[KEY, HEADERS], "h1:v1,h2:v2\tk\tv", (&[("h1", Some("v1")), ("h2", Some("v2"))], Some("k"), Some("v")));
        check(&[KEY, HEADERS, ("null.marker", "NULL")], "h:NULL\tNULL\tNULL", (&[("h", None)], None, None));
        check(&[HEADERS, ("null.marker", "NULL")], "NULL\tv", (&[], None, Some("v")));
        check(&[HEADERS, ("ignore.error", "true")], "h\tv", (&[("h", None)], None, Some("v")));
    }

    #[test]
    fn refusals_are_kafkas() {
        let check = |properties: &[(&str, &str)], line: &str, says: &str| {
            let refused = reader(properties).and_then(|reader| reader.read(line, 7));
            assert_eq!(refused.unwrap_err().message, says);
        };
        check(&[KEY], "nokey", "No key separator found on line number 7: 'nokey'");
        check(&[HEADERS], "none", "No headers delimiter found on line number 7: 'none'");
        check(&[HEADERS], "h\tv", "No header key separator found in pair 'h' on line number 7");
        check(&[("headers.separator", ":")], "", "headers.separator and headers.key.separator may not be equal");
        check(&[("null.marker", "\t")], "", "null.marker and key.separator may not be equal");
        check(
            &[HEADERS, ("null.marker", "N")],
            "N:v\tx",
            "Header keys should not be equal to the null marker 'N' as they can't be null",
        );
    }

    #[test]
    fn what_was_not_sent() {
        let line = Line { value: Some("ab".into()), ..Line::default() };
        assert_eq!(
            not_sent("t", &line, "why"),
            "ERROR Error when sending message to topic t with key: null, value: 2 bytes with error: why\n"
        );
    }
}
