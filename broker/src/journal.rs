//! The journal thread: one blocking durable write at a time.
//!
//! Invariant: `Journaled` is said only after the disk has the entry, and never again after a write has failed: what the kernel does
//! with a page whose sync failed is unknown, so the broker stops instead of trying again (reliability B6). A full disk is no such
//! failure: nothing was written, and a checkpoint may free some of the journal.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use broker_core::{Input, Room, Seq};
use broker_store::{
    disk::{DiskError, ErrorKind},
    entry::Entry,
    journal::{Journal, Prepared},
};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    disk::RealDisk,
    drive::{Done, or_give_up},
};

/// How long to wait before a write is tried again on a full disk, if nothing is freed meanwhile.
const FULL_DISK_RETRY: Duration = Duration::from_secs(1);

enum Job {
    Write(Entry),
    Release(Seq),
    Prepared(Result<Prepared, DiskError>),
    Close(Seq),
}

/// The way to the thread.
#[derive(Clone)]
pub(crate) struct Sender(mpsc::Sender<Job>);

impl Sender {
    pub fn write(&self, entry: Entry) {
        self.send(Job::Write(entry));
    }

    /// Frees what lies wholly at or below `seq`, which a durable checkpoint covers.
    pub fn release(&self, seq: Seq) {
        self.send(Job::Release(seq));
    }

    /// Ends the journal after the last checkpoint, which covers everything up to `seq`. The thread ends with it.
    pub fn close(&self, seq: Seq) {
        self.send(Job::Close(seq));
    }

    fn send(&self, job: Job) {
        // The thread ends early only after a failed write, and the core loop learns of that through its own queue.
        let _ = self.0.send(job);
    }
}

struct Writer {
    journal: Journal<RealDisk>,
    finished: UnboundedSender<Done>,
    jobs: mpsc::Sender<Job>,
}

/// Starts the thread. It ends when it is told to close, when all senders are gone, or with the error of a write.
pub(crate) fn start(
    journal: Journal<RealDisk>,
    finished: UnboundedSender<Done>,
) -> (Sender, thread::JoinHandle<anyhow::Result<()>>) {
    let (sender, jobs) = mpsc::channel();
    let writer = Writer { journal, finished: finished.clone(), jobs: sender.clone() };
    let run = move || or_give_up(&finished, writer.run(&jobs));
    let thread = thread::Builder::new().name("journal".into()).spawn(run);
    (Sender(sender), thread.expect("a thread can be started"))
}

impl Writer {
    fn run(mut self, jobs: &mpsc::Receiver<Job>) -> anyhow::Result<()> {
        while let Ok(job) = jobs.recv() {
            match job {
                Job::Write(entry) => self.write(&entry, jobs)?,
                Job::Close(seq) => return self.journal.close(seq).map_err(failed),
                other => self.keep_house(other),
            }
            self.prepare();
        }
        Ok(())
    }

    fn write(&mut self, entry: &Entry, jobs: &mpsc::Receiver<Job>) -> anyhow::Result<()> {
        let mut said = false;
        loop {
            match self.journal.write(entry) {
                Ok(()) => break,
                Err(error) if error.kind == ErrorKind::Full => {
                    if !std::mem::replace(&mut said, true) {
                        tracing::error!("{error}: free some space; nothing is acknowledged until there is");
                    }
                    self.wait_for_room(jobs);
                }
                Err(error) => return Err(failed(error)),
            }
        }
        self.tell(Input::Journaled { seq: entry.seq, room: self.room() });
        Ok(())
    }

    /// No entry can follow the one that waits, so only other jobs come.
    fn wait_for_room(&mut self, jobs: &mpsc::Receiver<Job>) {
        let until = Instant::now() + FULL_DISK_RETRY;
        while let Ok(job) = jobs.recv_timeout(until.saturating_duration_since(Instant::now())) {
            let freed = matches!(job, Job::Release(_));
            self.keep_house(job);
            if freed {
                return;
            }
        }
    }

    fn keep_house(&mut self, job: Job) {
        match job {
            Job::Release(seq) => {
                if let Err(error) = self.journal.release(seq) {
                    tracing::warn!("a file of the journal stays though it is not needed: {error}");
                }
            }
            Job::Prepared(outcome) => {
                if let Err(error) = &outcome {
                    tracing::warn!("the journal cannot grow: {error}");
                }
                self.journal.prepared(outcome);
            }
            Job::Write(_) | Job::Close(_) => unreachable!("nothing follows an entry that is not durable"),
        }
        self.tell(Input::Room(self.room()));
    }

    /// Zeros for the next file are written on a thread of their own, before they are needed.
    fn prepare(&mut self) {
        let Some(prepare) = self.journal.prepare() else {
            return;
        };
        let jobs = self.jobs.clone();
        let run = move || drop(jobs.send(Job::Prepared(prepare.run())));
        // Without the thread the file is made when it is needed.
        if thread::Builder::new().name("journal-file".into()).spawn(run).is_err() {
            tracing::warn!("no thread could be started to prepare a journal file");
        }
    }

    fn room(&self) -> Room {
        Room { used: self.journal.used(), capacity: self.journal.capacity() }
    }

    fn tell(&self, input: Input) {
        // Without a core loop nobody waits for this.
        let _ = self.finished.send(Done::Input(input));
    }
}

fn failed(error: DiskError) -> anyhow::Error {
    anyhow::anyhow!("the journal cannot be written: {error}")
}
