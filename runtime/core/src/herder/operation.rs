//! Requests: what each checks, writes, waits for and answers.
//!
//! Owns the rules of Connect's standalone herder (`StandaloneHerder`), request by request. Leaves carrying them out to
//! `live`. Invariant: a request that is refused has changed nothing.

use alloc::{format, string::String, vec::Vec};

use super::live::{Instance, Slot};
use super::{
    Answer, Herder, MAX_QUEUE, Now, OffsetsAction, Operation, Origin, Output, RETRY_MS, Refusal, RefusalKind,
    RequestId, Run, TargetState, TaskId, WriteId, class, scene,
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

    /// The config of a Put has been checked.
    pub(super) fn validated(&mut self, now: Now, id: RequestId, outcome: Result<(), Refusal>) {
        let validating = |step: &Option<Step>| matches!(step, Some(Step::Validating { id: of, .. }) if *of == id);
        let Some((name, entry)) = self.entries.iter_mut().find(|(_, entry)| validating(&entry.step)) else {
            return;
        };
        let name = name.clone();
        let Some(Step::Validating { put, .. }) = entry.step.take() else {
            return;
        };
        match outcome.and_then(|()| self.put(&name, id, put)) {
            Ok(step) => self.entry(&name).step = Some(step),
            Err(refusal) => self.reply(id, Err(refusal)),
        }
        self.advance(now, &name);
    }

    fn put(&mut self, name: &str, id: RequestId, put: Put) -> Result<Step, Refusal> {
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

    /// The edge has done what was asked of the offsets.
    pub(super) fn offsets_done(&mut self, now: Now, id: RequestId, outcome: Result<Answer, Refusal>) {
        let ours = |step: &Option<Step>| matches!(step, Some(Step::Offsets { id: of }) if *of == id);
        let Some((name, entry)) = self.entries.iter_mut().find(|(_, entry)| ours(&entry.step)) else {
            return;
        };
        let name = name.clone();
        entry.step = None;
        self.reply(id, outcome);
        self.advance(now, &name);
    }

    /// The records of the request that is being done are decided.
    pub(super) fn operation_written(&mut self, now: Now, name: &str, write: WriteId, outcome: Result<(), String>) {
        let entry = self.entry(name);
        let (id, then) = match entry.step.take() {
            Some(Step::Writing { id, write: of, then }) if of == write => (id, then),
            other => {
                entry.step = other;
                return;
            }
        };
        if let Err(reason) = outcome {
            if id == NOBODY {
                entry.queue.push_front((NOBODY, Operation::Delete(name.into())));
                entry.retry_at = Some(now.plus(RETRY_MS));
            }
            let message = format!("Failed to write to the config topic: {reason}");
            return self.reply(id, Err(Refusal::new(RefusalKind::Failed, message)));
        }
        let until = match then {
            Then::Start { created } => {
                self.config_written(name);
                Until::Instance { created: Some(created) }
            }
            Then::Answer => return self.reply(id, Ok(Answer::Done)),
            Then::AwaitQuiet => Until::Quiet,
            Then::Forget => {
                self.entry(name).live.awaits_file = false;
                Until::Gone
            }
        };
        self.entry(name).step = Some(Step::Settling { id, until });
    }

    /// A new config starts the instance anew, also if nothing in it has changed; its tasks go on until it has given others.
    fn config_written(&mut self, name: &str) {
        let changed = self.wanted.get(name).is_some_and(|wanted| Some(&wanted.applied) != wanted.config.as_ref());
        let live = &mut self.entry(name).live;
        live.restart_instance = live.instance != Instance::None;
        if core::mem::take(&mut live.awaits_file) {
            live.hold_tasks = changed;
        }
    }

    /// The answer, if what it waits for has come.
    pub(super) fn settled(&mut self, name: &str, until: &Until) -> Option<Result<Answer, Refusal>> {
        let live = &self.entries.get(name)?.live;
        match until {
            Until::Instance { created } => {
                let entry = self.entries.get(name)?;
                let scene = scene(&self.wanted, &self.settings, self.closing, name);
                if let (Instance::Failed { trace, .. }, false) = (&live.instance, live.restart_instance) {
                    let reason = trace.lines().next().unwrap_or_default();
                    let message = format!("Failed to start connector: {name}: {reason}");
                    return Some(Err(Refusal::new(RefusalKind::Failed, message)));
                }
                let recorded = live.proposed.is_none() && entry.commit.is_none();
                (recorded && live.is_instance_settled(&scene)).then(|| match created {
                    None => Ok(Answer::Done),
                    Some(created) => self.info(name).map_or_else(
                        || Err(Refusal::new(RefusalKind::Failed, format!("Connector {name} is gone"))),
                        |info| Ok(Answer::Connector { created: *created, info }),
                    ),
                })
            }
            Until::Quiet => live.is_quiet().then_some(Ok(Answer::Done)),
            Until::Gone if live.is_quiet() => {
                self.topics.reset(name, &mut self.outputs);
                Some(Ok(Answer::Done))
            }
            Until::Gone => None,
            Until::Task { task, old } => {
                let restarted = live.tasks.contains_key(task) && !live.restart_tasks.contains(task);
                (restarted && (old.is_none() || live.run_of(*task) != *old)).then_some(Ok(Answer::Done))
            }
        }
    }

    /// What a request is waiting for, in words.
    pub(super) fn stage(&self, id: RequestId) -> &'static str {
        let step = self.entries.values().filter_map(|entry| entry.step.as_ref()).find(|step| step.id() == id);
        match step {
            Some(Step::Validating { .. }) => "validating the connector's configuration",
            Some(Step::Writing { .. }) => "writing to the config topic",
            Some(Step::Settling { .. }) => "starting or stopping the connector",
            Some(Step::Offsets { .. }) => "reading or changing the connector's offsets",
            None => "busy with earlier requests about this connector",
        }
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

impl Step {
    fn id(&self) -> RequestId {
        match self {
            Step::Validating { id, .. }
            | Step::Writing { id, .. }
            | Step::Settling { id, .. }
            | Step::Offsets { id } => *id,
        }
    }
}
