//! What is too old, or too much, to be kept.
//!
//! Owns the rules of Kafka's `UnifiedLog.deleteOldSegments` (KIP-98's log start, `retention.ms`, `retention.bytes`) and when they are
//! looked at. Leaves moving a log's start to `log_start`. Invariant: what goes is whole segments, oldest first, all of them durable.

use alloc::vec::Vec;
use broker_store::{entry::PartitionId, log::Log};

use crate::{
    Broker,
    config_keys::number,
    configs::Defaults,
    id_of,
    limits::RETENTION_FIRST_MS,
    time::{Now, Wall},
    topics::Topic,
};

/// When to look next.
pub(crate) struct Retention {
    next: Now,
}

impl Retention {
    /// Of a broker that starts now and shall look every `interval_ms`.
    pub fn started(now: Now, interval_ms: u64) -> Self {
        Self { next: now.plus(interval_ms.min(RETENTION_FIRST_MS)) }
    }

    pub fn poll_timeout(&self) -> Now {
        self.next
    }
}

/// `cleanup.policy`, both words of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub delete: bool,
    pub compact: bool,
}

pub(crate) fn policy(topic: &Topic, defaults: &Defaults) -> Policy {
    let has = |wanted| topic.config(defaults, "cleanup.policy").split(',').any(|word| word.trim() == wanted);
    Policy { delete: has("delete"), compact: has("compact") }
}

/// How long and how much.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// `retention.ms`, negative for no limit.
    ms: i64,
    /// `retention.bytes`, negative for no limit.
    bytes: i64,
}

impl Broker {
    /// Looks at all logs, if it is time.
    pub(crate) fn check_retention(&mut self, now: Now) {
        if now < self.retention.next {
            return;
        }
        self.retention.next = now.plus(self.settings.retention_check_ms);
        let Some(wall) = self.wall(now) else { return };
        for (id, limits) in self.logs_with_limits() {
            let log = &mut self.partitions.get_mut(&id).expect("every topic has its partitions").log;
            if let Some(start) = new_start(log, limits, wall) {
                if start == log.next_offset() {
                    log.roll();
                }
                self.move_log_start(id, start);
            }
        }
    }

    fn logs_with_limits(&self) -> Vec<(PartitionId, Limits)> {
        let deleting = self.topics.iter().filter(|topic| policy(topic, &self.defaults).delete);
        let of_topic = |topic: &Topic| {
            let config = |name| number(topic.config(&self.defaults, name));
            let limits = Limits { ms: config("retention.ms"), bytes: config("retention.bytes") };
            let id = topic.id;
            (0..topic.partitions).map(move |partition| (id_of(id, partition), limits))
        };
        deleting.flat_map(of_topic).collect()
    }
}

/// Where the log starts once what is too old and too much has gone; `None` if nothing goes.
fn new_start(log: &Log, limits: Limits, wall: Wall) -> Option<i64> {
    let mut too_much = if limits.bytes < 0 { 0 } else { log.size() as i64 - limits.bytes };
    // A segment without timestamps has no age here; Kafka takes its file's.
    let too_old = |timestamp: i64| limits.ms >= 0 && timestamp >= 0 && wall.0.saturating_sub(timestamp) > limits.ms;
    let mut start = None;
    for segment in log.segments() {
        let size = segment.size as i64;
        let goes = too_old(segment.max_timestamp) || (limits.bytes >= 0 && too_much >= size);
        if !goes {
            // The next one may begin after a gap.
            return start.map(|_| segment.base_offset);
        }
        too_much -= size;
        start = Some(segment.next_offset);
    }
    start
}
