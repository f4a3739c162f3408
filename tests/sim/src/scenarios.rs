//! Exact stories, one per mistake that was found: what happened, step by step, and how it has to end.
//!
//! Owns the storyteller, who does by hand what the world does by chance. Invariant: a story has no chance in it but the disk's.

#[cfg(test)]
mod altered_configs;
#[cfg(test)]
mod compaction;
#[cfg(test)]
mod deleted_topic;
#[cfg(test)]
mod empty_log;
#[cfg(test)]
mod living_group;
#[cfg(test)]
mod old_records;
pub mod rot;
#[cfg(test)]
mod stood_still;
#[cfg(test)]
mod turned_away;
#[cfg(test)]
mod undone_commit;

use broker_core::{
    error::Error,
    request::{Batch, ConnId, CreateTopics, NewTopic, Produce, Reply, Request, RequestId},
};
use broker_store::{
    batch::{self, BatchInfo, Builder},
    buffer::Pool,
};
use bytes::Bytes;

use crate::{
    disk::{Death, Disk},
    plan::Plan,
    process::{Arrival, Process},
    random::Random,
    workload::fetch,
};

/// Who tells a story.
pub struct Story {
    disk: Disk,
    plan: Plan,
    random: Random,
    process: Option<Process>,
    now: u64,
}

impl Story {
    /// A broker on an empty disk; small journal files, segments that never fill.
    pub fn new() -> Self {
        let mut random = Random::new(1);
        let plan = Plan::plain();
        let disk = Disk::new(random.fork());
        let mut story = Self { disk, plan, random, process: None, now: 0 };
        story.start();
        story
    }

    /// Other defaults of topics, from the next start on.
    pub fn configure(&mut self, defaults: &[(&str, &str)]) {
        self.plan.topic_defaults.extend(defaults.iter().map(|(key, value)| (key.to_string(), value.to_string())));
    }

    /// The machine dies, and the broker starts again.
    pub fn die(&mut self, death: Death) {
        self.process = None;
        self.disk = self.disk.restart(death);
        self.start();
    }

    fn start(&mut self) {
        let settings = self.plan.settings(&mut self.random);
        let started = Process::start(&self.disk, settings, self.plan.sizes, Pool::new(), self.now);
        self.process = Some(started.unwrap_or_else(|error| panic!("the broker does not start: {error}")));
    }

    /// The broker of now.
    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("a story has a broker")
    }

    /// Asks, and waits for the answer; the journal works, the segments do not.
    pub fn ask(&mut self, request: Request) -> Reply {
        let now = self.now;
        self.process().ask(now, 1, request).expect("the disk of a story works")
    }

    /// Sends, and lets the core loop decide; nothing becomes durable.
    pub fn decide(&mut self, request: Request) {
        let now = self.now;
        self.process().arrive(Arrival::Request(ConnId(1), RequestId(1), request));
        self.process().turn(now, 1, usize::MAX);
    }

    /// Time passes, and the core loop turns.
    pub fn pass(&mut self, ms: u64) {
        self.now += ms;
        let now = self.now;
        self.process().turn(now, 1, usize::MAX);
    }

    /// The journal thread does all it has to, and tells the core loop.
    pub fn journal(&mut self) {
        let now = self.now;
        while self.process().has_journal_work() {
            self.process().work_journal().expect("the disk of a story works");
        }
        self.process().turn(now, 1, usize::MAX);
    }

    /// The segment thread does all it has to, and tells the core loop.
    pub fn segments(&mut self) {
        let now = self.now;
        while self.process().has_segment_work() {
            self.process().work_segments().expect("the disk of a story works");
        }
        self.process().turn(now, 1, usize::MAX);
    }

    /// The journal thread does all it has to, and the segment thread at most so many jobs.
    pub fn work(&mut self, jobs: usize) {
        for _ in 0..jobs {
            self.journal();
            if self.process().has_segment_work() {
                self.process().work_segments().expect("the disk of a story works");
            }
            self.pass(1_000);
        }
    }

    /// Everything is done, with a checkpoint.
    pub fn checkpoint(&mut self) {
        self.pass(120_000);
        while !self.process().is_quiet() {
            self.journal();
            self.segments();
            self.process().answers().clear();
        }
    }

    /// Makes a topic of one partition.
    pub fn create(&mut self, topic: &str) {
        let new = NewTopic {
            name: topic.into(),
            partitions: 1,
            replication_factor: -1,
            assignments: Vec::new(),
            configs: Vec::new(),
        };
        let reply = self.ask(Request::CreateTopics(CreateTopics { topics: vec![new], validate_only: false }));
        assert!(matches!(&reply, Reply::CreateTopics(created) if created[0].outcome.is_ok()), "{reply:?}");
    }

    /// Produces one record; the offset, or the refusal.
    pub fn produce(&mut self, topic: &str, builder: Builder, value: &str) -> Result<i64, Error> {
        let produce = produce(topic, builder, value);
        let Reply::Produce(mut topics) = self.ask(produce) else { panic!("a produce gets its own kind of answer") };
        let outcome = topics.remove(0).partitions.remove(0).outcome;
        outcome.map(|produced| produced.base_offset).map_err(|(error, _)| error)
    }

    /// The values in the topic.
    pub fn values(&mut self, topic: &str) -> Vec<String> {
        self.values_from(topic, 0)
    }

    /// The values in the topic from this offset on, as far as one answer has them.
    pub fn values_from(&mut self, topic: &str, offset: i64) -> Vec<String> {
        let reply = self.ask(fetch::request(&(topic.into(), 0), offset, 0, 1 << 20));
        let fetched = fetch::only(reply).expect("an answer to a fetch");
        assert_eq!(fetched.error, None);
        let mut bytes = fetched.records.memory.concat();
        if let Some(file) = &fetched.records.file {
            bytes = self.process().reader().read(file).expect("a segment").to_vec();
        }
        let value = |record: batch::Record<'_>| String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned();
        let mut values = Vec::new();
        let mut rest = &bytes[..];
        while let Ok(info) = BatchInfo::parse(rest) {
            values.extend(batch::records(rest).map(|record| value(record.expect("a record"))));
            rest = &rest[info.length as usize..];
        }
        values
    }
}

impl Default for Story {
    fn default() -> Self {
        Self::new()
    }
}

/// A produce of one record to partition 0.
pub fn produce(topic: &str, mut builder: Builder, value: &str) -> Request {
    builder.push(1, None, Some(value.as_bytes()), &[]);
    let bytes = Bytes::from(builder.finish());
    let info = BatchInfo::parse(&bytes).expect("a batch just built");
    let topics = vec![(topic.into(), vec![(0, Ok(Batch { info, bytes }))])];
    Request::Produce(Produce { acks: -1, transactional_id: None, topics })
}
