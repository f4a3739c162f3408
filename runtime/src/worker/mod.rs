//! What runs: connector instances and task loops, as the herder says.
//!
//! Start reading at [`Worker::execute`]. Owns which run is alive and how to tell it something. Leaves the loops to `source` and
//! `sink`, instances to `connector`, decisions to `runtime_core`. Invariant: a run that was asked to stop is answered with
//! `TaskStopped` or `ConnectorStopped`, whatever became of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use runtime_core::{
    herder::{Input, Output, Run, StartTask, TaskId},
    worker_config::WorkerConfig,
};
use runtime_host::Stdin;
use tokio::{runtime::Handle, sync::mpsc};

mod connector;
mod measure;
mod offsets;
mod settings;
mod sink;
mod source;
mod task;
mod watch;

use crate::{
    cluster::Cluster,
    herd::Teller,
    metrics::{Kind, Metrics},
    plugins::Plugins,
};
use task::Control;
use watch::Watch;

/// What every run needs.
struct Shared {
    pub cluster: Arc<dyn Cluster>,
    pub plugins: Arc<Plugins>,
    pub config: WorkerConfig,
    pub metrics: Arc<Metrics>,
    watch: Watch,
    pub tell: Teller,
    stdin: Mutex<Option<Stdin>>,
}

/// The runs of this worker.
pub struct Worker {
    shared: Arc<Shared>,
    guests: Handle,
    tasks: BTreeMap<TaskId, (Run, mpsc::Sender<Control>)>,
    connectors: BTreeMap<String, (Run, mpsc::Sender<()>)>,
}

impl Worker {
    /// A worker that runs nothing yet. Guests and their loops run on `guests`; what they tell goes to `tell`.
    pub fn new(
        config: &WorkerConfig,
        cluster: Arc<dyn Cluster>,
        plugins: Arc<Plugins>,
        metrics: Arc<Metrics>,
        tell: Teller,
        guests: Handle,
    ) -> Self {
        let watch = Watch::start(guests.clone());
        let config = config.clone();
        let shared = Arc::new(Shared { cluster, plugins, config, metrics, watch, tell, stdin: Mutex::default() });
        Self { shared, guests, tasks: BTreeMap::new(), connectors: BTreeMap::new() }
    }

    /// Does what the herder says about instances, tasks and offsets; what is not about those is an error of the caller's.
    pub fn execute(&mut self, output: Output) {
        match output {
            Output::StartConnector { connector, run, config, max_tasks, previous } => {
                self.shared.metrics.startups().begun(Kind::Connector, run);
                let (stop, stopped) = mpsc::channel(1);
                self.connectors.insert(connector.clone(), (run, stop));
                let start = connector::Start { connector, run, config, max_tasks, previous };
                self.guests.spawn(connector::run(self.shared.clone(), start, stopped));
            }
            Output::StopConnector { connector, run } => self.stop_connector(connector, run),
            Output::StartTask(start) => self.start_task(start),
            Output::StopTask { task, run } => self.control(task, run, Control::Stop(self.grace())),
            Output::PauseTask { task, run } => self.control(task, run, Control::Pause),
            Output::ResumeTask { task, run } => self.control(task, run, Control::Resume),
            Output::Offsets { id, connector, direction, config, action } => {
                let shared = self.shared.clone();
                self.guests.spawn(async move {
                    let outcome = offsets::act(&shared, &connector, direction, &config, action).await;
                    shared.tell.tell(Input::Offsets { id, outcome }).await;
                });
            }
            Output::Validate { .. } | Output::WriteConfigs { .. } | Output::WriteStatus(_) | Output::Reply { .. } => {
                unreachable!("the herder's owner does this itself")
            }
        }
    }

    /// What a run tells the herder, for the counts of starts.
    pub fn observe(&self, told: &Input) {
        let mut startups = self.shared.metrics.startups();
        match told {
            Input::ConnectorStarted { run, .. } => startups.ended(Kind::Connector, *run, true),
            Input::ConnectorFailed { run, .. } => startups.ended(Kind::Connector, *run, false),
            Input::ConnectorStopped { run, .. } => startups.given_up(Kind::Connector, *run),
            Input::TaskRunning { run, .. } | Input::TaskPaused { run, .. } => startups.ended(Kind::Task, *run, true),
            Input::TaskFailed { run, .. } => startups.ended(Kind::Task, *run, false),
            Input::TaskStopped { run, .. } => startups.given_up(Kind::Task, *run),
            _ => {}
        }
    }

    fn grace(&self) -> Duration {
        Duration::from_millis(self.shared.config.task_shutdown_graceful_timeout_ms)
    }

    fn start_task(&mut self, start: StartTask) {
        // Stop, pause and resume are all there is to say, and the herder waits for an answer to most of them.
        self.shared.metrics.startups().begun(Kind::Task, start.run);
        let (control, controlled) = mpsc::channel(16);
        self.tasks.insert(start.task.clone(), (start.run, control));
        self.guests.spawn(task::supervise(self.shared.clone(), start, controlled));
    }

    fn control(&mut self, task: TaskId, run: Run, control: Control) {
        let live = self.tasks.get(&task).filter(|(of, _)| *of == run);
        let sent = live.is_some_and(|(_, sender)| sender.try_send(control).is_ok());
        if matches!(control, Control::Stop(_)) {
            self.tasks.remove(&task);
            if !sent {
                self.answer(Input::TaskStopped { task, run });
            }
        }
    }

    fn stop_connector(&mut self, connector: String, run: Run) {
        let live = self.connectors.remove(&connector).filter(|(of, _)| *of == run);
        let sent = live.is_some_and(|(_, stop)| stop.try_send(()).is_ok());
        if !sent {
            self.answer(Input::ConnectorStopped { connector, run });
        }
    }

    fn answer(&self, input: Input) {
        let shared = self.shared.clone();
        self.guests.spawn(async move { shared.tell.tell(input).await });
    }
}

impl Shared {
    /// The worker's standard input. The thread that reads it starts with the first task that wants it.
    pub fn stdin(&self) -> std::io::Result<Stdin> {
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        if stdin.is_none() {
            *stdin = Some(Stdin::read_from(std::io::stdin())?);
        }
        Ok(stdin.clone().expect("just made"))
    }
}
