//! Which connectors and tasks shall run, and what must be started and stopped so that they do.
//!
//! Start reading here: load the topics, put something in with [`Herder::handle`], drain [`Herder::poll_output`] until it is
//! empty, then wait until [`Herder::poll_timeout`] or the next input. What is wanted (`wanted`) comes from `connect-configs`
//! alone and moves by `replay` alone, once a write is durable; what runs (`live`) is brought in line with it; requests
//! (`operation`) write what is wanted and are answered when both agree. Requests about one connector are done one after the
//! other, about several side by side. Leaves the doing to the edge.
//! Invariant: a task has at most one run, and the next one begins only when the edge has said that the last one is gone.

mod api;
mod live;
mod operation;
mod query;
mod settle;
mod status;
#[cfg(test)]
mod tests;
mod topics;
mod wanted;
mod writes;

use alloc::{
    collections::{BTreeMap, VecDeque},
    format,
    string::String,
    vec::Vec,
};

pub use api::*;
use live::{Instance, Live, Scene};
use operation::Step;
use status::Shown;
use topics::Topics;
use wanted::Wanted;
use writes::Writes;

use crate::{
    config::{ConfigMap, version::fits},
    connect_topics::{self, BadRecord, ConfigRecord},
};

/// Requests about one connector that may wait for each other.
const MAX_QUEUE: usize = 64;
/// Milliseconds until a write of task configs that failed is tried again.
const RETRY_MS: u64 = 1000;

/// The herder of one worker.
pub struct Herder {
    settings: Settings,
    wanted: Wanted,
    entries: BTreeMap<String, Entry>,
    shown: Shown,
    topics: Topics,
    writes: Writes,
    /// Requests not yet answered, with their deadlines.
    waiting: BTreeMap<RequestId, Now>,
    next_run: u64,
    started: bool,
    closing: bool,
    outputs: VecDeque<Output>,
}

/// What is going on with one connector.
#[derive(Default)]
struct Entry {
    live: Live,
    /// What the request that is being done waits for.
    step: Option<Step>,
    queue: VecDeque<(RequestId, Operation)>,
    /// The write of its task configs that is on its way, with what was proposed.
    commit: Option<(WriteId, Vec<ConfigMap>)>,
    /// Not before this moment is that write tried again.
    retry_at: Option<Now>,
}

impl Herder {
    /// A herder that knows no connectors yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            wanted: Wanted::default(),
            entries: BTreeMap::new(),
            shown: Shown::default(),
            topics: Topics::default(),
            writes: Writes::default(),
            waiting: BTreeMap::new(),
            next_run: 0,
            started: false,
            closing: false,
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what `connect-configs` holds (the latest value per key, in any order), before [`Input::Start`]. Returns the
    /// records that are damaged; they are left out.
    pub fn load_configs(&mut self, records: Vec<TopicRecord>) -> Vec<BadRecord> {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for record in records {
            match connect_topics::read_config(&record.key, record.value.as_deref()) {
                Ok(record) => good.push(record),
                Err(error) => bad.push(error),
            }
        }
        good.sort_by_key(wanted::table_order);
        good.into_iter().for_each(|record| self.wanted.replay(record));
        bad
    }

    /// Takes in what `connect-status` holds, as [`Self::load_configs`] does.
    pub fn load_status(&mut self, records: Vec<TopicRecord>) -> Vec<BadRecord> {
        let mut bad = Vec::new();
        for record in records {
            match connect_topics::read_status(&record.key, record.value.as_deref()) {
                Ok(connect_topics::StatusRecord::Of(key)) if record.value.is_some() => self.shown.leftover(key),
                Ok(connect_topics::StatusRecord::Topic { topic, connector, seen }) => {
                    self.topics.load(connector, topic, seen);
                }
                Ok(_) => {}
                Err(error) => bad.push(error),
            }
        }
        bad
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.expire(now);
        match input {
            Input::Start { named } => self.start(now, &named),
            Input::Request { id, operation } => self.request(now, id, operation),
            Input::Validated { id, outcome } => self.validated(now, id, outcome),
            Input::Catalogue(catalogue) => self.settings.catalogue = catalogue,
            Input::Written(write) => self.written(now, write, Ok(())),
            Input::WriteFailed { write, reason } => self.written(now, write, Err(reason)),
            Input::Offsets { id, outcome } => self.offsets_done(now, id, outcome),
            Input::TopicUsed { task, topic, at } => {
                if self.wanted.get(&task.connector).is_some() {
                    self.topics.used(task, topic, at, &mut self.outputs);
                }
            }
            Input::Tick => {}
            Input::Stop => self.stop(now),
            Input::ConnectorStarted { connector, run, tasks } => {
                self.on_live(now, &connector, |live, scene, out| live.connector_started(scene, run, tasks, out));
            }
            Input::ConnectorFailed { connector, run, trace } => {
                self.on_live(now, &connector, |live, _, _| live.connector_failed(run, trace));
            }
            Input::ConnectorStopped { connector, run } => {
                self.on_live(now, &connector, |live, _, _| live.connector_stopped(run));
            }
            Input::TaskRunning { task, run } => self.task_is(now, &task, run, State::Running),
            Input::TaskPaused { task, run } => self.task_is(now, &task, run, State::Paused),
            Input::TaskFailed { task, run, trace } => {
                self.on_live(now, &task.connector, |live, _, _| live.task_failed(task.task, run, trace));
            }
            Input::TaskStopped { task, run } => {
                self.on_live(now, &task.connector, |live, _, _| live.task_stopped(task.task, run));
            }
        }
        let due = self.entries.iter().filter(|(_, entry)| entry.retry_at.is_some_and(|at| at <= now));
        let due: Vec<_> = due.map(|(name, _)| name.clone()).collect();
        due.iter().for_each(|name| self.advance(now, name));
    }

    /// The next thing to do; `None` if there is nothing more for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to say [`Input::Tick`], if nothing else happens before.
    pub fn poll_timeout(&self) -> Option<Now> {
        let retries = self.entries.values().filter_map(|entry| entry.retry_at);
        self.waiting.values().copied().chain(retries).min()
    }

    /// True if nothing runs and nothing is being written: after [`Input::Stop`], the end.
    pub fn is_idle(&self) -> bool {
        self.writes.is_empty() && self.entries.values().all(|entry| entry.live.is_quiet())
    }

    fn start(&mut self, now: Now, named: &alloc::collections::BTreeSet<String>) {
        self.started = true;
        let all: Vec<_> = self.wanted.iter().map(|(name, connector)| (name.clone(), connector.from_file)).collect();
        for (name, from_file) in all {
            let entry = self.entries.entry(name.clone()).or_default();
            entry.live.awaits_file = named.contains(&name);
            if from_file && !named.contains(&name) {
                entry.live.awaits_file = true;
                entry.queue.push_front((operation::NOBODY, Operation::Delete(name)));
            }
        }
        let all: Vec<_> = self.entries.keys().cloned().collect();
        all.iter().for_each(|name| self.advance(now, name));
        let gone = self.shown.take_leftovers();
        if !gone.is_empty() {
            self.outputs.push_back(Output::WriteStatus(gone));
        }
    }

    fn stop(&mut self, now: Now) {
        self.closing = true;
        let all: Vec<_> = self.waiting.keys().copied().collect();
        for id in all {
            self.reply(id, Err(Refusal::new(RefusalKind::Failed, "The worker is shutting down")));
        }
        let all: Vec<_> = self.entries.keys().cloned().collect();
        for name in all {
            if let Some(entry) = self.entries.get_mut(&name) {
                entry.queue.clear();
            }
            self.advance(now, &name);
        }
    }

    fn task_is(&mut self, now: Now, task: &TaskId, run: Run, state: State) {
        self.on_live(now, &task.connector, |live, _, _| live.task_is(task.task, run, state));
    }

    /// Lets an input change what runs of a connector, then goes on with it.
    fn on_live(&mut self, now: Now, name: &str, change: impl FnOnce(&mut Live, &Scene, &mut VecDeque<Output>)) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        let scene = scene(&self.wanted, &self.settings, self.closing, name);
        change(&mut entry.live, &scene, &mut self.outputs);
        self.advance(now, name);
    }

    /// Takes every step that can be taken with a connector.
    fn advance(&mut self, now: Now, name: &str) {
        loop {
            let Some(entry) = self.entries.get_mut(name) else {
                return;
            };
            let scene = scene(&self.wanted, &self.settings, self.closing, name);
            let outputs = &mut self.outputs;
            entry.live.reconcile(&scene, &mut self.next_run, &mut |output| outputs.push_back(output));
            self.commit_tasks(now, name);
            if !self.next_step(name) {
                break;
            }
        }
        self.publish(name);
        let nothing = |entry: &Entry| entry.step.is_none() && entry.queue.is_empty() && entry.commit.is_none();
        let over = self.wanted.get(name).is_none()
            && self.entries.get(name).is_some_and(|entry| nothing(entry) && entry.live.is_quiet());
        if over {
            self.entries.remove(name);
        }
    }

    /// Ends the present step if what it waits for has come, or begins the next request. False if neither can be.
    fn next_step(&mut self, name: &str) -> bool {
        let Some(entry) = self.entries.get_mut(name) else {
            return false;
        };
        match entry.step.take() {
            Some(Step::Settling { id, until }) => match self.settled(name, &until) {
                Some(outcome) => self.reply(id, outcome),
                None => {
                    self.entry(name).step = Some(Step::Settling { id, until });
                    return false;
                }
            },
            Some(step) => {
                entry.step = Some(step);
                return false;
            }
            None => {
                let own = entry.queue.front().is_some_and(|(id, _)| *id == operation::NOBODY);
                let retry = own && entry.retry_at.is_some();
                if !self.started || self.closing || entry.commit.is_some() || retry {
                    return false;
                }
                let Some((id, operation)) = entry.queue.pop_front() else {
                    return false;
                };
                let step = self.begin(name, id, operation);
                self.entry(name).step = step;
            }
        }
        true
    }

    fn entry(&mut self, name: &str) -> &mut Entry {
        self.entries.entry(name.into()).or_default()
    }

    /// Writes the task configs that the connector's instance gave, where they differ from those that are recorded.
    fn commit_tasks(&mut self, now: Now, name: &str) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        let busy = entry.commit.is_some() || matches!(entry.step, Some(Step::Writing { .. }));
        if busy || self.closing || entry.retry_at.is_some_and(|at| now < at) {
            return;
        }
        entry.retry_at = None;
        let Some(tasks) = entry.live.proposed.take() else {
            return;
        };
        let Some(wanted) = self.wanted.get(name) else {
            return;
        };
        if wanted.tasks == tasks && Some(&wanted.applied) == wanted.config.as_ref() {
            entry.live.hold_tasks = false;
            return;
        }
        let id = |task| TaskId { connector: name.into(), task };
        let mut records: Vec<_> =
            (0..).zip(&tasks).map(|(i, config)| ConfigRecord::Task(id(i), Some(config.clone()))).collect();
        let gone = tasks.len() as u32..wanted.tasks.len() as u32;
        records.extend(gone.map(|i| ConfigRecord::Task(id(i), None)));
        records.push(ConfigRecord::Commit(name.into(), Some(tasks.len() as u32)));
        entry.commit = Some((self.writes.push(name, records, &mut self.outputs), tasks));
    }

    /// A write is decided: if it is durable, its records are replayed, and effects follow.
    fn written(&mut self, now: Now, write: WriteId, outcome: Result<(), String>) {
        let Some((name, records)) = self.writes.done(write, &mut self.outputs) else {
            return;
        };
        if outcome.is_ok() {
            records.into_iter().for_each(|record| self.wanted.replay(record));
        }
        let entry = self.entry(&name);
        match entry.commit.take() {
            Some((id, tasks)) if id == write => match outcome {
                Ok(()) => entry.live.hold_tasks = false,
                // What an instance proposed that is gone by now counts no more.
                Err(_) if !matches!(entry.live.instance, Instance::Running { .. }) => {}
                Err(_) => {
                    entry.live.proposed.get_or_insert(tasks);
                    entry.retry_at = Some(now.plus(RETRY_MS));
                }
            },
            commit => {
                entry.commit = commit;
                self.operation_written(now, &name, write, outcome);
            }
        }
        self.advance(now, &name);
    }

    /// Refuses what has waited too long; its work goes on.
    fn expire(&mut self, now: Now) {
        let late: Vec<_> = self.waiting.iter().filter(|(_, at)| **at <= now).map(|(id, _)| *id).collect();
        for id in late {
            let stage = self.stage(id);
            let message = format!("Request timed out. The worker is currently {stage}");
            self.reply(id, Err(Refusal::new(RefusalKind::TimedOut, message)));
        }
    }

    /// Answers a request, once.
    fn reply(&mut self, id: RequestId, outcome: Result<Answer, Refusal>) {
        if self.waiting.remove(&id).is_some() {
            self.outputs.push_back(Output::Reply { id, outcome });
        }
    }

    /// Writes what has changed in a connector's status.
    fn publish(&mut self, name: &str) {
        let scene = scene(&self.wanted, &self.settings, self.closing, name);
        let live = self.entries.get(name).map(|entry| &entry.live);
        let class = class(&self.wanted, &self.settings, name);
        let records = self.shown.update(&scene, live, &self.settings.worker_id, class.map(|c| c.version.as_str()));
        if !records.is_empty() {
            self.outputs.push_back(Output::WriteStatus(records));
        }
    }
}

/// The class of a connector, if it is known here.
fn class<'a>(wanted: &Wanted, settings: &'a Settings, name: &str) -> Option<&'a Class> {
    let config = wanted.get(name)?.config.as_ref()?;
    let version = config.get("connector.plugin.version");
    let mut versions = settings.catalogue.get(config.get("connector.class")?.trim())?.iter();
    versions.find(|class| fits(version, &class.version))
}

fn scene<'a>(wanted: &'a Wanted, settings: &'a Settings, closing: bool, name: &'a str) -> Scene<'a> {
    Scene { name, wanted: wanted.get(name), class: class(wanted, settings, name), closing }
}
