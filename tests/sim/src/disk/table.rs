//! The table of files and folders, and what becomes of a call that changes something.
//!
//! Owns the inodes and the moment of death. Leaves what each call does to `calls`. Invariant: every call that changes something asks
//! [`State::fate`] first, so it can be the one in which the machine dies.

use broker_store::disk::{DiskError, ErrorKind};

use super::{
    WRITE_DURABLY,
    content::Content,
    folder::{Folder, Inode},
};
use crate::random::Random;

/// The data folder itself.
pub const ROOT: Inode = 0;

/// All of it.
pub struct State {
    pub nodes: Vec<Node>,
    pub random: Random,
    pub boot: u64,
    pub calls: u64,
    pub crash: Option<Crash>,
    pub crashed: bool,
    pub fail_at: Option<u64>,
    pub capacity: Option<u64>,
    pub hash: u64,
}

/// What has a name, or had one.
#[derive(Clone)]
pub enum Node {
    /// A file.
    File(Content),
    /// A folder.
    Folder(Folder),
}

/// When the machine dies.
pub struct Crash {
    pub call: Option<&'static str>,
    pub calls: u64,
}

/// What becomes of a call that changes something.
#[derive(PartialEq)]
pub enum Fate {
    /// It has its effect.
    Done,
    /// The machine dies inside it.
    Dies,
    /// It fails, and the process lives.
    Fails,
}

impl State {
    /// Counts a call that changes something.
    pub fn fate(&mut self, op: &'static str, path: &str, number: u64) -> Fate {
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

    pub fn folder(&mut self, inode: Inode) -> &mut Folder {
        match &mut self.nodes[inode] {
            Node::Folder(folder) => folder,
            Node::File(_) => panic!("a folder was looked up"),
        }
    }

    pub fn file(&mut self, inode: Inode) -> &mut Content {
        match &mut self.nodes[inode] {
            Node::File(content) => content,
            Node::Folder(_) => panic!("a file was looked up"),
        }
    }

    pub fn find(&self, path: &str) -> Option<Inode> {
        let mut at = ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let Node::Folder(folder) = &self.nodes[at] else { return None };
            at = folder.get(name)?;
        }
        Some(at)
    }

    /// The folder that a path's last name is in.
    pub fn parent<'a>(&self, op: &'static str, path: &'a str) -> Result<(Inode, &'a str), DiskError> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let inode = self.find(folder).filter(|inode| matches!(self.nodes[*inode], Node::Folder(_)));
        inode.map(|inode| (inode, name)).ok_or_else(|| not_found(op, path))
    }

    pub fn used(&self) -> u64 {
        // Files without a name count too, as long as the table has them: they are few, and a real disk frees them late as well.
        self.nodes.iter().map(|node| if let Node::File(content) = node { content.len() } else { 0 }).sum()
    }

    pub fn room(&self, inode: Inode, end: u64) -> u64 {
        let Node::File(content) = &self.nodes[inode] else { return 0 };
        let grown = end.saturating_sub(content.len());
        let left = self.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(self.used()));
        grown.saturating_sub(left)
    }

    pub fn remove_tree(&mut self, parent: Inode, name: &str, inode: Inode) {
        let entries: Vec<(String, Inode)> = match &self.nodes[inode] {
            Node::Folder(folder) => folder.entries().map(|(name, inode)| (name.to_string(), inode)).collect(),
            Node::File(_) => Vec::new(),
        };
        for (name, child) in entries {
            self.remove_tree(inode, &name, child);
        }
        self.folder(parent).unlink(name);
    }

    pub fn sync_all(&mut self) {
        for node in &mut self.nodes {
            match node {
                Node::File(content) => content.sync(),
                Node::Folder(folder) => folder.sync(),
            }
        }
    }

    /// Half of the time the call had its effect before the machine died.
    pub fn happens(&mut self, fate: &Fate) -> bool {
        *fate == Fate::Done || self.random.percent(50)
    }
}

/// There is nothing under this path.
pub fn not_found(op: &'static str, path: &str) -> DiskError {
    DiskError::new(op, path, ErrorKind::NotFound, "there is no such file or folder")
}
