//! The names in one simulated folder: what readers see, and what a cut of the power would leave.
//!
//! Owns the order in which names become durable. A file system may keep a later change and lose an earlier one, except that changes
//! of the same name stay in order, and that a rename happens wholly or not at all. Invariant: after [`Folder::sync`] both views are
//! the same.

use std::collections::BTreeMap;

use crate::random::Random;

/// A file or folder, by its place in the disk's table.
pub type Inode = usize;

/// One folder.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    live: BTreeMap<String, Inode>,
    durable: BTreeMap<String, Inode>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Link(String, Inode),
    Unlink(String),
    Rename(String, String, Inode),
}

impl Folder {
    /// What has this name.
    pub fn get(&self, name: &str) -> Option<Inode> {
        self.live.get(name).copied()
    }

    /// All names with what has them, sorted.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Inode)> {
        self.live.iter().map(|(name, inode)| (name.as_str(), *inode))
    }

    /// Gives a name.
    pub fn link(&mut self, name: &str, inode: Inode) {
        self.change(Change::Link(name.into(), inode));
    }

    /// Takes a name away.
    pub fn unlink(&mut self, name: &str) {
        self.change(Change::Unlink(name.into()));
    }

    /// Gives what has the one name the other.
    pub fn rename(&mut self, from: &str, to: &str) {
        let inode = self.live[from];
        self.change(Change::Rename(from.into(), to.into(), inode));
    }

    /// Makes all names durable.
    pub fn sync(&mut self) {
        if !self.pending.is_empty() {
            self.pending.clear();
            self.durable.clone_from(&self.live);
        }
    }

    /// Makes some names durable, each change in `percent` of 100 cases.
    pub fn write_back(&mut self, random: &mut Random, percent: u64) {
        let in_order = random.percent(50);
        let mut held: Vec<String> = Vec::new();
        for change in core::mem::take(&mut self.pending) {
            let waits =
                change.names().any(|name| held.iter().any(|other| other == name)) || (in_order && !held.is_empty());
            if !waits && random.percent(percent) {
                change.apply(&mut self.durable);
            } else {
                held.extend(change.names().map(String::from));
                self.pending.push(change);
            }
        }
    }

    /// The power is cut: each change that is not durable is kept in `percent` of 100 cases.
    pub fn cut(&mut self, random: &mut Random, percent: u64) {
        if !self.pending.is_empty() {
            self.write_back(random, percent);
            self.pending.clear();
            self.live.clone_from(&self.durable);
        }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.pending.push(change);
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, Inode>) {
        match self {
            Change::Link(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            Change::Unlink(name) => {
                names.remove(name);
            }
            Change::Rename(from, to, inode) => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        let (one, other) = match self {
            Change::Link(name, _) | Change::Unlink(name) => (name, None),
            Change::Rename(from, to, _) => (from, Some(to)),
        };
        std::iter::once(one).chain(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(folder: &Folder) -> std::collections::BTreeSet<String> {
        let cut = |seed| {
            let mut copy = folder.clone();
            copy.cut(&mut Random::new(seed), 50);
            copy.entries().map(|(name, inode)| format!("{name}={inode} ")).collect::<String>().trim_end().to_string()
        };
        (0..200).map(cut).collect()
    }

    fn check(folder: &Folder, expected: &[&str]) {
        assert_eq!(outcomes(folder).iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn names_that_are_not_synced_may_be_lost_in_any_order() {
        let mut folder = Folder::default();
        folder.link("a", 1);
        folder.link("b", 2);
        check(&folder, &["", "a=1", "a=1 b=2", "b=2"]);
        folder.sync();
        check(&folder, &["a=1 b=2"]);
        folder.unlink("a");
        check(&folder, &["a=1 b=2", "b=2"]);
    }

    #[test]
    fn a_rename_happens_wholly_or_not_at_all() {
        let mut folder = Folder::default();
        folder.link("new", 1);
        folder.link("it", 2);
        folder.sync();
        folder.rename("new", "it");
        assert_eq!((folder.get("it"), folder.get("new")), (Some(1), None));
        check(&folder, &["it=1", "it=2 new=1"]);
        folder.sync();
        check(&folder, &["it=1"]);
    }

    #[test]
    fn changes_of_one_name_stay_in_order() {
        let mut folder = Folder::default();
        folder.link("a", 1);
        folder.unlink("a");
        folder.link("a", 2);
        check(&folder, &["", "a=1", "a=2"]);
    }
}
