//! One task's run, from its start to its end, whatever happens in between.
//!
//! Owns the surroundings of the instance and the reports to the herder. Leaves the two loops to `source` and `sink`.
//! Invariant: the last that is told of a run is `TaskStopped`, and then nothing of it is left.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use runtime_core::{
    config::ConfigMap,
    herder::{Direction, Input, Now, Run, StartTask, TaskId},
    plugin::Role,
    task::{CallError, Ended, Said},
};
use runtime_host::{Env, HostError, Plugin, StopFlag};
use tokio::sync::mpsc;

use super::{Shared, measure::Measure, settings, sink, source};
use crate::{
    cluster::{Caller, Who, wall_ms},
    metrics::facts,
    plugins::CONTRACT_VERSION,
    providers::Secrets,
};

/// What a task is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// Idle.
    Pause,
    /// Go on.
    Resume,
    /// End, in so much time.
    Stop(Duration),
}

/// Something that is on its way, if it is.
pub(super) type Pending<T> = Option<Pin<Box<dyn Future<Output = T> + Send>>>;

/// What a loop needs to know of its task.
pub(super) struct Context {
    pub shared: Arc<Shared>,
    pub start: StartTask,
    pub plugin: Plugin,
    pub stop: StopFlag,
    pub control: mpsc::Receiver<Control>,
    pub measure: Measure,
    secrets: Secrets,
    warnings: Warnings,
    began: Instant,
    deadline: Option<Instant>,
}

/// Runs a task and tells the herder how it ended.
pub(super) async fn supervise(shared: Arc<Shared>, start: StartTask, control: mpsc::Receiver<Control>) {
    let (task, run, tell) = (start.task.clone(), start.run, shared.tell.clone());
    tracing::info!(task = %task, "the task starts");
    // A panic in our own loop must not leave a task that shows RUNNING for ever.
    let ended = tokio::spawn(run_task(shared, start, control)).await.unwrap_or_else(|panic| {
        let trace = format!("internal error in the task's loop: {panic}");
        Ended::Failed { trace }
    });
    if let Ended::Failed { trace } = ended {
        tracing::error!(task = %task, "the task has failed: {trace}");
        tell.tell(Input::TaskFailed { task: task.clone(), run, trace }).await;
    }
    // Said after a failure too: the herder may have asked for a stop at the same moment, and else it does not listen.
    tell.tell(Input::TaskStopped { task: task.clone(), run }).await;
    tracing::info!(task = %task, "the task has ended");
}

async fn run_task(shared: Arc<Shared>, start: StartTask, control: mpsc::Receiver<Control>) -> Ended {
    let secrets = shared.plugins.secrets(&start.connector);
    match live(shared, start, control, secrets.clone()).await {
        Ended::Failed { trace } => Ended::Failed { trace: secrets.hide(trace) },
        Ended::Stopped => Ended::Stopped,
    }
}

async fn live(shared: Arc<Shared>, mut start: StartTask, control: mpsc::Receiver<Control>, secrets: Secrets) -> Ended {
    for config in [&mut start.connector, &mut start.config] {
        match shared.plugins.resolve(config) {
            Ok(resolved) => *config = resolved,
            Err(trace) => return Ended::Failed { trace },
        }
    }
    let found = match shared.plugins.find(&start.connector).await {
        Ok(found) => found,
        Err(trace) => return Ended::Failed { trace },
    };
    let (direction, began) = (start.direction, Instant::now());
    let stop = StopFlag::default();
    let measure = Measure::new(shared.metrics.task(&start.task, direction));
    let info = found.plugin.info();
    let class = (info.classes(found.role).next().unwrap_or_default(), info.version.as_str());
    match settings::connector(&shared.config, &start, found.role) {
        Ok(read) => measure.describe(facts(&start.connector, class, direction, &read.converters, CONTRACT_VERSION)),
        Err(trace) => return Ended::Failed { trace },
    }
    let plugin = found.plugin;
    let warnings = Warnings { since: began, written: 0, left_out: 0 };
    let mut context =
        Context { shared, start, plugin, stop, control, measure, secrets, warnings, began, deadline: None };
    let ended = match direction {
        Direction::Source => source::run(&mut context).await,
        Direction::Sink => sink::run(&mut context).await,
    };
    context.measure.ends(&ended);
    match ended {
        Ok(Ended::Stopped) if context.deadline.is_none() => {
            Ended::Failed { trace: "the task ended without being told to".into() }
        }
        Ok(ended) => ended,
        Err(trace) => Ended::Failed { trace },
    }
}

impl Context {
    /// Milliseconds of this run.
    pub fn now(&self) -> Now {
        Now(self.began.elapsed().as_millis() as u64)
    }

    /// The moment that the machine calls `at`.
    pub fn instant(&self, at: Now) -> Instant {
        self.began + Duration::from_millis(at.0)
    }

    /// Begins the time that a stop may take.
    pub fn stop_within(&mut self, grace: Duration) {
        self.stop.set();
        self.deadline.get_or_insert_with(|| Instant::now() + grace);
    }

    /// When the task is given up on; `None` while nobody has asked it to stop.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The name of the role.
    pub fn role(&self) -> Role {
        match self.start.direction {
            Direction::Source => Role::Source,
            Direction::Sink => Role::Sink,
        }
    }

    /// A way to ask the cluster; `group` is a sink's.
    pub fn caller(&self, group: Option<String>) -> Arc<dyn Caller> {
        let StartTask { task, connector, .. } = &self.start;
        self.shared.cluster.caller(Who { task: task.clone(), connector: connector.clone(), group })
    }

    /// What the instance may see and touch. The error is for the status.
    pub fn env(&self) -> Result<Env, String> {
        let StartTask { task, connector, config, .. } = &self.start;
        let grants = self.shared.plugins.grants();
        let granted = grants.of(&task.connector, connector, self.plugin.info()).map_err(|issue| issue.message)?;
        let stdin = granted.stdin.then(|| self.shared.stdin()).transpose();
        Ok(Env {
            connector: task.connector.clone(),
            task: task.task,
            config: pairs(config),
            files: granted.files,
            stdin: stdin.map_err(|error| format!("the standard input cannot be read: {error}"))?,
            stdout: granted.stdout,
            stop: self.stop.clone(),
            ..Env::default()
        })
    }

    fn warn(&mut self, task: &TaskId, text: String) {
        let Some(left_out) = self.warnings.admit(Instant::now()) else { return };
        if left_out > 0 {
            tracing::warn!(task = %task, "{left_out} warnings like the next one were left out");
        }
        tracing::warn!(task = %task, "{}", self.secrets.hide(text));
    }

    /// Tells the herder, or the log.
    pub async fn say(&mut self, said: Said) {
        self.measure.says(&said);
        let (task, run): (TaskId, Run) = (self.start.task.clone(), self.start.run);
        let input = match said {
            Said::Running => Input::TaskRunning { task, run },
            Said::Paused => Input::TaskPaused { task, run },
            Said::TopicUsed(_) if !self.shared.config.topic_tracking_enable => return,
            Said::TopicUsed(topic) => Input::TopicUsed { task, topic, at: wall_ms() },
            Said::Counted(_) => return,
            Said::Error(text) => return tracing::error!(task = %task, "{}", self.secrets.hide(text)),
            Said::Warning(text) => return self.warn(&task, text),
        };
        self.shared.tell.tell(input).await;
    }
}

/// Warnings of a task that are written within a second; a connector can cause any number of them.
const WARNINGS: u32 = 20;

/// How many warnings were written, so that no connector fills the disk with them.
struct Warnings {
    since: Instant,
    written: u32,
    left_out: u64,
}

impl Warnings {
    /// Whether one may be written now; and how many were left out before it.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        if now.duration_since(self.since) >= Duration::from_secs(1) {
            (self.since, self.written) = (now, 0);
        }
        if self.written >= WARNINGS {
            self.left_out += 1;
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

/// A config as the host takes it.
pub(super) fn pairs(config: &ConfigMap) -> Vec<(String, String)> {
    config.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A call's error as the machines know it.
pub(super) fn call_error(error: HostError) -> CallError {
    match error {
        HostError::Connector(error) => CallError::Connector(error),
        other => CallError::Trap(other.trace()),
    }
}

/// The result of what is on its way; waits for ever if nothing is.
pub(super) async fn arrival<T>(pending: &mut Pending<T>) -> T {
    match pending {
        Some(future) => {
            let value = future.await;
            *pending = None;
            value
        }
        None => std::future::pending().await,
    }
}

/// Waits until then; for ever if there is no then.
pub(super) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_thinned_and_counted() {
        let start = Instant::now();
        let mut warnings = Warnings { since: start, written: 0, left_out: 0 };
        let written = (0..100).filter(|_| warnings.admit(start).is_some()).count();
        assert_eq!((written, warnings.left_out), (WARNINGS as usize, 100 - u64::from(WARNINGS)));
        assert_eq!(warnings.admit(start + Duration::from_secs(1)), Some(100 - u64::from(WARNINGS)));
        assert_eq!(warnings.admit(start + Duration::from_secs(1)), Some(0));
    }
}
