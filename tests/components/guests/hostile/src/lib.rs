//! A source and a sink that do, in the call that `in` names, what `do` says.

use connect_sdk::{
    About, Ack, Batch, Config, Definition, Error, Importance, Issue, Key, Kind, Poll, Put, RawConfig, Records,
    SinkConnector, SourceConnector, TopicPartition, TpOffset, export_source_and_sink, host,
};
use std::hint::black_box;

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

fn misbehave(deed: &str) -> Result<(), Error> {
    match deed {
        "panic" => panic!("told to panic"),
        "abort" => std::process::abort(),
        "overflow" => {
            black_box(recurse(1));
        }
        "divide" => {
            black_box(1 / black_box(0i32));
        }
        "loop" => loop {
            black_box(());
        },
        "loop-calling" => loop {
            black_box(host::stopping());
        },
        "hog" => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(black_box(vec![1u8; 1 << 20]));
            }
        }
        "requests" => loop {
            host::sink::request_commit();
        },
        "log" => {
            for n in 0..100_000 {
                host::log::info(&format!("line {n} {}", "x".repeat(1000)));
            }
        }
        "state" => {
            for n in 0..1000 {
                host::state::put(&n.to_string(), &[0; 100])?;
            }
        }
        "passwd" => {
            host::files::Reader::open("passwd")?;
        }
        "std-file" => {
            std::fs::read("/etc/passwd").map_err(|error| Error::fatal("std", error.to_string()))?;
        }
        "std-socket" => {
            std::net::TcpStream::connect("127.0.0.1:1").map_err(|error| Error::fatal("std", error.to_string()))?;
        }
        "retriable" => return Err(Error::retriable("hostile.later", "try again")),
        "fatal" => return Err(Error::fatal("hostile.never", "it is over")),
        other => panic!("unknown deed {other}"),
    }
    Ok(())
}

// The point is that it does not end.
#[allow(unconditional_recursion)]
fn recurse(n: u64) -> u64 {
    black_box([n; 1000])[999] + recurse(black_box(n + 1))
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
        deed(config, "connector.task-configs")?;
        Ok(vec![config.raw().clone()])
    }
    fn start(config: &Config) -> Result<Self, Error> {
        deed(config, "start")?;
        Ok(Self(Hostile::new(config)))
    }
    fn poll(&mut self, out: &mut Records) -> Result<Poll, Error> {
        if self.0.call == "poll" && self.0.deed == "flood" {
            out.topic("t");
            (0..40_000).for_each(|_| out.push_text(&"x".repeat(1000)));
        }
        if self.0.deed != "flood" {
            self.0.at("poll")?;
        }
        out.topic("t");
        out.push_text("still here");
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
