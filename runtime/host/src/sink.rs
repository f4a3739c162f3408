//! A sink task.

use crate::bindings::exports::connect::connector::sink_task as wit;
use crate::convert::{self, Names};
use crate::env::Request;
use crate::error::HostError;
use crate::instance::{Instance, call};
use runtime_core::exchange::{PutFailure, TopicPartition, TpOffset};
use runtime_core::record::{BadBatch, Batch};
use std::collections::BTreeMap;

/// One instance of a sink task. After any [`HostError`] but [`HostError::Connector`], and after a call's future was dropped,
/// every call gives [`HostError::Gone`].
pub struct SinkTask {
    pub(crate) instance: Instance,
    pub(crate) exports: wit::Guest,
}

impl SinkTask {
    /// Starts it.
    pub async fn start(&mut self, config: &[(String, String)]) -> Result<(), HostError> {
        let config = convert::config(config);
        Ok(call!(self, "start", |store| self.exports.call_start(store, &config))?.map_err(convert::error)?)
    }

    /// Gives it partitions.
    pub async fn open(&mut self, partitions: &[TopicPartition]) -> Result<(), HostError> {
        self.instance.assign(partitions);
        let tps: Vec<_> = partitions.iter().map(convert::topic_partition_param).collect();
        Ok(call!(self, "open", |store| self.exports.call_open(store, &tps))?.map_err(convert::error)?)
    }

    /// Puts records: no more than half of `Settings::batch_bytes`, for a sink may hand all of it on in one call. Returns those that it could not take; all others it has. After a retriable error the same batch may come
    /// again.
    pub async fn put(&mut self, batch: &Batch) -> Result<Vec<PutFailure>, HostError> {
        let names = Names::of(batch);
        let param = convert::batch_param(batch, &names);
        let outcome = call!(self, "put", |store| self.exports.call_put(store, param))?.map_err(convert::error)?;
        if outcome.failures.iter().any(|failure| failure.index >= batch.count) {
            return Err(HostError::BadBatch(BadBatch { column: "failures", why: "one points past the batch" }));
        }
        let failure = |failure: wit::Failure| PutFailure { index: failure.index, error: convert::error(failure.error) };
        Ok(outcome.failures.into_iter().map(failure).collect())
    }

    /// Asks it to make durable what was put, and which offsets may then be committed; `current` are those after all that was
    /// put. None: commit nothing. What it put into its state belongs into the same commit.
    pub async fn pre_commit(&mut self, current: &[TpOffset]) -> Result<Vec<TpOffset>, HostError> {
        let current: Vec<_> = current.iter().map(convert::tp_offset_param).collect();
        let offsets = call!(self, "pre-commit", |store| self.exports.call_pre_commit(store, &current))?;
        Ok(offsets.map_err(convert::error)?.into_iter().map(convert::tp_offset).collect())
    }

    /// Takes partitions away.
    pub async fn close(&mut self, partitions: &[TopicPartition]) -> Result<(), HostError> {
        self.instance.unassign(partitions);
        let tps: Vec<_> = partitions.iter().map(convert::topic_partition_param).collect();
        Ok(call!(self, "close", |store| self.exports.call_close(store, &tps))?.map_err(convert::error)?)
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

    /// What it put into its state since the last time. `None` removes.
    pub fn take_state_changes(&mut self) -> BTreeMap<String, Option<Vec<u8>>> {
        self.instance.take_state_changes()
    }

    /// What it asked of the runtime since the last time, in order.
    pub fn take_requests(&mut self) -> Vec<Request> {
        self.instance.take_requests()
    }

    /// Its linear memory, in bytes; 0 once it is gone.
    pub fn memory_bytes(&self) -> usize {
        self.instance.memory_bytes()
    }
}
