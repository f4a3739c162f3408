//! What a source task asks of the cluster, and what follows from the replies.

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use broker_core::{
    error::Error,
    request::{AtomicAppend, ClusterMetadata, Reply, Request},
};
use bytes::Bytes;

use super::{Asking, Done, Output, Phase, Prepared, Source, offsets, task_name};
use crate::{
    batches::{self, Batches, Plan},
    exchange::Ack,
    task::{Said, StateChange, ask_topics, topics_of},
    time::Now,
};

impl Source {
    pub(super) fn ask(&mut self, now: Now) {
        if self.asking_sent || self.ask_at.is_some_and(|at| now < at) {
            return;
        }
        let Some(asking) = &self.asking else { return };
        let request = match asking {
            Asking::StartTask => Request::StartTask { task: task_name(&self.settings.task) },
            Asking::Offsets => Request::ReadTable { topic: self.settings.offsets_topic.clone() },
            Asking::Topics(topics) => ask_topics(topics.clone(), true),
            Asking::Append(append, _) => Request::AtomicAppend(append.clone()),
            Asking::Recreate(append, _) => {
                let topics: BTreeSet<_> = append.batches.iter().map(|(topic, _, _)| topic.clone()).collect();
                ask_topics(topics, true)
            }
        };
        (self.asking_sent, self.ask_at) = (true, None);
        self.outputs.push_back(Output::Request(request));
    }

    /// Makes the next request of what was polled, if there is none on its way.
    pub(super) fn prepare(&mut self) {
        if self.asking.is_some() || self.phase == Phase::Over {
            return;
        }
        let Some(prepared) = &self.polled else { return };
        let topics = &prepared.batch.records.topics;
        let unknown: Vec<_> = topics.iter().filter(|topic| !self.partitions.contains_key(*topic)).cloned().collect();
        if !unknown.is_empty() {
            self.asking = Some(Asking::Topics(unknown));
            return;
        }
        let Some(prepared) = self.polled.take() else { return };
        match self.append_of(prepared) {
            Ok(asking) => self.asking = Some(asking),
            Err(trace) => self.fail(trace),
        }
    }

    fn append_of(&mut self, prepared: Prepared) -> Result<Asking, String> {
        let Prepared { batch, failures, state, wall, seq } = prepared;
        let failed: Vec<u32> = failures.iter().map(|failure| failure.index).collect();
        if let Some(failure) = failures.first() {
            self.warn(format!("{} records are left out; the first because: {}", failures.len(), failure.message));
        }
        let plan = Plan {
            partitions: &self.partitions,
            sticky: seq as u32,
            wall,
            max_batch_bytes: self.settings.max_batch_bytes,
        };
        let mut batches = batches::build(&batch.records, &failed, &plan)?;
        let offsets = offsets::last_of_each(&batch)?;
        let connector = &self.settings.task.connector;
        let count = self.partitions.get(&self.settings.offsets_topic).copied().unwrap_or(1);
        batches.extend(offsets::batches(&self.settings.offsets_topic, count, connector, &offsets, wall));
        let delivered = batch.records.count - failed.len() as u32;
        for topic in batch.records.topics {
            if self.used.insert(topic.clone()) {
                self.outputs.push_back(Output::Say(Said::TopicUsed(topic)));
            }
        }
        let done = Done { ack: Ack { seq, delivered, filtered: 0, failed }, offsets };
        Ok(Asking::Append(self.append(batches, state), done))
    }

    fn append(&self, batches: Batches, state: Vec<StateChange>) -> AtomicAppend {
        let task = Some((task_name(&self.settings.task), self.incarnation));
        AtomicAppend { task, batches, offsets: None, state }
    }

    pub(super) fn replied(&mut self, now: Now, reply: Reply) {
        if !core::mem::take(&mut self.asking_sent) {
            return;
        }
        let Some(asking) = self.asking.take() else { return };
        match (asking, reply) {
            (Asking::StartTask, Reply::StartTask(started)) => {
                (self.incarnation, self.state) = (started.incarnation, started.state);
                self.asking = Some(Asking::Offsets);
            }
            (Asking::Offsets, Reply::ReadTable(table)) => self.offsets_read(table),
            (Asking::Topics(topics), Reply::Metadata(metadata)) => self.topics_found(now, topics, metadata),
            (Asking::Append(append, done), Reply::AtomicAppend(outcome)) => self.appended(now, append, done, outcome),
            (Asking::Recreate(append, done), Reply::Metadata(_)) => self.asking = Some(Asking::Append(append, done)),
            (asking, reply) => self.fail(format!("the cluster answered {asking:?} with {reply:?}")),
        }
    }

    fn offsets_read(&mut self, table: Result<Vec<(Bytes, Bytes)>, Error>) {
        let table = table.map_err(|error| error.message().to_string());
        match table.and_then(|table| offsets::of_connector(&self.settings.task.connector, &table)) {
            Ok(committed) => {
                self.committed = committed;
                self.asking = Some(Asking::Topics(vec![self.settings.offsets_topic.clone()]));
            }
            Err(why) => {
                let topic = &self.settings.offsets_topic;
                self.fail(format!("the offsets in topic {topic} cannot be read: {why}"));
            }
        }
    }

    fn topics_found(&mut self, now: Now, asked: Vec<String>, metadata: ClusterMetadata) {
        let mut missing = None;
        for (topic, found) in topics_of(metadata) {
            match found {
                Ok(count) => drop(self.partitions.insert(topic, count)),
                Err(Error::InvalidTopicException) => {
                    return self.fail(format!("the topic name {topic:?} is not valid"));
                }
                Err(error) => missing = Some((topic, error)),
            }
        }
        match missing {
            None if self.phase == Phase::Joining => self.phase = Phase::Starting,
            None => self.ask_backoff.reset(),
            Some((topic, error)) => {
                let hint = "create the topic, or set auto.create.topics.enable=true";
                self.warn(format!("topic {topic} is not there: {} ({hint})", error.message()));
                self.ask_again(now, Asking::Topics(asked));
            }
        }
    }

    fn appended(&mut self, now: Now, append: AtomicAppend, done: Done, outcome: Result<Vec<i64>, (Error, String)>) {
        match outcome {
            Ok(_) => {
                self.ask_backoff.reset();
                self.acks.push_back(done);
            }
            // Deleted in the meantime: made again, as a producer's metadata request would.
            Err((Error::UnknownTopicOrPartition, _)) => self.ask_again(now, Asking::Recreate(append, done)),
            Err((Error::KafkaStorageError | Error::ThrottlingQuotaExceeded | Error::CoordinatorNotAvailable, why)) => {
                self.warn(format!("the records wait to be written: {why}"));
                self.ask_again(now, Asking::Append(append, done));
            }
            Err((_, why)) => self.fail(format!("the records cannot be written: {why}")),
        }
    }

    fn ask_again(&mut self, now: Now, asking: Asking) {
        self.ask_at = Some(now.plus(self.ask_backoff.next_ms()));
        self.asking = Some(asking);
    }
}
