//! The journal thread: one blocking durable write at a time.
//!
//! Invariant: `Journaled` is said only after the disk has the entry, and never again after a write has failed: what the kernel does
//! with a page whose sync failed is unknown, so the broker stops instead of trying again (reliability B6).

use std::{sync::mpsc, thread};

use broker_core::{Input, Seq};
use broker_store::{entry::Entry, journal::Journal};
use tokio::sync::mpsc::UnboundedSender;

use crate::disk::RealDisk;

pub(crate) enum Job {
    Write(Entry),
    Release(Seq),
}

#[derive(Clone)]
pub(crate) struct Sender(mpsc::Sender<Job>);

impl Sender {
    pub fn write(&self, entry: Entry) {
        // The thread ends only after a failed write; the core loop learns of that through its own queue.
        let _ = self.0.send(Job::Write(entry));
    }

    /// Frees what lies wholly at or below `seq`, which a durable checkpoint covers.
    pub fn release(&self, seq: Seq) {
        let _ = self.0.send(Job::Release(seq));
    }
}

/// Starts the thread. It ends when all senders are gone, or with the error of a write.
pub(crate) fn start(
    mut journal: Journal<RealDisk>,
    finished: UnboundedSender<Input>,
) -> (Sender, thread::JoinHandle<anyhow::Result<()>>) {
    let (sender, jobs) = mpsc::channel();
    let run = move || {
        for job in jobs {
            match job {
                Job::Write(entry) => {
                    journal.write(&entry).map_err(|error| anyhow::anyhow!("the journal cannot be written: {error}"))?;
                    // Without a core loop nobody waits for this.
                    let _ = finished.send(Input::Journaled(entry.seq));
                }
                Job::Release(seq) => {
                    journal.release(seq).map_err(|error| anyhow::anyhow!("the journal cannot be recycled: {error}"))?;
                }
            }
        }
        Ok(())
    };
    let thread = thread::Builder::new().name("journal".into()).spawn(run).expect("a thread can be started");
    (Sender(sender), thread)
}
