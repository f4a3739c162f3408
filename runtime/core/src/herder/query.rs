//! What REST reads without waiting.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use super::{Direction, Herder, State, Status, class};
use crate::rest::{ConnectorInfo, ConnectorState, ConnectorStatus, ConnectorType, TaskId, TaskInfo, TaskState};

impl Herder {
    /// Names of all connectors, in order.
    pub fn names(&self) -> Vec<String> {
        self.wanted.iter().map(|(name, _)| name.clone()).collect()
    }

    /// A connector: config and tasks. `None`: there is none of that name.
    pub fn info(&self, name: &str) -> Option<ConnectorInfo> {
        let connector = self.wanted.get(name)?;
        let task = |task| TaskId { connector: name.into(), task };
        Some(ConnectorInfo {
            name: name.into(),
            config: connector.config.clone()?,
            tasks: (0..connector.tasks.len() as u32).map(task).collect(),
            kind: self.kind(name),
        })
    }

    /// How a connector and its tasks are. `None`: there is none of that name.
    pub fn status(&self, name: &str) -> Option<ConnectorStatus> {
        self.wanted.get(name)?;
        let tasks = self.entries.get(name).map(|entry| entry.live.tasks.keys()).into_iter().flatten();
        let wanted = self.wanted.get(name).map_or(0, |connector| connector.tasks.len() as u32);
        let numbers: alloc::collections::BTreeSet<u32> = tasks.copied().chain(0..wanted).collect();
        let connector = self.shown_or_unassigned(name, None);
        Some(ConnectorStatus {
            name: name.into(),
            connector: ConnectorState {
                state: connector.state.name().to_string(),
                trace: connector.trace,
                worker_id: connector.worker_id,
                version: connector.version,
            },
            tasks: numbers.into_iter().map(|i| self.task_state(name, i)).collect(),
            kind: self.kind(name),
        })
    }

    /// The tasks of a connector, with their configs. `None`: there is no connector of that name.
    pub fn tasks(&self, name: &str) -> Option<Vec<TaskInfo>> {
        let tasks = &self.wanted.get(name)?.tasks;
        let info = |(task, config): (u32, &crate::config::ConfigMap)| TaskInfo {
            id: TaskId { connector: name.into(), task },
            config: config.clone(),
        };
        Some((0..).zip(tasks).map(info).collect())
    }

    /// Topics a connector has used; empty for one that does not exist, as in Kafka.
    pub fn topics(&self, name: &str) -> Vec<String> {
        self.topics.of(name)
    }

    fn kind(&self, name: &str) -> ConnectorType {
        match class(&self.wanted, &self.settings, name).map(|class| class.direction) {
            Some(Direction::Source) => ConnectorType::Source,
            Some(Direction::Sink) => ConnectorType::Sink,
            None => ConnectorType::Unknown,
        }
    }

    fn task_state(&self, name: &str, i: u32) -> TaskState {
        let Status { state, worker_id, trace, version } = self.shown_or_unassigned(name, Some(i));
        TaskState { id: i, state: state.name().to_string(), trace, worker_id, version }
    }

    fn shown_or_unassigned(&self, name: &str, part: Option<u32>) -> Status {
        self.shown.get(name, part).cloned().unwrap_or_else(|| Status {
            state: State::Unassigned,
            worker_id: self.settings.worker_id.clone(),
            trace: None,
            version: None,
        })
    }
}
