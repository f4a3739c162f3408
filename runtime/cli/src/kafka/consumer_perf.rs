//! `kafka-consumer-perf-test`: how fast records come from a topic.
//!
//! Owns its flags and its report lines. Source: Kafka 4.3's ConsumerPerformance, observed. Leaves consuming and the clock to the binary.
//! Times are UTC.

use super::client_options::{self, Pairs};
use crate::{
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, Flag, Given, perhaps, switch, value},
    tool::{Run, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-consumer-perf-test",
    about: "Measure how fast records come from a topic.",
    flags: FLAGS,
    commands: &[],
    run: Run::Edge,
};

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER,
    value("topic", "name", "The topic to read."),
    value("include", "regex", "The topics to read."),
    value("num-records", "count", "How many records to read."),
    value("messages", "count", "Old name of --num-records."),
    value("group", "id", "The consumer group."),
    value("fetch-size", "bytes", "Most bytes of a partition in a fetch [default: 1048576]."),
    switch("from-latest", "Begin with the next record where the group has no offset."),
    value("socket-buffer-size", "bytes", "The socket's receive buffer [default: 2097152]."),
    perhaps("timeout", "ms", "Longest wait for a record [default: 10000]."),
    switch("hide-header", "Leave out the first line."),
    value("command-property", "name=value", "A setting for the consumer."),
    value("command-config", "file", "Settings for the consumer."),
    value("consumer.config", "file", "Old name of --command-config."),
    switch("show-detailed-stats", "").not_here("it reports once, at the end"),
    value("reporting-interval", "ms", "").ignored("it reports once, at the end"),
    switch("print-metrics", "").not_here("the Java client's metrics are not those of this one"),
    value("date-format", "format", "").not_here("times are printed as yyyy-MM-dd HH:mm:ss:SSS"),
    value("broker-list", "host:port", "").renamed("bootstrap-server"),
];

/// The first line.
pub const HEADER: &str = "start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, \
     rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec\n";

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What to subscribe to, as librdkafka takes it.
    pub topic: String,
    /// How many records.
    pub records: u64,
    /// Java's settings for the consumer.
    pub consumer: Pairs,
    /// Longest wait for a record, milliseconds.
    pub timeout_ms: u64,
    /// Print [`HEADER`].
    pub header: bool,
}

/// Understands the command line.
///
/// # Errors
/// What is missing or cannot be.
pub fn understand(given: &Given, world: &mut dyn World) -> Result<Asked, Failure> {
    given.require(&["bootstrap-server"])?;
    client_options::require_topic_or_include(given)?;
    let records = match (given.parsed("num-records")?, given.parsed("messages")?) {
        (Some(records), None) | (None, Some(records)) => records,
        _ => {
            return Err(Failure::usage(
                "Exactly one of the following arguments is required: [num-records], [messages]",
            ));
        }
    };
    let mut consumer = client_options::config(given, &["command-config", "consumer.config"], world)?;
    consumer.extend(client_options::pairs(given, &["command-property"])?);
    let mut set = |name: &str, value: String| drop(consumer.insert(name.into(), value));
    set("bootstrap.servers", given.one("bootstrap-server")?.unwrap_or_default().into());
    set("max.partition.fetch.bytes", given.parsed_or("fetch-size", 1_048_576u64)?.to_string());
    set("receive.buffer.bytes", given.parsed_or("socket-buffer-size", 2_097_152u64)?.to_string());
    set("auto.offset.reset", if given.has("from-latest") { "latest" } else { "earliest" }.into());
    if let Some(group) = given.one("group")? {
        set("group.id", group.into());
    }
    consumer.entry("client.id".into()).or_insert_with(|| "perf-consumer-client".into());
    let topic = match given.one("include")? {
        Some(include) => format!("^({include})$"),
        None => given.one("topic")?.unwrap_or_default().into(),
    };
    let timeout_ms = given.parsed_or("timeout", 10_000)?;
    Ok(Asked { topic, records, consumer, timeout_ms, header: !given.has("hide-header") })
}

/// What was read, and how long it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// When it began and ended, milliseconds since 1970.
    pub start_ms: i64,
    /// When it ended.
    pub end_ms: i64,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Records.
    pub records: u64,
    /// Milliseconds until the group had given the partitions.
    pub joining_ms: u64,
}

/// The line.
pub fn line(measured: &Measured) -> String {
    let Measured { start_ms, end_ms, bytes, records, joining_ms } = *measured;
    let megabytes = bytes as f64 / 1_048_576.0;
    let elapsed = (end_ms - start_ms).max(1) as f64 / 1000.0;
    let fetching_ms = (end_ms - start_ms) as u64 - joining_ms.min((end_ms - start_ms) as u64);
    let fetching = fetching_ms.max(1) as f64 / 1000.0;
    let (count, start, end) = (records as f64, time(start_ms), time(end_ms));
    format!(
        "{start}, {end}, {megabytes:.4}, {:.4}, {records}, {:.4}, {joining_ms}, {fetching_ms}, {:.4}, {:.4}\n",
        megabytes / elapsed,
        count / elapsed,
        megabytes / fetching,
        count / fetching
    )
}

/// `yyyy-MM-dd HH:mm:ss:SSS`, in UTC (days to a date: H. Hinnant's `civil_from_days`).
fn time(ms: i64) -> String {
    let (days, of_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, millis) = (of_day / 1000, of_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}:{millis:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_kafkas() {
        // As Kafka's tool printed it for these numbers.
        let start_ms = 1_795_273_385_315;
        let measured =
            Measured { start_ms, end_ms: start_ms + 1919, bytes: 5_000_000, records: 50_000, joining_ms: 1426 };
        assert_eq!(
            line(&measured),
            "2026-11-21 15:03:05:315, 2026-11-21 15:03:07:234, 4.7684, 2.4848, 50000, 26055.2371, 1426, 493, 9.6722, 101419.8783\n"
        );
        assert_eq!(time(0), "1970-01-01 00:00:00:000");
        assert_eq!(time(1_709_208_000_000), "2024-02-29 12:00:00:000");
    }
}
