//! Which topics a connector has used (KIP-558).
//!
//! Invariant: what is here is what `connect-status` says, or will when the records given out are written.

use alloc::{
    collections::{BTreeMap, VecDeque, btree_map::Entry},
    string::String,
    vec::Vec,
};

use super::{Output, TaskId};
use crate::connect_topics::write_topic;

#[derive(Default)]
pub(super) struct Topics {
    /// Connector, then topic, with the task that saw it first and when.
    used: BTreeMap<String, BTreeMap<String, (u32, i64)>>,
}

impl Topics {
    /// Takes in a record of the topic.
    pub fn load(&mut self, connector: String, topic: String, seen: Option<(u32, i64)>) {
        if let Some(seen) = seen {
            self.used.entry(connector).or_default().insert(topic, seen);
        }
    }

    /// A task uses a topic; the first time it is written down.
    pub fn used(&mut self, task: TaskId, topic: String, at: i64, out: &mut VecDeque<Output>) {
        let topics = self.used.entry(task.connector.clone()).or_default();
        if let Entry::Vacant(vacant) = topics.entry(topic) {
            let record = write_topic(&task.connector, vacant.key(), Some((task.task, at)));
            out.push_back(Output::WriteStatus(Vec::from([record])));
            vacant.insert((task.task, at));
        }
    }

    /// Forgets what a connector has used.
    pub fn reset(&mut self, connector: &str, out: &mut VecDeque<Output>) {
        if let Some(topics) = self.used.remove(connector) {
            let records = topics.keys().map(|topic| write_topic(connector, topic, None)).collect();
            out.push_back(Output::WriteStatus(records));
        }
    }

    /// The topics a connector has used, by name.
    pub fn of(&self, connector: &str) -> Vec<String> {
        self.used.get(connector).map(|topics| topics.keys().cloned().collect()).unwrap_or_default()
    }
}
