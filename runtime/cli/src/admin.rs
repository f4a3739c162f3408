//! A small client for admin tools: a request goes to the broker that must answer it, in a version that both sides know.
//!
//! Owns: bootstrap, ApiVersions, who is the controller, a coordinator, a leader; when to try again. Leaves connections to the [`World`].
//! Invariant: a request is tried again only where the broker said that it did nothing.

use std::collections::BTreeMap;

use kafka_protocol::{
    messages::{
        ApiVersionsRequest, ApiVersionsResponse, BrokerId, FindCoordinatorRequest, MetadataRequest, MetadataResponse,
        TopicName, find_coordinator_response::Coordinator, metadata_request::MetadataRequestTopic,
    },
    protocol::{Request, StrBytes},
};

use crate::{
    connection::Connection,
    failure::Failure,
    flags::Given,
    world::{NoAnswer, World},
};

mod frame;

/// Milliseconds between two tries.
const BACKOFF_MS: u64 = 100;

/// Highest version of Metadata that tools ask for: it knows topic ids and internal topics.
const METADATA: i16 = 12;

/// Who must answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum To {
    /// Any broker.
    Any,
    /// The controller, or in KRaft a broker that passes the request on.
    Controller,
    /// This broker.
    Broker(i32),
}

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

/// The client of one run of a tool.
pub struct Admin<'w> {
    /// The world that the tool runs in, for what else it does there.
    pub world: &'w mut dyn World,
    connection: Connection,
    /// What the tool is doing, in the Java client's words (`listTopics`): named where nobody answers.
    call: &'static str,
    /// Highest version per API key, by address.
    versions: BTreeMap<String, BTreeMap<i16, (i16, i16)>>,
    nodes: BTreeMap<i32, Node>,
    controller: i32,
    bootstrap: Option<String>,
    correlation: i32,
}

impl<'w> Admin<'w> {
    /// A client from `--bootstrap-server` (or `--bootstrap-controller`) and `--command-config`. `call` is what the Java client calls
    /// what the tool does first.
    ///
    /// # Errors
    /// An address without a port, a file that cannot be read, settings that cannot be honoured.
    pub fn new(given: &Given, world: &'w mut dyn World, call: &'static str) -> Result<Self, Failure> {
        Ok(Self::over(Connection::new(given, world)?, world, call))
    }

    /// A client over this connection.
    pub fn over(connection: Connection, world: &'w mut dyn World, call: &'static str) -> Self {
        Self {
            world,
            connection,
            call,
            versions: BTreeMap::new(),
            nodes: BTreeMap::new(),
            controller: -1,
            bootstrap: None,
            correlation: 0,
        }
    }

    /// Looks for a broker for at most this long, unless the settings of the connection say otherwise.
    pub fn within(mut self, timeout_ms: u64) -> Self {
        self.connection.hurry(timeout_ms);
        self
    }

    /// From now on the tool does this, in the Java client's words.
    pub fn calling(&mut self, call: &'static str) {
        self.call = call;
    }

    /// Sends a request that `build` makes for the version that both sides know, and gives the answer. Error codes in it are the
    /// caller's matter.
    ///
    /// # Errors
    /// Nobody answers in time; no common version (`UnsupportedVersionException`).
    pub fn ask<R: Request>(&mut self, to: To, build: impl FnOnce(i16) -> R) -> Result<R::Response, Failure> {
        self.ask_within(to, (0, i16::MAX), build)
    }

    /// As [`Admin::ask`], with a version of `range`.
    ///
    /// # Errors
    /// As [`Admin::ask`].
    pub fn ask_within<R: Request>(
        &mut self,
        to: To,
        range: (i16, i16),
        build: impl FnOnce(i16) -> R,
    ) -> Result<R::Response, Failure> {
        let address = self.address(to)?;
        let version = self.version::<R>(&address, range)?;
        self.exchange(&address, version, &build(version))
    }

    /// Whether the broker serves the API of this request at all.
    ///
    /// # Errors
    /// Nobody answers in time.
    pub fn serves<R: Request>(&mut self, to: To) -> Result<bool, Failure> {
        let address = self.address(to)?;
        Ok(self.version::<R>(&address, (0, i16::MAX)).is_ok())
    }

    /// What a broker says to ApiVersions: lowest and highest version per API key.
    ///
    /// # Errors
    /// Nobody answers in time.
    pub fn api_versions(&mut self, to: To) -> Result<BTreeMap<i16, (i16, i16)>, Failure> {
        let address = self.address(to)?;
        Ok(self.versions[&address].clone())
    }

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

    /// Tries `attempt` until it gives something else than a passing error (a coordinator that is loading, a leader that moves).
    ///
    /// # Errors
    /// The last of them when the time is up, and every other one at once.
    pub fn retrying<T>(&mut self, mut attempt: impl FnMut(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let until = self.deadline();
        loop {
            match attempt(self) {
                Err(failure) if is_passing(failure.code) && self.world.now_ms() < until => {
                    self.world.sleep_ms(BACKOFF_MS)
                }
                other => return other,
            }
        }
    }

    fn deadline(&self) -> i64 {
        self.world.now_ms().saturating_add(self.connection.timeout_ms as i64)
    }

    /// Where a broker is; connected, and its versions known.
    fn address(&mut self, to: To) -> Result<String, Failure> {
        let bootstrap = match &self.bootstrap {
            Some(address) => address.clone(),
            None => self.bootstrap()?,
        };
        let id = match to {
            To::Any => return Ok(bootstrap),
            To::Controller | To::Broker(_) if self.nodes.is_empty() => {
                self.metadata(Some(&[]))?;
                return self.address(to);
            }
            To::Controller => self.controller,
            To::Broker(id) => id,
        };
        let Some(node) = self.nodes.get(&id) else {
            // A controller that is no broker: any broker passes the request on.
            return if to == To::Controller { Ok(bootstrap) } else { Err(self.unanswered()) };
        };
        let address = node.address();
        self.open(&address).map_err(|why| self.explain(&address, why))?;
        Ok(address)
    }

    /// The first of the bootstrap servers that answers, trying again until the time is up.
    fn bootstrap(&mut self) -> Result<String, Failure> {
        let until = self.deadline();
        let mut said = false;
        loop {
            for address in self.connection.servers.clone() {
                match self.open(&address) {
                    Ok(()) => {
                        self.bootstrap = Some(address.clone());
                        return Ok(address);
                    }
                    Err(NoAnswer::Unusable(why)) => return Err(Failure::new(why)),
                    Err(NoAnswer::Unreachable(why)) if !said => {
                        let tries = "trying again for a while, in case a broker is just starting";
                        self.world.err(&format!("nothing answers at {address} ({why}); {tries}\n"));
                        said = true;
                    }
                    Err(_) => {}
                }
            }
            if self.world.now_ms() >= until {
                return Err(self.unanswered());
            }
            self.world.sleep_ms(BACKOFF_MS);
        }
    }

    fn unanswered(&self) -> Failure {
        let advice = format!(
            "no broker at {}. Is one running? `connectd broker` starts one on localhost:9092",
            self.connection.servers.join(",")
        );
        let call = self.call;
        let failure = Failure::new(format!("Timed out waiting for a node assignment. Call: {call}")).advising(advice);
        Failure { class: Some("TimeoutException"), ..failure }
    }

    fn explain(&self, address: &str, why: NoAnswer) -> Failure {
        match why {
            NoAnswer::Unusable(why) => Failure::new(why),
            NoAnswer::Unreachable(why) => {
                let advice =
                    format!("the broker tells clients to find it at {address}, and that is not reachable: {why}");
                self.unanswered().advising(advice)
            }
            NoAnswer::Closed => Failure::kafka(13, None).advising(format!("{address} ended the connection")),
            NoAnswer::TimedOut => {
                let call = self.call;
                Failure { class: Some("TimeoutException"), ..Failure::new(format!("Call(callName={call}) timed out")) }
            }
        }
    }

    /// Connects and learns what the broker speaks.
    fn open(&mut self, address: &str) -> Result<(), NoAnswer> {
        let is_new = self.world.connect(address, &self.connection.security, self.connection.request_timeout_ms)?;
        if !is_new && self.versions.contains_key(address) {
            return Ok(());
        }
        let software = |text: &str| StrBytes::from_string(text.to_owned());
        let request = ApiVersionsRequest::default()
            .with_client_software_name(software("connectd"))
            .with_client_software_version(software(env!("CARGO_PKG_VERSION")));
        let mut answer: ApiVersionsResponse = self.exchanged(address, 3, &request)?;
        if answer.error_code == 35 {
            answer = self.exchanged(address, 0, &ApiVersionsRequest::default())?;
        }
        if answer.error_code != 0 {
            return Err(NoAnswer::Unusable(format!("{address} answers ApiVersions with error {}", answer.error_code)));
        }
        let rows = answer.api_keys.iter().map(|row| (row.api_key, (row.min_version, row.max_version)));
        self.versions.insert(address.to_owned(), rows.collect());
        self.authenticate(address)
    }

    fn authenticate(&mut self, address: &str) -> Result<(), NoAnswer> {
        let Some(mut login) = self.connection.login(self.world) else { return Ok(()) };
        let answer = self.exchanged(address, 1, &login.handshake())?;
        let mut request = login.begin(&answer).map_err(NoAnswer::Unusable)?;
        loop {
            let answer = self.exchanged(address, 1, &request)?;
            match login.go_on(&answer).map_err(NoAnswer::Unusable)? {
                Some(next) => request = next,
                None => return Ok(()),
            }
        }
    }

    fn version<R: Request>(&self, address: &str, (least, most): (i16, i16)) -> Result<i16, Failure> {
        let known = self.versions.get(address).and_then(|versions| versions.get(&R::KEY));
        let (least, most) = (least.max(R::VERSIONS.min), most.min(R::VERSIONS.max));
        let common = known.map(|(min, max)| (least.max(*min), most.min(*max))).filter(|(min, max)| min <= max);
        let api = || {
            kafka_protocol::messages::ApiKey::try_from(R::KEY)
                .map_or_else(|()| R::KEY.to_string(), |key| format!("{key:?}"))
        };
        common.map(|(_, max)| max).ok_or_else(|| {
            let why = format!("The node does not support {}", api());
            Failure::kafka(35, Some(&why))
        })
    }

    fn exchange<R: Request>(&mut self, address: &str, version: i16, request: &R) -> Result<R::Response, Failure> {
        self.exchanged(address, version, request).map_err(|why| self.explain(address, why))
    }

    fn exchanged<R: Request>(&mut self, address: &str, version: i16, request: &R) -> Result<R::Response, NoAnswer> {
        self.correlation += 1;
        let frame = frame::encode(version, self.correlation, request).map_err(NoAnswer::Unusable)?;
        let answer = self.world.exchange(address, &frame, self.connection.request_timeout_ms)?;
        frame::decode::<R>(version, self.correlation, answer)
            .map_err(|why| NoAnswer::Unusable(format!("{address}: {why}")))
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

/// A topic's name as the messages have it.
pub fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

/// Text as the messages have it.
pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Errors after which the same request may succeed, the broker having done nothing: leaders and coordinators that move or load.
fn is_passing(code: i16) -> bool {
    matches!(code, 5 | 6 | 14 | 15 | 16 | 41)
}
