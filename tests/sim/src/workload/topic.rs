//! Finding a topic, which makes it if it is not there.
//!
//! Owns the question that every client asks first.

use broker_core::{
    error::Error,
    request::{Metadata, Reply, Request, RequestId, TopicRef},
};

use super::{Port, unexpected};

/// A topic that is looked for.
#[derive(Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    partitions: Option<i32>,
    asked: Option<RequestId>,
}

impl Topic {
    /// One that is not known yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), partitions: None, asked: None }
    }

    /// Its partitions, once they are known; asks for them otherwise.
    pub fn partitions(&mut self, port: &mut Port<'_>) -> Option<i32> {
        if self.partitions.is_none() && self.asked.is_none() {
            port.checks.topics.creating(&self.name);
            let topics = Some(vec![TopicRef::Name(self.name.clone())]);
            self.asked = Some(port.send(Request::Metadata(Metadata { topics, allow_auto_topic_creation: true })));
        }
        self.partitions
    }

    /// True if the answer was to its question.
    pub fn answered(&mut self, port: &mut Port<'_>, id: RequestId, reply: &Reply) -> Result<bool, String> {
        if self.asked != Some(id) {
            return Ok(false);
        }
        self.asked = None;
        let Reply::Metadata(found) = reply else { return unexpected("a topic's seeker", reply) };
        for topic in &found.topics {
            match topic.partitions {
                Ok(partitions) => {
                    port.checks.topics.there(&self.name, topic.id, partitions)?;
                    self.partitions = Some(partitions);
                }
                Err(Error::KafkaStorageError) => {}
                Err(error) => return Err(format!("topic {} cannot be made: {error:?}", self.name)),
            }
        }
        Ok(true)
    }

    /// Whoever was asked is gone.
    pub fn cut_off(&mut self) {
        self.asked = None;
    }

    /// True if nobody was asked and waits.
    pub fn is_quiet(&self) -> bool {
        self.asked.is_none()
    }
}
