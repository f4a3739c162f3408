//! A source task.

use crate::bindings::exports::connect::connector::source_task as wit;
use crate::convert;
use crate::env::Request;
use crate::error::HostError;
use crate::instance::{Instance, call};
use runtime_core::exchange::{Ack, EosSupport, Polled};
use runtime_core::record::BadBatch;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One instance of a source task. After any [`HostError`] but [`HostError::Connector`], and after a call's future was
/// dropped, every call gives [`HostError::Gone`].
pub struct SourceTask {
    pub(crate) instance: Instance,
    pub(crate) exports: wit::Guest,
}

impl SourceTask {
    /// Whether it can promise that nothing comes twice. Needs no start.
    pub async fn exactly_once(&mut self, config: &[(String, String)]) -> Result<EosSupport, HostError> {
        let config = convert::config(config);
        call!(self, "exactly-once", |store| self.exports.call_exactly_once(store, &config)).map(convert::eos_support)
    }

    /// Starts it.
    pub async fn start(&mut self, config: &[(String, String)]) -> Result<(), HostError> {
        let config = convert::config(config);
        Ok(call!(self, "start", |store| self.exports.call_start(store, &config))?.map_err(convert::error)?)
    }

    /// Asks for at most `max_records` records with about `max_bytes` bytes of keys and values; more may come, never fewer for
    /// lack of patience. `seq` numbers the poll, for its acks. A batch is checked here, once.
    pub async fn poll(&mut self, seq: u64, max_records: u32, max_bytes: u32) -> Result<Polled, HostError> {
        let polled = call!(self, "poll", |store| self.exports.call_poll(store, seq, max_records, max_bytes))?;
        let polled = convert::polled(polled.map_err(convert::error)?);
        if let Polled::Records(batch) = &polled {
            check(batch).map_err(HostError::BadBatch)?;
        }
        Ok(polled)
    }

    /// Tells what became of the records of earlier polls.
    pub async fn on_ack(&mut self, acks: &[Ack]) -> Result<(), HostError> {
        let acks: Vec<_> = acks.iter().map(convert::ack).collect();
        Ok(call!(self, "on-ack", |store| self.exports.call_on_ack(store, &acks))?.map_err(convert::error)?)
    }

    /// Tells that offsets are durable.
    pub async fn commit(&mut self) -> Result<(), HostError> {
        Ok(call!(self, "commit", |store| self.exports.call_commit(store))?.map_err(convert::error)?)
    }

    /// Gives it a new configuration; false: it wants to be restarted.
    pub async fn reconfigure(&mut self, config: &[(String, String)]) -> Result<bool, HostError> {
        let lent = convert::config(config);
        let applied = call!(self, "reconfigure", |store| self.exports.call_reconfigure(store, &lent))?;
        self.instance.set_config(config);
        Ok(applied.map_err(convert::error)?)
    }

    /// Stops it.
    pub async fn stop(&mut self) -> Result<(), HostError> {
        call!(self, "stop", |store| self.exports.call_stop(store))
    }

    /// What it put into its state since the last time: after a poll, what is to be committed with its records. `None` removes.
    pub fn take_state_changes(&mut self) -> BTreeMap<String, Option<Vec<u8>>> {
        self.instance.take_state_changes()
    }

    /// What it asked of the runtime since the last time.
    pub fn take_requests(&mut self) -> Vec<Request> {
        self.instance.take_requests()
    }

    /// Files that it reads or waits for: poll again when one of them changes, comes or goes.
    pub fn watched_paths(&self) -> Vec<PathBuf> {
        self.instance.watched_paths()
    }

    /// Its linear memory, in bytes; 0 once it is gone.
    pub fn memory_bytes(&self) -> usize {
        self.instance.memory_bytes()
    }
}

/// Records of one batch: empty columns cost a guest nothing, whatever its count, but whoever walks over them.
const MAX_RECORDS: u32 = 1 << 20;

/// Bytes that the names of headers come to when each record gets its own: a dictionary of one long name costs a guest nothing.
const MAX_HEADER_NAMES: usize = 16 << 20;

/// Checks what the columns cannot: that checkpoints and marks point into the batch, in order.
fn check(source: &runtime_core::exchange::SourceBatch) -> Result<(), BadBatch> {
    if source.records.count > MAX_RECORDS {
        return Err(BadBatch { column: "count", why: "it is more than 1,048,576" });
    }
    source.records.check()?;
    if source.records.headers.as_ref().is_some_and(|headers| headers.name_bytes() > MAX_HEADER_NAMES) {
        return Err(BadBatch { column: "headers", why: "their names come to more than 16,777,216 bytes" });
    }
    let rises = |marks: Vec<u32>| marks.is_sorted() && marks.last().is_none_or(|last| *last < source.records.count);
    let bad = |column, why| Err(BadBatch { column, why });
    if !rises(source.checkpoints.iter().map(|mark| mark.after).collect()) {
        return bad("checkpoints", "they do not rise within the batch");
    }
    if source.checkpoints.iter().any(|mark| mark.partition as usize >= source.partitions.len()) {
        return bad("checkpoints", "one points past the partitions");
    }
    if !rises(source.txn.iter().map(|mark| mark.after).collect()) {
        return bad("txn", "its marks do not rise within the batch");
    }
    Ok(())
}
