//! The data folder as a start finds it.
//!
//! Owns the order: is it ours ([`identity`]), what does the last checkpoint say, what does the journal hold after it ([`scan`]); and
//! only when all of that is good, is anything changed: logs are cut to what the checkpoint knows ([`logs`]), those that Kafka wrote are
//! taken over ([`kafkas`]), unfinished files go, and the journal goes on in a file of its own. Leaves the meaning of it all to the core.
//!
//! Invariant: until nothing can be rotten any more, nothing is written; and a crash at any point here is recovered from by the next.

use alloc::{format, string::String, vec::Vec};

use crate::{
    buffer::Pool,
    checkpoint::{self, BadCheckpoint, Checkpoint},
    disk::{Disk, DiskError},
    journal::{self, Journal, Sizes},
};

mod error;
mod identity;
mod index;
mod kafkas;
mod logs;
mod scan;

pub use crate::entry::Item;
pub use error::RecoverError;
pub use identity::Identity;
pub use kafkas::TakenOver;
pub use logs::Missing;
pub use scan::Torn;

/// What a start brings with it.
#[derive(Clone, Debug)]
pub struct Start {
    /// Who a new folder shall be. Of one that exists, only the node id has to be the same.
    pub identity: Identity,
    /// A secret drawn for this start: see [`crate::entry`].
    pub salt: u64,
    /// Of the journal's files; [`Sizes::STANDARD`] but in simulations.
    pub sizes: Sizes,
    /// Where buffers come from.
    pub pool: Pool,
}

/// What was found, for the core to go on from.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// Whose folder it is.
    pub identity: Identity,
    /// True if there was none before.
    pub is_new: bool,
    /// The last checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// Everything in the entries after it, in order.
    pub items: Vec<Item>,
    /// Sequence of the last entry, 0 if there is none: the next is one more.
    pub last_seq: u64,
    /// What entries of this run are summed with.
    pub salt: u64,
    /// Where buffers come from.
    pub pool: Pool,
    /// Bytes of the entries after the checkpoint.
    pub journal_bytes: u64,
    /// Bytes of entries that have room between two checkpoints.
    pub journal_capacity: u64,
    /// An entry that was being written when the last run ended, and that nobody was told of: for the log.
    pub torn: Option<Torn>,
    /// Logs of the checkpoint that are not in their folders any more. If a later entry deletes their topics, all is well; if after
    /// all items one of them still has a topic, acknowledged records are gone, and the core must refuse to go on.
    pub missing: Vec<Missing>,
    /// Logs that Kafka wrote, and that no checkpoint knows yet.
    pub taken_over: Vec<TakenOver>,
}

/// Reads the data folder, makes it one if it is empty, and readies it for this run.
///
/// # Errors
/// See [`RecoverError`]; after any but `Disk`, nothing in the folder was changed.
pub fn recover<D: Disk>(disk: &D, start: Start) -> Result<(Recovered, Journal<D>), RecoverError> {
    let Start { identity, salt, sizes, pool } = start;
    let (identity, is_new) = identity::settle(disk, identity)?;
    let mut checkpoint = load_checkpoint(disk)?;
    let after = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.journal_seq);
    make_journal_folder(disk)?;
    let scan = scan::scan(disk, &pool, after, checkpoint.is_some())?;

    let known = checkpoint.as_ref().map_or(&[][..], |checkpoint| &checkpoint.logs);
    let kafkas = kafkas::look(disk, known)?;

    // What is visible after a kill may not be durable yet, and from now on others build on it.
    disk.sync_dir("")?;
    disk.sync_dir(journal::FOLDER)?;
    scan.sync()?;
    let missing = logs::cut(disk, &pool, checkpoint.as_mut().map_or(&mut [], |checkpoint| &mut checkpoint.logs))?;
    let taken_over = kafkas.into_iter().map(|plan| plan.take_over(disk)).collect::<Result<_, _>>()?;
    remove_unfinished(disk)?;
    let scan::Scan { items, bytes, last_seq, torn, found, .. } = scan;
    let journal = Journal::resume(disk.clone(), pool.clone(), sizes, salt, found)?;
    let recovered = Recovered {
        identity,
        is_new,
        checkpoint,
        items,
        last_seq,
        salt,
        pool,
        journal_bytes: bytes,
        journal_capacity: journal.capacity(),
        torn,
        missing,
        taken_over,
    };
    Ok((recovered, journal))
}

fn load_checkpoint<D: Disk>(disk: &D) -> Result<Option<Checkpoint>, RecoverError> {
    let bad = |bad| match bad {
        BadCheckpoint::Newer(version) => RecoverError::Newer { file: checkpoint::FILE.into(), version },
        BadCheckpoint::Damaged => RecoverError::Rot {
            file: checkpoint::FILE.into(),
            offset: 0,
            why: "its bytes are not those that were written".into(),
        },
    };
    Checkpoint::load(disk)?.transpose().map_err(bad)
}

fn make_journal_folder<D: Disk>(disk: &D) -> Result<(), DiskError> {
    if disk.exists(journal::FOLDER)? {
        return Ok(());
    }
    disk.create_dir_all(journal::FOLDER)?;
    disk.sync_dir("")
}

/// Files that were being made when the last run ended.
fn remove_unfinished<D: Disk>(disk: &D) -> Result<(), DiskError> {
    let of_journal = disk.list(journal::FOLDER)?;
    let of_journal =
        of_journal.iter().filter(|name| name.ends_with(".tmp")).map(|name| format!("{}/{name}", journal::FOLDER));
    let own = [checkpoint::TEMPORARY, identity::TEMPORARY].map(String::from);
    for path in of_journal.chain(own) {
        if disk.exists(&path)? {
            disk.remove(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
