//! Where a script plays: one broker, and what it answered so far.
//!
//! Owns the transcript. Invariant: what differs from run to run (the random part of ids) is replaced by a number in the order in which
//! it was first seen, so that two brokers that behave alike have equal transcripts.

use super::ask::{Connection, PATIENCE, text};
use anyhow::{Result, ensure};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{CreateTopicsRequest, ListOffsetsRequest};
use std::fmt::Debug;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A UUID as text.
const UUID_BYTES: usize = 36;

/// What every message shows, and says nothing.
const NOTHING: [&str; 2] = [", unknown_tagged_fields: {}", "throttle_time_ms: 0, "];

/// One broker and its transcript.
pub struct Stage {
    port: u16,
    seen: Vec<String>,
    lines: Vec<(String, String)>,
}

impl Stage {
    /// An empty transcript of the broker at this port.
    pub fn new(port: u16) -> Stage {
        Stage { port, seen: Vec::new(), lines: Vec::new() }
    }

    /// A new connection to the broker.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn connect(&self, client: &str) -> Result<Connection> {
        Connection::open(self.port, client)
    }

    /// Makes a topic with these configs, and waits until its partitions are led: Kafka answers before that.
    ///
    /// # Errors
    /// When the broker refuses it, or does not lead them.
    pub fn topic(&self, name: &str, partitions: i32, configs: &[(&str, &str)]) -> Result<()> {
        let config = |(key, value): &(&str, &str)| {
            CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value)))
        };
        let topic = CreatableTopic::default()
            .with_name(text(name).into())
            .with_num_partitions(partitions)
            .with_replication_factor(1)
            .with_configs(configs.iter().map(config).collect());
        let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000);
        let made = self.connect("stage")?.ask(5, &request)?;
        ensure!(made.topics.iter().all(|topic| topic.error_code == 0), "{name} is not made: {made:?}");
        let latest = |index| ListOffsetsPartition::default().with_partition_index(index).with_timestamp(-1);
        let asked = ListOffsetsTopic::default()
            .with_name(text(name).into())
            .with_partitions((0..partitions).map(latest).collect());
        let request = ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![asked]);
        let (mut wire, start) = (self.connect("stage")?, Instant::now());
        loop {
            let answer = wire.ask(2, &request)?;
            if answer.topics.iter().flat_map(|topic| &topic.partitions).all(|partition| partition.error_code == 0) {
                return Ok(());
            }
            ensure!(start.elapsed() < PATIENCE, "{name} is not led: {answer:?}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Writes down an answer.
    pub fn note(&mut self, what: impl Into<String>, answer: impl Debug) {
        let answer = self.named(&format!("{answer:?}"));
        let answer = NOTHING.iter().fold(answer, |answer, nothing| answer.replace(nothing, ""));
        self.lines.push((what.into(), answer));
    }

    /// What was asked and what was answered.
    pub fn transcript(self) -> Vec<(String, String)> {
        self.lines
    }

    /// The text with a number for each UUID.
    fn named(&mut self, text: &str) -> String {
        let mut named = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let len = match rest.get(..UUID_BYTES).filter(|start| is_uuid(start)) {
                Some(uuid) => {
                    let known = self.seen.iter().position(|seen| seen == uuid);
                    let number = known.unwrap_or_else(|| {
                        self.seen.push(uuid.to_owned());
                        self.seen.len() - 1
                    });
                    named.push_str(&format!("#{number}"));
                    UUID_BYTES
                }
                None => {
                    named.push(first);
                    first.len_utf8()
                }
            };
            rest = &rest[len..];
        }
        named
    }
}

fn is_uuid(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbered_in_the_order_of_their_appearance() {
        let [a, b] = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"];
        let mut stage = Stage::new(0);
        stage.note("first", format!("x-{b} é {a}"));
        stage.note("second", a);
        let told: Vec<String> = stage.transcript().into_iter().map(|(_, answer)| answer).collect();
        assert_eq!(told, [r##""x-#0 é #1""##, r##""#1""##]);
    }
}
