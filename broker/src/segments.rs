//! The segment thread: logs written behind the journal, checkpoints, logs compacted and removed, in the order they were asked for.
//!
//! Invariant: a checkpoint is written only after everything asked for before it is done, and the journal is freed only after the
//! checkpoint is durable. A full disk is waited out here: the journal still holds every byte.

use std::{sync::mpsc, thread, time::Duration};

use broker_core::Input;
use broker_store::{
    checkpoint::Checkpoint,
    clean::{CleanStep, Cleaner, Progress},
    disk::{DiskError, ErrorKind},
    log::{LogDir, Removal, SegmentWrite},
    segment::{SegmentReader, SegmentWriter},
};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    codecs::WireCodecs,
    disk::RealDisk,
    drive::{Done, or_give_up},
    journal,
};

enum Job {
    Write(Vec<SegmentWrite>),
    Checkpoint(Checkpoint),
    Remove(Vec<Removal>),
    Clean(CleanStep),
    Delete(Vec<LogDir>),
}

#[derive(Clone)]
pub(crate) struct Sender(mpsc::Sender<Job>);

impl Sender {
    pub fn write(&self, writes: Vec<SegmentWrite>) {
        let _ = self.0.send(Job::Write(writes));
    }

    pub fn checkpoint(&self, checkpoint: Checkpoint) {
        let _ = self.0.send(Job::Checkpoint(checkpoint));
    }

    pub fn remove(&self, removals: Vec<Removal>) {
        let _ = self.0.send(Job::Remove(removals));
    }

    pub fn clean(&self, step: CleanStep) {
        let _ = self.0.send(Job::Clean(step));
    }

    pub fn delete(&self, logs: Vec<LogDir>) {
        let _ = self.0.send(Job::Delete(logs));
    }
}

/// How long to wait before a write is tried again on a full disk.
const FULL_DISK_RETRY: Duration = Duration::from_secs(1);

/// Starts the thread. It ends when all senders are gone, or with an error that waiting does not cure.
pub(crate) fn start(
    disk: RealDisk,
    reader: SegmentReader<RealDisk>,
    journal: journal::Sender,
    finished: UnboundedSender<Done>,
) -> (Sender, thread::JoinHandle<anyhow::Result<()>>) {
    let (sender, jobs) = mpsc::channel();
    let told = finished.clone();
    let run = move || {
        let mut writer = SegmentWriter::new(disk.clone());
        let mut cleaner = Cleaner::new(disk.clone(), reader, WireCodecs::default());
        for job in jobs {
            let done = match job {
                Job::Write(writes) => {
                    patiently(|| writer.write(&writes))?;
                    Some(Input::SegmentsWritten)
                }
                Job::Checkpoint(checkpoint) => {
                    patiently(|| checkpoint.store(&disk))?;
                    journal.release(checkpoint.journal_seq);
                    Some(Input::Checkpointed(checkpoint.journal_seq))
                }
                Job::Remove(removals) => {
                    patiently(|| removals.iter().try_for_each(|removal| writer.remove(removal)))?;
                    Some(Input::SegmentsRemoved)
                }
                Job::Clean(step) => {
                    let done =
                        cleaner.step(step).map_err(|error| anyhow::anyhow!("a log cannot be compacted: {error}"))?;
                    done.map(|(partition, progress)| {
                        if let Progress::Failed { why, .. } = &progress {
                            tracing::error!("a log is not compacted: {why}");
                        }
                        Input::Cleaned { partition, progress }
                    })
                }
                Job::Delete(logs) => {
                    patiently(|| logs.iter().try_for_each(|log| writer.delete_log(log)))?;
                    None
                }
            };
            if let Some(done) = done {
                // Without a core loop nobody waits for this.
                let _ = finished.send(Done::Input(done));
            }
        }
        Ok(())
    };
    let run = move || or_give_up(&told, run());
    let thread = thread::Builder::new().name("segments".into()).spawn(run).expect("a thread can be started");
    (Sender(sender), thread)
}

/// Tries until the disk has room; any other error ends the thread.
fn patiently(mut attempt: impl FnMut() -> Result<(), DiskError>) -> anyhow::Result<()> {
    let mut said = false;
    loop {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(error) if error.kind == ErrorKind::Full => {
                if !std::mem::replace(&mut said, true) {
                    tracing::error!("{error}: free some space; producers are slowed down until there is");
                }
                thread::sleep(FULL_DISK_RETRY);
            }
            Err(error) => anyhow::bail!("segments cannot be written: {error}"),
        }
    }
}
