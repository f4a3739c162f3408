//! One instance, and the one way to call it.
//!
//! Owns the store. Invariant: while a call is under way the store is in the call's future, so that a trap, a deadline, or a
//! runtime that gives up waiting drops it, and everything the guest held with it.

use crate::engine::Engine;
use crate::env::{Env, Request};
use crate::error::HostError;
use crate::store::TaskData;
use runtime_core::exchange::TopicPartition;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;
use wasmtime::Store;
use wasmtime::component::InstancePre;

/// How much longer than its deadline a call may stay in a host function before its future is dropped.
const HOST_GRACE: Duration = Duration::from_millis(500);

pub(crate) struct Instance {
    engine: Engine,
    deadline: Duration,
    store: Option<Store<TaskData>>,
}

impl Instance {
    /// Instantiates, with `deadline` for this and each later call; `load` finds the exports.
    pub(crate) async fn new<G>(
        engine: &Engine,
        pre: &InstancePre<TaskData>,
        env: Env,
        deadline: Duration,
        load: impl FnOnce(&mut Store<TaskData>, &wasmtime::component::Instance) -> wasmtime::Result<G>,
    ) -> Result<(Self, G), HostError> {
        let store = TaskData::store(&engine.0.wasmtime, &engine.0.settings, env);
        let mut this = Self { engine: engine.clone(), deadline, store: Some(store) };
        let mut store = this.begin()?;
        let outcome = this.limit(pre.instantiate_async(&mut store)).await;
        let loaded = outcome.map(|made| made.and_then(|instance| load(&mut store, &instance)));
        let exports = this.end("instantiate", store, loaded)?;
        Ok((this, exports))
    }

    /// The store, ready for a call.
    pub(crate) fn begin(&mut self) -> Result<Store<TaskData>, HostError> {
        let mut store = self.store.take().ok_or(HostError::Gone)?;
        let data = store.data_mut();
        data.budget.begin(self.deadline);
        data.limits.begin();
        data.allowance.begin();
        data.stderr.begin();
        store.set_epoch_deadline(1);
        Ok(store)
    }

    /// Drives a call until it is done, or its time is over.
    pub(crate) async fn limit<T>(&mut self, call: impl Future<Output = T>) -> Option<T> {
        let _ticking = self.engine.0.ticker.during_call();
        tokio::time::timeout(self.deadline + HOST_GRACE, call).await.ok()
    }

    /// Keeps the store after a call that went well, and drops it after any other.
    pub(crate) fn end<T>(
        &mut self,
        call: &'static str,
        store: Store<TaskData>,
        outcome: Option<wasmtime::Result<T>>,
    ) -> Result<T, HostError> {
        match outcome {
            Some(Ok(value)) => {
                self.store = Some(store);
                Ok(value)
            }
            Some(Err(error)) => Err(HostError::of_call(call, &error, store.data())),
            None => Err(HostError::Deadline { call, after: self.deadline, backtrace: String::new() }),
        }
    }

    pub(crate) fn take_requests(&mut self) -> Vec<Request> {
        self.data_mut().map(|data| std::mem::take(&mut data.requests)).unwrap_or_default()
    }

    pub(crate) fn take_state_changes(&mut self) -> BTreeMap<String, Option<Vec<u8>>> {
        self.data_mut().map(|data| std::mem::take(&mut data.state_changes)).unwrap_or_default()
    }

    pub(crate) fn watched_paths(&self) -> Vec<PathBuf> {
        self.store.iter().flat_map(|store| store.data().watched.iter().cloned()).collect()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.store.as_ref().map_or(0, |store| store.data().limits.used())
    }

    pub(crate) fn set_config(&mut self, config: &[(String, String)]) {
        if let Some(data) = self.data_mut() {
            data.env.config = config.to_vec();
        }
    }

    pub(crate) fn assign(&mut self, partitions: &[TopicPartition]) {
        if let Some(data) = self.data_mut() {
            let known = &mut data.env.assignment;
            let new: Vec<_> = partitions.iter().filter(|tp| !known.contains(tp)).cloned().collect();
            known.extend(new);
        }
    }

    pub(crate) fn unassign(&mut self, partitions: &[TopicPartition]) {
        if let Some(data) = self.data_mut() {
            data.env.assignment.retain(|tp| !partitions.contains(tp));
        }
    }

    fn data_mut(&mut self) -> Option<&mut TaskData> {
        self.store.as_mut().map(Store::data_mut)
    }
}

/// Calls an export: `call!(self, "poll", |store| self.exports.call_poll(store, ...))` gives `Result<_, HostError>`.
macro_rules! call {
    ($this:expr, $name:literal, |$store:ident| $call:expr) => {{
        let mut store = $this.instance.begin()?;
        let outcome = {
            let $store = &mut store;
            $this.instance.limit($call).await
        };
        $this.instance.end($name, store, outcome)
    }};
}
pub(crate) use call;
