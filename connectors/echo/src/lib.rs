//! echo: the smallest source and the smallest sink, to try a worker with.
//!
//! `EchoSource` emits its `message` to `topic` every `interval.ms`; `EchoSink` writes each record it gets to the log.

use connect_sdk::host::{clock_ms, log};
use connect_sdk::{
    About, Batch, Config, Definition, Error, Format, Importance, Key, Kind, Poll, Put, Records, SinkConnector,
    SourceConnector, export_source_and_sink,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

struct EchoSource {
    topic: String,
    message: String,
    interval_ms: u64,
    next_ms: u64,
}

impl SourceConnector for EchoSource {
    fn about() -> About {
        About::new("echo", VERSION, "EchoSourceConnector")
            .text("Echo", "The source says the same every so often; the sink logs what it gets.")
            .formats(&[Format::Text])
    }

    fn definition() -> Definition {
        Definition::new([
            Key::new("topic", Kind::Text, Importance::High, "The topic to publish data to").required().non_empty(),
            Key::new("message", Kind::Text, Importance::Medium, "What to say.").default("hello"),
            Key::new("interval.ms", Kind::Int, Importance::Medium, "Milliseconds from one message to the next.")
                .default(1000)
                .at_least(1),
        ])
    }

    fn start(config: &Config) -> Result<Self, Error> {
        Ok(Self {
            topic: config.text("topic").unwrap_or_default().to_owned(),
            message: config.text("message").unwrap_or_default().to_owned(),
            interval_ms: config.int("interval.ms").unwrap_or(1000).unsigned_abs(),
            next_ms: clock_ms(),
        })
    }

    fn poll(&mut self, out: &mut Records) -> Result<Poll, Error> {
        let now = clock_ms();
        if now < self.next_ms {
            return Ok(Poll::Idle((self.next_ms - now).min(u32::MAX.into()) as u32));
        }
        out.topic(&self.topic);
        out.push_text(&self.message);
        // From now on, not from when it was due: after a pause there is one message, not all that were missed.
        self.next_ms = now + self.interval_ms;
        Ok(Poll::Ready)
    }
}

struct EchoSink;

impl SinkConnector for EchoSink {
    fn about() -> About {
        About::new("echo", VERSION, "EchoSinkConnector").formats(&[Format::Text, Format::Raw])
    }

    fn definition() -> Definition {
        Definition::default()
    }

    fn start(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn put(&mut self, batch: &Batch) -> Result<Put, Error> {
        for record in batch.iter() {
            let text = |bytes: Option<&[u8]>| bytes.map_or("null".into(), |b| String::from_utf8_lossy(b).into_owned());
            log::info(&format!(
                "{}-{}@{} key={} value={}",
                record.topic(),
                record.partition().unwrap_or(0),
                record.offset().unwrap_or(-1),
                text(record.key()),
                text(record.value())
            ));
        }
        Ok(Put::new())
    }
}

export_source_and_sink!(EchoSource, EchoSink);
