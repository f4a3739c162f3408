//! One life of the broker: what `broker`'s core loop, journal thread and segment thread do, one piece at a time, when the world says.
//!
//! Owns their queues. Leaves the order of things to `world`, and decides nothing. Each piece of work is as small as what the threads
//! could be interrupted between. Invariant: dropping it loses what a killed process loses, and nothing else.

use std::collections::VecDeque;

use broker_core::{
    Broker, Input, Output, Room, Seq,
    limits::HELD_MS,
    request::{ConnId, Reply, Request, RequestId},
    settings::Settings,
    time::{Now, Wall},
};
use broker_store::{
    buffer::Pool,
    checkpoint::Checkpoint,
    clean::{CleanStep, Cleaner, Codecs},
    disk::DiskError,
    entry::Entry,
    journal::{Journal, Prepare, Sizes},
    log::{LogDir, Removal, SegmentWrite},
    recover::{self, Identity, Start},
    segment::{SegmentReader, SegmentWriter},
};

use crate::disk::Disk;

/// What the broker's own callers use as connection; everybody else's is larger.
const AUDITOR: ConnId = ConnId(0);

/// An answer on its way.
#[derive(Debug)]
pub struct Answer {
    /// To whom.
    pub conn: ConnId,
    /// To which request.
    pub id: RequestId,
    /// What.
    pub reply: Reply,
}

/// What the simulator's clients send is not compressed.
struct Uncompressed;

impl Codecs for Uncompressed {
    fn decompress(&mut self, codec: u8, _: &[u8], _: &mut Vec<u8>) -> Result<(), String> {
        Err(format!("codec {codec} is not simulated"))
    }

    fn compress(&mut self, codec: u8, _: &[u8], _: &mut Vec<u8>) -> Result<(), String> {
        Err(format!("codec {codec} is not simulated"))
    }
}

/// What reaches the core loop.
#[derive(Debug)]
pub enum Arrival {
    /// A request.
    Request(ConnId, RequestId, Request),
    /// A connection is gone.
    Disconnected(ConnId),
    /// The process is told to stop.
    Stop,
}

enum JournalJob {
    Write(Entry),
    Release(Seq),
}

enum SegmentJob {
    Write(VecDeque<SegmentWrite>),
    Checkpoint(Checkpoint),
    Remove(VecDeque<Removal>),
    Clean(CleanStep),
    Delete(VecDeque<LogDir>),
}

/// The process.
pub struct Process {
    broker: Broker,
    journal: Journal<Disk>,
    disk: Disk,
    writer: SegmentWriter<Disk>,
    cleaner: Cleaner<Disk, Uncompressed>,
    reader: SegmentReader<Disk>,
    arrivals: VecDeque<Arrival>,
    finished: VecDeque<Input>,
    journal_jobs: VecDeque<JournalJob>,
    segment_jobs: VecDeque<SegmentJob>,
    preparing: Option<Prepare<Disk>>,
    answers: Vec<Answer>,
    started: u64,
    next_audit: u64,
}

/// Why a process did not start.
#[derive(Debug)]
pub enum StartError {
    /// The store cannot go on.
    Store(recover::RecoverError),
    /// The core cannot go on.
    Core(broker_core::RecoverError),
}

impl core::fmt::Display for StartError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            StartError::Store(error) => write!(f, "{error}"),
            StartError::Core(error) => write!(f, "{error}"),
        }
    }
}

impl Process {
    /// Recovers what is on the disk and is ready to serve. `now`: the world's clock; the process's own begins here.
    pub fn start(disk: &Disk, settings: Settings, sizes: Sizes, pool: Pool, now: u64) -> Result<Process, StartError> {
        let id = format!("{:022}", settings.entropy);
        let identity = Identity { cluster_id: id.clone(), node_id: settings.node_id, directory_id: id };
        let start = Start { identity, salt: settings.entropy.rotate_left(32), sizes, pool: pool.clone() };
        let (recovered, journal) = recover::recover(disk, start).map_err(StartError::Store)?;
        let settings = Settings { cluster_id: recovered.identity.cluster_id.clone(), ..settings };
        let broker = Broker::recover(settings, Now(0), recovered).map_err(StartError::Core)?;
        let mut process = Process {
            broker,
            journal,
            disk: disk.clone(),
            writer: SegmentWriter::new(disk.clone()),
            cleaner: Cleaner::new(disk.clone(), SegmentReader::new(disk.clone(), pool.clone()), Uncompressed),
            reader: SegmentReader::new(disk.clone(), pool),
            arrivals: VecDeque::new(),
            finished: VecDeque::new(),
            journal_jobs: VecDeque::new(),
            segment_jobs: VecDeque::new(),
            preparing: None,
            answers: Vec::new(),
            started: now,
            next_audit: 0,
        };
        process.drain(now);
        Ok(process)
    }

    /// Reads segments, as the edge does.
    pub fn reader(&self) -> &SegmentReader<Disk> {
        &self.reader
    }

    /// Something arrives for the core loop.
    pub fn arrive(&mut self, arrival: Arrival) {
        self.arrivals.push_back(arrival);
    }

    /// True if the core loop would not wait.
    pub fn has_turn(&self, now: u64) -> bool {
        let arrived = !self.arrivals.is_empty() && self.broker.wants_requests();
        arrived || !self.finished.is_empty() || self.broker.poll_timeout().is_some_and(|at| at <= self.clock(now))
    }

    /// One turn of the core loop: at most `most` inputs, then all outputs.
    pub fn turn(&mut self, now: u64, wall: i64, most: usize) {
        let clock = self.clock(now);
        if self.broker.poll_timeout().is_some_and(|at| at <= clock) {
            self.broker.handle_timeout(clock);
        }
        for _ in 0..most {
            let input = match self.finished.pop_front() {
                Some(input) => input,
                None if !self.broker.wants_requests() => break,
                None => match self.arrivals.pop_front() {
                    Some(Arrival::Request(conn, id, request)) => Input::Request { conn, id, request },
                    Some(Arrival::Disconnected(conn)) => Input::Disconnected(conn),
                    Some(Arrival::Stop) => Input::Stopping,
                    None => break,
                },
            };
            self.broker.handle(clock, Wall(wall), input);
        }
        self.drain(now);
    }

    /// When the core loop next wants to be called, on the world's clock.
    pub fn timeout(&self) -> Option<u64> {
        self.broker.poll_timeout().map(|at| at.0.saturating_add(self.started))
    }

    /// True if the journal thread has something to do.
    pub fn has_journal_work(&self) -> bool {
        !self.journal_jobs.is_empty()
    }

    /// The journal thread's next job. On `Full` it is kept, to be tried again.
    pub fn work_journal(&mut self) -> Result<(), DiskError> {
        match self.journal_jobs.front() {
            Some(JournalJob::Write(entry)) => {
                self.journal.write(entry)?;
                let seq = entry.seq;
                self.finished.push_back(Input::Journaled { seq, room: self.room() });
                self.journal_jobs.pop_front();
                Ok(())
            }
            Some(JournalJob::Release(_)) => self.release(0),
            None => Ok(()),
        }
    }

    /// While an entry waits for room, what may free some goes on.
    pub fn work_around_full_journal(&mut self) -> Result<(), DiskError> {
        let release = |job: &JournalJob| matches!(job, JournalJob::Release(_));
        self.journal_jobs.iter().position(release).map_or(Ok(()), |at| self.release(at))
    }

    fn release(&mut self, at: usize) -> Result<(), DiskError> {
        let Some(JournalJob::Release(seq)) = self.journal_jobs.remove(at) else { return Ok(()) };
        let released = self.journal.release(seq);
        self.finished.push_back(Input::Room(self.room()));
        released
    }

    fn room(&self) -> Room {
        Room { used: self.journal.used(), capacity: self.journal.capacity() }
    }

    /// Ends the journal after a stop that is complete.
    pub fn close(self) -> Result<(), DiskError> {
        self.journal.close(self.broker.last_checkpoint())
    }

    /// True if the segment thread has something to do.
    pub fn has_segment_work(&self) -> bool {
        !self.segment_jobs.is_empty()
    }

    /// A piece of the segment thread's next job. On `Full` it is kept, to be tried again.
    pub fn work_segments(&mut self) -> Result<(), DiskError> {
        let done = match self.segment_jobs.front_mut() {
            Some(SegmentJob::Write(writes)) => {
                if let Some(write) = writes.front() {
                    self.writer.write(core::slice::from_ref(write))?;
                    writes.pop_front();
                }
                if !writes.is_empty() {
                    return Ok(());
                }
                Some(Input::SegmentsWritten)
            }
            Some(SegmentJob::Checkpoint(checkpoint)) => {
                checkpoint.store(&self.disk)?;
                self.journal_jobs.push_back(JournalJob::Release(checkpoint.journal_seq));
                Some(Input::Checkpointed(checkpoint.journal_seq))
            }
            Some(SegmentJob::Remove(removals)) => {
                if let Some(removal) = removals.front() {
                    self.writer.remove(removal)?;
                    removals.pop_front();
                }
                if !removals.is_empty() {
                    return Ok(());
                }
                Some(Input::SegmentsRemoved)
            }
            Some(SegmentJob::Clean(step)) => {
                let done = self.cleaner.step(step.clone())?;
                done.map(|(partition, progress)| Input::Cleaned { partition, progress })
            }
            Some(SegmentJob::Delete(logs)) => {
                if let Some(log) = logs.front() {
                    self.writer.delete_log(log)?;
                    logs.pop_front();
                }
                if !logs.is_empty() {
                    return Ok(());
                }
                None
            }
            None => return Ok(()),
        };
        self.segment_jobs.pop_front();
        self.finished.extend(done);
        Ok(())
    }

    /// True if a journal file is to be made ready.
    pub fn has_preparation(&mut self) -> bool {
        if self.preparing.is_none() {
            self.preparing = self.journal.prepare();
        }
        self.preparing.is_some()
    }

    /// Makes it ready. Only a dead machine is told of: without a file in time the journal makes its own.
    pub fn prepare(&mut self) {
        if let Some(prepare) = self.preparing.take() {
            self.journal.prepared(prepare.run());
            self.finished.push_back(Input::Room(self.room()));
        }
    }

    /// Answers on their way.
    pub fn answers(&mut self) -> &mut Vec<Answer> {
        &mut self.answers
    }

    /// True if nothing is queued anywhere.
    pub fn is_quiet(&self) -> bool {
        let queues = self.arrivals.is_empty() && self.finished.is_empty() && self.answers.is_empty();
        queues && self.journal_jobs.is_empty() && self.segment_jobs.is_empty()
    }

    /// True once a stop that arrived is complete.
    pub fn may_stop(&self) -> bool {
        self.broker.may_stop() && self.is_quiet()
    }

    /// Asks, and works until there is an answer: for whoever looks at the broker from outside of the run. What waits for a segment
    /// thread that does nothing is answered when it has waited long enough.
    pub fn ask(&mut self, mut now: u64, wall: i64, request: Request) -> Result<Reply, DiskError> {
        let late = now + HELD_MS;
        let id = RequestId(self.next_audit);
        self.next_audit += 1;
        self.broker.handle(self.clock(now), Wall(wall), Input::Request { conn: AUDITOR, id, request });
        self.drain(now);
        loop {
            let answer = |answer: &Answer| (answer.conn, answer.id) == (AUDITOR, id);
            if let Some(at) = self.answers.iter().position(answer) {
                return Ok(self.answers.remove(at).reply);
            }
            if self.has_journal_work() {
                self.work_journal()?;
            } else {
                assert!(now < late, "an answer waits for the journal, or so long, and for nothing else");
                now = late;
                self.broker.handle_timeout(self.clock(now));
            }
            while let Some(input) = self.finished.pop_front() {
                self.broker.handle(self.clock(now), Wall(wall), input);
            }
            self.drain(now);
        }
    }

    fn drain(&mut self, now: u64) {
        let clock = self.clock(now);
        while let Some(output) = self.broker.poll_output(clock) {
            match output {
                Output::Reply { conn, id, reply } => self.answers.push(Answer { conn, id, reply }),
                Output::Journal(entry) => self.journal_jobs.push_back(JournalJob::Write(entry)),
                Output::WriteSegments(writes) => self.segment_jobs.push_back(SegmentJob::Write(writes.into())),
                Output::Checkpoint(checkpoint) => self.segment_jobs.push_back(SegmentJob::Checkpoint(checkpoint)),
                Output::RemoveSegments(removals) => self.segment_jobs.push_back(SegmentJob::Remove(removals.into())),
                Output::Clean(step) => self.segment_jobs.push_back(SegmentJob::Clean(step)),
                Output::DeleteLogs(logs) => self.segment_jobs.push_back(SegmentJob::Delete(logs.into())),
            }
        }
    }

    fn clock(&self, now: u64) -> Now {
        Now(now - self.started)
    }
}
