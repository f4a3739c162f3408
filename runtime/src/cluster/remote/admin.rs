//! Topics made and groups deleted, with the admin client's settings.
//!
//! Invariant: a client lives for one question.

use std::time::Duration;

use broker_core::{
    error::Error,
    request::{CreateTopics, CreatedTopic},
};
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    config::FromClientConfigAndContext,
    error::RDKafkaErrorCode,
};
use runtime_core::client_settings::Client;

use super::Clients;
use crate::client::Talk;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

impl Clients {
    fn admin(&self) -> anyhow::Result<(AdminClient<Talk>, AdminOptions)> {
        let config = self.shared.config(&self.who, Client::Admin).map_err(anyhow::Error::msg)?;
        let admin = AdminClient::from_config_and_context(&config, Talk::new("admin"))?;
        Ok((admin, AdminOptions::new().request_timeout(Some(PATIENCE))))
    }

    pub(super) async fn create_topics(&self, create: CreateTopics) -> anyhow::Result<Vec<CreatedTopic>> {
        let (admin, options) = self.admin()?;
        let mut created = Vec::new();
        for topic in create.topics {
            let replication = TopicReplication::Fixed(topic.replication_factor.into());
            let mut new = NewTopic::new(&topic.name, topic.partitions, replication);
            for (key, value) in &topic.configs {
                new = new.set(key, value.as_deref().unwrap_or_default());
            }
            let answers = admin.create_topics([&new], &options).await?;
            let outcome = match answers.into_iter().next() {
                Some(Ok(_)) => Ok((Default::default(), topic.partitions.max(1), Vec::new())),
                Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => {
                    Err((Error::TopicAlreadyExists, "the topic is there already".to_owned()))
                }
                Some(Err((_, code @ RDKafkaErrorCode::InvalidReplicationFactor))) => {
                    Err((Error::InvalidReplicationFactor, code.to_string()))
                }
                Some(Err((_, code))) => Err((Error::InvalidRequest, code.to_string())),
                None => Err((Error::InvalidRequest, "the cluster gave no answer".to_owned())),
            };
            created.push(CreatedTopic { name: topic.name, outcome });
        }
        Ok(created)
    }

    pub(super) async fn delete_groups(&self, groups: Vec<String>) -> anyhow::Result<Vec<(String, Result<(), Error>)>> {
        let (admin, options) = self.admin()?;
        let names: Vec<&str> = groups.iter().map(String::as_str).collect();
        let answers = admin.delete_groups(&names, &options).await?;
        let outcome = |answer| match answer {
            Ok(group) => (group, Ok(())),
            Err((group, RDKafkaErrorCode::NonEmptyGroup)) => (group, Err(Error::NonEmptyGroup)),
            Err((group, RDKafkaErrorCode::GroupIdNotFound)) => (group, Err(Error::GroupIdNotFound)),
            Err((group, _)) => (group, Err(Error::CoordinatorNotAvailable)),
        };
        Ok(answers.into_iter().map(outcome).collect())
    }
}
