//! Somebody who makes, fills, reads and deletes a topic of his own, under the same name again and again.
//!
//! Owns that topic. A deletion that was not answered leaves it open whether the topic is there; he then looks.

use broker_core::{
    error::Error,
    request::{Batch, CreateTopics, Metadata, NewTopic, Produce, Reply, Request, RequestId, TopicRef},
};
use broker_store::batch::{BatchInfo, Builder};
use bytes::Bytes;

use super::{Client, Port, fetch, unexpected};
use crate::{
    broken,
    check::{Checked, log::Partition},
};

const NAME: &str = "scratch";

/// The administrator.
#[derive(Debug)]
pub struct Admin {
    asked: Option<(RequestId, Asked)>,
    /// Whether the topic is there; `None` if he has to look.
    there: Option<bool>,
    /// Things he will still do.
    left: u32,
    made: u32,
}

#[derive(Debug)]
enum Asked {
    Look,
    Create,
    Delete,
    Produce(Bytes),
    Fetch,
}

impl Admin {
    /// One who does so many things.
    pub fn new(left: u32) -> Self {
        Self { asked: None, there: Some(false), left, made: 0 }
    }

    fn partition() -> Partition {
        (NAME.into(), 0)
    }

    fn create(&mut self, port: &mut Port<'_>) -> (Request, Asked) {
        port.checks.topics.creating(NAME);
        let topics = vec![NewTopic {
            name: NAME.into(),
            partitions: 1,
            replication_factor: -1,
            assignments: Vec::new(),
            configs: Vec::new(),
        }];
        (Request::CreateTopics(CreateTopics { topics, validate_only: false }), Asked::Create)
    }

    fn delete(&mut self, port: &mut Port<'_>) -> (Request, Asked) {
        port.checks.topics.deleting(NAME);
        port.checks.log.forget(NAME);
        port.checks.tables.forget(NAME);
        port.checks.producers.forget(NAME);
        self.there = None;
        (Request::DeleteTopics(vec![TopicRef::Name(NAME.into())]), Asked::Delete)
    }

    fn produce(&mut self, port: &mut Port<'_>) -> (Request, Asked) {
        let mut builder = Builder::new();
        builder.push(port.wall, Some(b"key"), Some(format!("scratch-{}", self.made).as_bytes()), &[]);
        self.made += 1;
        let bytes = Bytes::from(builder.finish());
        let info = BatchInfo::parse(&bytes).expect("a batch just built");
        let topics = vec![(NAME.into(), vec![(0, Ok(Batch { info, bytes: bytes.clone() }))])];
        (Request::Produce(Produce { acks: -1, transactional_id: None, topics }), Asked::Produce(bytes))
    }

    fn looked(&mut self, port: &mut Port<'_>, reply: Reply) -> Checked {
        let Reply::Metadata(found) = reply else { return unexpected("the administrator", &reply) };
        let Some(topic) = found.topics.first() else { broken!("no answer about topic {NAME}") };
        match topic.partitions {
            Ok(partitions) => {
                self.there = Some(true);
                port.checks.topics.there(NAME, topic.id, partitions)
            }
            Err(Error::UnknownTopicOrPartition) => {
                self.there = Some(false);
                port.checks.topics.missing(NAME)
            }
            Err(error) => broken!("topic {NAME} cannot be looked at: {error:?}"),
        }
    }

    fn created(&mut self, port: &mut Port<'_>, reply: Reply) -> Checked {
        let Reply::CreateTopics(mut created) = reply else { return unexpected("the administrator", &reply) };
        match created.pop().map(|topic| topic.outcome) {
            Some(Ok((id, partitions, _))) => {
                self.there = Some(true);
                port.checks.topics.there(NAME, id, partitions)
            }
            other => broken!("topic {NAME} was not created: {other:?}"),
        }
    }

    fn deleted(&mut self, port: &mut Port<'_>, reply: Reply) -> Checked {
        let Reply::DeleteTopics(mut deleted) = reply else { return unexpected("the administrator", &reply) };
        match deleted.pop().map(|topic| topic.outcome) {
            Some(Ok(())) => {
                self.there = Some(false);
                port.checks.topics.missing(NAME)
            }
            other => broken!("topic {NAME} was not deleted: {other:?}"),
        }
    }

    fn produced(&mut self, port: &mut Port<'_>, bytes: &Bytes, reply: Reply) -> Checked {
        let Reply::Produce(mut topics) = reply else { return unexpected("the administrator", &reply) };
        let outcome = topics.pop().and_then(|mut topic| topic.partitions.pop()).map(|partition| partition.outcome);
        match outcome {
            Some(Ok(produced)) => {
                port.checks.log.acknowledged(&Self::partition(), produced.base_offset, bytes)?;
                // It deletes no keys, so that nothing was in doubt before the answer.
                let sent = port.checks.tables.sends(&Self::partition(), bytes)?;
                port.checks.tables.acknowledged(&Self::partition(), sent, produced.base_offset, bytes)
            }
            Some(Err((Error::KafkaStorageError, _))) => Ok(()),
            other => broken!("topic {NAME} does not take a batch: {other:?}"),
        }
    }
}

impl Client for Admin {
    fn act(&mut self, port: &mut Port<'_>) -> Checked {
        if self.asked.is_some() || (self.left == 0 && self.there.is_some()) {
            return Ok(());
        }
        self.left = self.left.saturating_sub(1);
        let (request, asked) = match self.there {
            None => {
                let topics = Some(vec![TopicRef::Name(NAME.into())]);
                (Request::Metadata(Metadata { topics, allow_auto_topic_creation: false }), Asked::Look)
            }
            Some(false) => self.create(port),
            Some(true) => match port.random.below(5) {
                0 => self.delete(port),
                1 => (fetch::request(&Self::partition(), 0, 0, 10_000), Asked::Fetch),
                _ => self.produce(port),
            },
        };
        self.asked = Some((port.send(request), asked));
        Ok(())
    }

    fn answered(&mut self, port: &mut Port<'_>, id: RequestId, reply: Reply) -> Checked {
        let Some((_, asked)) = self.asked.take_if(|(asked, _)| *asked == id) else {
            return unexpected("the administrator", &reply);
        };
        match asked {
            Asked::Look => self.looked(port, reply),
            Asked::Create => self.created(port, reply),
            Asked::Delete => self.deleted(port, reply),
            Asked::Produce(bytes) => self.produced(port, &bytes, reply),
            Asked::Fetch => match fetch::answered(port, &Self::partition(), 0, reply)? {
                fetch::Brought::Gone => broken!("topic {NAME} has lost its segments"),
                _ => Ok(()),
            },
        }
    }

    fn cut_off(&mut self) {
        if let Some((_, Asked::Create | Asked::Delete)) = self.asked.take() {
            self.there = None;
        }
    }

    fn is_done(&self) -> bool {
        self.asked.is_none() && self.left == 0 && self.there.is_some()
    }

    fn wind_up(&mut self) {
        self.left = 0;
    }
}
