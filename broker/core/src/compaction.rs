//! Compaction: which log is next, and what comes of it.
//!
//! Owns the choice (Kafka's `LogCleanerManager.grabFilthiestCompactedLog`). Leaves the work to `broker_store::clean`, which the edge does
//! on the thread that writes segments, one step after the other. Invariant: one log at a time; what comes back of a log that is gone
//! by then changes nothing.

use alloc::{boxed::Box, collections::BTreeSet};
use broker_store::{
    clean::{AbortedTxn, CleanOrder, CleanStep, Progress},
    entry::PartitionId,
    log::{Log, SegmentState},
};

use crate::{
    Broker, Output,
    admin::log_settings,
    config_keys::number,
    configs::Defaults,
    id_of,
    retention::policy,
    settings::CleanerSettings,
    time::{Now, Wall},
    topics::Topic,
};

/// What is being compacted.
pub(crate) struct Compaction {
    next: Now,
    running: Option<PartitionId>,
    /// Logs that cannot be compacted: something in them cannot be read. Tried again after a restart.
    failed: BTreeSet<PartitionId>,
}

impl Compaction {
    pub fn started(now: Now, settings: &CleanerSettings) -> Self {
        Self { next: now.plus(settings.backoff_ms), running: None, failed: BTreeSet::new() }
    }

    pub fn poll_timeout(&self) -> Option<Now> {
        self.running.is_none().then_some(self.next)
    }
}

/// A topic's rules.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// `min.cleanable.dirty.ratio`.
    ratio: f64,
    /// `min.compaction.lag.ms`.
    min_lag_ms: i64,
    /// `max.compaction.lag.ms`.
    max_lag_ms: i64,
}

impl Rules {
    fn of(topic: &Topic, defaults: &Defaults) -> Self {
        let config = |name| topic.config(defaults, name);
        let ratio = config("min.cleanable.dirty.ratio").trim().parse();
        Self {
            ratio: ratio.expect("a config was checked when it was set"),
            min_lag_ms: number(config("min.compaction.lag.ms")),
            max_lag_ms: number(config("max.compaction.lag.ms")),
        }
    }
}

/// How dirty a log is: too long so, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Dirt(bool, f64);

impl Broker {
    /// Begins with the dirtiest log, if it is time and there is one.
    pub(crate) fn look_for_dirt(&mut self, now: Now) {
        let due = self.compaction.poll_timeout().is_some_and(|next| now >= next);
        if !due || !self.settings.cleaner.enable {
            return;
        }
        self.compaction.next = now.plus(self.settings.cleaner.backoff_ms);
        let Some(wall) = self.wall(now) else { return };
        let partitions = &self.partitions;
        self.compaction.failed.retain(|id| partitions.contains_key(id));
        let mut dirtiest: Option<(Dirt, PartitionId, i64)> = None;
        for topic in self.topics.iter().filter(|topic| policy(topic, &self.defaults).compact) {
            let rules = Rules::of(topic, &self.defaults);
            for id in (0..topic.partitions).map(|partition| id_of(topic.id, partition)) {
                let partition = &self.partitions[&id];
                let log = &partition.log;
                let upto = first_uncleanable(log, rules, wall).min(partition.last_stable_offset());
                let found = dirt(log, upto, rules, wall).filter(|_| !self.compaction.failed.contains(&id));
                if let Some(found) = found.filter(|found| dirtiest.is_none_or(|(most, ..)| *found > most)) {
                    dirtiest = Some((found, id, upto));
                }
            }
        }
        if let Some((_, id, upto)) = dirtiest {
            self.start_cleaning(wall, id, upto);
        }
    }

    fn start_cleaning(&mut self, wall: Wall, id: PartitionId, upto: i64) {
        let topic = self.topics.by_id(uuid::Uuid::from_bytes(id.topic)).expect("a partition has its topic");
        let (settings, delete_retention) =
            (log_settings(topic, &self.defaults), number(topic.config(&self.defaults, "delete.retention.ms")));
        let partition = self.partitions.get_mut(&id).expect("it was just looked at");
        let segments = partition.log.start_cleaning(upto);
        let aborted = partition.stable.aborted(0, upto).into_iter().map(|txn| AbortedTxn {
            producer_id: txn.producer_id,
            first_offset: txn.first_offset,
            last_offset: txn.last_offset,
        });
        let aborted = aborted.collect();
        let order = CleanOrder {
            dir: partition.log.dir(),
            segments,
            dirty_from: partition.log.cleaned_to(),
            now: wall.0,
            delete_retention_ms: delete_retention,
            map_bytes: self.settings.cleaner.dedupe_bytes,
            settings,
            producers: partition.producers.last_of_each(),
            aborted,
        };
        self.compaction.running = Some(id);
        self.outputs.push_back(Output::Clean(CleanStep::Begin(Box::new(order))));
    }

    /// A step is done.
    pub(crate) fn cleaned(&mut self, now: Now, id: PartitionId, progress: Progress) {
        if self.compaction.running != Some(id) {
            return;
        }
        let over = matches!(progress, Progress::Done { .. } | Progress::Failed { .. });
        let Some(partition) = self.partitions.get_mut(&id) else {
            // Its topic was deleted meanwhile.
            self.compaction.running = None;
            if !over {
                self.outputs.push_back(Output::Clean(CleanStep::Stop));
            }
            return;
        };
        let log = &mut partition.log;
        match progress {
            Progress::More => {}
            Progress::Group { replaced, with } => log.replace(&replaced, with),
            Progress::Done { cleaned_to } => {
                if cleaned_to > log.cleaned_to() {
                    self.compaction.next = now;
                }
                log.cleaning_over(Some(cleaned_to));
                partition.stable.forget_before(cleaned_to);
            }
            Progress::Failed { again, .. } => {
                log.cleaning_over(None);
                if !again {
                    self.compaction.failed.insert(id);
                }
            }
        }
        self.keeper.segment_left();
        if over {
            self.compaction.running = None;
        } else {
            self.outputs.push_back(Output::Clean(CleanStep::Continue));
        }
    }
}

/// Nothing from this offset on may be compacted yet (`LogCleanerManager.cleanableOffsets`).
fn first_uncleanable(log: &Log, rules: Rules, wall: Wall) -> i64 {
    let too_new = |segment: &&SegmentState| segment.max_timestamp > wall.0.saturating_sub(rules.min_lag_ms);
    let new = log.segments().find(too_new).filter(|_| rules.min_lag_ms > 0);
    new.map_or(log.next_offset(), |segment| segment.base_offset)
}

/// How dirty a log is, if it is dirty enough.
fn dirt(log: &Log, upto: i64, rules: Rules, wall: Wall) -> Option<Dirt> {
    let (mut clean, mut dirty, mut oldest) = (0u64, 0u64, None);
    for segment in log.cleanable(upto) {
        if segment.next_offset <= log.cleaned_to() {
            clean += segment.size;
        } else {
            dirty += segment.size;
            oldest.get_or_insert(segment.first_timestamp);
        }
    }
    let oldest = oldest?;
    let late = oldest >= 0 && wall.0.saturating_sub(oldest) > rules.max_lag_ms;
    let ratio = dirty as f64 / (clean + dirty).max(1) as f64;
    (dirty > 0 && (late || ratio > rules.ratio)).then_some(Dirt(late, ratio))
}
