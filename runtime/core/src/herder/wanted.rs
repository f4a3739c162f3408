//! What shall run: the state that `connect-configs` holds.
//!
//! Owns the meaning of its records. Leaves what runs to `live`. Invariant: it is a function of the records replayed, and
//! [`Wanted::replay`] is the only way it moves.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::{TargetState, TaskId};
use crate::{config::ConfigMap, connect_topics::ConfigRecord};

/// Every connector that is wanted, and leftovers of records that name none.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    connectors: BTreeMap<String, Connector>,
}

/// What the records say about one connector.
#[derive(Clone, Debug, Default)]
pub(super) struct Connector {
    /// Its config; without one it does not exist, whatever else is recorded.
    pub config: Option<ConfigMap>,
    /// What it shall do.
    pub target: TargetState,
    /// Its config comes from a file on the command line.
    pub from_file: bool,
    /// Its tasks, as of the last commit record.
    pub tasks: Vec<ConfigMap>,
    /// The connector's config when those tasks were committed: they run with this one until the next commit.
    pub applied: ConfigMap,
    /// Task configs that wait for their commit.
    uncommitted: BTreeMap<u32, ConfigMap>,
}

impl Wanted {
    /// The connector called `name`, if it exists.
    pub fn get(&self, name: &str) -> Option<&Connector> {
        self.connectors.get(name).filter(|connector| connector.config.is_some())
    }

    /// Every connector that exists, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Connector)> {
        self.connectors.iter().filter(|(_, connector)| connector.config.is_some())
    }

    /// Moves the state by one record.
    pub fn replay(&mut self, record: ConfigRecord) {
        match record {
            ConfigRecord::Connector(name, config) => {
                if config.is_none() {
                    // A connector made again under this name starts from nothing.
                    self.connectors.remove(&name);
                } else {
                    self.entry(name).config = config;
                }
            }
            ConfigRecord::Task(TaskId { connector, task }, config) => {
                let uncommitted = &mut self.entry(connector).uncommitted;
                match config {
                    Some(config) => drop(uncommitted.insert(task, config)),
                    None => drop(uncommitted.remove(&task)),
                }
            }
            ConfigRecord::Commit(name, tasks) => self.entry(name).commit(tasks.unwrap_or(0)),
            ConfigRecord::Target(name, target) => {
                self.entry(name).target = target.unwrap_or_default();
            }
            ConfigRecord::File(name, there) => self.entry(name).from_file = there,
            ConfigRecord::Other => {}
        }
        self.connectors.retain(|_, connector| !connector.is_nothing());
    }

    fn entry(&mut self, name: String) -> &mut Connector {
        self.connectors.entry(name).or_default()
    }
}

impl Connector {
    /// Task records count only from their commit on, and only if all of them are there.
    fn commit(&mut self, tasks: u32) {
        let mut new = core::mem::take(&mut self.uncommitted);
        let complete: Option<Vec<_>> =
            (0..tasks).map(|i| new.remove(&i).or_else(|| self.tasks.get(i as usize).cloned())).collect();
        if let Some(complete) = complete {
            self.tasks = complete;
            self.applied = self.config.clone().unwrap_or_default();
        }
    }

    fn is_nothing(&self) -> bool {
        self.config.is_none()
            && self.target == TargetState::default()
            && !self.from_file
            && self.tasks.is_empty()
            && self.uncommitted.is_empty()
    }

    /// Most tasks it may have (`tasks.max`, checked before it was written).
    pub fn max_tasks(&self) -> u32 {
        let config = self.config.as_ref();
        config.and_then(|config| config.get("tasks.max")).and_then(|n| n.trim().parse().ok()).unwrap_or(1)
    }
}

/// The order in which a table (latest value per key) must be replayed, which has lost the order of its writes: a commit
/// takes the task records and the config that are there.
pub(super) fn table_order(record: &ConfigRecord) -> u8 {
    match record {
        ConfigRecord::Connector(..) => 0,
        ConfigRecord::Commit(..) => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec};

    fn config(text: &str) -> ConfigMap {
        text.split_whitespace().filter_map(|pair| pair.split_once('=')).collect()
    }

    fn task(i: u32, text: &str) -> ConfigRecord {
        ConfigRecord::Task(TaskId { connector: "n".into(), task: i }, Some(config(text)))
    }

    fn check(records: Vec<ConfigRecord>, expected: &str) {
        let mut wanted = Wanted::default();
        records.into_iter().for_each(|record| wanted.replay(record));
        let got = wanted.get("n").map_or("absent".into(), |n| {
            let tasks: Vec<_> = n.tasks.iter().map(ConfigMap::to_java).collect();
            format!("{:?} applied={} tasks={}", n.target, n.applied.to_java(), tasks.join(""))
        });
        assert_eq!(got, expected);
    }

    #[test]
    fn task_records_count_from_their_commit_on() {
        let connector = || ConfigRecord::Connector("n".into(), Some(config("c=1")));
        let commit = |n| ConfigRecord::Commit("n".into(), Some(n));
        check(vec![connector()], "Started applied={} tasks=");
        check(vec![connector(), task(0, "t=1")], "Started applied={} tasks=");
        check(vec![connector(), task(0, "t=1"), commit(1)], "Started applied={c=1} tasks={t=1}");
        check(vec![connector(), task(0, "t=1"), commit(2)], "Started applied={} tasks=");
        let grown = vec![connector(), task(0, "t=1"), commit(1), task(1, "t=2"), commit(2)];
        check(grown, "Started applied={c=1} tasks={t=1}{t=2}");
        let stopped = vec![connector(), task(0, "t=1"), commit(1), commit(0)];
        check(stopped, "Started applied={c=1} tasks=");
        let put =
            vec![connector(), task(0, "t=1"), commit(1), ConfigRecord::Connector("n".into(), Some(config("c=2")))];
        check(put, "Started applied={c=1} tasks={t=1}");
    }

    #[test]
    fn a_connector_made_again_starts_from_nothing() {
        let paused = ConfigRecord::Target("n".into(), Some(TargetState::Paused));
        let connector = |text| ConfigRecord::Connector("n".into(), text);
        check(vec![paused.clone()], "absent");
        check(vec![paused.clone(), connector(Some(config("c=1")))], "Paused applied={} tasks=");
        let again = vec![paused, connector(Some(config("c=1"))), connector(None), connector(Some(config("c=2")))];
        check(again, "Started applied={} tasks=");
    }
}
