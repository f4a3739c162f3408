//! `kafka-console-producer`: reading standard input and sending it.
//!
//! Leaves the command line and the making of records to `runtime_cli`. Invariant: what was read is sent, or named on stderr, before the end.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    Message,
    config::FromClientConfigAndContext,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer},
};
use runtime_cli::{
    failure::Failure,
    flags::Given,
    java,
    kafka::console_producer::{Asked, Line, TOOL, not_sent, understand},
    world::World,
};
use runtime_core::client_settings::Client;

use super::clients::{self, Stop, Trouble};

/// While librdkafka's queue is full, and between questions.
const FULL: Duration = Duration::from_millis(2);

/// The first answers of a cluster that is there come sooner.
const FIRST: Duration = Duration::from_secs(1);

/// After Ctrl-C.
const LAST: Duration = Duration::from_secs(5);

/// Sends lines until the input ends; gives the exit code.
pub fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    let asked = understand(given, world)?;
    send(TOOL.name, &asked, world).map(|_| 0)
}

/// Sends what is asked; gives how many records were sent, and how many could not be.
pub fn send(tool: &'static str, asked: &Asked, world: &mut dyn World) -> Result<(u64, u64), Failure> {
    let sender = Arc::new(Sender::new(tool, asked)?);
    let at_the_end = sender.clone();
    Stop::listen(move |code| {
        // What was typed is on its way; a cluster that is away is not waited for long.
        let _ = at_the_end.producer.flush(LAST);
        std::process::exit(code.into());
    });
    let sent = sender.send_all(asked, world);
    // Kafka's tool sends what it has read before it says what was wrong.
    sender.finish();
    let failed = sender.producer.client().context().failed.load(Ordering::Relaxed);
    sent.map(|count| (count.saturating_sub(failed), failed))
}

struct Sender {
    producer: ThreadedProducer<Reports>,
}

/// How many records are on their way, and what became of those that are not.
struct Reports {
    trouble: Trouble,
    on_their_way: Mutex<u64>,
    less: Condvar,
    failed: AtomicU64,
}

impl Sender {
    fn new(tool: &'static str, asked: &Asked) -> Result<Self, Failure> {
        let mut java = asked.producer.clone();
        java.entry("delivery.timeout.ms".into()).or_insert_with(|| asked.max_block_ms.to_string());
        let all = matches!(java.get("acks").map(String::as_str), Some("-1" | "all"));
        java.entry("enable.idempotence".into()).or_insert_with(|| all.to_string());
        let mut config = clients::config(tool, Client::Producer, &java)?;
        // Where Java's producer sends a key, this one does too.
        config.set("partitioner", "murmur2_random");
        // Without a key, Java's stays with a partition for 16 KiB; librdkafka counts time.
        config.set("sticky.partitioning.linger.ms", "10000");
        let trouble = Trouble::new(tool, &java);
        let reports = Reports { trouble, on_their_way: Mutex::new(0), less: Condvar::new(), failed: AtomicU64::new(0) };
        let producer = ThreadedProducer::from_config_and_context(&config, reports).map_err(clients::unusable)?;
        Ok(Self { producer })
    }

    /// Gives how many records there were.
    fn send_all(&self, asked: &Asked, world: &mut dyn World) -> Result<u64, Failure> {
        if !asked.values.is_empty() {
            self.meet(&asked.topic);
            for (number, value) in (1..).zip(&asked.values) {
                self.send(&asked.topic, &asked.record(value, number)?);
            }
            return Ok(asked.values.len() as u64);
        }
        let mut lines = Lines(io::stdin().lock());
        // As Java's console: there is one if both ends are a terminal.
        let prompts = io::stdin().is_terminal() && io::stdout().is_terminal();
        for number in 1u64.. {
            if prompts {
                world.out(">");
            }
            let line = lines.next().map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
            let Some(line) = line else { return Ok(number - 1) };
            let line = asked.record(&line, number)?;
            if number == 1 {
                self.meet(&asked.topic);
            }
            self.send(&asked.topic, &line);
            if asked.sync {
                self.wait();
            }
        }
        unreachable!("nobody counts that far")
    }

    /// Waits for a broker that knows the topic, so that the first records go out at once, and together. librdkafka asks for a producer id
    /// when it hears of a topic over a broker's own connection, else half a second later; and it keeps records without a key together
    /// where it is connected. The first connection is not the broker's own.
    fn meet(&self, topic: &str) {
        let start = Instant::now();
        while start.elapsed() < FIRST {
            match self.producer.client().fetch_metadata(Some(topic), FIRST) {
                Ok(metadata) if metadata.orig_broker_id() < 0 => std::thread::sleep(FULL),
                // Who does not answer in this time is waited for as long as records may wait.
                Ok(_) | Err(_) => return,
            }
        }
    }

    fn send(&self, topic: &str, line: &Line) {
        let reports = self.producer.client().context();
        *reports.lock() += 1;
        let mut record = BaseRecord::<str, str>::to(topic);
        (record.key, record.payload) = (line.key.as_deref(), line.value.as_deref());
        if !line.headers.is_empty() {
            let all = OwnedHeaders::new_with_capacity(line.headers.len());
            record.headers = Some(
                line.headers.iter().fold(all, |all, (key, value)| all.insert(Header { key, value: value.as_deref() })),
            );
        }
        loop {
            match self.producer.send(record) {
                Ok(()) => return,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(FULL);
                }
                Err((error, _)) => {
                    let why = error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string());
                    return reports.done(Some(not_sent(topic, line, &why)));
                }
            }
        }
    }

    fn wait(&self) {
        let reports = self.producer.client().context();
        let mut waiting = reports.lock();
        while *waiting > 0 {
            waiting = reports.less.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn finish(self: &Arc<Self>) {
        // Every record comes back, in time or with its timeout; the flush spares the last ones the linger. It is told of the last one
        // late, so that nobody waits for it.
        let last = self.clone();
        std::thread::spawn(move || last.producer.flush(LAST));
        self.wait();
    }
}

impl Reports {
    fn lock(&self) -> std::sync::MutexGuard<'_, u64> {
        self.on_their_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self, failed: Option<String>) {
        if let Some(text) = failed {
            self.failed.fetch_add(1, Ordering::Relaxed);
            // There is nobody left to tell.
            let _ = io::stderr().write_all(text.as_bytes());
        }
        *self.lock() -= 1;
        self.less.notify_all();
    }
}

crate::client::client_context!(Reports, trouble);

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        self.done(result.as_ref().err().map(|(error, message)| {
            let text = |bytes: Option<&[u8]>| bytes.map(|bytes| java::text(bytes).into_owned());
            let line = Line { key: text(message.key()), value: text(message.payload()), ..Line::default() };
            let why = error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string());
            not_sent(message.topic(), &line, &why)
        }));
    }
}

/// Lines as Java's reader takes them: ended by `\n`, `\r` or both, and what is not UTF-8 replaced.
struct Lines<R>(R);

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        loop {
            let available = match self.0.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                return Ok((!line.is_empty()).then(|| java::text(&line).into_owned()));
            }
            match available.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                None => {
                    let len = available.len();
                    line.extend_from_slice(available);
                    self.0.consume(len);
                }
                Some(end) => {
                    let is_return = available[end] == b'\r';
                    line.extend_from_slice(&available[..end]);
                    // The other half of a Windows line's end, if it is here already; a terminal sends none.
                    let both = is_return && available.get(end + 1) == Some(&b'\n');
                    self.0.consume(end + 1 + usize::from(both));
                    return Ok(Some(java::text(&line).into_owned()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_in_java() {
        let mut lines = Lines(&b"a\nb\r\nc\rd\n\n\xffe"[..]);
        for expected in ["a", "b", "c", "d", "", "\u{fffd}e"] {
            assert_eq!(lines.next().unwrap().as_deref(), Some(expected));
        }
        assert_eq!(lines.next().unwrap(), None);
    }
}
