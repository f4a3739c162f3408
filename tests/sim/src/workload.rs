//! The clients of a run: what they may do, and which of them there are.
//!
//! Owns the port through which a client reaches the broker. Each kind of client has a file; each keeps to Kafka's rules for clients
//! and tells the checkers what it was told. Invariant: a client knows only what a process on another machine could know.

use broker_core::request::{ConnId, Reply, Request, RequestId, TransactionRequest};
use broker_store::{log::Read, segment::ReadError};
use bytes::Bytes;

use crate::{
    check::{Checked, Checks},
    disk::Disk,
    process::{Arrival, Process},
    random::Random,
    trace::Trace,
};

pub mod admin;
pub mod committed;
pub mod consumer;
pub mod fetch;
pub mod producer;
pub mod sink;
pub mod source;
pub mod topic;
pub mod transactional;
pub mod trimmer;

/// One client.
pub trait Client: core::fmt::Debug {
    /// Does what it likes to do next, if anything. Called at random moments.
    fn act(&mut self, port: &mut Port<'_>) -> Checked;

    /// Gets the answer to one of its requests.
    fn answered(&mut self, port: &mut Port<'_>, id: RequestId, reply: Reply) -> Checked;

    /// Its connection is gone, with everything on its way.
    fn cut_off(&mut self);

    /// True if it has nothing more to do and waits for nothing.
    fn is_done(&self) -> bool;

    /// When it wants to be called if nothing else happens, on the world's clock.
    fn timeout(&self) -> Option<u64> {
        None
    }

    /// From now on it only finishes what it has begun.
    fn wind_up(&mut self) {}

    /// True if it has no connection that could break alone.
    fn lives_in_process(&self) -> bool {
        false
    }
}

/// A client's way out.
pub struct Port<'a> {
    /// Milliseconds on the world's clock.
    pub now: u64,
    /// Milliseconds since 1970 on its wall clock, which jumps.
    pub wall: i64,
    /// Chance.
    pub random: &'a mut Random,
    /// What was promised so far.
    pub checks: &'a mut Checks,
    /// What happens.
    pub trace: &'a mut Trace,
    pub(crate) process: &'a mut Process,
    /// The disk outside of the data folder; it dies with the machine too.
    pub outside: &'a Disk,
    pub(crate) conn: &'a mut ConnId,
    pub(crate) ids: &'a mut Ids,
}

/// Numbers that are given out once.
#[derive(Debug, Default)]
pub struct Ids {
    conn: u64,
    request: u64,
}

impl Ids {
    /// A connection. Number 0 is the auditor's.
    pub fn conn(&mut self) -> ConnId {
        self.conn += 1;
        ConnId(self.conn)
    }

    fn request(&mut self) -> RequestId {
        self.request += 1;
        RequestId(self.request)
    }
}

impl Port<'_> {
    /// Sends a request; its answer carries the id.
    pub fn send(&mut self, request: Request) -> RequestId {
        let id = self.ids.request();
        self.trace.step(self.now, kind(&request), &[self.conn.0, id.0]);
        self.trace.say(self.now, format_args!("    {request:?}"));
        self.process.arrive(Arrival::Request(*self.conn, id, request));
        id
    }

    /// Ends the connection, and begins another.
    pub fn reconnect(&mut self) {
        let old = core::mem::replace(self.conn, self.ids.conn());
        self.process.arrive(Arrival::Disconnected(old));
    }

    /// The bytes of a fetch, from memory or a segment.
    pub fn read(&self, read: &Read) -> Result<Vec<Bytes>, ReadError> {
        let mut pieces = read.memory.clone();
        if let Some(file) = &read.file {
            pieces.insert(0, self.process.reader().read(file)?);
        }
        Ok(pieces)
    }
}

/// A request's name.
pub fn kind(request: &Request) -> &'static str {
    match request {
        Request::Produce(_) => "Produce",
        Request::Fetch(_) => "Fetch",
        Request::ListOffsets(_) => "ListOffsets",
        Request::Metadata(_) => "Metadata",
        Request::CreateTopics(_) => "CreateTopics",
        Request::DeleteTopics(_) => "DeleteTopics",
        Request::CreatePartitions { .. } => "CreatePartitions",
        Request::DeleteRecords(_) => "DeleteRecords",
        Request::DescribeConfigs(_) => "DescribeConfigs",
        Request::AlterConfigs { .. } => "AlterConfigs",
        Request::ListConfigResources(_) => "ListConfigResources",
        Request::Partitions(_) => "Partitions",
        Request::FetchSession(_) => "FetchSession",
        Request::JournalPosition => "JournalPosition",
        Request::OffsetDelete { .. } => "OffsetDelete",
        Request::InitProducerId(_) => "InitProducerId",
        Request::OffsetForLeaderEpoch(_) => "OffsetForLeaderEpoch",
        Request::JoinGroup(_) => "JoinGroup",
        Request::SyncGroup(_) => "SyncGroup",
        Request::Heartbeat(_) => "Heartbeat",
        Request::LeaveGroup { .. } => "LeaveGroup",
        Request::OffsetCommit(_) => "OffsetCommit",
        Request::OffsetFetch { .. } => "OffsetFetch",
        Request::Transaction(TransactionRequest::AddPartitions { .. }) => "AddPartitionsToTxn",
        Request::Transaction(TransactionRequest::AddOffsets { .. }) => "AddOffsetsToTxn",
        Request::Transaction(TransactionRequest::CommitOffsets { .. }) => "TxnOffsetCommit",
        Request::Transaction(TransactionRequest::End { .. }) => "EndTxn",
        Request::Transaction(TransactionRequest::WriteMarkers(_)) => "WriteTxnMarkers",
        Request::Transaction(TransactionRequest::Describe(_)) => "DescribeTransactions",
        Request::Transaction(TransactionRequest::List(_)) => "ListTransactions",
        Request::Transaction(TransactionRequest::DescribeProducers(_)) => "DescribeProducers",
        Request::DescribeGroups(_) => "DescribeGroups",
        Request::ListGroups { .. } => "ListGroups",
        Request::DeleteGroups(_) => "DeleteGroups",
        Request::AtomicAppend(_) => "AtomicAppend",
        Request::StartTask { .. } => "StartTask",
        Request::ReadTable { .. } => "ReadTable",
    }
}

/// An answer that does not fit its question.
pub fn unexpected<T>(who: &str, reply: &Reply) -> Result<T, String> {
    Err(format!("{who} got an answer it did not ask for: {reply:?}"))
}
