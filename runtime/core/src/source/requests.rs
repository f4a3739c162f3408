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
    request::{AtomicAppend, ClusterMetadata, CreateTopics, CreatedTopic, Reply, Request},
};
use bytes::Bytes;

use super::{Asking, Done, Output, Phase, Prepared, Source, offsets, ready::Ready};
use crate::{
    batches::{self, Plan},
    exchange::Ack,
    task::{Count, Said, ask_topics, topics_of},
    time::Now,
};

impl Source {
    pub(super) fn ask(&mut self, now: Now) {
        if self.asking_sent || self.ask_at.is_some_and(|at| now < at) {
            return;
        }
        let Some(asking) = &self.asking else { return };
        let request = match asking {
            Asking::StartTask => Request::StartTask { task: self.settings.task.cluster_name() },
            Asking::Offsets => Request::ReadTable { topic: self.settings.offsets_topic.clone() },
            Asking::Topics(topics) => ask_topics(topics.clone(), true),
            Asking::Find(topics) => ask_topics(topics.clone(), false),
            Asking::Create(topics) => self.create(topics.iter()),
            Asking::Append(append, _) => Request::AtomicAppend(append.clone()),
            Asking::Recreate(append, _) => {
                let topics: BTreeSet<_> = append.batches.iter().map(|(topic, _, _)| topic.clone()).collect();
                match self.settings.topic_creation {
                    Some(_) => self.create(topics.iter()),
                    None => ask_topics(topics, true),
                }
            }
        };
        (self.asking_sent, self.ask_at) = (true, None);
        self.outputs.push_back(Output::Request(request));
    }

    /// Makes batches of what was polled, and the next request of those, if there is none on its way.
    pub(super) fn prepare(&mut self) {
        if let Some(prepared) = self.polled.take() {
            let topics = &prepared.batch.records.topics;
            let known = |topic: &&String| self.partitions.contains_key(*topic);
            let unknown: Vec<_> = topics.iter().filter(|topic| !known(topic)).cloned().collect();
            if unknown.is_empty() {
                if let Err(trace) = self.build(prepared) {
                    return self.fail(trace);
                }
            } else {
                self.polled = Some(prepared);
                // What was polled before does not wait for topics that it does not name.
                if self.asking.is_none() && self.ready.is_empty() {
                    let create = self.settings.topic_creation.is_some();
                    self.asking = Some(if create { Asking::Find(unknown) } else { Asking::Topics(unknown) });
                }
            }
        }
        if self.asking.is_none() && !self.ready.is_empty() {
            self.asking = Some(self.append());
        }
    }

    fn build(&mut self, prepared: Prepared) -> Result<(), String> {
        let Prepared { batch, failed, filtered, state, wall, seq } = prepared;
        let plan = Plan {
            partitions: &self.partitions,
            sticky: seq as u32,
            wall,
            max_batch_bytes: self.settings.max_batch_bytes,
        };
        let batches = batches::build(&batch.records, &[], &plan)?;
        let offsets = offsets::last_of_each(&batch)?;
        let delivered = batch.records.count;
        for topic in batch.records.topics {
            if self.used.insert(topic.clone()) {
                self.outputs.push_back(Output::Say(Said::TopicUsed(topic)));
            }
        }
        let done = Done { ack: Ack { seq, delivered, filtered, failed }, offsets };
        self.ready.push(batches, state, done, wall);
        Ok(())
    }

    /// Everything that is ready, all or nothing.
    fn append(&mut self) -> Asking {
        let Ready { mut batches, offsets, state, done, wall, .. } = core::mem::take(&mut self.ready);
        let (topic, connector) = (&self.settings.offsets_topic, &self.settings.task.connector);
        let count = self.partitions.get(topic).copied().unwrap_or(1);
        batches.extend(offsets::batches(topic, count, connector, &offsets, wall));
        let task = Some((self.settings.task.cluster_name(), self.incarnation));
        let state = state.into_iter().collect();
        Asking::Append(AtomicAppend { task, batches, offsets: None, state }, done)
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
            (Asking::Find(topics), Reply::Metadata(metadata)) => self.topics_looked_for(now, topics, metadata),
            (Asking::Create(topics), Reply::CreateTopics(created)) => {
                // One that is there already will be seen before long.
                let all_new = created.iter().all(|topic| topic.outcome.is_ok());
                if self.topics_created(created) {
                    match all_new {
                        true => self.asking = Some(Asking::Find(topics)),
                        false => self.ask_again(now, Asking::Find(topics)),
                    }
                }
            }
            (Asking::Recreate(append, done), Reply::CreateTopics(created)) => {
                if self.topics_created(created) {
                    self.asking = Some(Asking::Append(append, done));
                }
            }
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

    /// A request that creates topics as the connector's configuration says.
    fn create<'t>(&self, topics: impl Iterator<Item = &'t String>) -> Request {
        let creation = self.settings.topic_creation.as_ref();
        let topics = creation.map(|creation| topics.map(|topic| creation.topic(topic)).collect()).unwrap_or_default();
        Request::CreateTopics(CreateTopics { topics, validate_only: false })
    }

    /// Those that are not there are created, and then looked for again.
    fn topics_looked_for(&mut self, now: Now, asked: Vec<String>, metadata: ClusterMetadata) {
        let found: Vec<_> = topics_of(metadata).collect();
        let missing = |found: &Result<i32, Error>| matches!(found, Err(Error::UnknownTopicOrPartition));
        let missing: Vec<String> =
            found.iter().filter(|(_, found)| missing(found)).map(|(topic, _)| topic.clone()).collect();
        if !missing.is_empty() {
            self.asking = Some(Asking::Create(missing));
            return;
        }
        for (topic, found) in found {
            match found {
                Ok(count) => drop(self.partitions.insert(topic, count)),
                Err(Error::InvalidTopicException) => {
                    return self.fail(format!("the topic name {topic:?} is not valid"));
                }
                Err(error) => {
                    self.warn(format!("topic {topic} is not there: {}", error.message()));
                    return self.ask_again(now, Asking::Find(asked));
                }
            }
        }
    }

    /// True if all of them are there now; else the task has failed.
    fn topics_created(&mut self, created: Vec<CreatedTopic>) -> bool {
        for CreatedTopic { name, outcome } in created {
            match outcome {
                Ok(_) | Err((Error::TopicAlreadyExists, _)) => {}
                Err((_, why)) => {
                    self.fail(format!(
                        "org.apache.kafka.connect.errors.ConnectException: Task failed to create new topic {name}. Ensure that the task is authorized to create topics or that the topic exists and restart the task\nCaused by: {why}"
                    ));
                    return false;
                }
            }
        }
        true
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

    fn appended(
        &mut self,
        now: Now,
        append: AtomicAppend,
        done: Vec<Done>,
        outcome: Result<Vec<i64>, (Error, String)>,
    ) {
        match outcome {
            Ok(_) => {
                self.ask_backoff.reset();
                self.acks.extend(done);
            }
            // Deleted in the meantime: made again, as a producer's metadata request would.
            Err((Error::UnknownTopicOrPartition, _)) => self.ask_again(now, Asking::Recreate(append, done)),
            Err((Error::KafkaStorageError | Error::ThrottlingQuotaExceeded | Error::CoordinatorNotAvailable, why)) => {
                self.warn(format!("the records wait to be written: {why}"));
                self.count(Count::Retried);
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
