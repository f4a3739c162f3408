//! `kafka-verifiable-consumer`: a member of a group, and a line for what happens to it.
//!
//! Leaves the command line and the lines to `runtime_cli`. Invariant: offsets are committed only after their records were said.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance},
};
use runtime_cli::{
    failure::Failure,
    flags::Given,
    java,
    kafka::verifiable::{AskedToRead, CONSUMER, line, partitions, quoted, understand_consumer},
    world::World,
};
use runtime_core::client_settings::Client;

use super::clients::{self, Stop, Trouble};
use crate::cluster::wall_ms;

const POLL: Duration = Duration::from_millis(50);

/// Most records of one round, Kafka's `max.poll.records`.
const ROUND: u64 = 500;

/// Reads until there is an end; gives the exit code.
pub fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    let asked = understand_consumer(given, world)?;
    let config = clients::config(CONSUMER.name, Client::Consumer, &asked.consumer)?;
    let member = Member(Trouble::new(CONSUMER.name, &asked.consumer));
    let consumer = BaseConsumer::from_config_and_context(&config, member).map_err(clients::unusable)?;
    let stop = Stop::listen(|_| {});
    world.out(&line(wall_ms(), "startup_complete", &[]));
    consumer.subscribe(&[&asked.topic]).map_err(clients::unusable)?;
    let mut consumed = 0;
    while asked.most.is_none_or(|most| consumed < most) && stop.code().is_none() {
        let most = asked.most.map_or(ROUND, |most| ROUND.min(most - consumed));
        let round = Round::read(&consumer, &asked, most);
        consumed += round.count;
        if round.count > 0 {
            world.out(&line(wall_ms(), "records_consumed", &round.fields()));
            if !asked.auto_commit {
                world.out(&round.commit(&consumer));
            }
        }
    }
    // Leaves the group, and says so.
    drop(consumer);
    world.out(&line(wall_ms(), "shutdown_complete", &[]));
    Ok(stop.code().unwrap_or(0))
}

/// Records that came together: per partition how many, the first and the last offset.
#[derive(Default)]
struct Round {
    count: u64,
    partitions: BTreeMap<(String, i32), (u64, i64, i64)>,
}

impl Round {
    fn read(consumer: &BaseConsumer<Member>, asked: &AskedToRead, most: u64) -> Round {
        let mut round = Round::default();
        let mut wait = POLL;
        while round.count < most
            && let Some(Ok(message)) = consumer.poll(wait)
        {
            wait = Duration::ZERO;
            round.count += 1;
            let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
            let seen = round.partitions.entry((topic.to_owned(), partition)).or_insert((0, offset, offset));
            (seen.0, seen.2) = (seen.0 + 1, offset);
            if asked.verbose {
                let text = |bytes: Option<&[u8]>| quoted(bytes.map(java::text).as_deref());
                let fields = [
                    ("key", text(message.key())),
                    ("value", text(message.payload())),
                    ("topic", quoted(Some(topic))),
                    ("partition", partition.to_string()),
                    ("offset", offset.to_string()),
                ];
                say(&line(wall_ms(), "record_data", &fields));
            }
        }
        round
    }

    fn fields(&self) -> [(&'static str, String); 2] {
        let all = self.partitions.iter().map(|((topic, partition), (count, first, last))| {
            let more = format!(",\"count\":{count},\"minOffset\":{first},\"maxOffset\":{last}");
            (topic.as_str(), *partition, more)
        });
        [("count", self.count.to_string()), ("partitions", partitions(all))]
    }

    fn commit(&self, consumer: &BaseConsumer<Member>) -> String {
        let mut list = TopicPartitionList::new();
        for ((topic, partition), (_, _, last)) in &self.partitions {
            // Every offset after one that was read can be committed.
            let _ = list.add_partition_offset(topic, *partition, Offset::Offset(last + 1));
        }
        let outcome = consumer.commit(&list, CommitMode::Sync);
        let offsets = self.partitions.iter().map(|((topic, partition), (_, _, last))| {
            (topic.as_str(), *partition, format!(",\"offset\":{}", last + 1))
        });
        let mut fields = vec![("offsets", partitions(offsets)), ("success", outcome.is_ok().to_string())];
        if let Err(error) = outcome {
            fields.push(("error", quoted(Some(&error.to_string()))));
        }
        line(wall_ms(), "offsets_committed", &fields)
    }
}

fn say(text: &str) {
    // A reader that has gone away ends nothing.
    let _ = io::stdout().write_all(text.as_bytes());
}

struct Member(Trouble);

crate::client::client_context!(Member, 0);

impl ConsumerContext for Member {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let (name, list) = match rebalance {
            Rebalance::Assign(list) => ("partitions_assigned", list),
            Rebalance::Revoke(list) => ("partitions_revoked", list),
            Rebalance::Error(_) => return,
        };
        let elements = list.elements();
        let all = elements.iter().map(|element| (element.topic(), element.partition(), String::new()));
        say(&line(wall_ms(), name, &[("partitions", partitions(all))]));
    }
}
