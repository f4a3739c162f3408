//! Requests: what each checks, writes, waits for and answers.
//!
//! Owns the rules of Connect's standalone herder (`StandaloneHerder`), request by request. Leaves carrying them out to
//! `live`. Invariant: a request that is refused has changed nothing.

use alloc::{format, string::String, vec::Vec};

use super::live::{Instance, Slot};
use super::{
    Answer, Herder, MAX_QUEUE, Now, OffsetsAction, Operation, Origin, Output, Refusal, RefusalKind, RequestId, Run,
    TargetState, TaskId, WriteId, class,
};
use crate::{config::ConfigMap, connect_topics::ConfigRecord, rest::ConnectorStatus};

/// Asks on the herder's own behalf; its answers go nowhere.
pub(super) const NOBODY: RequestId = RequestId(u64::MAX);

/// What the request that is being done waits for.
#[derive(Debug)]
pub(super) enum Step {
    /// The config is being checked.
    Validating { id: RequestId, put: Put },
    /// Its records are being written.
    Writing { id: RequestId, write: WriteId, then: Then },
    /// Starts and stops that follow from the records.
    Settling { id: RequestId, until: Until },
    /// Offsets are read or written.
    Offsets { id: RequestId },
}

/// A config to be put.
#[derive(Debug)]
pub(super) struct Put {
    config: ConfigMap,
    origin: Origin,
    replace: bool,
    initial_state: Option<TargetState>,
}

/// What to do when the records are durable.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    Start { created: bool },
    Answer,
    AwaitQuiet,
    Forget,
}

/// What must be so before the answer is given.
#[derive(Debug)]
pub(super) enum Until {
    /// The instance runs, or shall not run, and its tasks are recorded; `created` is there if the answer describes the connector.
    Instance { created: Option<bool> },
    /// Nothing of the connector runs.
    Quiet,
    /// The same, then the connector's traces in `connect-status` are removed.
    Gone,
    /// The task has another run than this one, or has failed.
    Task { task: u32, old: Option<Run> },
}

impl Operation {
    /// The connector it is about.
    fn connector(&self) -> &str {
        match self {
            Operation::Put { connector, .. }
            | Operation::Patch { connector, .. }
            | Operation::Delete(connector)
            | Operation::SetTarget { connector, .. }
            | Operation::Restart { connector, .. }
            | Operation::RestartTask(TaskId { connector, .. })
            | Operation::Offsets { connector, .. }
            | Operation::ResetTopics(connector) => connector,
        }
    }
}

/// A standalone worker of Kafka's answers 500 where it is told to restart what is not there.
fn standalone_fails(refusal: Refusal) -> Refusal {
    Refusal { kind: RefusalKind::Failed, ..refusal }
}

/// What is shown as RESTARTING, with why it had failed.
fn with_traces(mut now: ConnectorStatus, before: ConnectorStatus) -> ConnectorStatus {
    now.connector.trace = now.connector.trace.or(before.connector.trace);
    for task in &mut now.tasks {
        let trace = before.tasks.iter().find(|earlier| earlier.id == task.id).and_then(|earlier| earlier.trace.clone());
        task.trace = task.trace.take().or(trace);
    }
    now
}

impl Herder {
    /// Puts a request in line.
    pub(super) fn request(&mut self, now: Now, id: RequestId, operation: Operation) {
        self.waiting.insert(id, now.plus(self.settings.request_timeout_ms));
        if self.closing {
            return self.reply(id, Err(Refusal::new(RefusalKind::Failed, "The worker is shutting down")));
        }
        let name = String::from(operation.connector());
        let entry = self.entry(&name);
        if entry.queue.len() >= MAX_QUEUE {
            let message = format!("Too many requests about connector {name} wait for each other; try again later");
            return self.reply(id, Err(Refusal::new(RefusalKind::Conflict, message)));
        }
        entry.queue.push_back((id, operation));
        self.advance(now, &name);
    }

    /// Begins a request: what it waits for, or `None` if it has been answered.
    pub(super) fn begin(&mut self, name: &str, id: RequestId, operation: Operation) -> Option<Step> {
        let begun = match operation {
            Operation::Put { config, origin, replace, initial_state, .. } => {
                Ok(Some(self.validate(name, id, Put { config, origin, replace, initial_state })))
            }
            Operation::Patch { patch, .. } => self.patch(name, id, patch).map(Some),
            Operation::Delete(_) => self.delete(name, id).map(Some),
            Operation::SetTarget { target, .. } => self.set_target(name, id, target),
            Operation::Restart { include_tasks: false, only_failed: false, .. } => self.restart(name, id).map(Some),
            Operation::Restart { include_tasks, only_failed, .. } => {
                self.restart_plan(name, id, include_tasks, only_failed).map(|()| None)
            }
            Operation::RestartTask(task) => self.restart_task(name, id, task.task).map(Some),
            Operation::Offsets { action, .. } => self.offsets(name, id, action).map(Some),
            Operation::ResetTopics(_) => {
                self.topics.reset(name, &mut self.outputs);
                self.reply(id, Ok(Answer::Done));
                Ok(None)
            }
        };
        begun.unwrap_or_else(|refusal| {
            self.reply(id, Err(refusal));
            None
        })
    }

    fn validate(&mut self, name: &str, id: RequestId, mut put: Put) -> Step {
        put.config.insert("name", name);
        let (connector, config) = (name.into(), put.config.clone());
        self.outputs.push_back(Output::Validate { id, connector, config });
        Step::Validating { id, put }
    }

    fn patch(&mut self, name: &str, id: RequestId, patch: Vec<(String, Option<String>)>) -> Result<Step, Refusal> {
        let mut config = self.config(name)?.clone();
        for (key, value) in patch {
            match value {
                Some(value) => drop(config.insert(key, value)),
                None => drop(config.remove(&key)),
            }
        }
        Ok(self.validate(name, id, Put { config, origin: Origin::Rest, replace: true, initial_state: None }))
    }

    pub(super) fn put(&mut self, name: &str, id: RequestId, put: Put) -> Result<Step, Refusal> {
        let before = self.wanted.get(name);
        let created = before.is_none();
        if !created && !put.replace {
            let message = format!("Connector {name} already exists");
            return Err(Refusal::new(RefusalKind::Conflict, message));
        }
        let mut records = Vec::new();
        if let Some(target) = put.initial_state.filter(|_| created) {
            records.push(ConfigRecord::Target(name.into(), Some(target)));
        }
        if put.origin == Origin::File && !before.is_some_and(|connector| connector.from_file) {
            records.push(ConfigRecord::File(name.into(), true));
        }
        records.push(ConfigRecord::Connector(name.into(), Some(put.config)));
        Ok(self.write(name, id, records, Then::Start { created }))
    }

    fn delete(&mut self, name: &str, id: RequestId) -> Result<Step, Refusal> {
        self.config(name)?;
        let mut records = self.no_tasks(name);
        records.push(ConfigRecord::Commit(name.into(), None));
        records.push(ConfigRecord::Target(name.into(), None));
        records.push(ConfigRecord::File(name.into(), false));
        records.push(ConfigRecord::Connector(name.into(), None));
        Ok(self.write(name, id, records, Then::Forget))
    }

    fn set_target(&mut self, name: &str, id: RequestId, target: TargetState) -> Result<Option<Step>, Refusal> {
        let stop = target == TargetState::Stopped;
        let Some(wanted) = self.wanted.get(name) else {
            return Err(match stop {
                true => Refusal::new(RefusalKind::Failed, format!("No connector `{name}` configured")),
                false => Refusal::new(RefusalKind::NotFound, format!("Unknown connector {name}")),
            });
        };
        if wanted.target == target && !stop {
            self.reply(id, Ok(Answer::Done));
            return Ok(None);
        }
        let mut records = Vec::new();
        if stop {
            records = self.no_tasks(name);
            records.push(ConfigRecord::Commit(name.into(), Some(0)));
        }
        records.push(ConfigRecord::Target(name.into(), Some(target)));
        let then = if stop { Then::AwaitQuiet } else { Then::Answer };
        Ok(Some(self.write(name, id, records, then)))
    }

    fn restart(&mut self, name: &str, id: RequestId) -> Result<Step, Refusal> {
        self.config(name).map_err(standalone_fails)?;
        self.entry(name).live.restart_instance = true;
        Ok(Step::Settling { id, until: Until::Instance { created: None } })
    }

    fn restart_plan(&mut self, name: &str, id: RequestId, tasks: bool, only_failed: bool) -> Result<(), Refusal> {
        if self.wanted.get(name).is_none() {
            return Err(Refusal::new(RefusalKind::NotFound, format!("Unknown connector: {name}")));
        }
        let before = self.status(name);
        let live = &mut self.entry(name).live;
        let mut parts = Vec::new();
        if !only_failed || matches!(live.instance, Instance::Failed { .. }) {
            live.restart_instance = true;
            parts.push(None);
        }
        if tasks {
            let failed = |slot: &Slot| matches!(slot, Slot::Failed { .. });
            let chosen = live.tasks.iter().filter(|(_, slot)| !only_failed || failed(slot)).map(|(i, _)| *i);
            live.restart_tasks = chosen.collect();
            parts.extend(live.restart_tasks.iter().map(|i| Some(*i)));
        }
        let records = self.shown.restarting(name, &parts);
        if !records.is_empty() {
            self.outputs.push_back(Output::WriteStatus(records));
        }
        let gone = || Refusal::new(RefusalKind::NotFound, format!("Status for connector {name} not found"));
        let answer = self.status(name).zip(before).map(|(now, before)| Answer::Restarting(with_traces(now, before)));
        self.reply(id, answer.ok_or_else(gone));
        Ok(())
    }

    fn restart_task(&mut self, name: &str, id: RequestId, task: u32) -> Result<Step, Refusal> {
        self.config(name).map_err(standalone_fails)?;
        if self.wanted.get(name).is_none_or(|wanted| wanted.tasks.len() <= task as usize) {
            return Err(Refusal::new(RefusalKind::NotFound, format!("Task {name}-{task} not found")));
        }
        let live = &mut self.entry(name).live;
        let old = live.run_of(task);
        live.restart_tasks.insert(task);
        Ok(Step::Settling { id, until: Until::Task { task, old } })
    }

    fn offsets(&mut self, name: &str, id: RequestId, action: OffsetsAction) -> Result<Step, Refusal> {
        let config = self.config(name)?.clone();
        let Some(direction) = class(&self.wanted, &self.settings, name).map(|class| class.direction) else {
            let class = config.get("connector.class").unwrap_or("none");
            let message = format!("connector.class {class} is not installed in this worker");
            return Err(Refusal::new(RefusalKind::Failed, message));
        };
        let stopped = self.wanted.get(name).is_some_and(|wanted| wanted.target == TargetState::Stopped);
        if action != OffsetsAction::Read && !(stopped && self.entry(name).live.is_quiet()) {
            return Err(Refusal::new(
                RefusalKind::BadRequest,
                format!(
                    "Connectors must be in the STOPPED state before their offsets can be modified. This can be done \
                     for the specified connector by issuing a 'PUT' request to the '/connectors/{name}/stop' endpoint"
                ),
            ));
        }
        let connector = name.into();
        self.outputs.push_back(Output::Offsets { id, connector, direction, config, action });
        Ok(Step::Offsets { id })
    }

    fn config(&self, name: &str) -> Result<&ConfigMap, Refusal> {
        let config = self.wanted.get(name).and_then(|connector| connector.config.as_ref());
        config.ok_or_else(|| Refusal::new(RefusalKind::NotFound, format!("Connector {name} not found")))
    }

    fn no_tasks(&self, name: &str) -> Vec<ConfigRecord> {
        let tasks = self.wanted.get(name).map_or(0, |wanted| wanted.tasks.len() as u32);
        (0..tasks).map(|task| ConfigRecord::Task(TaskId { connector: name.into(), task }, None)).collect()
    }

    fn write(&mut self, name: &str, id: RequestId, records: Vec<ConfigRecord>, then: Then) -> Step {
        let write = self.writes.push(name, records, &mut self.outputs);
        Step::Writing { id, write, then }
    }
}
