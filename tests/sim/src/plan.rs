//! What a seed decides before the run begins.
//!
//! Owns the knobs. Every seed gets a different mix, so that some runs hardly ever sync and others crash all the time: faults that need
//! much of one thing and little of another are found sooner than if all runs were alike. Invariant: the same seed, the same plan.

use std::collections::BTreeMap;

use broker_core::{
    group::GroupSettings,
    offsets::OffsetSettings,
    settings::{CleanerSettings, Settings},
    txn::TransactionSettings,
};
use broker_store::{disk::BLOCK, journal::Sizes};

use crate::random::Random;

/// The mix.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Steps before the run winds up.
    pub steps: u64,
    /// How often the machine dies at most.
    pub deaths: u64,
    /// Of 100 deaths, so many are the process's only.
    pub kill_percent: u64,
    /// Of 100 deaths, so many happen inside a call of the disk.
    pub inside_percent: u64,
    /// Calls of the disk that change something until such a death, at most.
    pub calls: u64,
    /// Of 100 lives, in so many a sync fails.
    pub fail_percent: u64,
    /// Of 100 lives, in so many the disk is nearly full.
    pub full_percent: u64,
    /// Of 100 ends, so many are a clean stop.
    pub stop_percent: u64,
    /// How likely each kind of step is.
    pub weights: Weights,
    /// Inputs of one turn of the core loop, at most.
    pub turn: u64,
    /// Plain producers, idempotent producers, group members, administrators, source and sink tasks,
    /// transactional producers.
    pub clients: Clients,
    /// Partitions of a topic.
    pub partitions: i32,
    /// Sizes of the journal's files.
    pub sizes: Sizes,
    /// Old records go by themselves.
    pub retention: bool,
    /// All topics are compacted.
    pub compacted: bool,
    /// Milliseconds between two looks for old records.
    retention_check_ms: u64,
    /// Milliseconds between two looks for logs to compact.
    cleaner_backoff_ms: u64,
    /// Memory for keys.
    dedupe_bytes: usize,
    pub(crate) topic_defaults: BTreeMap<String, String>,
}

/// How likely each kind of step is.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    /// A client does something.
    pub client: u64,
    /// The core loop turns.
    pub turn: u64,
    /// The journal thread works.
    pub journal: u64,
    /// The segment thread works.
    pub segments: u64,
    /// A journal file is made ready.
    pub prepare: u64,
    /// An answer arrives.
    pub answer: u64,
    /// Time passes.
    pub time: u64,
    /// The system writes back.
    pub write_back: u64,
    /// A connection breaks.
    pub cut: u64,
    /// The machine dies.
    pub death: u64,
}

/// How many clients of each kind.
#[derive(Clone, Copy, Debug)]
pub struct Clients {
    /// Producers that send once.
    pub plain: u64,
    /// Producers that send until they know.
    pub idempotent: u64,
    /// Members of one group.
    pub consumers: u64,
    /// Somebody who makes and deletes a topic.
    pub admins: u64,
    /// Somebody who deletes records.
    pub trimmers: u64,
    /// A source task and a sink task.
    pub connect: u64,
    /// Most that each of them does.
    pub moves: u64,
    /// Transactional producers, and as many readers of what they commit.
    pub transactional: u64,
    /// Of 100 of them, so many share one transactional id.
    pub shared_percent: u64,
    /// How long their transactions may be open, milliseconds.
    pub transaction_ms: u64,
    /// Bytes of a producer's value, about.
    pub longest: u64,
}

impl Plan {
    /// The plan of a seed.
    pub fn new(random: &mut Random) -> Self {
        let file = BLOCK as u64 * random.between(4, 12);
        let sizes = Sizes {
            first: BLOCK as u64 * random.between(3, 4),
            file,
            // As in production, a quarter of it is two files at least.
            capacity: file * random.between(8, 12),
        };
        let number = |random: &mut Random, from: &[u64]| random.pick(from).to_string();
        let topic_defaults = [
            ("segment.bytes", number(random, &[300, 2_000, 20_000, 1 << 30])),
            ("segment.ms", number(random, &[1, 1_000, 604_800_000])),
            ("index.interval.bytes", number(random, &[0, 500, 4096])),
            ("segment.index.bytes", number(random, &[16, 10_485_760])),
        ];
        let clients = Clients::new(random);
        // A source's lines and a transaction's records are counted: they have to stay.
        let retention = clients.connect == 0 && clients.transactional == 0 && random.percent(50);
        let mut topic_defaults = Vec::from(topic_defaults);
        if retention {
            topic_defaults.push(("retention.ms", number(random, &[20, 1_000, 604_800_000])));
            topic_defaults.push(("retention.bytes", number(random, &[0, 1_000, 1 << 30])));
        }
        let compacted = clients.connect == 0 && clients.transactional == 0 && random.percent(50);
        if compacted {
            topic_defaults.push(("cleanup.policy", random.pick(&["compact", "compact,delete"]).to_string()));
            topic_defaults.push(("delete.retention.ms", number(random, &[0, 100, 86_400_000])));
            topic_defaults.push(("min.compaction.lag.ms", number(random, &[0, 0, 50])));
            topic_defaults.push(("max.compaction.lag.ms", number(random, &[1, 100, i64::MAX as u64])));
            topic_defaults.push(("min.cleanable.dirty.ratio", random.pick(&["0", "0.5"]).to_string()));
        }
        Self {
            steps: random.between(100, 500),
            deaths: random.below(5),
            kill_percent: *random.pick(&[0, 20, 100]),
            inside_percent: *random.pick(&[40, 90]),
            calls: *random.pick(&[10, 40, 100]),
            fail_percent: *random.pick(&[0, 0, 0, 40]),
            full_percent: *random.pick(&[0, 0, 0, 50]),
            stop_percent: *random.pick(&[0, 20, 60]),
            weights: Weights::new(random),
            turn: *random.pick(&[1, 3, 256]),
            clients,
            retention,
            compacted,
            retention_check_ms: *random.pick(&[10, 200, 300_000]),
            cleaner_backoff_ms: *random.pick(&[10, 200, 15_000]),
            dedupe_bytes: *random.pick(&[1, 200, 100_000]),
            partitions: random.between(1, 3) as i32,
            sizes,
            topic_defaults: topic_defaults.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        }
    }

    /// Nothing is compacted: the offset in a batch's header has no checksum, and where offsets have gaps nothing else tells that it has
    /// rotted. (Elsewhere it has to follow the one before.)
    pub fn without_compaction(&mut self) {
        self.cleaner_backoff_ms = u64::MAX;
    }

    /// For stories: nothing happens by itself, the journal's files are small, and nothing else is.
    pub fn plain() -> Self {
        let mut plan = Self::new(&mut Random::new(0));
        let file = 8 * BLOCK as u64;
        plan.sizes = Sizes { first: file, file, capacity: 8 * file };
        plan.topic_defaults.clear();
        plan.retention_check_ms = 300_000;
        plan.cleaner_backoff_ms = 15_000;
        plan.dedupe_bytes = 100_000;
        plan.partitions = 1;
        plan
    }

    /// The broker's settings for one life.
    pub fn settings(&self, random: &mut Random) -> Settings {
        Settings {
            cluster_id: String::new(),
            node_id: 1,
            num_partitions: self.partitions,
            auto_create_topics: true,
            delete_topics: true,
            topic_defaults: self.topic_defaults.clone(),
            described: Vec::new(),
            retention_check_ms: self.retention_check_ms,
            fetch_sessions: 10,
            cleaner: CleanerSettings {
                enable: true,
                backoff_ms: self.cleaner_backoff_ms,
                dedupe_bytes: self.dedupe_bytes,
            },
            decompress: |codec, _, _| Err(format!("codec {codec} is not simulated")),
            groups: GroupSettings { initial_rebalance_delay_ms: 0, ..GroupSettings::default() },
            offsets: OffsetSettings::default(),
            transactions: TransactionSettings::default(),
            max_request_bytes: 1 << 20,
            entropy: random.draw(),
        }
    }
}

impl Weights {
    fn new(random: &mut Random) -> Self {
        let mut weight = |from: &[u64]| *random.pick(from);
        Self {
            client: weight(&[20, 60]),
            turn: weight(&[5, 20]),
            journal: weight(&[2, 10, 30]),
            segments: weight(&[1, 10, 30]),
            prepare: weight(&[1, 10]),
            answer: weight(&[5, 30]),
            time: weight(&[1, 5, 15]),
            write_back: weight(&[0, 1, 5]),
            cut: weight(&[0, 0, 1]),
            death: weight(&[0, 0, 1]),
        }
    }

    /// Of a run that winds up: all work, no faults.
    pub fn winding_up() -> Self {
        Self {
            client: 30,
            turn: 30,
            journal: 30,
            segments: 30,
            prepare: 10,
            answer: 30,
            time: 3,
            write_back: 0,
            cut: 0,
            death: 0,
        }
    }
}

impl Clients {
    fn new(random: &mut Random) -> Self {
        Self {
            plain: random.below(2),
            idempotent: random.between(1, 3),
            consumers: random.below(3),
            admins: random.below(2),
            trimmers: random.below(2),
            connect: random.below(2),
            moves: random.between(5, 50),
            transactional: *random.pick(&[0, 0, 1, 2, 3]),
            shared_percent: *random.pick(&[0, 0, 60]),
            transaction_ms: *random.pick(&[30, 500, 60_000]),
            longest: *random.pick(&[0, 800, 2_000]),
        }
    }
}
