//! What a request in progress waits for, and its answer when that has come.
//!
//! Leaves what each request checks and writes to `operation`. Invariant: a request is answered once, and the next about the same
//! connector begins only then.

use alloc::{format, string::String};

use super::{
    Answer, Herder, Now, Operation, RETRY_MS, Refusal, RefusalKind, RequestId, WriteId,
    live::Instance,
    operation::{NOBODY, Step, Then, Until},
    scene,
};

impl Herder {
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
