//! A disk in memory that can lose power at any call: enough of one for this crate's own tests.
//!
//! Owns what is pending and what is durable. After a crash each 512-byte sector written and not synced is old or new, lengths are
//! anything in between, and each name made, changed or removed and not synced is or is not.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString},
    sync::Arc,
    vec,
    vec::Vec,
};
use std::sync::Mutex;

use crate::disk::{BLOCK, Disk, DiskError, DiskFile, ErrorKind, Open};

const SECTOR: usize = 512;

#[derive(Clone, Default)]
pub struct TestDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    files: Vec<Contents>,
    names: BTreeMap<String, Node>,
    durable_names: BTreeMap<String, Node>,
    pending: Vec<NameChange>,
    calls: usize,
    crash_at: Option<usize>,
    full: bool,
    random: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Node {
    Folder,
    File(usize),
}

#[derive(Default, Clone)]
struct Contents {
    now: Vec<u8>,
    durable: Vec<u8>,
}

/// Happens whole or not at all.
#[derive(Clone)]
struct NameChange(Vec<(String, Option<Node>)>);

pub struct TestFile {
    disk: TestDisk,
    number: usize,
    path: String,
    journal: bool,
}

impl State {
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.random >> 33
    }

    /// Counts a call that changes something; an error if the power went before, or goes now.
    fn call(&mut self, op: &'static str, path: &str) -> Result<bool, DiskError> {
        let crashed = |path| Err(DiskError::new(op, path, ErrorKind::Crashed, "the power is gone"));
        self.calls += 1;
        match self.crash_at {
            Some(at) if self.calls > at => crashed(path),
            at => Ok(at == Some(self.calls)),
        }
    }

    fn change(&mut self, changes: Vec<(String, Option<Node>)>) {
        apply(&mut self.names, &changes);
        self.pending.push(NameChange(changes));
    }

    fn sync_names(&mut self, whose: impl Fn(&str) -> bool) {
        let pending = core::mem::take(&mut self.pending);
        for change in pending {
            if change.0.iter().any(|(path, _)| whose(parent(path))) {
                apply(&mut self.durable_names, &change.0);
            } else {
                self.pending.push(change);
            }
        }
    }

    fn lose_power(&mut self) {
        for change in core::mem::take(&mut self.pending) {
            if self.random().is_multiple_of(2) {
                apply(&mut self.durable_names, &change.0);
            }
        }
        // What is in a folder that is not there is not there.
        let names: BTreeSet<String> = self.durable_names.keys().cloned().collect();
        self.durable_names.retain(|path, _| {
            let mut up = parent(path);
            while !up.is_empty() && names.contains(up) {
                up = parent(up);
            }
            up.is_empty()
        });
        self.names = self.durable_names.clone();
        for number in 0..self.files.len() {
            let torn = self.tear(number);
            self.files[number] = Contents { now: torn.clone(), durable: torn };
        }
    }

    fn tear(&mut self, number: usize) -> Vec<u8> {
        let Contents { now, durable } = self.files[number].clone();
        let (short, long) = (now.len().min(durable.len()), now.len().max(durable.len()));
        let len = if short == long { short } else { short + self.random() as usize % (long - short + 1) };
        let mut torn = durable.clone();
        torn.resize(len, 0);
        for start in (0..len).step_by(SECTOR) {
            let end = (start + SECTOR).min(len);
            if end > durable.len() || now.get(start..end) != durable.get(start..end) {
                let take_new = self.random().is_multiple_of(2);
                let from = if take_new { &now } else { &durable };
                let there = from.len().clamp(start, end);
                torn[start..there].copy_from_slice(from.get(start..there).unwrap_or_default());
                torn[there..end].fill(0);
            }
        }
        torn
    }
}

fn apply(names: &mut BTreeMap<String, Node>, changes: &[(String, Option<Node>)]) {
    for (path, node) in changes {
        match node {
            Some(node) => names.insert(path.clone(), *node),
            None => names.remove(path),
        };
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(up, _)| up)
}

impl TestDisk {
    /// The call with this number, counted from now on (0: none), is cut short by a loss of power; `seed` decides what is left.
    pub fn crash_at(&self, call: usize, seed: u64) {
        let mut state = self.0.lock().unwrap();
        (state.calls, state.crash_at, state.random) =
            (0, (call > 0).then_some(call), seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    }

    /// Power comes back. If it was not gone, it goes now.
    pub fn restart(&self) {
        let mut state = self.0.lock().unwrap();
        state.lose_power();
        state.crash_at = None;
    }

    /// The process is killed and started again: nothing is lost, but what was not durable is not more so.
    pub fn restart_killed(&self) {
        self.0.lock().unwrap().crash_at = None;
    }

    /// From now on nothing can grow.
    pub fn fill_up(&self, full: bool) {
        self.0.lock().unwrap().full = full;
    }

    /// A copy that shares nothing with it.
    pub fn copy(&self) -> TestDisk {
        let state = self.0.lock().unwrap();
        let copy = State {
            files: state.files.clone(),
            names: state.names.clone(),
            durable_names: state.durable_names.clone(),
            pending: state.pending.clone(),
            ..State::default()
        };
        TestDisk(Arc::new(Mutex::new(copy)))
    }

    /// Every file with its bytes.
    pub fn everything(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.0.lock().unwrap();
        let file = |(path, node): (&String, &Node)| match node {
            Node::File(number) => Some((path.clone(), state.files[*number].now.clone())),
            Node::Folder => None,
        };
        state.names.iter().filter_map(file).collect()
    }

    /// Changes a file's bytes behind everyone's back.
    pub fn rot(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.0.lock().unwrap();
        let Some(Node::File(number)) = state.names.get(path).copied() else { panic!("no file {path}") };
        let contents = &mut state.files[number];
        change(&mut contents.now);
        contents.durable = contents.now.clone();
    }
}

fn not_found(op: &'static str, path: &str) -> DiskError {
    DiskError::new(op, path, ErrorKind::NotFound, "no such file or folder")
}

impl Disk for TestDisk {
    type File = TestFile;

    fn create_dir_all(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.0.lock().unwrap();
        let cut_short = state.call("create folder", path)?;
        assert_eq!(parent(path), "", "folders are one deep here");
        if !path.is_empty() && !state.names.contains_key(path) {
            state.change(vec![(path.to_string(), Some(Node::Folder))]);
        }
        if cut_short {
            Err(DiskError::new("create folder", path, ErrorKind::Crashed, "the power is gone"))
        } else {
            Ok(())
        }
    }

    fn remove_dir_all(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.0.lock().unwrap();
        let cut_short = state.call("remove folder", path)?;
        let inside: Vec<String> =
            state.names.keys().filter(|name| *name == path || parent(name) == path).cloned().collect();
        for name in inside.into_iter().rev() {
            state.change(vec![(name, None)]);
        }
        if cut_short {
            Err(DiskError::new("remove folder", path, ErrorKind::Crashed, "the power is gone"))
        } else {
            Ok(())
        }
    }

    fn list(&self, path: &str) -> Result<Vec<String>, DiskError> {
        let state = self.0.lock().unwrap();
        if !path.is_empty() && state.names.get(path) != Some(&Node::Folder) {
            return Err(not_found("list", path));
        }
        let inside = state.names.keys().filter(|name| parent(name) == path);
        Ok(inside.map(|name| name.rsplit('/').next().unwrap().to_string()).collect())
    }

    fn exists(&self, path: &str) -> Result<bool, DiskError> {
        Ok(self.0.lock().unwrap().names.contains_key(path))
    }

    fn open(&self, path: &str, how: Open) -> Result<TestFile, DiskError> {
        let mut state = self.0.lock().unwrap();
        let number = match state.names.get(path) {
            Some(Node::File(number)) => *number,
            Some(Node::Folder) => panic!("{path} is a folder"),
            None if how == Open::Read => return Err(not_found("open", path)),
            None => {
                if !parent(path).is_empty() && !state.names.contains_key(parent(path)) {
                    return Err(not_found("open", path));
                }
                state.call("create", path)?;
                state.files.push(Contents::default());
                let number = state.files.len() - 1;
                state.change(vec![(path.to_string(), Some(Node::File(number)))]);
                number
            }
        };
        Ok(TestFile { disk: self.clone(), number, path: path.to_string(), journal: how == Open::Journal })
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        let mut state = self.0.lock().unwrap();
        state.call("rename", from)?;
        let node = *state.names.get(from).ok_or_else(|| not_found("rename", from))?;
        state.change(vec![(from.to_string(), None), (to.to_string(), Some(node))]);
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.0.lock().unwrap();
        state.call("remove", path)?;
        if !matches!(state.names.get(path), Some(Node::File(_))) {
            return Err(not_found("remove", path));
        }
        state.change(vec![(path.to_string(), None)]);
        Ok(())
    }

    fn sync_dir(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.0.lock().unwrap();
        if state.call("sync", path)? {
            return Err(DiskError::new("sync", path, ErrorKind::Crashed, "the power is gone"));
        }
        state.sync_names(|whose| whose == path);
        Ok(())
    }

    fn sync_all(&self) -> Result<(), DiskError> {
        let mut state = self.0.lock().unwrap();
        if state.call("sync", "")? {
            return Err(DiskError::new("sync", "", ErrorKind::Crashed, "the power is gone"));
        }
        state.sync_names(|_| true);
        state.files.iter_mut().for_each(|file| file.durable = file.now.clone());
        Ok(())
    }
}

impl TestFile {
    fn write(&self, offset: u64, pieces: &[&[u8]]) -> Result<(), DiskError> {
        let mut state = self.disk.0.lock().unwrap();
        let cut_short = state.call("write", &self.path)?;
        let bytes = pieces.concat();
        let (full, now) = (state.full, &mut state.files[self.number].now);
        let end = offset as usize + bytes.len();
        if full && end > now.len() {
            return Err(DiskError::new("write", &self.path, ErrorKind::Full, "no space is left"));
        }
        now.resize(now.len().max(end), 0);
        now[offset as usize..end].copy_from_slice(&bytes);
        if cut_short {
            Err(DiskError::new("write", &self.path, ErrorKind::Crashed, "the power is gone"))
        } else {
            Ok(())
        }
    }

    fn check_aligned(&self, offset: u64, pieces: &[&[u8]]) {
        let aligned = |number: usize| number.is_multiple_of(BLOCK);
        assert!(aligned(offset as usize), "offset {offset} of {}", self.path);
        assert!(
            pieces.iter().all(|piece| aligned(piece.len()) && aligned(piece.as_ptr() as usize)),
            "a piece for {}",
            self.path
        );
    }
}

impl DiskFile for TestFile {
    fn read_at(&self, offset: u64, to: &mut [u8]) -> Result<usize, DiskError> {
        if self.journal {
            self.check_aligned(offset, &[to]);
        }
        let state = self.disk.0.lock().unwrap();
        let now = &state.files[self.number].now;
        let from = now.get(offset as usize..).unwrap_or_default();
        let len = from.len().min(to.len());
        to[..len].copy_from_slice(&from[..len]);
        Ok(len)
    }

    fn write_at(&self, offset: u64, pieces: &[&[u8]]) -> Result<(), DiskError> {
        if self.journal {
            self.check_aligned(offset, pieces);
        }
        self.write(offset, pieces)
    }

    fn write_durable(&self, offset: u64, pieces: &[&[u8]]) -> Result<(), DiskError> {
        assert!(self.journal, "{} was not opened for durable writes", self.path);
        self.check_aligned(offset, pieces);
        let len: usize = pieces.iter().map(|piece| piece.len()).sum();
        let end = offset as usize + len;
        assert!(end <= self.len()? as usize, "a durable write grows {}", self.path);
        self.write(offset, pieces)?;
        let mut state = self.disk.0.lock().unwrap();
        let Contents { now, durable } = &mut state.files[self.number];
        assert!(durable.len() >= end, "a durable write over blocks of {} that are not durable", self.path);
        durable[offset as usize..end].copy_from_slice(&now[offset as usize..end]);
        Ok(())
    }

    fn sync(&self) -> Result<(), DiskError> {
        let mut state = self.disk.0.lock().unwrap();
        if state.call("sync", &self.path)? {
            return Err(DiskError::new("sync", &self.path, ErrorKind::Crashed, "the power is gone"));
        }
        let file = &mut state.files[self.number];
        file.durable = file.now.clone();
        Ok(())
    }

    fn truncate(&self, len: u64) -> Result<(), DiskError> {
        let mut state = self.disk.0.lock().unwrap();
        state.call("cut", &self.path)?;
        state.files[self.number].now.resize(len as usize, 0);
        Ok(())
    }

    fn len(&self) -> Result<u64, DiskError> {
        Ok(self.disk.0.lock().unwrap().files[self.number].now.len() as u64)
    }
}
