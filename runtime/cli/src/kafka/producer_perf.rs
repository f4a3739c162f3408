//! `kafka-producer-perf-test`: how fast records get to a topic.
//!
//! Owns its flags, what it sums up, and its report lines. Source: Kafka 4.3's ProducerPerformance, observed. Leaves sending and the clock
//! to the binary. Invariant: the sums take the same memory however many records are sent.

use super::client_options::{self, Pairs};
use crate::{
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, Flag, Given, several, switch, value},
    java,
    tool::{Run, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-producer-perf-test",
    about: "Measure how fast records get to a topic.",
    flags: FLAGS,
    commands: &[],
    run: Run::Edge,
};

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER,
    value("topic", "name", "The topic to send to."),
    value("num-records", "count", "How many records to send."),
    value("throughput", "rate", "Most records in a second; -1 for as many as can be."),
    value("record-size", "bytes", "Size of a record."),
    value("payload-file", "file", "Records to choose from."),
    value("payload-delimiter", "text", "What stands between them [default: a line's end]."),
    switch("payload-monotonic", "Records are the numbers from 0."),
    several("command-property", "name=value", "Settings for the producer."),
    several("producer-props", "name=value", "Old name of --command-property."),
    value("command-config", "file", "Settings for the producer."),
    value("producer.config", "file", "Old name of --command-config."),
    value("reporting-interval", "ms", "Between two lines [default: 5000]."),
    value("warmup-records", "count", "").not_here("it sends what is asked for and reports all of it"),
    switch("print-metrics", "").not_here("the Java client's metrics are not those of this one"),
    value("transactional-id", "id", "").not_here("it sends without transactions"),
    value("transaction-duration-ms", "ms", "").not_here("it sends without transactions"),
];

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The topic.
    pub topic: String,
    /// How many records.
    pub records: u64,
    /// Most records in a second.
    pub throughput: Option<u64>,
    /// What they are.
    pub payload: Payload,
    /// Java's settings for the producer.
    pub producer: Pairs,
    /// Between two lines, milliseconds.
    pub interval_ms: u64,
}

/// What the records are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// So many letters.
    Size(usize),
    /// One of these.
    OneOf(Vec<Vec<u8>>),
    /// Their number.
    Number,
}

/// The largest record that can be asked for.
const LARGEST: usize = 1 << 30;

/// Understands the command line.
///
/// # Errors
/// What is missing or cannot be.
pub fn understand(given: &Given, world: &mut dyn World) -> Result<Asked, Failure> {
    given.require(&["topic", "num-records", "throughput"])?;
    let mut producer = client_options::config(given, &["producer.config", "command-config"], world)?;
    producer.extend(client_options::pairs(given, &["producer-props", "command-property"])?);
    if let Some(servers) = given.one("bootstrap-server")? {
        producer.insert("bootstrap.servers".into(), servers.into());
    }
    if !producer.contains_key("bootstrap.servers") {
        let message = "At least one of --bootstrap-server, --command-property, --producer-props, --producer.config or --command-config must be specified.";
        return Err(Failure::usage(message));
    }
    producer.entry("client.id".into()).or_insert_with(|| "perf-producer-client".into());
    Ok(Asked {
        topic: given.one("topic")?.unwrap_or_default().into(),
        records: given.parsed_or("num-records", 0)?,
        throughput: given
            .parsed::<i64>("throughput")?
            .and_then(|rate| u64::try_from(rate).ok())
            .filter(|rate| *rate > 0),
        payload: payload(given, world)?,
        producer,
        interval_ms: given.parsed_or("reporting-interval", 5000)?,
    })
}

fn payload(given: &Given, world: &mut dyn World) -> Result<Payload, Failure> {
    let kinds = given.among(&["record-size", "payload-file", "payload-monotonic"]);
    match kinds.as_slice() {
        ["record-size"] => {
            let size = given.parsed_or::<usize>("record-size", 0)?;
            if size == 0 || size > LARGEST {
                return Err(Failure::new("--record-size should be greater than zero."));
            }
            Ok(Payload::Size(size))
        }
        ["payload-file"] => {
            let path = given.one("payload-file")?.unwrap_or_default();
            let bytes = world.read(path).map_err(|why| Failure::new(format!("{path}: {why}")))?;
            let text = java::text(&bytes).into_owned();
            let delimiter = given.one("payload-delimiter")?.unwrap_or("\n").replace("\\n", "\n");
            let all: Vec<Vec<u8>> = text
                .split(delimiter.as_str())
                .filter(|one| !one.is_empty())
                .map(|one| one.as_bytes().to_vec())
                .collect();
            if all.is_empty() {
                return Err(Failure::new(format!("File does not exist or empty file provided: {path}")));
            }
            Ok(Payload::OneOf(all))
        }
        ["payload-monotonic"] => Ok(Payload::Number),
        _ => Err(Failure::usage(
            "exactly one of the arguments --record-size, --payload-file and --payload-monotonic is needed",
        )),
    }
}

/// Latencies are counted by the millisecond up to this one; what is slower counts as this.
const SLOWEST_MS: usize = 120_000;

/// What was sent so far, and since the last line.
#[derive(Clone, Debug)]
pub struct Stats {
    latencies: Vec<u64>,
    all: Sum,
    window: Sum,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    records: u64,
    bytes: u64,
    latency_ms: u64,
    slowest_ms: u64,
}

impl Sum {
    fn add(&mut self, bytes: u64, ms: u64) {
        self.records += 1;
        self.bytes += bytes;
        self.latency_ms += ms;
        self.slowest_ms = self.slowest_ms.max(ms);
    }

    fn rates(&self, elapsed_ms: u64) -> (f64, f64, f64) {
        let seconds = elapsed_ms.max(1) as f64 / 1000.0;
        let average = self.latency_ms as f64 / self.records.max(1) as f64;
        (self.records as f64 / seconds, self.bytes as f64 / seconds / 1048576.0, average)
    }
}

impl Default for Stats {
    fn default() -> Self {
        Self { latencies: vec![0; SLOWEST_MS + 1], all: Sum::default(), window: Sum::default() }
    }
}

impl Stats {
    /// A record of so many bytes was acknowledged after so long.
    pub fn add(&mut self, bytes: u64, ms: u64) {
        self.latencies[(ms as usize).min(SLOWEST_MS)] += 1;
        self.all.add(bytes, ms);
        self.window.add(bytes, ms);
    }

    /// The line about what came since the last one, `elapsed_ms` ago; nothing if nothing came.
    pub fn window(&mut self, elapsed_ms: u64) -> Option<String> {
        let sum = core::mem::take(&mut self.window);
        let (rate, megabytes, average) = sum.rates(elapsed_ms);
        (sum.records > 0).then(|| {
            format!(
                "{} records sent, {rate:.1} records/sec ({megabytes:.2} MB/sec), {average:.1} ms avg latency, {:.1} ms max latency.\n",
                sum.records, sum.slowest_ms as f64
            )
        })
    }

    /// The last line.
    pub fn total(&self, elapsed_ms: u64) -> String {
        let (rate, megabytes, average) = self.all.rates(elapsed_ms);
        let [half, most, nearly, all] = [0.5, 0.95, 0.99, 0.999].map(|part| self.percentile(part));
        format!(
            "{} records sent, {rate:.6} records/sec ({megabytes:.2} MB/sec), {average:.2} ms avg latency, {:.2} ms max latency, \
             {half} ms 50th, {most} ms 95th, {nearly} ms 99th, {all} ms 99.9th.\n",
            self.all.records, self.all.slowest_ms as f64
        )
    }

    /// Milliseconds within which that part of the records was acknowledged.
    fn percentile(&self, part: f64) -> usize {
        let wanted = (part * self.all.records as f64) as u64;
        let mut seen = 0;
        let found = self.latencies.iter().position(|count| {
            seen += count;
            seen > wanted
        });
        found.unwrap_or(self.all.slowest_ms as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kafkas() {
        let mut stats = Stats::default();
        (0..1000).for_each(|ms| stats.add(1048, ms));
        assert_eq!(
            stats.window(2000).unwrap(),
            "1000 records sent, 500.0 records/sec (0.50 MB/sec), 499.5 ms avg latency, 999.0 ms max latency.\n"
        );
        assert_eq!(stats.window(2000), None);
        assert_eq!(
            stats.total(2000),
            "1000 records sent, 500.000000 records/sec (0.50 MB/sec), 499.50 ms avg latency, 999.00 ms max latency, \
             500 ms 50th, 950 ms 95th, 990 ms 99th, 999 ms 99.9th.\n"
        );
        assert_eq!(Stats::default().percentile(0.5), 0);
    }
}
