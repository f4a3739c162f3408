//! A source and a sink that do, in the call that `in` names, what `do` says.

use connect_sdk::{
    About, Ack, Batch, Config, Definition, Error, Importance, Issue, Key, Kind, NewRecord, Poll, Put, RawConfig,
    Records, Scalar, SinkConnector, SourceConnector, SourceOffset, TopicPartition, TpOffset, export_source_and_sink,
    host, map,
};
use deeds::misbehave;

mod deeds;

struct Hostile {
    call: String,
    deed: String,
}

impl Hostile {
    fn new(config: &Config) -> Self {
        let text = |key| config.text(key).unwrap_or_default().to_owned();
        Self { call: text("in"), deed: text("do") }
    }

    fn at(&self, call: &str) -> Result<(), Error> {
        if self.call == call { misbehave(&self.deed) } else { Ok(()) }
    }
}

fn definition() -> Definition {
    let key = |name| Key::new(name, Kind::Text, Importance::Low, "").default("");
    Definition::new([key("in"), key("do")])
}

fn deed(config: &Config, call: &str) -> Result<(), Error> {
    Hostile::new(config).at(call)
}

struct Source(Hostile);

impl SourceConnector for Source {
    fn about() -> About {
        About::new("hostile", "1", "HostileSource")
    }
    fn definition() -> Definition {
        definition()
    }
    fn validate(config: &Config) -> Vec<Issue> {
        deed(config, "validate").err().map(|e| Issue { key: "do".to_owned(), message: e.message }).into_iter().collect()
    }
    fn task_configs(config: &Config, _max_tasks: u32) -> Result<Vec<RawConfig>, Error> {
        let own = Hostile::new(config);
        match (own.call.as_str(), own.deed.as_str()) {
            ("connector.task-configs", "many") => return Ok(vec![config.raw().clone(); 10_000]),
            ("connector.task-configs", "wide") => {
                let wide = [config.raw().clone(), vec![("wide".to_owned(), "x".repeat(8 << 20))]];
                return Ok(vec![wide.concat()]);
            }
            _ => own.at("connector.task-configs")?,
        }
        Ok(vec![config.raw().clone()])
    }
    fn alter_offsets(config: &Config, _offsets: &[SourceOffset]) -> Result<bool, Error> {
        deed(config, "alter-offsets")?;
        Ok(true)
    }
    fn start(config: &Config) -> Result<Self, Error> {
        deed(config, "start")?;
        Ok(Self(Hostile::new(config)))
    }
    fn poll(&mut self, out: &mut Records) -> Result<Poll, Error> {
        let topic = host::connector_name();
        out.topic(&topic);
        if self.0.call == "poll" {
            match self.0.deed.as_str() {
                "flood" => (0..20_000).for_each(|_| out.push_text(&"x".repeat(1000))),
                "idle-at-once" => return Ok(Poll::Idle(0)),
                "other-partition" => {
                    out.push(NewRecord { partition: Some(7), value: Some(b"x"), ..NewRecord::default() })
                }
                "other-topic" => {
                    out.topic("../../etc/passwd");
                    out.push_text("x");
                }
                "long-record" => out.push_text(&"x".repeat(2 << 20)),
                "long-offset" => {
                    out.push_text("x");
                    out.checkpoint(&map("at", Scalar::Int(1)), map("to", Scalar::Text("x".repeat(2 << 20))));
                }
                "wide-offset" => {
                    out.push_text("x");
                    let wide = (0..2000).map(|n| (n.to_string(), Scalar::Int(n))).collect();
                    out.checkpoint(&map("at", Scalar::Int(1)), wide);
                }
                "twice-in-offset" => {
                    out.push_text("x");
                    let twice = [map("to", Scalar::Int(1)), map("to", Scalar::Int(2))].concat();
                    out.checkpoint(&twice, map("to", Scalar::Int(1)));
                }
                // As fast as it can, for ever.
                "firehose" => {
                    (0..10_000).for_each(|_| out.push_text(&"x".repeat(100)));
                    return Ok(Poll::Ready);
                }
                deed => misbehave(deed)?,
            }
        }
        if out.is_empty() {
            out.push_text("still here");
        }
        Ok(Poll::Ready)
    }
    fn acked(&mut self, _acks: &[Ack]) -> Result<(), Error> {
        self.0.at("on-ack")
    }
    fn committed(&mut self) -> Result<(), Error> {
        self.0.at("commit")
    }
    fn reconfigure(&mut self, _config: &Config) -> Result<bool, Error> {
        self.0.at("reconfigure").map(|()| true)
    }
    fn stop(&mut self) {
        let _ = self.0.at("stop");
    }
}

struct Sink(Hostile);

impl SinkConnector for Sink {
    fn about() -> About {
        About::new("hostile", "1", "HostileSink")
    }
    fn definition() -> Definition {
        definition()
    }
    fn start(config: &Config) -> Result<Self, Error> {
        deed(config, "start")?;
        Ok(Self(Hostile::new(config)))
    }
    fn open(&mut self, _partitions: &[TopicPartition]) -> Result<(), Error> {
        self.0.at("open")
    }
    fn put(&mut self, batch: &Batch) -> Result<Put, Error> {
        self.0.at("put")?;
        host::sink::pause(&host::sink::assignment());
        // Every record whose value is `bad` is refused by its index.
        let bad = batch.values().enumerate().filter(|(_, value)| *value == Some(b"bad"));
        Ok(bad.map(|(index, _)| (index as u32, Error::bad_data("hostile.bad", "a bad one"))).collect())
    }
    fn pre_commit(&mut self, current: Vec<TpOffset>) -> Result<Vec<TpOffset>, Error> {
        self.0.at("pre-commit")?;
        Ok(current)
    }
    fn close(&mut self, _partitions: &[TopicPartition]) -> Result<(), Error> {
        self.0.at("close")
    }
    fn stop(&mut self) {
        let _ = self.0.at("stop");
    }
}

export_source_and_sink!(Source, Sink);
