//! The data behind one instance.
//!
//! Owns its limits and everything that its imports work on. Invariant: whatever a guest can make grow here has a bound.

use crate::allowance::Allowance;
use crate::env::{Env, FileGrant, Request};
use crate::imports::log::{Gate, Stderr};
use crate::settings::Settings;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// Resources (open files, streams) of one instance: what all tasks hold together has to fit into the process's limit of open files.
const MAX_RESOURCES: usize = 64;
const MAX_INSTANCES: usize = 100;
const MAX_TABLES: usize = 100;
const MAX_MEMORIES: usize = 10;
const MAX_TABLE_ELEMENTS: usize = 200_000;
/// Requests of one call.
const MAX_REQUESTS: usize = 10_000;

pub(crate) struct TaskData {
    pub(crate) env: Env,
    pub(crate) files: Vec<Arc<FileGrant>>,
    pub(crate) started: Instant,
    pub(crate) budget: Budget,
    pub(crate) limits: Limits,
    pub(crate) batch_bytes: usize,
    pub(crate) allowance: Allowance,
    pub(crate) state_changes: BTreeMap<String, Option<Vec<u8>>>,
    pub(crate) requests: Vec<Request>,
    pub(crate) watched: BTreeSet<PathBuf>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) stderr: Stderr,
    pub(crate) table: ResourceTable,
    wasi: WasiCtx,
}

impl TaskData {
    /// A store for one instance with these surroundings.
    pub(crate) fn store(engine: &wasmtime::Engine, settings: &Settings, env: Env) -> Store<Self> {
        let gate = Arc::new(Gate::new(&env.connector, env.task));
        let stderr = Stderr::new(gate.clone());
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let data = Self {
            files: env.files.iter().cloned().map(Arc::new).collect(),
            started: Instant::now(),
            budget: Budget::default(),
            limits: Limits { memory_bytes: settings.memory_bytes, used: 0, refused: false },
            batch_bytes: settings.batch_bytes,
            allowance: Allowance::new(settings.batch_bytes),
            state_changes: BTreeMap::new(),
            requests: Vec::new(),
            watched: BTreeSet::new(),
            wasi: WasiCtxBuilder::new().stderr(stderr.clone()).build(),
            gate,
            stderr,
            table,
            env,
        };
        let mut store = Store::new(engine, data);
        store.limiter(|data| &mut data.limits);
        store.set_hostcall_fuel(settings.batch_bytes);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().budget.tick()));
        store
    }

    /// Keeps a request for the runtime; too many of them are a trap.
    pub(crate) fn request(&mut self, request: Request) -> wasmtime::Result<()> {
        if self.requests.len() >= MAX_REQUESTS {
            return Err(wasmtime::format_err!("more than {MAX_REQUESTS} requests to the runtime in one call"));
        }
        self.allowance.take(request.bytes())?;
        self.requests.push(request);
        Ok(())
    }
}

impl WasiView for TaskData {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// The time of the call under way.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    until: Option<Instant>,
    time: Duration,
    spent: bool,
}

impl Budget {
    pub(crate) fn begin(&mut self, time: Duration) {
        *self = Self { until: Instant::now().checked_add(time), time, spent: false };
    }

    /// The time that the call has.
    pub(crate) fn time(&self) -> Duration {
        self.time
    }

    /// True if the call was interrupted because its time was over.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent
    }

    /// Called at a tick while the guest computes: lets the neighbours in, or ends the call.
    fn tick(&mut self) -> UpdateDeadline {
        if self.until.is_some_and(|until| Instant::now() >= until) {
            self.spent = true;
            return UpdateDeadline::Interrupt;
        }
        // Not plain `Yield`: that wakes itself and can starve the other tasks of a tokio thread.
        UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))
    }
}

/// Limits of what wasmtime allocates for an instance.
#[derive(Debug)]
pub(crate) struct Limits {
    memory_bytes: usize,
    used: usize,
    refused: bool,
}

impl Limits {
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Linear memory now, in bytes.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// True if the guest was refused memory since the call began.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    pub(crate) fn begin(&mut self) {
        self.refused = false;
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // All memories of the instance together.
        let total = self.used + desired.saturating_sub(current);
        let granted = total <= self.memory_bytes;
        if granted {
            self.used = total;
        } else {
            self.refused = true;
        }
        Ok(granted)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}
