//! What the worker measures of itself: Kafka Connect's metrics (`kafka.connect:type=...`), as the Prometheus JMX exporter's usual rules
//! name them.
//!
//! Owns the meters of tasks and of starts, and how they are shown. Leaves measuring to the loops of the tasks, once per call and never
//! per record. Invariant: what is shown of a task goes when its run ends; names and labels are Kafka's, units as Kafka has them.

mod errors;
mod exposition;
mod facts;
mod shown;
mod startups;
mod task;
#[cfg(test)]
mod tests;
mod window;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use runtime_core::{
    herder::{Direction, TaskId},
    rest::{ConnectorStatus, ServerInfo},
    worker_config::WorkerConfig,
};

pub use exposition::CONTENT_TYPE;
pub use facts::{Fact, facts};
pub use startups::{Kind, Startups};
pub use task::TaskMeter;
use window::Sampling;

use crate::cluster::wall_ms;

/// Every meter of a worker.
pub struct Metrics {
    sampling: Sampling,
    began: Instant,
    /// Milliseconds since 1970 of that.
    began_ms: i64,
    tasks: Mutex<BTreeMap<TaskId, Arc<TaskMeter>>>,
    startups: Mutex<Startups>,
    /// Class of each connector that has an instance.
    classes: Mutex<BTreeMap<String, String>>,
}

impl Metrics {
    /// Meters that show nothing yet; `metrics.sample.window.ms` and `metrics.num.samples` say how far back rates and averages look.
    pub fn new(config: &WorkerConfig) -> Arc<Self> {
        let number = |key: &str, unset: u64| config.raw.get(key).and_then(|n| n.trim().parse().ok()).unwrap_or(unset);
        let sampling = Sampling {
            width_ms: number("metrics.sample.window.ms", 30_000).max(1),
            samples: number("metrics.num.samples", 2).clamp(1, 1_000) as usize,
        };
        let (began, began_ms, tasks) = (Instant::now(), wall_ms(), Mutex::default());
        Arc::new(Self { sampling, began, began_ms, tasks, startups: Mutex::default(), classes: Mutex::default() })
    }

    /// The meter of a run that begins, in place of the one before. It is shown until it is dropped; if the task has failed, for as long
    /// as there is the task.
    pub fn task(self: &Arc<Self>, task: &TaskId, direction: Direction) -> Metered {
        let meter = Arc::new(TaskMeter::new(direction, self.sampling, self.began));
        self.tasks().insert(task.clone(), meter.clone());
        Metered { metrics: self.clone(), task: task.clone(), meter }
    }

    /// Starts of connectors and tasks.
    pub fn startups(&self) -> MutexGuard<'_, Startups> {
        self.startups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connector has an instance of this class.
    pub fn connector(&self, connector: &str, class: &str) {
        self.classes().insert(connector.to_owned(), class.to_owned());
    }

    fn classes(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.classes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> MutexGuard<'_, BTreeMap<TaskId, Arc<TaskMeter>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text of `GET /metrics` of the worker that says so of itself, with these connectors: all that there are.
    pub fn text(&self, info: &ServerInfo, connectors: &[ConnectorStatus]) -> String {
        let there: BTreeSet<(&str, u32)> = connectors
            .iter()
            .flat_map(|connector| connector.tasks.iter().map(|task| (connector.name.as_str(), task.id)))
            .collect();
        self.tasks().retain(|task, meter| !meter.has_failed() || there.contains(&(task.connector.as_str(), task.task)));
        let names: BTreeSet<&str> = connectors.iter().map(|connector| connector.name.as_str()).collect();
        self.classes().retain(|connector, _| names.contains(connector.as_str()));
        shown::text(self, info, connectors)
    }
}

/// A run's meter.
pub struct Metered {
    metrics: Arc<Metrics>,
    task: TaskId,
    meter: Arc<TaskMeter>,
}

impl std::ops::Deref for Metered {
    type Target = TaskMeter;

    fn deref(&self) -> &TaskMeter {
        &self.meter
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        let mut tasks = self.metrics.tasks();
        let is_ours = tasks.get(&self.task).is_some_and(|meter| Arc::ptr_eq(meter, &self.meter));
        if is_ours && !self.meter.has_failed() {
            tasks.remove(&self.task);
        }
    }
}
