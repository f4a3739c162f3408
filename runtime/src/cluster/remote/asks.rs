//! Questions about topics, whoever asks them.
//!
//! Invariant: an answer comes in bounded time; while the cluster does not answer, what it said last is said again, so that nobody takes
//! its silence for the end of a topic.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use broker_core::{
    error::Error,
    request::{ClusterMetadata, Metadata, TopicMetadata, TopicRef},
};
use rdkafka::{
    ClientConfig,
    client::{Client, ClientContext},
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    metadata::MetadataTopic,
    types::RDKafkaRespErr,
};

use crate::client::Talk;

const PATIENCE: Duration = Duration::from_secs(2);

/// A topic that is to be made is asked for again so long: the cluster makes it after it has said that it is not there.
const MAKING: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(50);

/// Topics and their partitions, asked by a client of these settings that lives for this question and makes no topic.
pub fn look(config: &ClientConfig, asked: Metadata, own: &str) -> anyhow::Result<ClusterMetadata> {
    let client: BaseConsumer<Talk> =
        rdkafka::config::FromClientConfigAndContext::from_config_and_context(config, Talk::new("topics"))?;
    Ok(Topics::default().ask(client.client(), asked, own))
}

/// What a caller was told of topics.
#[derive(Default)]
pub struct Topics {
    known: Mutex<BTreeMap<String, i32>>,
}

impl Topics {
    /// Topics and their partitions. `own` is the worker's table of offsets: a file, with one partition, for whoever asks.
    pub fn ask<C: ClientContext>(&self, client: &Client<C>, asked: Metadata, own: &str) -> ClusterMetadata {
        let topics = match asked.topics {
            None => self.everything(client),
            Some(names) => names
                .into_iter()
                .filter_map(|name| match name {
                    TopicRef::Name(name) => Some(name),
                    TopicRef::Id(_) => None,
                })
                .map(|name| match name == own {
                    true => found(name, Ok(1)),
                    false => self.one(client, name, asked.allow_auto_topic_creation),
                })
                .collect(),
        };
        ClusterMetadata { cluster_id: String::new(), node_id: -1, topics }
    }

    fn everything<C: ClientContext>(&self, client: &Client<C>) -> Vec<TopicMetadata> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match client.fetch_metadata(None, PATIENCE) {
            Ok(all) => {
                let all =
                    all.topics().iter().filter_map(|topic| Some((topic.name().to_owned(), partitions(topic).ok()?)));
                *known = all.collect();
            }
            Err(error) => tracing::debug!("topics: {error}"),
        }
        known.iter().map(|(name, count)| found(name.clone(), Ok(*count))).collect()
    }

    fn one<C: ClientContext>(&self, client: &Client<C>, name: String, create: bool) -> TopicMetadata {
        let began = Instant::now();
        loop {
            let outcome = match client.fetch_metadata(Some(&name), PATIENCE) {
                Ok(all) => match all.topics().iter().find(|topic| topic.name() == name) {
                    Some(topic) => partitions(topic),
                    None => Err(Error::UnknownTopicOrPartition),
                },
                Err(KafkaError::MetadataFetch(RDKafkaErrorCode::InvalidTopic)) => Err(Error::InvalidTopicException),
                Err(_) => {
                    let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                    known.get(&name).copied().ok_or(Error::CoordinatorNotAvailable)
                }
            };
            let wait = create && outcome == Err(Error::UnknownTopicOrPartition) && began.elapsed() < MAKING;
            if wait {
                std::thread::sleep(AGAIN);
                continue;
            }
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(count) => drop(known.insert(name.clone(), count)),
                Err(_) => drop(known.remove(&name)),
            }
            return found(name, outcome);
        }
    }
}

fn partitions(topic: &MetadataTopic) -> Result<i32, Error> {
    match topic.error() {
        None => Ok(topic.partitions().len() as i32),
        Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) => Err(Error::InvalidTopicException),
        Some(_) => Err(Error::UnknownTopicOrPartition),
    }
}

fn found(name: String, partitions: Result<i32, Error>) -> TopicMetadata {
    let internal = name == "__consumer_offsets" || name == "__transaction_state";
    TopicMetadata { name: Some(name), id: Default::default(), internal, partitions }
}
