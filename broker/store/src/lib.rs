//! Bytes on disk, and no opinion of what they mean.
//!
//! Owns the journal, the segments, the checkpoint and how all three come back after a crash. Leaves every decision about topics,
//! producers and groups to `broker_core`, and real files to `broker`.
//!
//! Reading order: [`disk`] says what a disk promises, [`batch`] what a record batch is, [`entry`] what is made durable at once,
//! [`journal`] where; [`log`] is a partition in memory, [`segment`] on disk; [`checkpoint`] frees the journal, [`recover`] reads it.
//!
//! Invariant: what [`journal::Journal::write`] has accepted is given back by [`recover::recover`], unchanged, in its order, unless
//! the disk breaks a promise of [`disk`]; and then recovery says where, and neither serves nor deletes anything.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod batch;
pub mod buffer;
pub mod checkpoint;
pub mod clean;
pub mod disk;
pub mod entry;
pub mod journal;
pub mod log;
#[cfg(feature = "planted-bugs")]
pub mod planted;
pub mod recover;
pub mod segment;
#[cfg(test)]
mod testdisk;
