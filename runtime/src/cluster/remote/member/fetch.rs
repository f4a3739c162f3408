//! Records from where the machine says.
//!
//! Owns what was fetched and not given out, and what is paused meanwhile. Invariant: a record is given out once per position asked for.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use broker_core::request::Fetch;
use rdkafka::{
    Message, TopicPartitionList,
    consumer::Consumer,
    message::{Headers, OwnedMessage},
};
use runtime_core::{columns::Columns, consumer::Fetched, exchange::TopicPartition};

use super::{Member, POLL, flat, group::Phase};

/// Most records of a fetch.
const FETCH_RECORDS: u32 = 20_000;

/// What was fetched, and where each partition goes on.
#[derive(Default)]
pub(super) struct Polled {
    pub(super) stash: VecDeque<OwnedMessage>,
    pub(super) next: BTreeMap<TopicPartition, i64>,
    /// Assigned, and not fetched at present.
    pub(super) paused: BTreeSet<TopicPartition>,
}

impl Member {
    /// Records from where the machine says. The error says that they cannot be read.
    pub fn fetch(&self, asked: &Fetch) -> Result<Fetched, String> {
        let until = Instant::now() + Duration::from_millis(asked.max_wait_ms.into());
        let mut polled = self.lock();
        let wanted = self.go_to(&mut polled, asked);
        let mut columns = Columns::with_capacity(0, 0);
        let (mut bytes, mut last) = (0, None);
        let mut ends = BTreeMap::new();
        loop {
            while let Some(message) = polled.stash.pop_front() {
                let tp = TopicPartition { topic: message.topic().to_owned(), partition: message.partition() };
                // Of partitions that were let go or paused in the meantime: whoever asks for those again gets it again.
                if !wanted.contains(&tp) {
                    polled.next.remove(&tp);
                    continue;
                }
                // What was fetched before a rewind is gone with it: one that lies before is from where `auto.offset.reset` leads.
                if let Some(next) = polled.next.get(&tp).filter(|next| message.offset() < **next) {
                    let (who, topic, partition) = (self.consumer.context().talk.name(), &tp.topic, tp.partition);
                    let offset = message.offset();
                    tracing::warn!(
                        "{who}: {topic}-{partition} has no offset {next} any more and goes on at {offset}; was the topic made anew?"
                    );
                }
                if last.as_ref() != Some(&tp) {
                    columns.partition(&tp.topic, tp.partition, message.offset());
                    last = Some(tp.clone());
                }
                bytes += push(&mut columns, &message);
                polled.next.insert(tp.clone(), message.offset() + 1);
                ends.insert(tp, message.offset() + 1);
            }
            let enough = bytes >= asked.max_bytes as usize || columns.count() >= FETCH_RECORDS;
            let wait = match columns.count() {
                0 => until.saturating_duration_since(Instant::now()).min(POLL),
                _ => Duration::ZERO,
            };
            if enough || self.state().phase != Phase::Active {
                break;
            }
            let came = self.poll(&mut polled, wait);
            if !came && (columns.count() > 0 || Instant::now() >= until) {
                break;
            }
        }
        if columns.count() > 0 {
            self.consumer.context().talk.answered();
        }
        if let Some((_, why)) = self.consumer.client().fatal_error() {
            return Err(why);
        }
        let records = columns.finish().map_err(|bad| bad.to_string())?;
        Ok(Fetched { records, next: ends.into_iter().collect(), errors: Vec::new() })
    }

    /// Makes librdkafka fetch what is asked for, from where it is asked for.
    pub(super) fn go_to(&self, polled: &mut Polled, asked: &Fetch) -> BTreeSet<TopicPartition> {
        let (mut wanted, mut moved) = (BTreeSet::new(), false);
        for (topic, partitions) in &asked.topics {
            for partition in partitions {
                let tp = TopicPartition { topic: topic.clone(), partition: partition.partition };
                if polled.next.insert(tp.clone(), partition.offset) != Some(partition.offset) {
                    moved = true;
                }
                wanted.insert(tp);
            }
        }
        let state = self.state();
        if state.phase != Phase::Active {
            return wanted;
        }
        if moved {
            polled.stash.retain(|message| {
                let tp = TopicPartition { topic: message.topic().to_owned(), partition: message.partition() };
                !wanted.contains(&tp)
            });
            if let Err(error) = self.assign(&state.assigned, &polled.next) {
                tracing::warn!("{}: {error}", self.consumer.context().talk.name());
            }
            polled.paused.clear();
        }
        let all = flat(&state.assigned).map(|(topic, partition)| TopicPartition { topic: topic.to_owned(), partition });
        let paused: BTreeSet<_> = all.filter(|tp| !wanted.contains(tp)).collect();
        drop(state);
        let (stop, go) = (list(paused.difference(&polled.paused)), list(polled.paused.difference(&paused)));
        // Partitions that are not there any more need neither.
        let _ = (stop.count() > 0).then(|| self.consumer.pause(&stop));
        let _ = (go.count() > 0).then(|| self.consumer.resume(&go));
        polled.paused = paused;
        wanted
    }

    pub(super) fn pause_all(&self, polled: &mut Polled) {
        let state = self.state();
        let all: BTreeSet<_> = flat(&state.assigned)
            .map(|(topic, partition)| TopicPartition { topic: topic.to_owned(), partition })
            .collect();
        let _ = self.consumer.pause(&list(all.iter()));
        polled.paused = all;
    }

    pub(super) fn poll_one(&self, polled: &mut Polled) {
        self.poll(polled, POLL);
    }

    /// Serves what librdkafka has to say; true if it was a record.
    pub(super) fn poll(&self, polled: &mut Polled, wait: Duration) -> bool {
        match self.consumer.poll(wait) {
            Some(Ok(message)) => {
                polled.stash.push_back(message.detach());
                true
            }
            Some(Err(error)) => {
                tracing::debug!("{}: {error}", self.consumer.context().talk.name());
                false
            }
            None => false,
        }
    }
}

fn list<'a>(tps: impl Iterator<Item = &'a TopicPartition>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for tp in tps {
        list.add_partition(&tp.topic, tp.partition);
    }
    list
}

fn push(columns: &mut Columns, message: &OwnedMessage) -> usize {
    let headers =
        message.headers().into_iter().flat_map(|headers| headers.iter()).map(|header| (header.key, header.value));
    let timestamp = message.timestamp().to_millis().unwrap_or(-1);
    columns.push(message.offset(), timestamp, message.key(), message.payload(), headers);
    message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len)
}
