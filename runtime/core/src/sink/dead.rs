//! Dead letters: records that failed, on their way to the dead letter queue (contract 7.6).
//!
//! Owns the queue's topic (found or created before the task starts) and the letters' form: the bytes and headers that were in the topic,
//! and headers that say what went wrong. Invariant: letters are appended in one entry with the offsets of their records, so that each
//! is there once; only before the task fails, or for a connector that commits nothing, they go alone.

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use broker_core::{
    error::Error,
    request::{ClusterMetadata, CreateTopics, CreatedTopic, NewTopic, Request},
};

use super::{Output, Sink};
use crate::{
    batches::{self, Batches, Plan},
    columns::Columns,
    config::settings::DeadLetterQueue,
    data::Fault,
    errors::{Failed, Stage},
    exchange::{ConnectorError, ErrorClass},
    record::Batch,
    task::{Count, Said, ask_topics, topics_of},
};

/// Letters that may wait, in bytes; beyond them no more records are put until they are written.
const MOST_BYTES: usize = 4 << 20;

/// A record for the queue.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    timestamp: i64,
}

impl Letter {
    fn bytes(&self) -> usize {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers = self.headers.iter().map(|(name, value)| name.len() + length(value));
        length(&self.key) + length(&self.value) + headers.sum::<usize>() + size_of::<Self>()
    }
}

/// True if so many letters wait that they must be written first.
pub(super) fn are_too_many(letters: &[Letter]) -> bool {
    letters.iter().map(Letter::bytes).sum::<usize>() > MOST_BYTES
}

/// How far the finding of the queue's topic has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Queue {
    /// Not asked yet.
    #[default]
    Unknown,
    /// It is not there and is to be created.
    Missing,
    /// It has so many partitions.
    Found(i32),
}

/// What a delivery remembers of the records as they were in the topic; only if something is to be done with those that fail.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub records: Arc<Batch>,
    /// Where each delivered record stood; empty: where it stands.
    pub places: Vec<u32>,
}

impl Sink {
    /// The request that finds or creates the queue's topic; `None` if there is nothing to ask.
    pub(super) fn ask_queue(&self) -> Option<Request> {
        let queue = self.settings.dead_letters.as_ref()?;
        match self.queue {
            Queue::Unknown => Some(ask_topics([queue.topic.clone()], false)),
            Queue::Missing => Some(Request::CreateTopics(CreateTopics {
                topics: [NewTopic {
                    name: queue.topic.clone(),
                    partitions: 1,
                    replication_factor: queue.replication_factor,
                    assignments: Vec::new(),
                    configs: Vec::new(),
                }]
                .into(),
                validate_only: false,
            })),
            Queue::Found(_) => None,
        }
    }

    /// Whether the queue's topic is there.
    pub(super) fn queue_found(&mut self, metadata: ClusterMetadata) {
        match topics_of(metadata).next() {
            Some((_, Ok(partitions))) => self.queue = Queue::Found(partitions),
            Some((_, Err(Error::UnknownTopicOrPartition))) => self.queue = Queue::Missing,
            Some((topic, Err(error))) => self.fail(no_queue(&topic, error.message())),
            None => self.fail(no_queue("", "the cluster does not say whether it is there")),
        }
    }

    /// The queue's topic was created, or not.
    pub(super) fn queue_created(&mut self, created: Vec<CreatedTopic>) {
        for CreatedTopic { name, outcome } in created {
            match outcome {
                Ok((_, partitions, _)) => self.queue = Queue::Found(partitions),
                // Made by another task in the meantime; a first partition it has.
                Err((Error::TopicAlreadyExists, _)) => self.queue = Queue::Found(1),
                Err((Error::InvalidReplicationFactor, why)) => {
                    let hint = "set errors.deadletterqueue.topic.replication.factor=1, or create the topic";
                    self.fail(no_queue(&name, &format!("{why} ({hint})")));
                }
                Err((_, why)) => self.fail(no_queue(&name, &why)),
            }
        }
    }

    /// Records have failed before they were put: they are logged and written as letters. True if the task goes on.
    pub(super) fn records_failed(
        &mut self,
        failures: &[Failed],
        raw: Option<&Batch>,
        came: &Batch,
    ) -> (Vec<Letter>, bool) {
        let policy = self.settings.errors;
        // The first one ends the task, and those behind it were not looked at, as it were.
        let failures = if policy.tolerate { failures } else { &failures[..failures.len().min(1)] };
        let mut letters = Vec::new();
        for failed in failures {
            if policy.log {
                let line = failed.log_line(&self.settings.task, came, policy.log_messages);
                self.outputs.push_back(Output::Say(Said::Error(line)));
            }
            if let (Some(queue), Some(raw)) = (&self.settings.dead_letters, raw) {
                letters.push(self.letter(queue, failed, raw));
            }
        }
        if !letters.is_empty() {
            self.count(Count::DeadLetters(letters.len() as u64));
        }
        (letters, failures.is_empty() || policy.tolerate)
    }

    fn letter(&self, queue: &DeadLetterQueue, failed: &Failed, raw: &Batch) -> Letter {
        let at = failed.index as usize;
        let own = raw.headers.iter().flat_map(|all| all.of(at));
        let mut headers: Vec<_> = own.map(|(name, value)| (name.to_string(), value.map(<[u8]>::to_vec))).collect();
        if queue.context_headers {
            let context = failed.context_headers(&self.settings.task, raw);
            headers.extend(context.into_iter().map(|(name, text)| (name, Some(text.into_bytes()))));
        }
        Letter {
            key: raw.keys.get(at).map(<[u8]>::to_vec),
            value: raw.values.get(at).map(<[u8]>::to_vec),
            headers,
            timestamp: raw.timestamp(at).unwrap_or(0),
        }
    }

    /// The connector says that it cannot take records of the delivery being put: index and error. True if the task goes on.
    pub(super) fn records_refused(&mut self, errors: Vec<(u32, ConnectorError)>) -> bool {
        let Some(delivery) = self.deliveries.front() else { return true };
        let origin = delivery.origin.clone();
        let place =
            |index: u32| origin.as_ref().and_then(|origin| origin.places.get(index as usize)).copied().unwrap_or(index);
        // A record that is named twice has failed once, for the first reason.
        let mut named = BTreeSet::new();
        let failures: Vec<Failed> = errors
            .into_iter()
            .filter(|(index, _)| *index < delivery.records.count && named.insert(*index))
            .map(|(index, error)| Failed {
                index: place(index),
                stage: Stage::TaskPut,
                class: "org.apache.kafka.connect.sink.SinkTask".into(),
                fault: fault_of(error),
            })
            .collect();
        let Some(first) = failures.first() else { return true };
        let came = origin.as_ref().map_or_else(|| delivery.records.clone(), |origin| origin.records.clone());
        let raw = origin.as_ref().map(|origin| &*origin.records);
        let trace = first.trace(&came);
        self.warn(format!("{} records were not taken; the first because: {}", failures.len(), first.fault));
        let (letters, goes_on) = self.records_failed(&failures, raw, &came);
        let records = if goes_on { failures.len() as u64 } else { 1 };
        self.count(Count::Reported { records, tolerated: goes_on });
        if goes_on {
            self.commit.letters(letters);
        } else {
            self.commit.last_letters(letters);
            self.fail(trace);
        }
        goes_on
    }

    /// Batches of these letters.
    pub(super) fn post(&self, letters: &[Letter]) -> Result<Batches, String> {
        let (Some(queue), Queue::Found(partitions), false) =
            (&self.settings.dead_letters, self.queue, letters.is_empty())
        else {
            return Ok(Batches::new());
        };
        let mut columns = Columns::with_capacity(letters.len(), 0);
        columns.partition(&queue.topic, -1, 0);
        for letter in letters {
            let headers = letter.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
            columns.push(0, letter.timestamp, letter.key.as_deref(), letter.value.as_deref(), headers);
        }
        let records = columns.finish().map_err(|bad| format!("{bad}"))?;
        let partitions = [(queue.topic.clone(), partitions)].into();
        let sticky = self.settings.task.task;
        let plan = Plan { partitions: &partitions, sticky, wall: 0, max_batch_bytes: self.settings.max_batch_bytes };
        batches::build(&records, &[], &plan)
    }
}

fn no_queue(topic: &str, why: &str) -> String {
    format!(
        "org.apache.kafka.connect.errors.ConnectException: Could not initialize dead letter queue with topic={topic}\nCaused by: {why}"
    )
}

fn fault_of(error: ConnectorError) -> Fault {
    match error.class {
        ErrorClass::BadData => Fault::data(error.message),
        ErrorClass::Retriable => Fault::of("org.apache.kafka.connect.errors.RetriableException", error.message),
        _ => Fault::of("org.apache.kafka.connect.errors.ConnectException", error.message),
    }
}
