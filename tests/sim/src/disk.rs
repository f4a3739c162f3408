//! A disk that keeps exactly what `broker_store::disk` promises, and nothing more.
//!
//! Owns what can go wrong. `table` has the files and folders and the moment at which the machine dies, `calls` what each call does, [`content`] has a file's bytes in two versions,
//! [`folder`] a folder's names. Faults have names here: [`Disk::crash_inside`] (the process is inside a call when it dies),
//! [`Disk::fail_after`] (a sync or durable write fails), [`Disk::capacity`] (it is full), [`Disk::rot`] and [`Disk::flip`] (a bit flips),
//! [`Disk::write_back`] (the system writes when it likes), [`Disk::restart`] (power or process is gone).
//!
//! Invariant: what was promised durable survives every restart; what was not is decided by the seed alone.

use std::sync::{Arc, Mutex, MutexGuard};

use broker_store::disk::{DiskError, ErrorKind, Open};

use crate::random::Random;

mod calls;
pub mod content;
pub mod folder;
mod table;

use folder::{Folder, Inode};
use table::{Crash, Node, ROOT, State};

/// The call that acknowledges: where a death is worth most.
pub const WRITE_DURABLY: &str = "write durably";

/// How the machine stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// The process is killed; the system keeps what it was given.
    Kill,
    /// The power is cut; what was not synced is kept or lost.
    PowerCut,
}

/// The disk; clones are the same disk, as seen by the process that runs now.
#[derive(Clone)]
pub struct Disk {
    state: Arc<Mutex<State>>,
    boot: u64,
}

/// An open file.
pub struct File {
    disk: Disk,
    inode: Inode,
    how: Open,
    path: String,
}

impl Disk {
    /// An empty data folder.
    pub fn new(random: Random) -> Self {
        let state = State {
            nodes: vec![Node::Folder(Folder::default())],
            random,
            boot: 0,
            calls: 0,
            crash: None,
            crashed: false,
            fail_at: None,
            capacity: None,
            hash: crate::trace::START,
        };
        Self { state: Arc::new(Mutex::new(state)), boot: 0 }
    }

    /// The machine dies inside a call of this kind (of any kind that changes something, if `None`), after `calls` more of them.
    pub fn crash_inside(&self, call: Option<&'static str>, calls: u64) {
        self.lock().crash = Some(Crash { call, calls });
    }

    /// The first sync or durable write after `calls` more calls fails.
    pub fn fail_after(&self, calls: u64) {
        let mut state = self.lock();
        state.fail_at = Some(state.calls + calls);
    }

    /// No crash and no failure is planned any more.
    pub fn be_kind(&self) {
        let mut state = self.lock();
        (state.crash, state.fail_at) = (None, None);
    }

    /// Files may have this many bytes in all from now on; `None`: as many as they like.
    pub fn capacity(&self, bytes: Option<u64>) {
        self.lock().capacity = bytes;
    }

    /// Bytes of all files.
    pub fn used(&self) -> u64 {
        self.lock().used()
    }

    /// The machine is dead; only [`Disk::restart`] helps.
    pub fn is_crashed(&self) -> bool {
        self.lock().crashed
    }

    /// The system writes some of what it was given to the platters.
    pub fn write_back(&self) {
        let mut state = self.lock();
        let State { nodes, random, .. } = &mut *state;
        let percent = *random.pick(&[10, 50, 90]);
        for node in nodes {
            match node {
                Node::File(content) => content.write_back(random, percent),
                Node::Folder(folder) => folder.write_back(random, percent),
            }
        }
    }

    /// The disk as the next process finds it. Handles of the one before can do nothing any more.
    pub fn restart(&self, death: Death) -> Disk {
        let mut state = self.lock();
        state.boot += 1;
        (state.crashed, state.crash, state.fail_at) = (false, None, None);
        if death == Death::PowerCut {
            let State { nodes, random, .. } = &mut *state;
            let percent = *random.pick(&[0, 30, 50, 50, 70, 100]);
            for node in nodes {
                match node {
                    Node::File(content) => content.cut(random, percent),
                    Node::Folder(folder) => folder.cut(random, percent),
                }
            }
        }
        Disk { state: self.state.clone(), boot: state.boot }
    }

    /// Flips a random bit of a random file, and says which: path and bit. `None` if no file has any.
    pub fn rot(&self) -> Option<(String, u64)> {
        let files = self.files();
        let mut state = self.lock();
        let files: Vec<_> = files.into_iter().filter(|(_, inode)| !state.file(*inode).is_empty()).collect();
        if files.is_empty() {
            return None;
        }
        let (path, inode) = state.random.pick(&files).clone();
        let mut bytes = vec![0; state.file(inode).len() as usize];
        state.file(inode).read(0, &mut bytes);
        let written: Vec<u64> = (0..).zip(&bytes).filter(|(_, byte)| **byte != 0).map(|(at, _)| at).collect();
        // Most of a journal is zeros still, in which a flipped bit is of no interest most of the time.
        let byte = match written.is_empty() || state.random.percent(10) {
            true => state.random.below(bytes.len() as u64),
            false => *state.random.pick(&written),
        };
        let bit = byte * 8 + state.random.below(8);
        state.file(inode).flip(bit);
        Some((path, bit))
    }

    /// Flips this bit of this file, if the file is there and has it.
    pub fn flip(&self, path: &str, bit: u64) {
        let mut state = self.lock();
        if let Some(inode) = state.find(path)
            && bit < state.file(inode).len() * 8
        {
            state.file(inode).flip(bit);
        }
    }

    /// All files and their bytes, as readers see them.
    pub fn everything(&self) -> Vec<(String, Vec<u8>)> {
        let bytes = |path: String| self.bytes(&path).map(|bytes| (path, bytes));
        self.files().into_iter().filter_map(|(path, _)| bytes(path)).collect()
    }

    fn files(&self) -> Vec<(String, Inode)> {
        let state = self.lock();
        let (mut files, mut folders) = (Vec::new(), vec![(String::new(), ROOT)]);
        while let Some((path, folder)) = folders.pop() {
            let Node::Folder(folder) = &state.nodes[folder] else { continue };
            for (name, inode) in folder.entries() {
                let path = if path.is_empty() { name.to_string() } else { format!("{path}/{name}") };
                match &state.nodes[inode] {
                    Node::File(_) => files.push((path, inode)),
                    Node::Folder(_) => folders.push((path, inode)),
                }
            }
        }
        files.sort();
        files
    }

    /// The bytes of a file as readers see them; `None` if there is none.
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let mut state = self.lock();
        let inode = state.find(path)?;
        let content = state.file(inode);
        let mut bytes = vec![0; content.len() as usize];
        content.read(0, &mut bytes);
        Some(bytes)
    }

    /// Calls so far that changed something.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// A sum over all calls so far and their order.
    pub fn hash(&self) -> u64 {
        self.lock().hash
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The state, if the process of this handle is still the one that runs.
    fn enter(&self, op: &'static str, path: &str) -> Result<MutexGuard<'_, State>, DiskError> {
        let state = self.lock();
        if state.crashed || state.boot != self.boot {
            return Err(crashed(op, path));
        }
        Ok(state)
    }
}

fn crashed(op: &'static str, path: &str) -> DiskError {
    DiskError::new(op, path, ErrorKind::Crashed, "the simulated machine has stopped")
}
