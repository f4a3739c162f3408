//! How connectors and tasks are, as REST and `connect-status` show it.
//!
//! Owns what was last shown. Leaves how things are to `live`. Invariant: what is shown is what was written; a state between
//! two others (starting, stopping) shows the one before.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use super::live::{Instance, Live, Scene, Slot};
use super::{State, Status, TargetState, TopicRecord};
use crate::connect_topics::write_status;

/// A connector (`None`) or one of its tasks.
type Part = Option<u32>;

#[derive(Default)]
pub(super) struct Shown {
    connectors: BTreeMap<String, BTreeMap<Part, Status>>,
    /// Keys that an earlier life left in the topic.
    leftovers: BTreeSet<String>,
}

impl Shown {
    /// A key that is in the topic from before the start.
    pub fn leftover(&mut self, key: String) {
        self.leftovers.insert(key);
    }

    /// Tombstones for what an earlier life left and nobody shows any more.
    pub fn take_leftovers(&mut self) -> Vec<TopicRecord> {
        core::mem::take(&mut self.leftovers).into_iter().map(|key| TopicRecord { key, value: None }).collect()
    }

    /// A connector's or task's status.
    pub fn get(&self, name: &str, part: Part) -> Option<&Status> {
        self.connectors.get(name)?.get(&part)
    }

    /// Shows RESTARTING until the restart is done; the records to write.
    pub fn restarting(&mut self, name: &str, parts: &[Part]) -> Vec<TopicRecord> {
        let Some(shown) = self.connectors.get_mut(name) else {
            return Vec::new();
        };
        let mut records = Vec::new();
        for part in parts {
            if let Some(status) = shown.get_mut(part) {
                (status.state, status.trace) = (State::Restarting, None);
                records.push(write_status(name, *part, Some(status)));
            }
        }
        records
    }

    /// Brings what is shown of a connector up to date; the records to write.
    pub fn update(
        &mut self,
        scene: &Scene,
        live: Option<&Live>,
        worker_id: &str,
        version: Option<&str>,
    ) -> Vec<TopicRecord> {
        let parts = live.map_or_else(BTreeMap::new, |live| states(scene, live));
        let shown = self.connectors.entry(scene.name.into()).or_default();
        let mut records = Vec::new();
        shown.retain(|part, _| {
            let keep = parts.contains_key(part);
            if !keep {
                records.push(write_status(scene.name, *part, None));
            }
            keep
        });
        for (part, now) in parts {
            let before = shown.get(&part);
            let (state, trace) = match (now, before) {
                (Some(now), _) => now,
                // A failure is over as soon as a new run begins.
                (None, Some(before)) if before.state != State::Failed => (before.state, before.trace.clone()),
                (None, _) => (State::Unassigned, None),
            };
            let status = Status { state, worker_id: worker_id.into(), trace, version: version.map(Into::into) };
            if before != Some(&status) {
                let record = write_status(scene.name, part, Some(&status));
                self.leftovers.remove(&record.key);
                records.push(record);
                shown.insert(part, status);
            }
        }
        if shown.is_empty() {
            self.connectors.remove(scene.name);
        }
        records
    }
}

/// State and trace of every part there is; `None` where it is between two states.
fn states(scene: &Scene, live: &Live) -> BTreeMap<Part, Option<(State, Option<String>)>> {
    let mut parts = BTreeMap::new();
    let Some(wanted) = scene.wanted else {
        return parts;
    };
    parts.insert(None, instance_state(scene, live, wanted.target));
    for (i, slot) in &live.tasks {
        parts.insert(Some(*i), slot_state(slot));
    }
    if wanted.target != TargetState::Stopped {
        for i in 0..wanted.tasks.len() as u32 {
            let gone = scene.closing.then_some((State::Unassigned, None));
            parts.entry(Some(i)).or_insert(gone);
        }
    }
    parts
}

fn instance_state(scene: &Scene, live: &Live, target: TargetState) -> Option<(State, Option<String>)> {
    match &live.instance {
        Instance::Running { .. } => Some((State::Running, None)),
        Instance::Failed { trace, .. } => Some((State::Failed, Some(trace.clone()))),
        Instance::Starting { .. } | Instance::Stopping { .. } => None,
        Instance::None => match target {
            _ if scene.closing => Some((State::Unassigned, None)),
            TargetState::Started => None,
            TargetState::Paused => Some((State::Paused, None)),
            TargetState::Stopped => Some((State::Stopped, None)),
        },
    }
}

fn slot_state(slot: &Slot) -> Option<(State, Option<String>)> {
    match slot {
        Slot::Failed { trace, .. } => Some((State::Failed, Some(trace.clone()))),
        Slot::Active { state: State::Unassigned, .. } | Slot::Active { stopping: true, .. } => None,
        Slot::Active { state, .. } => Some((*state, None)),
    }
}
