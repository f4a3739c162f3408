//! One member of a group.
//!
//! Owns what is known of it and which of its requests waits. Leaves every decision to the turn.

use alloc::{collections::BTreeSet, string::String, vec::Vec};
use bytes::Bytes;

use super::Caller;
use crate::request::{ConnId, JoinGroup};

#[derive(Debug)]
pub(super) struct Member {
    pub instance: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub session_timeout_ms: u64,
    pub rebalance_timeout_ms: u64,
    /// Protocol names with the member's metadata, best first.
    pub protocols: Vec<(String, Bytes)>,
    /// As the leader wrote it; empty until then.
    pub assignment: Bytes,
    /// It has not been through a rebalance yet: it may not know its id and cannot send heartbeats.
    pub is_new: bool,
    /// The JoinGroup that waits for the rebalance.
    pub join: Option<Caller>,
    /// The SyncGroup that waits for the leader's.
    pub sync: Option<Caller>,
    /// The in-process caller whose end is this member's end.
    pub in_process: Option<ConnId>,
}

impl Member {
    pub fn new(caller: Caller, request: JoinGroup) -> Self {
        Member {
            session_timeout_ms: milliseconds(request.session_timeout_ms),
            rebalance_timeout_ms: milliseconds(request.rebalance_timeout_ms),
            instance: request.instance,
            client_id: request.client_id,
            client_host: request.client_host,
            protocols: request.protocols,
            assignment: Bytes::new(),
            is_new: true,
            join: Some(caller),
            sync: None,
            in_process: None,
        }
    }

    /// The same member under new terms; what it asked before is given back, to be answered.
    pub fn update(&mut self, caller: Caller, request: JoinGroup) -> Option<Caller> {
        self.session_timeout_ms = milliseconds(request.session_timeout_ms);
        self.rebalance_timeout_ms = milliseconds(request.rebalance_timeout_ms);
        self.client_id = request.client_id;
        self.client_host = request.client_host;
        self.protocols = request.protocols;
        self.join.replace(caller)
    }

    /// Names of its protocols, each once.
    pub fn protocol_names(&self) -> BTreeSet<&str> {
        self.protocols.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Its metadata for a protocol, empty if it does not have it.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }

    /// A waiting request proves that it lives, except that a new member's may wait for a client long gone.
    pub fn is_alive_by_waiting(&self) -> bool {
        !self.is_new && (self.join.is_some() || self.sync.is_some())
    }
}

/// A timeout of the wire; a negative one counts as none.
fn milliseconds(timeout: i32) -> u64 {
    u64::try_from(timeout).unwrap_or(0)
}
