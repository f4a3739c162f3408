//! A small client for admin tools: a request goes to the broker that must answer it, in a version that both sides know.
//!
//! Owns requests, their versions, and when to try again. Leaves finding brokers to the files below, connections to the [`World`].
//! Invariant: a request is tried again only where the broker said that it did nothing.

use std::collections::BTreeMap;

use kafka_protocol::{
    messages::TopicName,
    protocol::{Request, StrBytes},
};

use crate::{
    connection::Connection,
    failure::Failure,
    flags::Given,
    world::{NoAnswer, World},
};

mod cluster;
mod frame;
mod reach;

pub use cluster::{Coordinates, Node};

/// Milliseconds between two tries.
const BACKOFF_MS: u64 = 100;

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
