//! Tasks of the Connect runtime: their incarnations and their small durable state.
//!
//! Invariant: an append of an incarnation older than the latest is refused, so a task that was given up on can do no more harm.

use alloc::{collections::BTreeMap, string::String};
use bytes::Bytes;

use crate::{
    codec::{Damaged, Reader, Writer},
    record::Record,
    request::TaskStarted,
};

/// All tasks ever started.
#[derive(Default)]
pub(crate) struct Tasks(BTreeMap<String, Task>);

#[derive(Default)]
struct Task {
    incarnation: u64,
    state: BTreeMap<String, Bytes>,
}

impl Tasks {
    /// The incarnation that `task` would get now.
    pub fn next_incarnation(&self, task: &str) -> u64 {
        self.0.get(task).map_or(0, |task| task.incarnation) + 1
    }

    /// True if `incarnation` is the latest of `task`.
    pub fn is_current(&self, task: &str, incarnation: u64) -> bool {
        self.0.get(task).is_some_and(|task| task.incarnation == incarnation)
    }

    /// What a task that starts is told.
    pub fn started(&self, task: &str) -> TaskStarted {
        let task = self.0.get(task);
        let state = task.into_iter().flat_map(|task| &task.state).map(|(key, value)| (key.clone(), value.clone()));
        TaskStarted { incarnation: task.map_or(0, |task| task.incarnation), state: state.collect() }
    }

    pub fn replay(&mut self, record: &Record) {
        match record {
            Record::TaskStarted { task, incarnation } => {
                self.0.entry(task.clone()).or_default().incarnation = *incarnation
            }
            Record::TaskState { task, key, value } => {
                let state = &mut self.0.entry(task.clone()).or_default().state;
                match value {
                    Some(value) => state.insert(key.clone(), value.clone()),
                    None => state.remove(key),
                };
            }
            _ => {}
        }
    }

    pub fn encode(&self, out: &mut Writer) {
        out.list(self.0.iter(), |out, (name, task)| {
            out.str(name).i64(task.incarnation as i64).list(task.state.iter(), |out, (key, value)| {
                out.str(key).bytes(value);
            });
        });
    }

    pub fn decode(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let pair = |from: &mut Reader<'_>| Ok((from.str()?, from.owned()?));
        let task = |from: &mut Reader<'_>| {
            let (name, incarnation) = (from.str()?, from.i64()? as u64);
            Ok((name, Task { incarnation, state: from.list(pair)?.into_iter().collect() }))
        };
        Ok(Self(from.list(task)?.into_iter().collect()))
    }
}
