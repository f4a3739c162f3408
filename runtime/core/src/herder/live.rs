//! What runs of one connector, and the next steps that bring it in line with what is wanted.
//!
//! Owns the runs of a connector's instance and tasks. Leaves requests and records to the other files. Invariant: a slot
//! holds one run; a start is given out only from an empty slot, and a slot is emptied only by the edge's word that the run
//! is gone.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    format,
    string::String,
    vec::Vec,
};

use super::wanted::Connector;
use super::{Class, Direction, Output, Run, StartTask, State, TargetState, TaskId};
use crate::{
    config::ConfigMap,
    connect_topics::{self, ConfigRecord},
};

/// The instance of a connector.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Instance {
    /// There is none.
    #[default]
    None,
    /// Asked for.
    Starting { run: Run, config: ConfigMap },
    /// It runs.
    Running { run: Run, config: ConfigMap },
    /// Asked to stop; then there is none, or it has failed with this trace.
    Stopping { run: Run, failed: Option<(String, ConfigMap)> },
    /// It could not start, or raised an error.
    Failed { trace: String, config: ConfigMap },
}

/// One task's slot.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Slot {
    /// A run.
    Active {
        run: Run,
        /// What it was started with.
        connector: ConfigMap,
        config: ConfigMap,
        /// `Unassigned` until it has said how it is.
        state: State,
        /// What it was last told.
        paused: bool,
        stopping: bool,
    },
    /// The last run ended with an error.
    Failed { trace: String, connector: ConfigMap, config: ConfigMap },
}

/// What runs of one connector.
#[derive(Clone, Debug, Default)]
pub(super) struct Live {
    pub instance: Instance,
    pub tasks: BTreeMap<u32, Slot>,
    /// The instance shall be started anew, whatever its state.
    pub restart_instance: bool,
    /// These tasks too.
    pub restart_tasks: BTreeSet<u32>,
    /// A file on the command line speaks for it, and has not been put yet: start nothing.
    pub awaits_file: bool,
    /// The config has changed while nothing ran: the tasks wait for their new configs.
    pub hold_tasks: bool,
    /// Task configs that the instance gave, not yet written.
    pub proposed: Option<Vec<ConfigMap>>,
}

/// What reconciling needs to know beside the connector itself.
pub(super) struct Scene<'a> {
    pub name: &'a str,
    /// `None` if the connector does not exist (any more).
    pub wanted: Option<&'a Connector>,
    /// `None` if it is not known here.
    pub class: Option<&'a Class>,
    /// Nothing is wanted any more: the worker stops.
    pub closing: bool,
}

impl Live {
    /// Gives out every step that can be taken now.
    pub fn reconcile(&mut self, scene: &Scene, next_run: &mut u64, out: &mut impl FnMut(Output)) {
        if self.awaits_file && !scene.closing {
            return;
        }
        self.reconcile_instance(scene, next_run, out);
        self.reconcile_tasks(scene, next_run, out);
    }

    fn reconcile_instance(&mut self, scene: &Scene, next_run: &mut u64, out: &mut impl FnMut(Output)) {
        let target = scene.target();
        let wanted = scene.wanted.filter(|_| target == Some(TargetState::Started));
        let config = wanted.and_then(|wanted| wanted.config.as_ref());
        match &self.instance {
            Instance::Stopping { .. } => return,
            Instance::Starting { run, config: old } | Instance::Running { run, config: old } => {
                if config != Some(old) || self.restart_instance {
                    out(Output::StopConnector { connector: scene.name.into(), run: *run });
                    self.instance = Instance::Stopping { run: *run, failed: None };
                    self.proposed = None;
                }
                return;
            }
            Instance::Failed { config: old, .. } => {
                // Pausing and resuming do not touch a failure; a restart, another config, stopping and deleting do.
                let same = scene.wanted.and_then(|wanted| wanted.config.as_ref()) == Some(old);
                if same && !self.restart_instance && matches!(target, Some(TargetState::Started | TargetState::Paused))
                {
                    return;
                }
                self.instance = Instance::None;
            }
            Instance::None => {}
        }
        self.restart_instance = false;
        if let (Some(wanted), Some(config)) = (wanted, config) {
            let run = new_run(next_run);
            self.instance = Instance::Starting { run, config: config.clone() };
            out(Output::StartConnector {
                connector: scene.name.into(),
                run,
                config: config.clone(),
                max_tasks: wanted.max_tasks(),
                previous: wanted.tasks.clone(),
            });
        }
    }

    fn reconcile_tasks(&mut self, scene: &Scene, next_run: &mut u64, out: &mut impl FnMut(Output)) {
        let wanted = scene.wanted_tasks(self.hold_tasks);
        self.stop_tasks(scene.name, &wanted, out);
        let paused = scene.target() == Some(TargetState::Paused);
        for (i, (connector, config)) in wanted.iter().enumerate() {
            let id = TaskId { connector: scene.name.into(), task: i as u32 };
            match self.tasks.get_mut(&(i as u32)) {
                None => {
                    self.restart_tasks.remove(&(i as u32));
                    let slot = start_task(
                        id,
                        connector,
                        config,
                        paused,
                        scene.class.map(|class| class.direction),
                        next_run,
                        out,
                    );
                    self.tasks.insert(i as u32, slot);
                }
                Some(Slot::Active { run, paused: told, stopping: false, .. }) if *told != paused => {
                    *told = paused;
                    out(match paused {
                        true => Output::PauseTask { task: id, run: *run },
                        false => Output::ResumeTask { task: id, run: *run },
                    });
                }
                Some(_) => {}
            }
        }
    }

    /// Stops what is not wanted, or wanted otherwise; forgets such failures.
    fn stop_tasks(&mut self, name: &str, wanted: &[(&ConfigMap, &ConfigMap)], out: &mut impl FnMut(Output)) {
        let restart = &self.restart_tasks;
        self.tasks.retain(|i, slot| {
            let fits = |connector: &ConfigMap, config: &ConfigMap| {
                wanted.get(*i as usize) == Some(&(connector, config)) && !restart.contains(i)
            };
            match slot {
                Slot::Active { run, connector, config, stopping, .. } => {
                    if !*stopping && !fits(connector, config) {
                        *stopping = true;
                        out(Output::StopTask { task: TaskId { connector: name.into(), task: *i }, run: *run });
                    }
                    true
                }
                Slot::Failed { connector, config, .. } => fits(connector, config),
            }
        });
        self.restart_tasks.retain(|i| (*i as usize) < wanted.len());
    }

    /// Task `i`'s run, unless it has failed.
    pub fn run_of(&self, i: u32) -> Option<Run> {
        match self.tasks.get(&i)? {
            Slot::Active { run, .. } => Some(*run),
            Slot::Failed { .. } => None,
        }
    }

    /// True if no instance and no task runs.
    pub fn is_quiet(&self) -> bool {
        matches!(self.instance, Instance::None | Instance::Failed { .. })
            && self.tasks.values().all(|slot| matches!(slot, Slot::Failed { .. }))
    }

    /// True if the instance is as wanted, or failed.
    pub fn is_instance_settled(&self, scene: &Scene) -> bool {
        let config = scene.wanted.and_then(|wanted| wanted.config.as_ref());
        let started = scene.target() == Some(TargetState::Started);
        !self.restart_instance
            && match &self.instance {
                Instance::None => !started,
                Instance::Running { config: old, .. } => started && config == Some(old),
                Instance::Failed { .. } => true,
                Instance::Starting { .. } | Instance::Stopping { .. } => false,
            }
    }
}

/// Most bytes of a task's configuration: it is a record of `connect-configs`, whose `max.message.bytes` is 1,048,588.
const TASK_CONFIG_BYTES: usize = 900_000;
/// Most bytes of those of all tasks of a connector: they are written at once.
const ALL_CONFIGS_BYTES: usize = 32 << 20;

/// Why a connector cannot have these tasks; for the status.
fn too_much(connector: &str, max: usize, tasks: &[ConfigMap]) -> Option<String> {
    if tasks.len() > max {
        return Some(format!(
            "The connector {connector} has generated {} tasks, which is greater than {max}, the maximum number of tasks it \
             is configured to create: raise tasks.max",
            tasks.len()
        ));
    }
    let bytes = |task: &ConfigMap| {
        let id = TaskId { connector: connector.into(), task: 0 };
        let record = connect_topics::write_config(&ConfigRecord::Task(id, Some(task.clone())));
        record.key.len() + record.value.map_or(0, |value| value.len())
    };
    let mut all = 0;
    for (number, task) in tasks.iter().enumerate() {
        let bytes = bytes(task);
        all += bytes;
        if bytes > TASK_CONFIG_BYTES || all > ALL_CONFIGS_BYTES {
            return Some(format!(
                "The connector {connector} has generated a configuration of {bytes} bytes for its task {number}, {all} bytes so far; \
                 a task's may have {TASK_CONFIG_BYTES} bytes, and those of all tasks {ALL_CONFIGS_BYTES}"
            ));
        }
    }
    None
}

/// What the edge says.
impl Live {
    /// The instance runs and gave its tasks' configs.
    pub fn connector_started(&mut self, scene: &Scene, run: Run, tasks: Vec<ConfigMap>, out: &mut VecDeque<Output>) {
        let config = match &self.instance {
            Instance::Starting { run: of, config } | Instance::Running { run: of, config } if *of == run => {
                config.clone()
            }
            _ => return,
        };
        let max = scene.wanted.map_or(0, Connector::max_tasks) as usize;
        let complete: Vec<_> = tasks.into_iter().map(|task| task_config(task, &config, scene.class)).collect();
        if let Some(trace) = too_much(scene.name, max, &complete) {
            out.push_back(Output::StopConnector { connector: scene.name.into(), run });
            self.instance = Instance::Stopping { run, failed: Some((trace, config)) };
            return;
        }
        self.proposed = Some(complete);
        self.instance = Instance::Running { run, config };
    }

    /// The instance is gone, with an error.
    pub fn connector_failed(&mut self, run: Run, trace: String) {
        match &self.instance {
            Instance::Starting { run: of, config } | Instance::Running { run: of, config } if *of == run => {
                self.instance = Instance::Failed { trace, config: config.clone() };
                self.proposed = None;
            }
            _ => {}
        }
    }

    /// The instance is gone, as it was told.
    pub fn connector_stopped(&mut self, run: Run) {
        match &mut self.instance {
            Instance::Stopping { run: of, failed } if *of == run => {
                self.instance = match failed.take() {
                    Some((trace, config)) => Instance::Failed { trace, config },
                    None => Instance::None,
                };
            }
            _ => {}
        }
    }

    /// A task has said how it is.
    pub fn task_is(&mut self, i: u32, run: Run, now: State) {
        match self.tasks.get_mut(&i) {
            Some(Slot::Active { run: of, state, .. }) if *of == run => *state = now,
            _ => {}
        }
    }

    /// A task is gone, with an error. One that was told to stop has yet to say that it did.
    pub fn task_failed(&mut self, i: u32, run: Run, trace: String) {
        match self.tasks.remove(&i) {
            Some(Slot::Active { run: of, connector, config, stopping: false, .. }) if of == run => {
                self.tasks.insert(i, Slot::Failed { trace, connector, config });
            }
            Some(other) => drop(self.tasks.insert(i, other)),
            None => {}
        }
    }

    /// A task is gone, as it was told.
    pub fn task_stopped(&mut self, i: u32, run: Run) {
        if matches!(self.tasks.get(&i), Some(Slot::Active { run: of, stopping: true, .. }) if *of == run) {
            self.tasks.remove(&i);
        }
    }
}

/// What a task receives: what the connector gave, its class, and the topics of a sink (source: `Worker.connectorTaskConfigs`).
fn task_config(mut task: ConfigMap, connector: &ConfigMap, class: Option<&Class>) -> ConfigMap {
    if let Some(class) = class {
        task.insert("task.class", class.task_class.as_str());
    }
    for key in ["topics", "topics.regex"] {
        if let Some(value) = connector.get(key) {
            task.insert(key, value);
        }
    }
    task
}

impl<'a> Scene<'a> {
    fn target(&self) -> Option<TargetState> {
        self.wanted.filter(|_| !self.closing).map(|wanted| wanted.target)
    }

    /// Connector config and task config of every task that shall run.
    fn wanted_tasks(&self, hold: bool) -> Vec<(&'a ConfigMap, &'a ConfigMap)> {
        let wanted = self.wanted.filter(|wanted| !self.closing && !hold && wanted.target != TargetState::Stopped);
        wanted.map_or_else(Vec::new, |wanted| wanted.tasks.iter().map(|task| (&wanted.applied, task)).collect())
    }
}

fn start_task(
    id: TaskId,
    connector: &ConfigMap,
    config: &ConfigMap,
    paused: bool,
    direction: Option<Direction>,
    next_run: &mut u64,
    out: &mut impl FnMut(Output),
) -> Slot {
    let (connector, config) = (connector.clone(), config.clone());
    let Some(direction) = direction else {
        let class = connector.get("connector.class").unwrap_or("none");
        let trace = format!("connector.class {class} is not installed in this worker");
        return Slot::Failed { trace, connector, config };
    };
    let run = new_run(next_run);
    out(Output::StartTask(StartTask {
        task: id,
        run,
        direction,
        connector: connector.clone(),
        config: config.clone(),
        paused,
    }));
    Slot::Active { run, connector, config, state: State::Unassigned, paused, stopping: false }
}

fn new_run(next: &mut u64) -> Run {
    *next += 1;
    Run(*next)
}
