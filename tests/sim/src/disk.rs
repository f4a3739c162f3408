//! A disk that keeps exactly what `broker_store::disk` promises, and nothing more.
//!
//! Owns the table of files and folders, and the moment at which the machine dies. [`content`] has a file's bytes in two versions,
//! [`folder`] a folder's names. Faults have names here: [`Disk::crash_inside`] (the process is inside a call when it dies),
//! [`Disk::fail_after`] (a sync or durable write fails), [`Disk::capacity`] (it is full), [`Disk::rot`] and [`Disk::flip`] (a bit flips),
//! [`Disk::write_back`] (the system writes when it likes), [`Disk::restart`] (power or process is gone).
//!
//! Invariant: what was promised durable survives every restart; what was not is decided by the seed alone.

use std::sync::{Arc, Mutex, MutexGuard};

use broker_store::disk::{self, BLOCK, DiskError, ErrorKind, Open};

use crate::random::Random;

pub mod content;
pub mod folder;

use content::Content;
use folder::{Folder, Inode};

const ROOT: Inode = 0;

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

struct State {
    nodes: Vec<Node>,
    random: Random,
    boot: u64,
    calls: u64,
    crash: Option<Crash>,
    crashed: bool,
    fail_at: Option<u64>,
    capacity: Option<u64>,
    hash: u64,
}

#[derive(Clone)]
enum Node {
    File(Content),
    Folder(Folder),
}

/// When the machine dies.
struct Crash {
    call: Option<&'static str>,
    calls: u64,
}

/// What becomes of a call that changes something.
#[derive(PartialEq)]
enum Fate {
    Done,
    /// The machine dies inside it.
    Dies,
    /// It fails, and the process lives.
    Fails,
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
        let files: Vec<_> = files.into_iter().filter(|(_, inode)| state.file(*inode).len() > 0).collect();
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

impl State {
    /// Counts a call that changes something.
    fn fate(&mut self, op: &'static str, path: &str, number: u64) -> Fate {
        self.hash =
            crate::trace::mix(self.hash, op.len() as u64 ^ number.rotate_left(8) ^ crate::trace::sum(path.as_bytes()));
        self.calls += 1;
        if let Some(crash) = self.crash.as_mut().filter(|crash| crash.call.is_none_or(|call| call == op)) {
            if crash.calls == 0 {
                self.crashed = true;
                return Fate::Dies;
            }
            crash.calls -= 1;
        }
        let syncs = matches!(op, "sync" | "sync all" | "sync folder" | WRITE_DURABLY);
        if syncs && self.fail_at.is_some_and(|at| self.calls > at) {
            self.fail_at = None;
            return Fate::Fails;
        }
        Fate::Done
    }

    fn folder(&mut self, inode: Inode) -> &mut Folder {
        match &mut self.nodes[inode] {
            Node::Folder(folder) => folder,
            Node::File(_) => panic!("a folder was looked up"),
        }
    }

    fn file(&mut self, inode: Inode) -> &mut Content {
        match &mut self.nodes[inode] {
            Node::File(content) => content,
            Node::Folder(_) => panic!("a file was looked up"),
        }
    }

    fn find(&self, path: &str) -> Option<Inode> {
        let mut at = ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let Node::Folder(folder) = &self.nodes[at] else { return None };
            at = folder.get(name)?;
        }
        Some(at)
    }

    /// The folder that a path's last name is in.
    fn parent<'a>(&self, op: &'static str, path: &'a str) -> Result<(Inode, &'a str), DiskError> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let inode = self.find(folder).filter(|inode| matches!(self.nodes[*inode], Node::Folder(_)));
        inode.map(|inode| (inode, name)).ok_or_else(|| not_found(op, path))
    }

    fn used(&self) -> u64 {
        // Files without a name count too, as long as the table has them: they are few, and a real disk frees them late as well.
        self.nodes.iter().map(|node| if let Node::File(content) = node { content.len() } else { 0 }).sum()
    }

    fn room(&self, inode: Inode, end: u64) -> u64 {
        let Node::File(content) = &self.nodes[inode] else { return 0 };
        let grown = end.saturating_sub(content.len());
        let left = self.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(self.used()));
        grown.saturating_sub(left)
    }

    fn remove_tree(&mut self, parent: Inode, name: &str, inode: Inode) {
        let entries: Vec<(String, Inode)> = match &self.nodes[inode] {
            Node::Folder(folder) => folder.entries().map(|(name, inode)| (name.to_string(), inode)).collect(),
            Node::File(_) => Vec::new(),
        };
        for (name, child) in entries {
            self.remove_tree(inode, &name, child);
        }
        self.folder(parent).unlink(name);
    }

    fn sync_all(&mut self) {
        for node in &mut self.nodes {
            match node {
                Node::File(content) => content.sync(),
                Node::Folder(folder) => folder.sync(),
            }
        }
    }

    /// Half of the time the call had its effect before the machine died.
    fn happens(&mut self, fate: &Fate) -> bool {
        *fate == Fate::Done || self.random.percent(50)
    }
}

impl disk::Disk for Disk {
    type File = File;

    fn create_dir_all(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.enter("create", path)?;
        let mut at = ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if let Some(inode) = state.folder(at).get(name) {
                at = inode;
                continue;
            }
            let fate = state.fate("create folder", path, 0);
            if state.happens(&fate) {
                let inode = state.nodes.len();
                state.nodes.push(Node::Folder(Folder::default()));
                state.folder(at).link(name, inode);
                at = inode;
            }
            end("create", path, fate)?;
        }
        Ok(())
    }

    fn remove_dir_all(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.enter("remove", path)?;
        let Some(inode) = state.find(path) else { return Ok(()) };
        let (parent, name) = state.parent("remove", path)?;
        let fate = state.fate("remove folder", path, 0);
        if state.happens(&fate) {
            state.remove_tree(parent, name, inode);
        }
        end("remove", path, fate)
    }

    fn list(&self, path: &str) -> Result<Vec<String>, DiskError> {
        let state = self.enter("list", path)?;
        match state.find(path).map(|inode| &state.nodes[inode]) {
            Some(Node::Folder(folder)) => Ok(folder.entries().map(|(name, _)| name.to_string()).collect()),
            _ => Err(not_found("list", path)),
        }
    }

    fn exists(&self, path: &str) -> Result<bool, DiskError> {
        Ok(self.enter("look for", path)?.find(path).is_some())
    }

    fn open(&self, path: &str, how: Open) -> Result<File, DiskError> {
        let mut state = self.enter("open", path)?;
        let (parent, name) = state.parent("open", path)?;
        let inode = match state.folder(parent).get(name) {
            Some(inode) => inode,
            None if how == Open::Read => return Err(not_found("open", path)),
            None => {
                let fate = state.fate("create", path, 0);
                let inode = state.nodes.len();
                if state.happens(&fate) {
                    state.nodes.push(Node::File(Content::default()));
                    state.folder(parent).link(name, inode);
                }
                end("create", path, fate)?;
                inode
            }
        };
        if matches!(state.nodes[inode], Node::Folder(_)) {
            return Err(DiskError::new("open", path, ErrorKind::Io, "it is a folder"));
        }
        Ok(File { disk: self.clone(), inode, how, path: path.into() })
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        let mut state = self.enter("rename", from)?;
        let (folder, old) = state.parent("rename", from)?;
        let (other, new) = state.parent("rename", to)?;
        assert_eq!(folder, other, "a rename stays in its folder: {from} to {to}");
        state.folder(folder).get(old).ok_or_else(|| not_found("rename", from))?;
        let fate = state.fate("rename", to, 0);
        if state.happens(&fate) {
            state.folder(folder).rename(old, new);
        }
        end("rename", from, fate)
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.enter("remove", path)?;
        let (folder, name) = state.parent("remove", path)?;
        state.folder(folder).get(name).ok_or_else(|| not_found("remove", path))?;
        let fate = state.fate("remove", path, 0);
        if state.happens(&fate) {
            state.folder(folder).unlink(name);
        }
        end("remove", path, fate)
    }

    fn sync_dir(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.enter("sync", path)?;
        let inode = state.find(path).ok_or_else(|| not_found("sync", path))?;
        let fate = state.fate("sync folder", path, 0);
        let State { nodes, random, .. } = &mut *state;
        let Node::Folder(folder) = &mut nodes[inode] else { return Err(not_found("sync", path)) };
        if fate == Fate::Done {
            folder.sync();
        } else {
            folder.write_back(random, 50);
        }
        end("sync", path, fate)
    }

    fn sync_all(&self) -> Result<(), DiskError> {
        let mut state = self.enter("sync", "")?;
        let fate = state.fate("sync all", "", 0);
        if fate == Fate::Done {
            state.sync_all();
            return Ok(());
        }
        let State { nodes, random, .. } = &mut *state;
        for node in nodes {
            match node {
                Node::File(content) if fate == Fate::Fails => content.fail_sync(random),
                Node::File(content) => content.write_back(random, 50),
                Node::Folder(folder) => folder.write_back(random, 50),
            }
        }
        end("sync", "", fate)
    }
}

impl File {
    fn enter(&self, op: &'static str) -> Result<MutexGuard<'_, State>, DiskError> {
        self.disk.enter(op, &self.path)
    }

    fn must_write(&self) {
        assert_ne!(self.how, Open::Read, "{} was opened to be read", self.path);
    }

    fn must_be_aligned(&self, offset: u64, bytes: &[u8]) {
        let aligned = offset.is_multiple_of(BLOCK as u64)
            && bytes.len().is_multiple_of(BLOCK)
            && bytes.as_ptr().addr().is_multiple_of(BLOCK);
        assert!(aligned, "{} takes whole blocks in aligned memory, not {} bytes at {offset}", self.path, bytes.len());
    }
}

impl disk::DiskFile for File {
    fn read_at(&self, offset: u64, to: &mut [u8]) -> Result<usize, DiskError> {
        if self.how == Open::Journal {
            self.must_be_aligned(offset, to);
        }
        let mut state = self.enter("read")?;
        Ok(state.file(self.inode).read(offset, to))
    }

    fn write_at(&self, offset: u64, pieces: &[&[u8]]) -> Result<(), DiskError> {
        self.must_write();
        if self.how == Open::Journal {
            pieces.iter().for_each(|piece| self.must_be_aligned(offset, piece));
        }
        let mut state = self.enter("write")?;
        let len: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        let fate = state.fate("write", &self.path, offset ^ len);
        let missing = state.room(self.inode, offset + len);
        let mut left = match fate {
            Fate::Done => len.saturating_sub(missing),
            _ => state.random.between(0, len),
        };
        let mut at = offset;
        for piece in pieces {
            let part = &piece[..piece.len().min(left as usize)];
            if !part.is_empty() {
                state.file(self.inode).write(at, part);
            }
            at += part.len() as u64;
            left -= part.len() as u64;
        }
        end("write", &self.path, fate)?;
        if missing > 0 {
            return Err(DiskError::new("write", &self.path, ErrorKind::Full, "no space left on the simulated disk"));
        }
        Ok(())
    }

    fn write_durable(&self, offset: u64, pieces: &[&[u8]]) -> Result<(), DiskError> {
        assert_eq!(self.how, Open::Journal, "{} was not opened for durable writes", self.path);
        let mut state = self.enter("write")?;
        let len: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        assert!(
            offset + len <= state.file(self.inode).len(),
            "{} is written durably where it has no blocks",
            self.path
        );
        pieces.iter().for_each(|piece| self.must_be_aligned(offset, piece));
        let fate = state.fate(WRITE_DURABLY, &self.path, offset ^ len);
        // A disk writes the sectors of one call in the order it likes.
        let whole = fate == Fate::Done || state.random.percent(70);
        let mut left = if whole { len } else { state.random.between(0, len) };
        let mut at = offset;
        for piece in pieces {
            let part = &piece[..piece.len().min(left as usize)];
            if fate == Fate::Done {
                state.file(self.inode).write_through(at, part);
            } else if !part.is_empty() {
                state.file(self.inode).write(at, part);
            }
            at += part.len() as u64;
            left -= part.len() as u64;
        }
        end("write", &self.path, fate)
    }

    fn sync(&self) -> Result<(), DiskError> {
        let mut state = self.enter("sync")?;
        let fate = state.fate("sync", &self.path, 0);
        let State { nodes, random, .. } = &mut *state;
        let Node::File(content) = &mut nodes[self.inode] else { panic!("{} is a file", self.path) };
        match fate {
            Fate::Done => content.sync(),
            Fate::Dies => content.write_back(random, 50),
            Fate::Fails => content.fail_sync(random),
        }
        end("sync", &self.path, fate)
    }

    fn truncate(&self, len: u64) -> Result<(), DiskError> {
        self.must_write();
        let mut state = self.enter("truncate")?;
        let fate = state.fate("truncate", &self.path, len);
        if state.happens(&fate) {
            state.file(self.inode).truncate(len);
        }
        end("truncate", &self.path, fate)
    }

    fn len(&self) -> Result<u64, DiskError> {
        Ok(self.enter("look at")?.file(self.inode).len())
    }
}

fn end(op: &'static str, path: &str, fate: Fate) -> Result<(), DiskError> {
    match fate {
        Fate::Done => Ok(()),
        Fate::Dies => Err(crashed(op, path)),
        Fate::Fails => Err(DiskError::new(op, path, ErrorKind::Io, "the simulated disk failed")),
    }
}

fn crashed(op: &'static str, path: &str) -> DiskError {
    DiskError::new(op, path, ErrorKind::Crashed, "the simulated machine has stopped")
}

fn not_found(op: &'static str, path: &str) -> DiskError {
    DiskError::new(op, path, ErrorKind::NotFound, "there is no such file or folder")
}
