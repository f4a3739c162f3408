//! What a cluster consists of: its brokers, who leads a partition, who coordinates a group or a transaction.
//!
//! Owns the questions, and when a coordinator is asked for again.

use std::collections::BTreeMap;

use kafka_protocol::{
    messages::{
        BrokerId, FindCoordinatorRequest, MetadataRequest, MetadataResponse, find_coordinator_response::Coordinator,
        metadata_request::MetadataRequestTopic,
    },
    protocol::StrBytes,
};

use super::{Admin, BACKOFF_MS, To, is_passing, topic_name};
use crate::failure::Failure;

/// Highest version of Metadata that tools ask for: it knows topic ids and internal topics.
const METADATA: i16 = 12;

/// What a coordinator coordinates, with its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coordinates {
    /// A group.
    Group = 0,
    /// A transactional id.
    Transaction = 1,
}

/// A broker of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: i32,
    /// The host that it tells clients.
    pub host: String,
    /// The port that it tells clients.
    pub port: i32,
    /// Its rack, if it has one.
    pub rack: Option<String>,
}

impl Node {
    /// `host:port`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl Admin<'_> {
    /// Metadata of these topics, or of all; topics that are not there are not created.
    ///
    /// # Errors
    /// Nobody answers in time.
    pub fn metadata(&mut self, topics: Option<&[String]>) -> Result<MetadataResponse, Failure> {
        let named = |name: &String| MetadataRequestTopic::default().with_name(Some(topic_name(name)));
        let names: Option<Vec<MetadataRequestTopic>> = topics.map(|topics| topics.iter().map(named).collect());
        let build = |version: i16| {
            let request = MetadataRequest::default().with_topics(names).with_allow_auto_topic_creation(version < 4);
            request.with_include_topic_authorized_operations(false)
        };
        let answer = self.ask_within(To::Any, (1, METADATA), build)?;
        self.learn(&answer);
        Ok(answer)
    }

    /// The brokers, by id.
    ///
    /// # Errors
    /// Nobody answers in time.
    pub fn nodes(&mut self) -> Result<Vec<Node>, Failure> {
        self.metadata(Some(&[]))?;
        Ok(self.nodes.values().cloned().collect())
    }

    /// The broker that leads each partition of the topics, by topic and partition. Topics that are not there, and partitions without a
    /// leader, are left out.
    ///
    /// # Errors
    /// Nobody answers in time.
    pub fn leaders(&mut self, topics: &[String]) -> Result<BTreeMap<(String, i32), i32>, Failure> {
        let mut leaders = BTreeMap::new();
        for topic in self.metadata(Some(topics))?.topics {
            let name = topic.name.map(|name| name.to_string()).unwrap_or_default();
            for partition in topic.partitions.iter().filter(|partition| partition.leader_id.0 >= 0) {
                leaders.insert((name.clone(), partition.partition_index), partition.leader_id.0);
            }
        }
        Ok(leaders)
    }

    /// The broker that coordinates `key`, waiting for one while the cluster has none yet.
    ///
    /// # Errors
    /// What the broker says; nobody answers in time.
    pub fn coordinator(&mut self, what: Coordinates, key: &str) -> Result<Node, Failure> {
        let until = self.deadline();
        loop {
            let build = |version: i16| {
                let request = FindCoordinatorRequest::default().with_key_type(what as i8);
                let key = StrBytes::from_string(key.to_owned());
                if version >= 4 { request.with_coordinator_keys(vec![key]) } else { request.with_key(key) }
            };
            let answer = self.ask_within(To::Any, (1, 4), build)?;
            let found = answer.coordinators.first().cloned().unwrap_or_else(|| {
                let one =
                    Coordinator::default().with_node_id(answer.node_id).with_host(answer.host).with_port(answer.port);
                one.with_error_code(answer.error_code).with_error_message(answer.error_message)
            });
            match found.error_code {
                0 => {
                    let node = Node { id: found.node_id.0, host: found.host.to_string(), port: found.port, rack: None };
                    self.nodes.insert(node.id, node.clone());
                    return Ok(node);
                }
                code if is_passing(code) && self.world.now_ms() < until => self.world.sleep_ms(BACKOFF_MS),
                code => return Err(Failure::kafka(code, found.error_message.as_deref())),
            }
        }
    }

    fn learn(&mut self, answer: &MetadataResponse) {
        for broker in &answer.brokers {
            let (host, rack) = (broker.host.to_string(), broker.rack.as_ref().map(|rack| rack.to_string()));
            self.nodes.insert(broker.node_id.0, Node { id: broker.node_id.0, host, port: broker.port, rack });
        }
        let BrokerId(controller) = answer.controller_id;
        self.controller = controller;
    }
}
